import {
  clock,
  Counter,
  HeadersAction,
  HttpFilter,
  Labelled,
  Leader,
  log,
  Plugin,
  property,
  registerHttpFilter,
  SharedData,
  SharedQueue,
  Status,
} from "meshwasm/sdk";
import { SharedStateConfig } from "./config";
import { Window } from "./window";

/** One per configuration and VM, of which Envoy runs one on each worker thread and one on the main thread. */
class QuotaPlugin extends Plugin<SharedStateConfig> {
  /** The same for all VMs. The number is the version of what is stored. */
  private shared: SharedData = new SharedData("quota", 1);
  /** What one VM puts in, one VM takes out. */
  private refusals: SharedQueue = new SharedQueue("refusals", 1);
  private leader: Leader = new Leader(this.shared, "reporter", 2000);
  private requests: Labelled<Counter> = new Labelled<Counter>("quota_requests", ["result"]);

  onConfigure(): bool {
    if (this.config.limit < 0 || this.config.windowMs < 1) {
      log.error("limit must be 0 or more, windowMs 1 or more");
      return false;
    }
    this.refusals.register();
    this.setTickPeriod(500);
    return true;
  }

  /** Whether a request may pass, and how many more may in this window. -1: none. */
  take(): i64 {
    const window = new Window(clock.monotonic() / 1000000, this.config.windowMs, this.config.limit);
    const status = this.shared.update("window", window);
    // Too much contention or no shared data at all: a quota that cannot count lets requests pass, and says so.
    const result = status != Status.Ok ? "uncounted" : window.remaining < 0 ? "refused" : "allowed";
    this.requests.of(result).increment();
    if (result == "refused") {
      const address = property.source.address();
      this.refusals.enqueueText(address === null ? "unknown" : address);
    }
    return status == Status.Ok ? window.remaining : 0;
  }

  /** On the one VM that has registered the queue last. */
  onQueueReady(queueId: u32): void {
    let count = 0;
    for (let item = this.refusals.dequeue(); item !== null; item = this.refusals.dequeue()) count++;
    if (count) log.info("refused " + count.toString());
  }

  /** On all VMs; the report is one VM's job. */
  onTick(): void {
    if (!this.leader.renew()) return;
    const value = this.shared.get("window");
    if (value !== null) log.debug("this window: " + Window.countOf(value).toString());
  }

  onDone(): bool {
    this.leader.resign();
    return true;
  }
}

class Quota extends HttpFilter<QuotaPlugin> {
  private remaining: i64 = 0;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.remaining = this.plugin.take();
    if (this.remaining >= 0) return HeadersAction.Continue;
    this.sendLocalResponse(429, "too many requests\n");
    return HeadersAction.StopIteration;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.set("x-quota-remaining", max<i64>(this.remaining, 0).toString());
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Quota, QuotaPlugin, SharedStateConfig>();

import {
  clock,
  Counter,
  Gauge,
  HeadersAction,
  Histogram,
  HttpFilter,
  Labelled,
  Leader,
  log,
  memoryUsage,
  NoConfig,
  Plugin,
  property,
  registerHttpFilter,
  SharedData,
  SharedQueue,
  SharedScope,
  SharedUpdate,
  Status,
} from "meshwasm/sdk";

/** Adds one to a decimal number; a value that is none counts as 0. */
class AddOne extends SharedUpdate {
  tries: i32 = 0;

  next(old: Uint8Array | null): Uint8Array | null {
    this.tries++;
    const text = old === null ? "0" : textOf(old);
    const number = parseInt(text);
    return bytesOf((isFinite(number) ? <i64>number + 1 : 1).toString());
  }
}

class Nothing extends SharedUpdate {
  next(old: Uint8Array | null): Uint8Array | null {
    return null;
  }
}

/** Writes while it changes, so that each try comes too late. */
class Meddler extends SharedUpdate {
  tries: i32 = 0;

  constructor(private shared: SharedData) {
    super();
  }

  next(old: Uint8Array | null): Uint8Array | null {
    this.tries++;
    this.shared.setText("meddled", this.tries.toString());
    return bytesOf("never");
  }
}

const LEASE_MS = 300;

class StatePlugin extends Plugin<NoConfig> {
  readonly own: SharedData = new SharedData("state");
  readonly ofFilter: SharedData = new SharedData("state", 1, SharedScope.Filter);
  readonly raw: SharedData = new SharedData("", 0, SharedScope.Raw);
  readonly jobs: SharedQueue = new SharedQueue("jobs", 1, SharedScope.Plugin, 16);
  readonly leader: Leader = new Leader(this.own, "leader", LEASE_MS);
  readonly requests: Labelled<Counter> = new Labelled<Counter>("state_requests", ["path", "code"], 10);
  readonly sizes: Labelled<Histogram> = new Labelled<Histogram>("state.sizes", ["kind"]);
  readonly gauges: Labelled<Gauge> = new Labelled<Gauge>("state gauge", ["a-b", "c", "d", "e"]);
  readonly plain: Counter = new Counter("state_plain");
  private led: bool = false;
  private terms: i32 = 0;

  onConfigure(): bool {
    this.jobs.register();
    this.setTickPeriod(50);
    return true;
  }

  onTick(): void {
    const was = this.led;
    this.led = this.leader.renew();
    if (this.led && !was) {
      log.info("leads " + clock.monotonic().toString());
      this.terms++;
    }
    if (was && !this.led) log.info("led");
    if (this.leader.leads != this.led) log.error("leads and renew differ");
    if (this.led) {
      this.own.update("ticks", new AddOne());
      const order = this.raw.getText("order");
      if (order !== null && order.length) {
        this.raw.setText("order", "");
        log.info("obeys " + order + " " + clock.monotonic().toString());
        if (order == "die") unreachable();
        if (order == "resign") this.leader.resign();
        if (order == "sleep") while (this.leader.leads);
        this.led = false;
      }
    }
  }

  onQueueReady(queueId: u32): void {
    let count = 0;
    let text = "";
    for (let item = this.jobs.dequeue(); item !== null; item = this.jobs.dequeue()) {
      text += textOf(item) + " ";
      count++;
    }
    if (count) log.info("took " + count.toString() + " of " + queueId.toString() + ": " + text);
  }

  onDone(): bool {
    this.leader.resign();
    return true;
  }
}

class State extends HttpFilter<StatePlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.request.headers;
    // Of several plugins in a chain only the one that is meant answers.
    const meant = headers.get("x-plugin");
    if (meant !== null && meant != property.pluginName()) return HeadersAction.Continue;
    const path = headers.get(":path");
    const a = headers.getBytes("x-a");
    const b = headers.get("x-b");
    const answer = this.act(
      path === null ? "" : path.substring(1),
      a === null ? new Uint8Array(0) : a,
      b === null ? "" : b,
    );
    this.sendLocalResponse(200, answer);
    return HeadersAction.StopIteration;
  }

  private act(name: string, a: Uint8Array, b: string): string {
    const plugin = this.plugin;
    if (name.startsWith("own/")) return data(plugin.own, name.substring(4), a, b);
    if (name.startsWith("filter/")) return data(plugin.ofFilter, name.substring(7), a, b);
    if (name.startsWith("raw/")) return data(plugin.raw, name.substring(4), a, b);
    if (name == "version2") return data(new SharedData("state", 2), "get", a, b);
    if (name == "enqueue") {
      const count = <i32>parseInt(b);
      for (let i = 0; i < count; i++) plugin.jobs.enqueueText(textOf(a) + i.toString());
      return said(plugin.jobs.status);
    }
    if (name == "large") {
      const item = new Uint8Array(<i32>parseInt(b));
      item.fill(65);
      const other = new SharedQueue("large");
      other.register();
      const answer = said(other.enqueue(item));
      const back = other.dequeue();
      return answer + " " + (back === null ? "null" : back.length.toString()) + " " + said(other.status);
    }
    if (name == "raw-queue") {
      const queue = new SharedQueue(textOf(a), 0, SharedScope.Raw);
      return said(queue.resolve(b)) + " " + said(queue.enqueueText("x"));
    }
    if (name == "count") return said(plugin.requests.of(textOf(a), b).increment());
    if (name == "overflowed") return plugin.requests.overflowed.toString();
    if (name == "size") return said(plugin.sizes.of(textOf(a)).record(<u64>parseInt(b)));
    if (name == "gauge") {
      const gauge = plugin.gauges.of(textOf(a), b, "x".repeat(200), "");
      gauge.set(7);
      gauge.add(-2);
      return gauge.value.toString() + " " + said(gauge.add(i64.MIN_VALUE)) + " " + said(gauge.add(0));
    }
    if (name == "allocates") return allocated(plugin).toString();
    if (name == "type") {
      // One name, three types: the host keeps them apart.
      return (
        said(new Counter("state_same").increment()) +
        said(new Gauge("state_same").set(2)) +
        said(new Histogram("state_same").record(3))
      );
    }
    return "unknown";
  }
}

function data(shared: SharedData, name: string, a: Uint8Array, key: string): string {
  if (name == "get") {
    const value = shared.get(key);
    return said(shared.status) + " " + (value === null ? "null" : textOf(value)) + " " + (shared.cas ? "cas" : "0");
  }
  if (name == "set") return said(shared.set(key, a));
  if (name == "create") return said(shared.create(key, a));
  if (name == "setIf")
    return said(shared.setIf(key, a, <u32>parseInt(textOf(a)))) + " " + said(shared.setIf(key, a, 0));
  if (name == "add") {
    const change = new AddOne();
    return said(shared.update(key, change, 1000)) + " " + change.tries.toString();
  }
  if (name == "nothing") return said(shared.update(key, new Nothing()));
  if (name == "meddle") {
    shared.setText("meddled", "0");
    const change = new Meddler(shared);
    return said(shared.update("meddled", change, 5)) + " " + change.tries.toString();
  }
  return "unknown";
}

/** Bytes that 3,000 changes of metrics allocate, and the object that says so. */
function allocated(plugin: StatePlugin): usize {
  plugin.requests.of("a", "b").increment();
  plugin.plain.increment();
  plugin.sizes.of("x").record(1);
  const before = memoryUsage().managed;
  for (let i = 0; i < 1000; i++) {
    plugin.requests.of("a", "b").increment();
    plugin.plain.increment();
    plugin.sizes.of("x").record(1);
  }
  return memoryUsage().managed - before;
}

function said(status: Status): string {
  return (<i32>status).toString();
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

registerHttpFilter<State, StatePlugin, NoConfig>();

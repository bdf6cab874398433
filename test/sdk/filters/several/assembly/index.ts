import {
  HeaderLines,
  HeadersAction,
  HttpFilter,
  log,
  memoryUsage,
  Plugin,
  registerHttpFilter,
  Status,
} from "meshwasm/sdk";
import { SeveralConfig } from "./config";

/** Counts its requests, so that shared state would show. */
class CountingPlugin extends Plugin<SeveralConfig> {
  requests: i32 = 0;
  ticks: i32 = 0;

  onConfigure(): bool {
    if (this.config.mark == "tick") this.setTickPeriod(20);
    log.info("vm configuration " + this.vmConfiguration().length.toString());
    return this.config.mark != "refuse";
  }

  onTick(): void {
    if (++this.ticks == 2) {
      log.info("ticked");
      this.setTickPeriod(0);
    }
  }

  onDone(): bool {
    log.info("plugin done " + this.config.mark);
    return true;
  }
}

class First extends HttpFilter<CountingPlugin> {
  protected path: string = "";
  private kept: string[] = [];

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.request.headers.get(":path");
    if (path !== null) this.path = path;
    this.plugin.requests++;
    this.kept.push(this.path);
    if (path == "/trap") unreachable();
    if (path == "/abort") throw new Error("on purpose");
    if (path == "/reset") report(this.resetStream());
    if (path == "/reply-twice") {
      report(this.sendLocalResponse(403, "first\n"));
      report(this.sendLocalResponse(404, "second\n"));
      return HeadersAction.StopIteration;
    }
    if (path == "/reply-bad-header") {
      report(this.sendLocalResponse(403, "no\n", new HeaderLines().add("x-good", "1").add("x-bad", "a\r\nb: c")));
      return HeadersAction.StopIteration;
    }
    if (path == "/guard") this.guard();
    if (path == "/memory") log.info(memoryUsage().total > 0 ? "memory known" : "memory unknown");
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.set("x-mark", this.name() + " " + this.plugin.config.mark);
    this.response.headers.set("x-requests", this.plugin.requests.toString());
    if (this.path == "/late-read") {
      const path = this.request.headers.get(":path");
      log.info((path === null ? "null" : path) + " " + (<i32>this.request.headers.status).toString());
    }
    if (this.path == "/reply-in-response") {
      report(this.sendLocalResponse(418, "teapot\n"));
      report(this.sendLocalResponse(419, "no\n"));
    }
    return HeadersAction.Continue;
  }

  onLog(): void {
    const path = this.request.headers.get(":path");
    log.info("log " + (path === null ? "null" : path));
    if (this.path == "/reply-in-log") report(this.sendLocalResponse(500));
  }

  onDone(): void {
    log.info("done " + this.kept.length.toString());
  }

  protected name(): string {
    return "first";
  }

  private guard(): void {
    const headers = this.request.headers;
    report(headers.remove(":path"));
    report(headers.remove("host"));
    report(headers.append(":authority", "x"));
    report(headers.set(":path", "no slash"));
    report(headers.set(":method", "BAD METHOD"));
    report(headers.set("x-crlf", "a\r\nb: c"));
    report(headers.set("bad name", "x"));
    report(headers.set("", "x"));
    report(headers.set(":path", "/guarded"));
    report(headers.set("x-fine", "1"));
    report(headers.append("x-fine", "2"));
    log.info("lines " + headers.lines("X-Fine").join("|"));
  }
}

class Second extends First {
  protected name(): string {
    return "second";
  }
}

function report(status: Status): void {
  log.info("status " + (<i32>status).toString());
}

registerHttpFilter<First, CountingPlugin, SeveralConfig>("first");
registerHttpFilter<Second, CountingPlugin, SeveralConfig>("second");

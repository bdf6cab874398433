import {
  DataAction,
  HeadersAction,
  HttpBody,
  HttpFilter,
  log,
  LogLevel,
  registerHttpFilter,
  TrailersAction,
} from "meshwasm/sdk";
import { proxy_done, proxy_set_effective_context } from "meshwasm/sdk/abi/hostcalls";
import { contextCount } from "meshwasm/sdk/runtime/contexts";
import { AbiConfig } from "./config";
import { StatePlugin } from "./state";

/** A plugin that is over and waits to be told so. */
let waitingPlugin: u32 = 0;

class AbiPlugin extends StatePlugin {
  ticks: i32 = 0;

  onConfigure(): bool {
    log.info("configured " + this.config.mark);
    return this.config.mark != "refused";
  }

  onTick(): void {
    if (++this.ticks == 2) log.info("ticked");
  }

  onDone(): bool {
    log.info("plugin done " + this.config.mark);
    if (this.config.mark != "waits") return true;
    waitingPlugin = this.contextId;
    return false;
  }
}

/** Makes the host call, or shows the callback, that the request's path names. */
class Abi extends HttpFilter<AbiPlugin> {
  private called: string = "";
  private seen: string = "";

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.request.headers;
    const path = headers.get(":path");
    this.called = path === null ? "" : path.substring(1);
    const called = this.called;
    this.see("requestHeaders " + (endOfStream ? "end" : "more"));
    const answer = this.plugin.call(called);
    if (answer !== null) log.info(answer);
    if (called == "proxy_log") log.warn("logged");
    if (called == "proxy_get_log_level") {
      log.info(log.enabled(LogLevel.Info).toString() + " " + log.enabled(LogLevel.Debug).toString());
    }
    if (called == "proxy_set_tick_period_milliseconds" || called == "proxy_on_tick") {
      log.info(this.plugin.setTickPeriod(20).toString());
    }
    if (called == "proxy_get_header_map_pairs" || called == "malloc") {
      log.info(headers.lines("x-line").join("|"));
    }
    if (called == "proxy_add_header_map_value") headers.append("x-line", "added");
    if (called == "proxy_replace_header_map_value") headers.set("x-line", "replaced");
    if (called == "proxy_remove_header_map_value") headers.remove("x-line");
    if (called == "proxy_close_stream") this.resetStream();
    if (called == "proxy_send_local_response") {
      this.sendLocalResponse(418, "teapot\n");
      return HeadersAction.StopIteration;
    }
    if (called == "clock_time_get") log.info(Date.now().toString());
    if (called == "random_get") {
      const bytes = new Uint8Array(8);
      crypto.getRandomValues(bytes);
      log.info(bytes.join(" "));
    }
    if (called == "proxy_on_delete") log.info(contextCount().toString());
    if (called == "proxy_set_effective_context") {
      log.info(
        proxy_set_effective_context(this.contextId).toString() +
          " " +
          proxy_set_effective_context(this.plugin.contextId).toString() +
          " " +
          proxy_set_effective_context(0xfffffff).toString(),
      );
    }
    if (called == "proxy_done") {
      log.info(waitingPlugin && !proxy_set_effective_context(waitingPlugin) ? proxy_done().toString() : "gone");
    }
    if (called.startsWith("proxy_get_buffer") || called.startsWith("proxy_set_buffer")) {
      return this.request.inspectBody(64);
    }
    return HeadersAction.Continue;
  }

  onWholeRequestBody(body: HttpBody): DataAction {
    if (this.called == "proxy_get_buffer_status") log.info(body.length.toString());
    if (this.called == "proxy_get_buffer_bytes") log.info(body.text());
    if (this.called == "proxy_set_buffer_bytes") body.setText("HELLO");
    return DataAction.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): DataAction {
    if (size) this.see("requestBody " + this.request.body.text());
    return DataAction.Continue;
  }

  onRequestTrailers(): TrailersAction {
    this.see("requestTrailers " + this.request.trailers.lines("x-tail").join("|"));
    if (this.called == "proxy_continue_stream") {
      log.info("resume " + (<i32>this.request.resume()).toString());
      return TrailersAction.StopIteration;
    }
    return TrailersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.see("responseHeaders " + (endOfStream ? "end" : "more"));
    this.response.headers.set("x-mark", this.plugin.config.mark);
    this.response.headers.set("x-filter", this.name());
    return HeadersAction.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    if (size) this.see("responseBody " + this.response.body.text());
    return DataAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    this.see("responseTrailers " + this.response.trailers.lines("x-tail").join("|"));
    return TrailersAction.Continue;
  }

  onLog(): void {
    const path = this.request.headers.get(":path");
    this.see("log " + (path === null ? "" : path));
  }

  onDone(): void {
    log.info(this.seen + "done");
  }

  protected name(): string {
    return "abi";
  }

  /** Kept by the stream: only its own callbacks may show. */
  private see(what: string): void {
    if (this.called.startsWith("proxy_on_")) this.seen += what + "; ";
  }
}

/** So that root_id has to choose. */
class Other extends Abi {
  protected name(): string {
    return "other";
  }
}

registerHttpFilter<Abi, AbiPlugin, AbiConfig>("abi");
registerHttpFilter<Other, AbiPlugin, AbiConfig>("other");

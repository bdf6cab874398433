import { HeadersAction, HttpFilter, log, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { {{Config}} } from "./config";

/** One per configuration: what all requests share. */
class {{Class}}Plugin extends Plugin<{{Config}}> {
  onConfigure(): bool {
    log.info("greeting is " + this.config.greeting);
    return true;
  }
}

/** One per request. */
class {{Class}} extends HttpFilter<{{Class}}Plugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.request.headers.get(":path");
    if (path !== null && path == this.plugin.config.blockedPath) {
      this.sendLocalResponse(403, "blocked\n");
      return HeadersAction.StopIteration;
    }
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.set("x-hello", this.plugin.config.greeting);
    return HeadersAction.Continue;
  }
}

registerHttpFilter<{{Class}}, {{Class}}Plugin, {{Config}}>();

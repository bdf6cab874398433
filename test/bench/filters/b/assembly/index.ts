import { HeadersAction, HttpFilter, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";

class BPlugin extends Plugin<NoConfig> {}

class B extends HttpFilter<BPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.request.headers;
    const method = headers.get(":method");
    const path = headers.get(":path");
    const agent = headers.get("user-agent");
    const language = headers.get("accept-language");
    const tenant = headers.get("x-tenant");
    const id = headers.get("x-request-id");
    if (method !== null && path !== null && agent !== null && language !== null && tenant !== null && id !== null) {
      headers.set("x-bench-path", path);
      headers.set("x-bench-tenant", tenant);
      headers.set("x-bench-id", id);
    }
    return HeadersAction.Continue;
  }
}

registerHttpFilter<B, BPlugin, NoConfig>();

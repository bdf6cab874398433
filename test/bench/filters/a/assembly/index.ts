import { HeadersAction, HttpFilter, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";

class APlugin extends Plugin<NoConfig> {}

class A extends HttpFilter<APlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const tenant = this.request.headers.get("x-tenant");
    if (tenant !== null) this.request.headers.set("x-bench-tenant", tenant);
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.append("x-bench-added", "1");
    this.response.headers.remove("x-bench-removed");
    return HeadersAction.Continue;
  }
}

registerHttpFilter<A, APlugin, NoConfig>();

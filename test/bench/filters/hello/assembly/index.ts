import { HeadersAction, HttpFilter, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";

class HelloPlugin extends Plugin<NoConfig> {}

class Hello extends HttpFilter<HelloPlugin> {
  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.set("x-hello", "world");
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Hello, HelloPlugin, NoConfig>();

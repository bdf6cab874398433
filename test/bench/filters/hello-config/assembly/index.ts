import { HeadersAction, HttpFilter, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { HelloConfigConfig } from "./config";

class HelloPlugin extends Plugin<HelloConfigConfig> {}

class Hello extends HttpFilter<HelloPlugin> {
  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.set("x-hello", this.plugin.config.greeting);
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Hello, HelloPlugin, HelloConfigConfig>();

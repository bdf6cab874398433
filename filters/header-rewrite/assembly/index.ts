import { HeadersAction, HttpFilter, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { HeaderRewriteConfig } from "./config";
class P extends Plugin<HeaderRewriteConfig> {}
class F extends HttpFilter<P> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    return HeadersAction.Continue;
  }
}
registerHttpFilter<F, P, HeaderRewriteConfig>();

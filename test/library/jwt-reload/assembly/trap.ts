/* Beside the filter under test, in its VM: traps where a request says so. */

import { HeadersAction, HttpFilter, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";

class TrapPlugin extends Plugin<NoConfig> {}

class Trap extends HttpFilter<TrapPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    if (this.request.headers.has("x-trap")) unreachable();
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Trap, TrapPlugin, NoConfig>("trap");

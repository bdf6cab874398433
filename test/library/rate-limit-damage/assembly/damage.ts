/* Another writer of the tables: sets all bits behind the first slot's hash and time. A request names them. */

import { HeadersAction, HttpFilter, NoConfig, Plugin, registerHttpFilter, SharedData } from "meshwasm/sdk";

/** Bytes of a table's header and of what stands in front of a count. */
const INTACT = 32;

class DamagePlugin extends Plugin<NoConfig> {
  readonly shared: SharedData = new SharedData("rate-limit", 1);
}

class Damage extends HttpFilter<DamagePlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const names = this.request.headers.lines("x-damage");
    const shared = this.plugin.shared;
    for (let i = 0; i < names.length; i++) {
      const table = shared.get(names[i]);
      if (table === null) return HeadersAction.StopIteration;
      table.fill(0xff, INTACT);
      shared.set(names[i], table);
    }
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Damage, DamagePlugin, NoConfig>("damage");

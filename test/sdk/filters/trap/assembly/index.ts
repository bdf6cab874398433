import { HeadersAction, HttpFilter, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { TrapConfig } from "./config";
import { Table } from "./table";

class TrapPlugin extends Plugin<TrapConfig> {
  onConfigure(): bool {
    if (this.config.trap) unreachable(); // configure
    return true;
  }
}

// All of it in one line: the stack may end in any of its instructions.
// prettier-ignore
function endless(depth: i32): i32 { return endless(depth + 1) + depth; } // recursion

function deep(table: Table, path: string): i32 {
  if (path == "/index") return table.row(path.length).length; // index
  if (path == "/other-file") return table.checked(-1).length;
  if (path == "/unreachable") unreachable(); // unreachable
  if (path == "/division") return 10 / (path.length - 9); // division
  if (path == "/recursion") return endless(path.length);
  assert(path != "/assertion", "not this path"); // assertion
  return path.length;
}

class Trap extends HttpFilter<TrapPlugin> {
  table: Table = new Table();

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.request.headers.get(":path");
    if (path !== null) this.request.headers.set("x-deep", deep(this.table, path).toString());
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Trap, TrapPlugin, TrapConfig>();

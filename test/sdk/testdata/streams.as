// Streams that keep objects of many kinds, for what the context table and the garbage collector do to them.
import { DataAction, HeadersAction, HttpFilter, log, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { contextCount } from "meshwasm/sdk/runtime/contexts";

class Link {
  next: Link | null = null;
  constructor(public text: string) {}
}

class P extends Plugin<NoConfig> {
  seen: Map<string, i32> = new Map();

  onConfigure(): bool {
    return true;
  }

  /** How many contexts there are, and what the plugin has kept of its streams. */
  onTick(): void {
    let sum = 0;
    const keys = this.seen.keys();
    for (let i = 0; i < keys.length; i++) sum += this.seen.get(keys[i]);
    log.info(contextCount().toString() + " " + sum.toString());
  }
}

class F extends HttpFilter<P> {
  text: string = "";
  first: Link | null = null;
  table: Map<string, Array<string>> = new Map();
  set: Set<string> = new Set();
  bytes: Uint8Array = new Uint8Array(0);
  fixed: StaticArray<string> = new StaticArray<string>(2);

  /** The joined lines of x-test, or the status that a read of them ended with. */
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const value = this.request.headers.get("x-test");
    if (value) log.info(value.length.toString());
    else log.info("status " + this.request.headers.status.toString());
    return HeadersAction.Continue;
  }

  /** Keeps `size` in every way there is. */
  onRequestBody(size: u32, endOfStream: bool): DataAction {
    const text = size.toString();
    this.text = text;
    this.first = new Link(text + "a");
    const second = new Link(text + "b");
    this.first!.next = second;
    second.next = this.first; // a cycle
    this.table = new Map();
    for (let i = 0; i < 5; i++) this.table.set("key" + i.toString(), [text, i.toString()]);
    this.set.add(text);
    this.bytes = new Uint8Array(100);
    this.bytes.fill(<u8>size);
    this.fixed[1] = text + "s";
    if (endOfStream) this.plugin.seen.set(text, 1);
    return DataAction.Continue;
  }

  /** Leaves `size` KiB of garbage. */
  onResponseBody(size: u32, endOfStream: bool): DataAction {
    for (let i: u32 = 0; i < size; i++) new Uint8Array(1024).fill(0xee);
    return DataAction.Continue;
  }

  /** Logs what was kept. */
  onResponseTrailers(): i32 {
    let text = this.contextId.toString() + ":" + this.text;
    const first = this.first;
    if (first) {
      const second = first.next!;
      text += "," + first.text + "," + second.text + "," + (second.next == first).toString();
      for (let i = 0; i < 5; i++) text += "," + this.table.get("key" + i.toString()).join("-");
      text += "," + this.set.has(this.text).toString() + "," + this.fixed[1];
      let sum = 0;
      for (let i = 0; i < this.bytes.length; i++) sum += this.bytes[i];
      text += "," + sum.toString();
    }
    log.info(text);
    return 0;
  }
}

registerHttpFilter<F, P, NoConfig>();

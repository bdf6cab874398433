import { BufferType, Status } from "./abi.js";
import type { BufferView, HostBuffer } from "./buffers.js";
import { Context, type RootContext } from "./contexts.js";
import type { Plugin } from "./plugin.js";
import type { StreamInfo } from "./streaminfo.js";
import type { NetworkFilter, TcpStream } from "./tcp.js";
import type { PluginHandle } from "./threads.js";

/** Who has closed a connection. */
export const Peer = { Unknown: 0, Local: 1, Remote: 2 } as const;

/** A connection in a VM: a network filter whose callbacks are the module's. */
export class TcpContext extends Context implements NetworkFilter {
  override readonly root: RootContext;
  override readonly plugin: Plugin;
  connection!: TcpStream;
  #down: HostBuffer | null = null;
  #up: HostBuffer | null = null;
  #downClosed = false;
  #failed = false;
  #over = false;

  constructor(
    private readonly handle: PluginHandle,
    private readonly streamInfo: StreamInfo,
  ) {
    super(handle.root.vm, handle.root.vm.allocateContextId());
    this.root = handle.root;
    this.plugin = handle.root.plugin;
    handle.use();
  }

  override get info(): StreamInfo {
    return this.streamInfo;
  }

  /** Calls the filter; true: go on. A failed VM closes the connection. */
  #call(name: string, ...args: number[]): boolean {
    const { vm } = this;
    if (vm.failed) return this.#fail();
    if (!vm.has(name)) return true;
    return vm.deferring(() => {
      const answer = vm.invoke(name, this, this.id, ...args);
      return vm.failed ? this.#fail() : answer === 0;
    });
  }

  #fail(): boolean {
    if (!this.#failed) this.connection.close();
    this.#failed = true;
    return false;
  }

  onNewConnection(): boolean {
    if (!this.vm.failed) this.vm.call("proxy_on_context_create", this, this.id, this.root.id);
    this.created = true;
    return this.#call("proxy_on_new_connection");
  }

  onData(data: HostBuffer, end: boolean): boolean {
    if (!this.created) return true;
    this.#down = data;
    const go = this.#call("proxy_on_downstream_data", data.length, end ? 1 : 0);
    if (go) this.#down = null;
    return go;
  }

  onWrite(data: HostBuffer, end: boolean): boolean {
    if (!this.created) return true;
    this.#up = data;
    const go = this.#call("proxy_on_upstream_data", data.length, end ? 1 : 0);
    if (go) this.#up = null;
    // Envoy has no filter on the connection to the upstream; its end is all that it sees of it.
    if (end) {
      this.vm.call("proxy_on_upstream_connection_close", this, this.id, Peer.Unknown);
      if (this.#downClosed) this.#end();
    }
    return go;
  }

  onClose(peer: number): void {
    if (!this.created) return;
    this.vm.call("proxy_on_downstream_connection_close", this, this.id, peer);
    this.#downClosed = true;
    this.#end();
  }

  /** done, log, delete: Envoy's order for TCP. */
  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.vm.call("proxy_on_done", this, this.id);
    this.vm.call("proxy_on_log", this, this.id);
    this.vm.call("proxy_on_delete", this, this.id);
  }

  /** The connection is forgotten. */
  destroy(): void {
    this.vm.contexts.delete(this.id);
    this.handle.release();
  }

  // What host calls ask of a connection.

  override buffer(type: number): BufferView | null {
    if (type === BufferType.DownstreamData) return this.view(this.#down);
    if (type === BufferType.UpstreamData) return this.view(this.#up);
    return super.buffer(type);
  }

  override continueStream(type: number): number {
    if (type !== 2) return super.continueStream(type);
    this.vm.afterCall(() => this.connection.continueReading(this));
    return Status.Ok;
  }

  override closeStream(type: number): void {
    if (type > 1) this.vm.afterCall(() => this.connection.close());
  }
}

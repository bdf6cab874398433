import type { HttpStream } from "./stream.js";
import type { Vm } from "./vm.js";

/** What a host needs to know of a plugin. */
export interface Plugin {
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  /** latin1. */
  readonly config: string;
  readonly allowOnHeadersStopIteration: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

/** A root context (one per plugin configuration and VM) or a stream's. */
export abstract class Context {
  readonly id: number;
  abstract readonly root: RootContext;
  readonly stream: HttpStream | null = null;

  constructor(
    readonly vm: Vm,
    id = vm.allocateId(),
  ) {
    this.id = id;
    vm.contexts.set(this.id, this);
  }
}

export class RootContext extends Context {
  readonly root = this;
  /** The configuration can be read only while it is handed over. */
  configuring = false;
  streams = 0;
  #closed = false;
  #waiting = false;
  #deleted = false;

  constructor(
    vm: Vm,
    readonly plugin: Plugin,
    id?: number,
  ) {
    super(vm, id);
  }

  /** Whether the filter took start and configuration. */
  configure(): boolean {
    const { vm } = this;
    vm.call("proxy_on_context_create", this, this.id, 0);
    if (vm.failed) return false;
    const started = vm.call("proxy_on_vm_start", this, this.id, 0);
    if (vm.failed || started?.value === 0) return false;
    this.configuring = true;
    const configured = vm.call("proxy_on_configure", this, this.id, this.plugin.config.length);
    this.configuring = false;
    return !vm.failed && configured?.value !== 0;
  }

  /** No new streams; ends when the last one has ended. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  release(): void {
    this.streams--;
    this.#end();
  }

  #end(): void {
    if (!this.#closed || this.streams > 0 || this.#waiting || this.#deleted) return;
    this.#waiting = true;
    const done = this.vm.call("proxy_on_done", this, this.id);
    if (done === null || done.value !== 0) this.finish();
  }

  /** After proxy_on_done said "not yet". */
  waitsForDone(): boolean {
    return this.#waiting && !this.#deleted;
  }

  finish(): void {
    if (!this.waitsForDone()) return;
    this.#deleted = true;
    this.vm.call("proxy_on_delete", this, this.id);
    this.vm.contexts.delete(this.id);
  }
}

export class StreamContext extends Context {
  constructor(
    readonly root: RootContext,
    override readonly stream: HttpStream,
  ) {
    super(root.vm);
    root.streams++;
  }

  create(): void {
    this.vm.call("proxy_on_context_create", this, this.id, this.root.id);
  }

  /** log, done, delete: Envoy's order for HTTP. */
  end(): void {
    this.stream.logPhase = true;
    this.vm.call("proxy_on_log", this, this.id);
    this.stream.logPhase = false;
    this.stream.destroyed = true;
    this.vm.call("proxy_on_done", this, this.id);
    this.vm.call("proxy_on_delete", this, this.id);
    this.vm.contexts.delete(this.id);
    this.root.release();
  }
}

import { RootContext } from "./contexts.js";
import type { Plugin } from "./plugin.js";
import type { Server } from "./server.js";
import { Vm } from "./vm.js";

/** Envoy waits 1 to 1.5 s, at random, between two loads of a VM that trapped. Here it is always the longest. */
const RELOAD_BACKOFF_MS = 1500;

/** A plugin's root context on one thread, and who uses it. */
export class PluginHandle {
  #users = 1;

  constructor(
    readonly root: RootContext,
    private readonly forget: () => void,
  ) {
    root.vm.users++;
  }

  use(): void {
    this.#users++;
  }

  /** The last one to let go ends the root. */
  release(): void {
    if (--this.#users > 0) return;
    this.forget();
    this.root.shutDown();
    this.root.vm.release();
  }
}

/** A worker of the proxy, or its main thread: what of the VMs and plugins lives there. */
export class Thread {
  readonly #vms = new Map<string, Vm>();
  readonly #handles = new Map<string, PluginHandle>();

  /** Clusters to which a connection stands that was used before. */
  readonly connected = new Set<string>();

  /** `real`: the thread on which this one stands for a moment, to try a plugin out. */
  constructor(
    readonly server: Server,
    private readonly real: () => Thread | null = () => null,
  ) {}

  /** The VM that already runs the same code with the same settings, or a new one. */
  #vmFor(plugin: Plugin): Vm {
    const known = this.#vms.get(plugin.vm.key);
    if (known !== undefined) return known;
    const vm = new Vm(this, plugin);
    if (!vm.failed) this.#vms.set(plugin.vm.key, vm);
    return vm;
  }

  /** The root context of a plugin, made and configured when it is not there yet; null when it refuses that. */
  load(plugin: Plugin): PluginHandle | null {
    const key = `${plugin.vm.key} ${plugin.key}`;
    const known = this.#handles.get(key);
    if (known !== undefined) {
      known.use();
      return known;
    }
    const vm = this.#vmFor(plugin);
    const root = new RootContext(vm, plugin);
    const handle = new PluginHandle(root, () => {
      if (this.#handles.get(key) === handle) this.#handles.delete(key);
    });
    this.#handles.set(key, handle);
    if (root.start() && root.configure()) return handle;
    handle.release();
    return null;
  }

  /** The VM with these settings, if there is one. */
  vm(key: string): Vm | null {
    return this.#vms.get(key) ?? this.real()?.vm(key) ?? null;
  }

  /** When each VM will have ticked once more. */
  tickTimes(): number[] {
    return [...this.#vms.values()].map(({ ticks }) => ticks.due).filter((due) => due !== null);
  }

  /** Forgets everything, without a word to the filters. */
  close(): void {
    for (const vm of [...this.#vms.values()]) vm.dispose();
    this.#vms.clear();
    this.#handles.clear();
  }

  /** A VM that has failed is not given to anybody new. */
  forget(vm: Vm): void {
    if (this.#vms.get(vm.settings.key) === vm) this.#vms.delete(vm.settings.key);
    for (const [key, handle] of this.#handles) if (handle.root.vm === vm) this.#handles.delete(key);
  }
}

/** What new streams on a thread get of one plugin. */
export class PluginSlot {
  #handle: PluginHandle | null;
  #loaded: number;

  constructor(
    private readonly thread: Thread,
    private readonly plugin: Plugin,
  ) {
    this.#handle = thread.load(plugin);
    this.#loaded = thread.server.clock.now();
  }

  /** "open": the filter is left out; "closed": the stream fails. */
  forStream(): PluginHandle | "open" | "closed" {
    const { failurePolicy } = this.plugin;
    if (failurePolicy === "FAIL_RELOAD" && this.#handle?.root.vm.failed) this.#reload();
    if (this.#handle !== null && !this.#handle.root.vm.failed) return this.#handle;
    return failurePolicy === "FAIL_OPEN" ? "open" : "closed";
  }

  #reload(): void {
    const { clock } = this.thread.server;
    if (clock.now() - this.#loaded < RELOAD_BACKOFF_MS) return;
    const handle = this.thread.load(this.plugin);
    if (handle === null || handle.root.vm.failed) return;
    this.#handle?.release();
    this.#handle = handle;
    this.#loaded = clock.now();
  }

  close(): void {
    this.#handle?.release();
    this.#handle = null;
  }
}

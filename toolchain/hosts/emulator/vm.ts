import {
  CALLBACKS,
  HOST_FUNCTIONS,
  MALLOC_ALLOWED,
  START_DENIED_WASI,
  START_ONLY_ENV,
  Status,
  WASI_MODULES,
} from "./abi.js";
import { RootContext, VmContext, type Context } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import { FUEL, SLICE, TIME_UP } from "./fuel.js";
import { HOST_CALLS, WIDE_HOST_CALLS } from "./hostcalls.js";
import { VmMetrics } from "./metrics.js";
import type { ModuleFacts } from "./module.js";
import type { Plugin, VmSettings } from "./plugin.js";
import type { Thread } from "./threads.js";
import type { Server } from "./server.js";
import { Ticks } from "./ticks.js";
import { WASI_CALLS, WASI_NOTCAPABLE } from "./wasi.js";
import { asWasm, Wasm, type WasmGlobal, type WasmImports, type WasmInstance, type WasmMemory } from "./webassembly.js";

export type HostCall = (vm: Vm, ...args: number[]) => number | void;
/** A host function with a 64-bit argument behind its first. */
export type WideHostCall = (vm: Vm, first: number, second: bigint) => number;

/** Frames of the in-VM backtrace, as Envoy keeps them. */
const BACKTRACE_FRAMES = 20;
const PAGE = 65_536;
/** What an allocator may leave of a memory that is full. */
const MEMORY_MARGIN = 4 << 20;
/** Ids of callouts and of metrics carry their kind in the low two bits. */
const ID_STEP = 4;

/** One instance of a module on one thread, with the contexts that live in it. */
export class Vm {
  readonly contexts = new Map<number, Context>();
  readonly settings: VmSettings;
  readonly facts: ModuleFacts;
  /** The context of what runs for no plugin: start and malloc. */
  readonly base: VmContext;
  failed = false;
  /** Roots whose proxy_on_done said "not yet", by plugin key. */
  readonly pendingDone = new Map<string, RootContext>();
  /** Plugin handles that keep the VM. */
  users = 0;
  /** Asked for during a call, done after it: continue, close, local reply. */
  readonly #afterCall: (() => void)[] = [];
  readonly metrics: VmMetrics;
  readonly ticks = new Ticks(this);
  readonly #ids = [0, 1, 2];
  #nextContext = 1;
  #nextDns = 2;
  #current: Context | null = null;
  #effective = 0;
  #stop = false;
  #starting = false;
  #allocating = false;
  #fatal: EmulatorError | null = null;
  /** When the callback that runs must be over; 0: nobody has asked yet. */
  #deadline = 0;
  #late = false;
  #instance!: WasmInstance;
  #memory!: WasmMemory;

  constructor(
    readonly thread: Thread,
    plugin: Plugin,
  ) {
    this.settings = plugin.vm;
    this.facts = plugin.vm.code.facts;
    this.base = new VmContext(this, plugin);
    this.metrics = new VmMetrics(thread.server.metrics);
    const imports: WasmImports = {};
    for (const { module: where, name, kind } of this.facts.imports) {
      const names = (imports[where] ??= {});
      if (kind === 2)
        names[name] = this.#memory = new Wasm.Memory({ initial: 1, maximum: plugin.vm.code.memoryLimit / PAGE });
      else names[name] = this.#hostFunction(where, name);
    }
    try {
      this.#instance = new Wasm.Instance(plugin.vm.code.module, imports);
    } catch (error) {
      this.#raise();
      throw new EmulatorError(`Failed to create new Wasm instance: ${(error as Error).message}`);
    }
    const { memory, [FUEL]: fuel, [TIME_UP]: timeUp } = this.#instance.exports;
    if (memory instanceof Wasm.Memory) this.#memory = memory;
    if (fuel instanceof Wasm.Global && timeUp instanceof Wasm.Table) {
      fuel.value = SLICE;
      timeUp.set(
        0,
        asWasm(() => this.#timeUp(fuel)),
      );
    }
    this.#start();
  }

  /** Asked from time to time while the guest runs; 1 makes it trap. */
  #timeUp(fuel: WasmGlobal): number {
    const now = performance.now();
    fuel.value = SLICE;
    if (this.#deadline === 0) this.#deadline = now + this.server.timeLimit;
    if (now < this.#deadline) return 0;
    this.#late = true;
    return 1;
  }

  get server(): Server {
    return this.thread.server;
  }

  /** `_initialize` (and `main`), else `_start`, with most of the host out of reach. */
  #start(): void {
    this.#starting = true;
    const call = (name: string, ...args: number[]): void => {
      if (!this.failed && this.#exports(name)) this.invoke(name, this.base, ...args);
    };
    try {
      if (this.#exports("_initialize")) {
        call("_initialize");
        if (this.#exports("main")) call("main", 0, 0);
        else call("__main_void");
      } else call("_start");
    } finally {
      this.#starting = false;
    }
  }

  allocateContextId(): number {
    return this.#nextContext++;
  }

  /** The next id of a callout: 0 HTTP, 1 gRPC call, 2 gRPC stream. */
  nextCalloutId(kind: 0 | 1 | 2): number {
    const id = this.#ids[kind]! + ID_STEP;
    this.#ids[kind] = id;
    return id;
  }

  nextDnsToken(): number {
    return this.#nextDns++;
  }

  /** The context that a host call is about. */
  get context(): Context {
    if (this.#effective !== 0) {
      const effective = this.contexts.get(this.#effective);
      if (effective !== undefined) return effective;
    }
    return this.current;
  }

  /** The context that the host has called the guest for, whatever is effective. */
  get current(): Context {
    if (this.#current === null) throw new EmulatorError("A host function was called outside of any callback.");
    return this.#current;
  }

  /** The guest is running. */
  get calling(): boolean {
    return this.#current !== null;
  }

  setEffective(id: number): number {
    if (!this.contexts.has(id)) return Status.BadArgument;
    this.#effective = id;
    return Status.Ok;
  }

  /** The callback's answer will be taken as "stop". */
  stopIteration(): void {
    this.#stop = true;
  }

  get iterationStopped(): boolean {
    return this.#stop;
  }

  afterCall(action: () => void): void {
    this.#afterCall.push(action);
  }

  /** Whether the host would call this callback. */
  has(name: string): boolean {
    return this.#exports(name) && (this.settings.capabilities?.has(name) ?? true);
  }

  #exports(name: string): boolean {
    return name in CALLBACKS && typeof this.#instance.exports[name] === "function";
  }

  /** Calls the guest if it has the callback, then does what it asked for. null: not called, or trapped. */
  call(name: string, context: Context, ...args: number[]): number | null {
    if (this.failed || !this.has(name)) return null;
    return this.deferring(() => {
      const value = this.invoke(name, context, ...args);
      return this.failed ? null : value;
    });
  }

  /** After the action, which calls the guest, everything is done that was put off meanwhile. */
  deferring<T>(action: () => T): T {
    let result: T;
    try {
      result = action();
    } catch (error) {
      this.#stop = false;
      this.#afterCall.length = 0;
      throw error;
    }
    this.#stop = false;
    while (this.#afterCall.length > 0) this.#afterCall.shift()!();
    return result;
  }

  /** One call into the guest. A trap marks the VM as failed and is logged. */
  invoke(name: string, context: Context, ...args: number[]): number {
    // A gRPC stream that fails at once calls back before its host call has returned.
    const current = this.#current;
    const effective = this.#effective;
    let value: number | undefined;
    this.#current = context;
    this.#effective = 0;
    if (current === null) this.#deadline = 0;
    try {
      value = (this.#instance.exports[name] as (...a: number[]) => number | undefined)(...args);
    } catch (error) {
      if (this.#late) this.#end(name, error);
      if (this.#fatal === null) this.fail(this.#trapMessage(name, error));
    } finally {
      this.#current = current;
      this.#effective = effective;
    }
    // A guest that caught what its malloc was ended with.
    if (this.#late) this.#end(name, null);
    if (current === null) this.#raise();
    return (value ?? 0) >>> 0;
  }

  /** Calls the guest for something that no request waits for. */
  guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.server.report(error);
    }
  }

  log(level: number, message: string): void {
    this.server.logs.add(level, message, (this.context.plugin ?? this.base.owner).name);
  }

  /** A plugin let go; the last one takes the VM with it. */
  release(): void {
    if (--this.users > 0) return;
    this.dispose();
  }

  /** Forgets all that is under way, without a word to the filter. */
  dispose(): void {
    this.thread.forget(this);
    this.ticks.close();
    for (const context of [...this.contexts.values()]) if (context instanceof RootContext) context.dispose();
  }

  fail(message: string): void {
    this.failed = true;
    this.server.logs.add(4, message, this.base.owner.name, true);
    this.thread.forget(this);
  }

  /** Something that the test must not miss, even when the guest catches what a host call throws. */
  fatal(error: EmulatorError): EmulatorError {
    this.#fatal ??= error;
    return error;
  }

  #raise(): void {
    const fatal = this.#fatal;
    this.#fatal = null;
    if (fatal !== null) throw fatal;
  }

  #trapMessage(name: string, error: unknown): string {
    const e = error instanceof Error ? error : new Error(String(error));
    const message = `Function: ${name} failed: Uncaught ${e.name}: ${e.message}`;
    const frames = this.#frames(e);
    const trace = frames.length === 0 ? "" : `\nProxy-Wasm plugin in-VM backtrace:\n${frames.join("\n")}`;
    return `${message}${trace}${this.#memoryNote()}`;
  }

  /** A trap with the memory full is most likely one of the memory. */
  #memoryNote(): string {
    const { memoryLimit } = this.settings.code;
    if (this.#memory === undefined || this.#memory.buffer.byteLength + MEMORY_MARGIN < memoryLimit) return "";
    return `\nThe module's memory has reached its limit of ${memoryLimit / (1 << 20)} MiB.`;
  }

  /** The guest was ended because it did not end by itself. */
  #end(name: string, error: unknown): void {
    this.#late = false;
    this.failed = true;
    this.thread.forget(this);
    const frames = error instanceof Error ? this.#frames(error) : [];
    const message = `The filter did not return from ${name} within ${this.server.timeLimit / 1000} s; Envoy has no limit there, and that worker would hang.`;
    this.fatal(new EmulatorError([message, ...frames].join("\n")));
  }

  /** Where in the module, as Envoy writes it. */
  #frames(error: Error): string[] {
    if (this.facts.functionNames.size === 0) return [];
    const { original } = this.settings.code;
    const found = [...(error.stack ?? "").matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)];
    return found.slice(0, BACKTRACE_FRAMES).map(([, index, at], i) => {
      const known = this.facts.functionNames.get(Number(index));
      const offset = original(parseInt(at!, 16)).toString(16);
      return `${String(i).padStart(3)}:  0x${offset} - ${known ?? `unknown(function index:${index})`}`;
    });
  }

  #restricted(where: string, name: string): boolean {
    if (this.#allocating) return !MALLOC_ALLOWED.includes(name);
    if (!this.#starting) return false;
    return where === "env" ? !START_ONLY_ENV.includes(name) : START_DENIED_WASI.includes(name);
  }

  #hostFunction(where: string, name: string): (...raw: (number | bigint)[]) => number | void {
    const implementation = this.#implementation(where, name);
    return (...raw) => {
      if ((this.#allocating || this.#starting) && this.#restricted(where, name)) throw new Error("restricted_callback");
      try {
        if (this.#current === null) {
          // Envoy has no current context while it instantiates, and dereferences null.
          throw new EmulatorError(
            `The module's start section calls ${name}, which crashes Envoy; build with --exportStart _initialize.`,
          );
        }
        return implementation(raw);
      } catch (error) {
        if (error instanceof EmulatorError) this.fatal(error);
        throw error;
      }
    };
  }

  #implementation(where: string, name: string): (raw: (number | bigint)[]) => number | void {
    const wasi = WASI_MODULES.includes(where);
    const { capabilities } = this.settings;
    if (capabilities !== null && (wasi || name.startsWith("proxy_")) && !capabilities.has(name)) {
      const denied = wasi ? WASI_NOTCAPABLE : Status.InternalFailure;
      return () => {
        const message = `Attempted call to restricted proxy-wasm capability: ${name}`;
        this.server.logs.add(4, message, this.base.owner.name, true);
        return denied;
      };
    }
    const wide = WIDE_HOST_CALLS[name];
    if (!wasi && wide !== undefined) {
      return (raw) => wide(this, (raw[0] as number) >>> 0, BigInt.asUintN(64, raw[1] as bigint));
    }
    const call = (wasi ? WASI_CALLS : HOST_CALLS)[name];
    if (call === undefined) {
      return () => {
        throw new EmulatorError(`The emulator does not have ${where}.${name}; run this test with --host envoy.`);
      };
    }
    // Of the 64-bit arguments of WASI none is looked at.
    const has64 = HOST_FUNCTIONS.find((f) => f.name === name)?.signature.includes("I") ?? false;
    if (has64) return (raw) => call(this, ...raw.map((n) => (typeof n === "bigint" ? Number(n) : n >>> 0)));
    return (raw) => {
      for (let i = 0; i < raw.length; i++) raw[i] = (raw[i] as number) >>> 0;
      return call(this, ...(raw as number[]));
    };
  }

  // Memory. Text is latin1: one char per byte.

  #inside(ptr: number, length: number): boolean {
    return this.#memory !== undefined && ptr + length <= this.#memory.buffer.byteLength;
  }

  /** null when the range is outside of the memory. */
  read(ptr: number, length: number): string | null {
    if (!this.#inside(ptr, length)) return null;
    return Buffer.from(this.#memory.buffer, ptr, length).toString("latin1");
  }

  /** The same as text; what is not UTF-8 becomes U+FFFD. */
  readText(ptr: number, length: number): string | null {
    if (!this.#inside(ptr, length)) return null;
    return Buffer.from(this.#memory.buffer, ptr, length).toString("utf8");
  }

  write(ptr: number, data: string): boolean {
    if (!this.#inside(ptr, data.length)) return false;
    Buffer.from(this.#memory.buffer, ptr, data.length).write(data, "latin1");
    return true;
  }

  readU32(ptr: number): number | null {
    return this.#inside(ptr, 4) ? new DataView(this.#memory.buffer).getUint32(ptr, true) : null;
  }

  writeU32(ptr: number, value: number): boolean {
    if (!this.#inside(ptr, 4)) return false;
    new DataView(this.#memory.buffer).setUint32(ptr, value, true);
    return true;
  }

  writeU64(ptr: number, value: bigint): boolean {
    if (!this.#inside(ptr, 8)) return false;
    new DataView(this.#memory.buffer).setBigUint64(ptr, value, true);
    return true;
  }

  fill(ptr: number, bytes: Uint8Array): boolean {
    if (!this.#inside(ptr, bytes.length)) return false;
    new Uint8Array(this.#memory.buffer, ptr, bytes.length).set(bytes);
    return true;
  }

  /** Hands data over in memory that the guest allocates. Nothing to hand over: address 0 and no allocation. */
  give(data: string, ptrPtr: number, lenPtr: number): number {
    let at = 0;
    if (data.length > 0) {
      at = this.place(data);
      if (at === 0) return Status.InvalidMemoryAccess;
    }
    return this.writeU32(ptrPtr, at) && this.writeU32(lenPtr, data.length) ? Status.Ok : Status.InvalidMemoryAccess;
  }

  /** Puts data into memory that the guest allocates; 0 when it gives none. */
  place(data: string): number {
    const at = this.#allocate(data.length);
    return at !== 0 && this.write(at, data) ? at : 0;
  }

  #allocate(size: number): number {
    const { malloc, proxy_on_memory_allocate } = this.#instance.exports;
    const current = this.#current;
    const effective = this.#effective;
    this.#allocating = true;
    this.#current = this.base;
    this.#effective = 0;
    try {
      return ((malloc ?? proxy_on_memory_allocate) as (n: number) => number)(size) >>> 0;
    } catch (error) {
      if (this.#late) throw error;
      if (this.#fatal === null) this.fail(this.#trapMessage(malloc ? "malloc" : "proxy_on_memory_allocate", error));
      return 0;
    } finally {
      this.#allocating = false;
      this.#current = current;
      this.#effective = effective;
    }
  }
}

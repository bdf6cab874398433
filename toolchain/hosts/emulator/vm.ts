import {
  CALLBACKS,
  HOST_FUNCTIONS,
  MALLOC_ALLOWED,
  START_DENIED_WASI,
  START_ONLY_ENV,
  Status,
  WASI_MODULES,
} from "./abi.js";
import { HOST_CALLS } from "./hostcalls.js";
import type { Context, RootContext } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import type { Logs } from "./logs.js";
import type { ModuleFacts } from "./module.js";
import { WASI_CALLS } from "./wasi.js";
import { Wasm, type WasmImports, type WasmInstance, type WasmMemory, type WasmModule } from "./webassembly.js";

export type HostCall = (vm: Vm, ...args: number[]) => number | void;

/** What a callback gave back; null when it is not exported, or failed. */
export interface CallResult {
  readonly value: number;
  /** A local reply was asked for: iteration stops whatever the callback returned. */
  readonly stopped: boolean;
}

/** Frames of the in-VM backtrace, as Envoy keeps them. */
const BACKTRACE_FRAMES = 20;

/** One instance of a module, with the contexts that live in it. */
export class Vm {
  readonly contexts = new Map<number, Context>();
  failed = false;
  /** Asked for during a call, done after it: continue, close, local reply. */
  readonly #afterCall: (() => void)[] = [];
  #nextId = 1;
  #current: Context | null = null;
  #effective: Context | null = null;
  #stop = false;
  #starting = false;
  #allocating = false;
  #fatal: EmulatorError | null = null;
  #instance!: WasmInstance;
  #memory!: WasmMemory;

  constructor(
    readonly facts: ModuleFacts,
    readonly logs: Logs,
    module: WasmModule,
  ) {
    const imports: WasmImports = {};
    for (const { module: where, name, kind } of facts.imports) {
      const names = (imports[where] ??= {});
      if (kind === 2) names[name] = this.#memory = new Wasm.Memory({ initial: 1, maximum: 16384 });
      else names[name] = this.#hostFunction(where, name);
    }
    try {
      this.#instance = new Wasm.Instance(module, imports);
    } catch (error) {
      this.#raise();
      throw new EmulatorError(`Failed to create new Wasm instance: ${(error as Error).message}`);
    }
    const memory = this.#instance.exports.memory;
    if (memory instanceof Wasm.Memory) this.#memory = memory;
  }

  /** `_initialize` (and `main`), else `_start`, with most of the host out of reach. */
  start(context: Context): void {
    this.#starting = true;
    try {
      if (this.has("_initialize")) {
        this.call("_initialize", context);
        if (this.has("main")) this.call("main", context, 0, 0);
        else this.call("__main_void", context);
      } else this.call("_start", context);
    } finally {
      this.#starting = false;
    }
  }

  allocateId(): number {
    return this.#nextId++;
  }

  /** The context that a host call is about. */
  get context(): Context {
    const context = this.#effective ?? this.#current;
    if (context === null) throw new EmulatorError("A host function was called outside of any callback.");
    return context;
  }

  get root(): RootContext {
    return this.context.root;
  }

  setEffective(id: number): number {
    const context = this.contexts.get(id);
    if (context === undefined) return Status.BadArgument;
    this.#effective = context;
    return Status.Ok;
  }

  stopIteration(): void {
    this.#stop = true;
  }

  afterCall(action: () => void): void {
    this.#afterCall.push(action);
  }

  has(name: string): boolean {
    return typeof this.#instance.exports[name] === "function" && name in CALLBACKS;
  }

  /** Calls the guest, then does what it asked for. A trap marks the VM as failed and is logged. */
  call(name: string, context: Context, ...args: number[]): CallResult | null {
    if (this.failed || !this.has(name)) return null;
    if (this.#current !== null) throw new EmulatorError(`Re-entry of ${name}: Envoy never does this.`);
    let value: number | undefined;
    this.#current = context;
    try {
      value = (this.#instance.exports[name] as (...a: number[]) => number | undefined)(...args);
    } catch (error) {
      if (this.#fatal === null) this.fail(this.#trapMessage(name, error));
    } finally {
      this.#current = null;
      this.#effective = null;
    }
    const stopped = this.#stop;
    this.#stop = false;
    this.#raise();
    const result = this.failed ? null : { value: (value ?? 0) >>> 0, stopped };
    for (const action of this.#afterCall.splice(0)) action();
    return result;
  }

  fail(message: string): void {
    this.failed = true;
    this.logs.add(4, message, true);
  }

  #raise(): void {
    const fatal = this.#fatal;
    this.#fatal = null;
    if (fatal === null) return;
    this.#afterCall.length = 0;
    throw fatal;
  }

  #trapMessage(name: string, error: unknown): string {
    const e = error instanceof Error ? error : new Error(String(error));
    let message = `Function: ${name} failed: Uncaught ${e.name}: ${e.message}`;
    if (this.facts.functionNames.size === 0) return message;
    message += "\nProxy-Wasm plugin in-VM backtrace:";
    const frames = [...(e.stack ?? "").matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)].slice(0, BACKTRACE_FRAMES);
    frames.forEach(([, index, offset], i) => {
      const known = this.facts.functionNames.get(Number(index));
      message += `\n${String(i).padStart(3)}:  0x${offset} - ${known ?? `unknown(function index:${index})`}`;
    });
    return message;
  }

  #allowed(where: string, name: string): boolean {
    if (this.#allocating) return MALLOC_ALLOWED.includes(name);
    if (!this.#starting) return true;
    return where === "env" ? START_ONLY_ENV.includes(name) : !START_DENIED_WASI.includes(name);
  }

  #hostFunction(where: string, name: string): (...raw: (number | bigint)[]) => number | void {
    const wasi = WASI_MODULES.includes(where);
    const implementation = (wasi ? WASI_CALLS : HOST_CALLS)[name];
    const wide = HOST_FUNCTIONS.find((f) => f.name === name)?.signature.includes("I") ?? false;
    return (...raw: (number | bigint)[]): number | void => {
      if (!this.#allowed(where, name)) throw new Error("restricted_callback");
      try {
        if (this.#current === null) {
          // Envoy has no current context while it instantiates, and dereferences null.
          throw new EmulatorError(
            `The module's start section calls ${name}, which crashes Envoy; build with --exportStart _initialize.`,
          );
        }
        if (implementation === undefined) {
          throw new EmulatorError(`The emulator does not have ${where}.${name} yet; run this test with --host envoy.`);
        }
        const args = wide ? raw.map(Number) : (raw as number[]);
        return implementation(this, ...args.map((n) => (wide ? n : n >>> 0)));
      } catch (error) {
        // The guest could catch this; the test must not miss it.
        if (error instanceof EmulatorError) this.#fatal ??= error;
        throw error;
      }
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
      at = this.#allocate(data.length);
      if (at === 0 || !this.write(at, data)) return Status.InvalidMemoryAccess;
    }
    return this.writeU32(ptrPtr, at) && this.writeU32(lenPtr, data.length) ? Status.Ok : Status.InvalidMemoryAccess;
  }

  #allocate(size: number): number {
    const { malloc, proxy_on_memory_allocate } = this.#instance.exports;
    this.#allocating = true;
    try {
      return ((malloc ?? proxy_on_memory_allocate) as (n: number) => number)(size) >>> 0;
    } catch (error) {
      if (this.#fatal === null) this.fail(this.#trapMessage(malloc ? "malloc" : "proxy_on_memory_allocate", error));
      return 0;
    } finally {
      this.#allocating = false;
    }
  }
}

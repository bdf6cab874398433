import { readFileSync } from "node:fs";
import { configBytes } from "../config.js";
import type {
  HostOptions,
  LogLine,
  Metrics,
  Proxy,
  ProxyResponse,
  RequestInput,
  TcpClient,
  UpstreamHandler,
} from "../types.js";
import { RootContext, type Plugin } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import { Logs } from "./logs.js";
import { inspectModule, type ModuleFacts } from "./module.js";
import { HttpStream } from "./stream.js";
import { Vm } from "./vm.js";
import { Wasm, type WasmModule } from "./webassembly.js";

export type EmulatorProxyOptions = HostOptions;

const NO_REASON = "The filter refused the configuration and gave no reason; log one at level error in onConfigure.";

const echo: UpstreamHandler = (request) => ({
  status: 200,
  headers: [["content-type", "application/json"]],
  body: JSON.stringify({ method: request.method, path: request.path, headers: request.headers.toJSON() }),
});

/** A VM of Envoy's main thread or of its worker, with the root context that new streams get. */
class Thread {
  vm: Vm;
  root: RootContext | null = null;

  constructor(
    private readonly proxy: EmulatorProxy,
    plugin: Plugin,
  ) {
    this.vm = proxy.startVm();
    this.configure(plugin);
  }

  /** The same VM gets a second root; the old one ends with its last stream. */
  configure(plugin: Plugin): void {
    const old = this.root;
    this.root = new RootContext(this.vm, plugin);
    this.root.configure();
    old?.close();
  }

  /** FAIL_RELOAD: after a trap the next stream gets a new VM. What lived in the old one is forgotten without a call. */
  reload(plugin: Plugin): void {
    if (!this.vm.failed) return;
    this.vm = this.proxy.startVm();
    this.root = null;
    this.configure(plugin);
  }
}

/** The host "emulator": the module in Node's V8, with everything around it as Envoy 1.40 does it. */
export class EmulatorProxy implements Proxy {
  readonly host = "emulator";
  readonly #logs: Logs;
  readonly #facts: ModuleFacts;
  readonly #module: WasmModule;
  readonly #upstream: UpstreamHandler;
  #plugin: Plugin;
  #main!: Thread;
  #worker!: Thread;
  #open = true;

  constructor(private readonly options: EmulatorProxyOptions) {
    this.#logs = new Logs(options.logLevel ?? "info");
    this.#upstream = options.upstream ?? echo;
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(readFileSync(options.module));
    } catch {
      throw new EmulatorError(`There is no module at ${options.module}; build the filter first.`);
    }
    try {
      this.#module = new Wasm.Module(bytes);
    } catch (error) {
      throw new EmulatorError(`Failed to load Wasm bytecode: ${(error as Error).message}`);
    }
    this.#facts = inspectModule(bytes);
    this.#plugin = this.#pluginWith(options.config);
    // As Envoy with one worker: a VM only to try the configuration, then the main thread's, then the worker's.
    this.#tryOut(this.#plugin);
    this.#main = new Thread(this, this.#plugin);
    this.#worker = new Thread(this, this.#plugin);
  }

  #pluginWith(config: unknown): Plugin {
    const { name, rootId = "", vmId = "", allowOnHeadersStopIteration = false, env: environment = {} } = this.options;
    const text = Buffer.from(configBytes(config) ?? new Uint8Array()).toString("latin1");
    return { name, rootId, vmId, config: text, allowOnHeadersStopIteration, environment };
  }

  startVm(): Vm {
    const vm = new Vm(this.#facts, this.#logs, this.#module);
    vm.start(new RootContext(vm, this.#plugin, 0));
    return vm;
  }

  /** Throws the filter's own reason when it refuses. */
  #tryOut(plugin: Plugin): void {
    const mark = this.#logs.mark();
    const vm = this.startVm();
    if (!vm.failed && new RootContext(vm, plugin).configure()) return;
    throw new EmulatorError(this.#logs.reason(mark) ?? NO_REASON);
  }

  async request(input: RequestInput = {}): Promise<ProxyResponse> {
    if (!this.#open) throw new EmulatorError("The proxy is closed; create a new one.");
    this.#worker.reload(this.#plugin);
    return new HttpStream(this.#worker.root!, input, this.#upstream).run();
  }

  async reconfigure(config: unknown): Promise<void> {
    if (!this.#open) throw new EmulatorError("The proxy is closed; create a new one.");
    const plugin = this.#pluginWith(config);
    // Envoy takes no notice of an update that changes nothing.
    if (plugin.config === this.#plugin.config) return;
    this.#tryOut(plugin);
    this.#plugin = plugin;
    for (const thread of [this.#main, this.#worker]) {
      if (thread.vm.failed) thread.reload(plugin);
      else thread.configure(plugin);
    }
  }

  tcp(): Promise<TcpClient> {
    return missing("tcp()");
  }

  cluster(): Promise<void> {
    return missing("cluster()");
  }

  metrics(): Promise<Metrics> {
    return missing("metrics()");
  }

  tick(): Promise<void> {
    return missing("tick()");
  }

  advance(): Promise<void> {
    return missing("advance()");
  }

  logs(): readonly LogLine[] {
    return this.#logs.lines();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    for (const thread of [this.#main, this.#worker]) thread.root?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function missing(what: string): Promise<never> {
  return Promise.reject(new EmulatorError(`The emulator does not have ${what} yet; run this test on Envoy.`));
}

/** Loads the module; rejects with the filter's own reason when it refuses its configuration. */
export async function createEmulatorProxy(options: EmulatorProxyOptions): Promise<EmulatorProxy> {
  return new EmulatorProxy(options);
}

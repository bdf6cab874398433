import type { HostOptions, UpstreamHandler, UpstreamRequest } from "../types.js";
import { Traps } from "../traps.js";
import { behaviourOf, type Behaviour } from "./behaviour.js";
import { Budget } from "./budget.js";
import { Clock } from "./clock.js";
import { Clusters, type Answer } from "./clusters.js";
import { loadCode } from "./code.js";
import { RootContext } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import { GrpcClient } from "./grpc.js";
import { Logs } from "./logs.js";
import { MetricStore } from "./metrics.js";
import { pluginOf, reconfigured, type Plugin } from "./plugin.js";
import { SharedData, SharedQueues } from "./shared.js";
import { StreamInfo, type Peer } from "./streaminfo.js";
import { PluginSlot, Thread } from "./threads.js";
import type { TlsFacts } from "./tls.js";
import { Vm } from "./vm.js";

/** A thread that serves connections, and what its streams get of each plugin of the chain, in order. */
export interface Worker {
  readonly thread: Thread;
  readonly slots: PluginSlot[];
  /** Connections that are open. */
  open: number;
}

interface Endable {
  fail(error: unknown): void;
}

const NO_REASON = "The filter refused the configuration and gave no reason; log one at level error in onConfigure.";
const LOOPBACK = "127.0.0.1";
const LISTENER: Peer = { address: `${LOOPBACK}:10000`, port: 10000, ip: LOOPBACK };
/** Where the upstream is, and our end of the connection to it. */
export const UPSTREAM = { address: "127.0.0.1:10001", port: 10001, cluster: "upstream" };
export const UPSTREAM_LOCAL = { local: "127.0.0.1:10002", readyAfter: 0n };
/** A callback that takes longer loops for ever, most likely. */
const CALL_MS = 10_000;
/** Turns of the event loop in which what is under way may go on. */
const SETTLE_TURNS = 100;

const echo: UpstreamHandler = (request) => ({
  status: 200,
  headers: [["content-type", "application/json"]],
  body: JSON.stringify({ method: request.method, path: request.path, headers: request.headers.toJSON() }),
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The whole proxy: its threads, and what all of them share. */
export class Server {
  readonly behaviour: Behaviour;
  /** Milliseconds that one callback may take. */
  readonly timeLimit: number;
  readonly budget = new Budget();
  readonly clock: Clock;
  readonly logs: Logs;
  readonly metrics = new MetricStore();
  readonly sharedData = new SharedData(this.budget);
  readonly queues = new SharedQueues(this.budget);
  readonly clusters: Clusters;
  /** Requests and connections under way. */
  readonly streams = new Set<Endable>();
  /** Answers that are on their way. */
  pending = 0;
  readonly #main: Worker;
  readonly #workers: Worker[] = [];
  /** The chain; the filter under test is at #own. */
  readonly #plugins: Plugin[];
  readonly #own: number;
  /** Vm and plugin keys that were tried, and why they were refused. */
  readonly #tried = new Map<string, string | null>();
  readonly #bases = new Set<string>();
  #posted: (() => void)[] = [];
  readonly #errors: { readonly value: unknown }[] = [];
  #connections = 0;
  #open = true;

  constructor(options: HostOptions, standingClock: boolean) {
    this.behaviour = behaviourOf(options.envoyVersion ?? process.env.MESHWASM_ENVOY_VERSION);
    const { callMs = CALL_MS, memoryMiB } = options.limits ?? {};
    const memory = memoryMiB === undefined ? undefined : memoryMiB * (1 << 20);
    this.timeLimit = callMs;
    this.clock = new Clock(standingClock, (error) => this.report(error));
    const traps = new Traps([options, ...(options.plugins ?? [])].map(({ module }) => module));
    this.logs = new Logs(options.logLevel ?? "info", this.budget, traps);
    this.clusters = new Clusters(this, options.upstream ?? echo, options.clusters ?? {});
    const { plugins = [] } = options;
    const before = plugins.filter(({ position }) => position === "before");
    const after = plugins.filter(({ position }) => position !== "before");
    this.#own = before.length;
    this.#plugins = [...before, options, ...after].map((each) => pluginOf(each, loadCode(each.module, memory)));
    const threads = [new Thread(this)];
    for (let i = 0; i < (options.concurrency ?? 1); i++) threads.push(new Thread(this));
    const [main, ...workers] = threads.map((thread): Worker => ({ thread, slots: [], open: 0 }));
    this.#main = main!;
    this.#workers = workers;
    // The filter under test is one that Envoy discovers: it comes when those of the listener are there.
    const order = [...this.#plugins.keys()].filter((i) => i !== this.#own).concat(this.#own);
    for (const i of order) {
      const plugin = this.#plugins[i]!;
      this.#tryOut(plugin);
      this.#main.slots[i] = new PluginSlot(this.#main.thread, plugin);
    }
    for (const { thread, slots } of this.#workers) {
      for (const i of order) slots[i] = new PluginSlot(thread, this.#plugins[i]!);
    }
  }

  /** The filter under test. */
  get plugin(): Plugin {
    return this.#plugins[this.#own]!;
  }

  get open(): boolean {
    return this.#open;
  }

  grpcClient(root: RootContext): GrpcClient {
    return new GrpcClient(root);
  }

  /** A new connection's worker: the first that has the fewest open. */
  connect(): Worker {
    const worker = this.#workers.reduce((least, each) => (each.open < least.open ? each : least));
    worker.open++;
    return worker;
  }

  newStreamInfo(protocol: string | null, tls: TlsFacts | null): StreamInfo {
    const id = this.#connections++;
    const port = 40_000 + (id % 20_000);
    const client: Peer = { address: `${LOOPBACK}:${port}`, port, ip: LOOPBACK };
    return new StreamInfo(this.clock.realtime(), id, client, LISTENER, tls, protocol);
  }

  ask(cluster: string, request: () => UpstreamRequest, answered: (answer: Answer) => void): () => void {
    return this.clusters.ask(cluster, request, answered);
  }

  /** Loads a plugin into a VM of its own that is thrown away; throws the filter's reason when it refuses. */
  #tryOut(plugin: Plugin): void {
    const key = `${plugin.vm.key} ${plugin.key}`;
    const known = this.#tried.get(key);
    if (known !== undefined) {
      if (known !== null) throw new EmulatorError(known);
      return;
    }
    const mark = this.logs.mark();
    // Envoy does so on its main thread: what a queue has for that VM, the one that lives there gets.
    const thread = new Thread(this, () => this.#main?.thread ?? null);
    const taken = (): boolean => {
      // The VM that all others are cloned from is started and never configured.
      if (!this.#bases.has(plugin.vm.key) && new Vm(thread, plugin).failed) return false;
      this.#bases.add(plugin.vm.key);
      const vm = new Vm(thread, plugin);
      if (vm.failed) return false;
      const root = new RootContext(vm, plugin);
      try {
        return root.start() && !vm.failed && root.configure() && !vm.failed;
      } finally {
        vm.dispose();
      }
    };
    const refused = taken() ? null : (this.logs.reason(mark, plugin.name) ?? NO_REASON);
    if (this.#bases.has(plugin.vm.key)) this.#tried.set(key, refused);
    if (refused !== null) throw new EmulatorError(refused);
  }

  reconfigure(config: unknown): void {
    const plugin = reconfigured(this.plugin, config);
    // Envoy takes no notice of an update that changes nothing.
    if (plugin.config === this.plugin.config) return;
    this.#tryOut(plugin);
    this.#plugins[this.#own] = plugin;
    for (const { thread, slots } of [this.#main, ...this.#workers]) {
      const old = slots[this.#own]!;
      slots[this.#own] = new PluginSlot(thread, plugin);
      // The old one ends when its thread has done what was waiting.
      this.post(() => old.close());
    }
  }

  /** Something for a thread to do as soon as it is free. */
  post(action: () => void): void {
    if (this.#posted.push(action) === 1) setImmediate(() => this.#runPosted());
  }

  #runPosted(): void {
    const actions = this.#posted;
    this.#posted = [];
    for (const action of actions) {
      if (!this.#open) return;
      try {
        action();
      } catch (error) {
        this.report(error);
      }
    }
  }

  /** Lets what is under way go on: what was posted, and handlers that need no time. */
  async settle(turns = 0): Promise<void> {
    for (let i = 0; i < turns; i++) await turn();
    for (let i = 0; i < SETTLE_TURNS && this.#posted.length > 0; i++) await turn();
  }

  /** An error that belongs to no request: the next one that ends, or close(), throws it. */
  report(error: unknown): void {
    this.#errors.push({ value: error });
  }

  takeError(): { readonly value: unknown } | null {
    return this.#errors.shift() ?? null;
  }

  /** Lets time pass at once. */
  async advance(milliseconds: number): Promise<void> {
    await this.clock.advance(milliseconds, () => this.settle(2));
    const error = this.takeError();
    if (error !== null) throw error.value;
  }

  /** Milliseconds until each VM that ticks has ticked once more; null: none does. */
  untilTick(): number | null {
    const dues = [this.#main, ...this.#workers].flatMap(({ thread }) => thread.tickTimes());
    return dues.length === 0 ? null : Math.max(...dues) - this.clock.now();
  }

  close(): void {
    if (!this.#open) return;
    for (const stream of this.streams) stream.fail(new EmulatorError("The proxy was closed."));
    for (const { slots } of [this.#main, ...this.#workers]) for (const slot of slots) slot.close();
    this.#open = false;
    this.clock.close();
  }
}

import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as tick, setTimeout as sleep } from "node:timers/promises";
import { configBytes } from "../config.js";
import type { EnvoyObject, LoadedNeighbour, LoadedPlugin, LogLevel } from "../types.js";
import {
  bootstrap,
  cluster,
  discoveredFilter,
  discoveryFile,
  listener,
  staticFilter,
  UPSTREAM_CLUSTER,
  type ClusterOptions,
  type JsonObject,
  type ListenerOptions,
  type PluginOptions,
  type Protocol,
} from "./bootstrap.js";
import { EnvoyError, oneLine } from "./errors.js";
import { failureReason, type EnvoyLogLine, type PluginIdentity } from "./log.js";
import { EnvoyProcess, workDirectory } from "./process.js";
import { TRACE_ACCESS_LOG, TRACE_FILTERS, TRACE_LOGS, Tracer, type TracedRequest } from "./trace.js";
import { validateFilter } from "./validate.js";

export interface SessionOptions {
  readonly envoy: string;
  /** The filter whose configuration and module can be replaced. Modules are copied: a rebuild disturbs no Envoy. */
  readonly plugin: LoadedPlugin;
  /** Further plugins, with their configuration for good. */
  readonly neighbours?: readonly LoadedNeighbour[];
  readonly nativeFilters?: { readonly before?: readonly JsonObject[]; readonly after?: readonly JsonObject[] };
  readonly capabilityField?: PluginOptions["capabilityField"];
  readonly protocol?: Protocol;
  readonly listener?: Pick<
    ListenerOptions,
    "port" | "tagConnections" | "rewriteHost" | "connectionManager" | "route" | "tls"
  >;
  readonly concurrency?: number;
  /** Further clusters, for filters that call out. */
  readonly clusters?: readonly JsonObject[];
  /** The same by their addresses. */
  readonly called?: readonly (Omit<ClusterOptions, "trustedRoots"> & { readonly tls: boolean })[];
  /** PEM text of trusted roots for those of them that speak TLS. */
  readonly calledRoots?: string;
  readonly upstream: Omit<ClusterOptions, "name">;
  /** PEM text of trusted roots: speak TLS to the upstream. */
  readonly upstreamRoots?: string;
  readonly patch?: (bootstrap: EnvoyObject) => EnvoyObject;
  readonly wasmLevel?: LogLevel;
  /** Gets every request, as it was on both sides of the filter. */
  readonly onRequest?: (request: TracedRequest) => void;
  readonly onLog?: (line: EnvoyLogLine) => void;
  readonly keepAlive?: boolean;
}

/** What is left out stays as it is. */
export interface SessionChange {
  readonly config?: Uint8Array | null;
  readonly module?: string;
  readonly allowOnHeadersStopIteration?: boolean;
}

/** One Envoy with one filter whose configuration (and module) can be replaced while it runs. */
export class Session {
  #version = 1;
  /** The copy that Envoy reads. */
  #module: string;
  /** What it is a copy of. */
  #source: string;
  #config: Uint8Array | null;
  #holds: boolean;
  #queue: Promise<void> = Promise.resolve();

  static async start(options: SessionOptions): Promise<Session> {
    const { plugin, neighbours = [], protocol = "http", concurrency = 1 } = options;
    const directory = workDirectory();
    const identities = [plugin, ...neighbours].map(identityOf);
    const config = configBytes(plugin.config);
    const tracer = options.onRequest === undefined ? null : new Tracer(options.onRequest);
    let module: string;
    let first: PluginOptions;
    let object: JsonObject;
    try {
      module = copyModule(plugin.module, directory);
      first = pluginOf(options, plugin, module, config);
      writeDiscovery(directory, first, 1, protocol);
      let trustedRoots: string | undefined;
      if (options.upstreamRoots !== undefined) {
        trustedRoots = join(directory, "roots.pem");
        writeFileSync(trustedRoots, options.upstreamRoots);
      }
      let calledRoots: string | undefined;
      if (options.calledRoots !== undefined) {
        calledRoots = join(directory, "called-roots.pem");
        writeFileSync(calledRoots, options.calledRoots);
      }
      const called = (options.called ?? []).map(({ tls, ...rest }) =>
        cluster({ ...rest, ...(tls && calledRoots !== undefined ? { trustedRoots: calledRoots } : {}) }),
      );
      const beside = (position: "before" | "after"): JsonObject[] =>
        neighbours
          .filter((each) => (each.position ?? "after") === position)
          .map((each) => {
            const copy = copyModule(each.module, directory);
            return staticFilter(pluginOf(options, each, copy, configBytes(each.config)), protocol);
          });
      const filters = [
        ...(tracer === null ? [] : [TRACE_FILTERS.before]),
        ...(options.nativeFilters?.before ?? []),
        ...beside("before"),
        discoveredFilter(plugin.name, discoveryPath(directory), protocol),
        ...beside("after"),
        ...(options.nativeFilters?.after ?? []),
        ...(tracer === null ? [] : [TRACE_FILTERS.after]),
      ];
      const upstream: ClusterOptions = {
        ...options.upstream,
        name: UPSTREAM_CLUSTER,
        trustedRoots,
      };
      object = bootstrap({
        listeners: [
          listener({
            ...options.listener,
            ...{ filters, protocol, balance: concurrency > 1 },
            ...(tracer === null ? {} : { accessLog: TRACE_ACCESS_LOG }),
          }),
        ],
        clusters: [cluster(upstream), ...called, ...(options.clusters ?? [])],
        flushOnAdmin: true,
      });
      if (options.patch) object = options.patch(structuredClone(object) as EnvoyObject) as JsonObject;
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
    const envoy = await EnvoyProcess.start({
      envoy: options.envoy,
      directory,
      plugins: identities,
      concurrency,
      wasmLevel: options.wasmLevel,
      ...(tracer === null ? {} : { divert: (line) => tracer.see(line), ...TRACE_LOGS }),
      onLog: options.onLog,
      keepAlive: options.keepAlive,
      bootstrap: object,
    });
    try {
      await waitTaken(envoy, first, identityOf(plugin), protocol, 1, { reloads: 0, refusals: 0 }, 0);
      return new Session(options, module, config, envoy, await envoy.listenerAddress());
    } catch (error) {
      await envoy.stop();
      throw error;
    }
  }

  private constructor(
    private readonly options: SessionOptions,
    module: string,
    config: Uint8Array | null,
    readonly envoy: EnvoyProcess,
    /** "127.0.0.1:port" of the listener. */
    readonly address: string,
  ) {
    this.#module = module;
    this.#source = options.plugin.module;
    this.#holds = options.plugin.allowOnHeadersStopIteration ?? false;
    this.#config = config;
  }

  /**
   * Gives Envoy a new configuration or module; resolved when every worker has it, rejected with the filter's reason
   * when it is refused. Calls are taken one after the other.
   */
  update(change: SessionChange): Promise<void> {
    const next = this.#queue.then(() => this.#update(change));
    this.#queue = next.catch(() => {});
    return next;
  }

  async #update(change: SessionChange): Promise<void> {
    if (!this.envoy.running) throw new EnvoyError("Envoy is not running any more; create a new proxy.");
    const module = change.module === undefined ? this.#module : copyModule(change.module, this.envoy.directory);
    const config = change.config === undefined ? this.#config : change.config;
    const holds = change.allowOnHeadersStopIteration ?? this.#holds;
    // Envoy counts no update that changes nothing, so there would be nothing to wait for.
    if (module === this.#module && sameBytes(config, this.#config) && holds === this.#holds) return;
    const { protocol = "http" } = this.options;
    const loaded = { ...this.options.plugin, allowOnHeadersStopIteration: holds };
    const plugin = pluginOf(this.options, loaded, module, config);
    const before = await counters(this.envoy, plugin.name, protocol);
    const mark = this.envoy.log.length;
    const version = ++this.#version;
    writeDiscovery(this.envoy.directory, plugin, version, protocol);
    const source = { ...this.options.plugin, module: change.module ?? this.#source };
    await waitTaken(this.envoy, plugin, identityOf(source), protocol, version, before, mark);
    this.#source = source.module;
    this.#holds = holds;
    this.#module = module;
    this.#config = config;
  }
}

function discoveryPath(directory: string): string {
  return join(directory, "filter.json");
}

/** Written beside and renamed: Envoy never reads half a file, and its watch sees one change. */
function writeDiscovery(directory: string, plugin: PluginOptions, version: number, protocol: Protocol): void {
  const path = discoveryPath(directory);
  writeFileSync(`${path}.new`, JSON.stringify(discoveryFile(plugin, String(version), protocol)));
  renameSync(`${path}.new`, path);
}

/** Named by content: Envoy compares configurations, not files, so a changed module needs a changed path. */
function copyModule(path: string, directory: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new EnvoyError(`There is no module at ${path}; build the filter first.`);
  }
  const copy = join(directory, `module-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.wasm`);
  writeFileSync(copy, bytes);
  return copy;
}

function pluginOf(
  options: SessionOptions,
  plugin: LoadedPlugin,
  module: string,
  config: Uint8Array | null,
): PluginOptions {
  return {
    name: plugin.name,
    code: { file: module },
    config,
    rootId: plugin.rootId,
    vmId: plugin.vmId,
    vmConfig: configBytes(plugin.vmConfig),
    env: plugin.env,
    failurePolicy: plugin.failurePolicy,
    capabilities: plugin.capabilities,
    capabilityField: options.capabilityField,
    allowOnHeadersStopIteration: plugin.allowOnHeadersStopIteration,
  };
}

export function identityOf(plugin: LoadedPlugin): PluginIdentity {
  return { name: plugin.name, rootId: plugin.rootId ?? "", vmId: plugin.vmId ?? "", module: plugin.module };
}

interface Counters {
  readonly reloads: number;
  readonly refusals: number;
  readonly version?: string;
}

async function counters(envoy: EnvoyProcess, name: string, protocol: Protocol): Promise<Counters> {
  const { body } = await envoy.get("/stats?filter=config_discovery");
  const prefix = `extension_config_discovery.${protocol === "tcp" ? "network_filter" : "http_filter"}.${name}.`;
  const values = new Map<string, string>();
  for (const line of body.split("\n")) {
    const at = line.lastIndexOf(": ");
    if (at > 0 && line.startsWith(prefix)) values.set(line.slice(prefix.length, at), line.slice(at + 2));
  }
  const number = (key: string): number => Number(values.get(key) ?? 0);
  return {
    reloads: number("config_reload"),
    refusals: number("update_rejected") + number("update_failure"),
    version: values.get("version_text")?.replaceAll('"', ""),
  };
}

/**
 * Waits until Envoy has taken or refused a version. `version_text` changes on the main thread; `config_reload` counts
 * once all workers are through (for a refused one as well), so both are needed.
 */
async function waitTaken(
  envoy: EnvoyProcess,
  plugin: PluginOptions,
  identity: PluginIdentity,
  protocol: Protocol,
  version: number,
  before: Counters,
  mark: number,
): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    let now: Counters | null = null;
    try {
      now = await counters(envoy, plugin.name, protocol);
    } catch (error) {
      if (envoy.running && Date.now() > deadline) throw error;
    }
    if (now && now.refusals > before.refusals) {
      await settle();
      const reason = (await quietReason(envoy, plugin, protocol)) ?? failureReason(envoy.log.slice(mark), identity);
      throw new EnvoyError(
        reason ?? "The filter refused the configuration and gave no reason; log one at level error in onConfigure.",
      );
    }
    if (now && now.version === String(version) && now.reloads > before.reloads) return settle();
    if (!envoy.running) {
      const { code, signal } = await envoy.exited;
      const reason = failureReason(envoy.log.slice(mark), identity);
      throw new EnvoyError(
        `Envoy ended (${signal ?? `exit code ${code}`}) while it took the configuration${reason ? `: ${oneLine(reason)}` : ""}; run \`meshwasm check\` on the module.`,
      );
    }
    if (Date.now() > deadline)
      throw new EnvoyError(
        "Envoy did not take the new configuration within 20 s; look for an endless loop in the filter's onConfigure.",
      );
    await sleep(5);
  }
}

/** When the log level hides why a filter was refused, the same is loaded again where the level does not. */
async function quietReason(envoy: EnvoyProcess, plugin: PluginOptions, protocol: Protocol): Promise<string | null> {
  if (envoy.wasmLevel !== "error" && envoy.wasmLevel !== "critical") return null;
  return validateFilter(envoy.binary, plugin, [], protocol).then(
    () => null,
    (error: Error) => error.message,
  );
}

/**
 * After an answer of Envoy's, what it had logged before is in our pipe already; after one more turn of the event loop
 * it is read.
 */
export async function settle(): Promise<void> {
  await tick();
  await tick();
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0);
}

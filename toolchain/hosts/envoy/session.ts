import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as tick, setTimeout as sleep } from "node:timers/promises";
import type { LogLevel } from "../types.js";
import {
  bootstrap,
  cluster,
  discoveredFilter,
  discoveryFile,
  listener,
  UPSTREAM_CLUSTER,
  type ClusterOptions,
  type FailurePolicy,
  type JsonObject,
  type PluginOptions,
} from "./bootstrap.js";
import { EnvoyError, oneLine } from "./errors.js";
import { failureReason, type EnvoyLogLine, type PluginIdentity } from "./log.js";
import { EnvoyProcess, workDirectory } from "./process.js";
import { validateFilter } from "./validate.js";

export interface SessionOptions {
  readonly envoy: string;
  /** Path of the .wasm file; it is copied, so a rebuild does not disturb a running Envoy. */
  readonly module: string;
  readonly name: string;
  readonly config: Uint8Array | null;
  readonly rootId?: string;
  readonly vmId?: string;
  readonly failurePolicy?: FailurePolicy;
  readonly allowOnHeadersStopIteration?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Further clusters, for filters that call out. */
  readonly clusters?: readonly JsonObject[];
  readonly upstream: Omit<ClusterOptions, "name">;
  /** PEM text of trusted roots: speak TLS to the upstream. */
  readonly upstreamRoots?: string;
  readonly port?: number;
  readonly tagConnections?: boolean;
  readonly rewriteHost?: boolean;
  readonly wasmLevel?: LogLevel;
  readonly onLog?: (line: EnvoyLogLine) => void;
  readonly keepAlive?: boolean;
}

/** One Envoy with one filter whose configuration (and module) can be replaced while it runs. */
export class Session {
  readonly identity: PluginIdentity;
  #version = 1;
  #module: string;
  #config: Uint8Array | null;
  #queue: Promise<void> = Promise.resolve();

  static async start(options: SessionOptions): Promise<Session> {
    const directory = workDirectory();
    const identity = { name: options.name, rootId: options.rootId ?? "", vmId: options.vmId ?? "" };
    let module: string;
    let plugin: PluginOptions;
    let trustedRoots: string | undefined;
    try {
      module = copyModule(options.module, directory);
      plugin = pluginOf(options, module, options.config);
      writeDiscovery(directory, plugin, 1);
      if (options.upstreamRoots !== undefined) {
        trustedRoots = join(directory, "roots.pem");
        writeFileSync(trustedRoots, options.upstreamRoots);
      }
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
    const envoy = await EnvoyProcess.start({
      envoy: options.envoy,
      directory,
      plugin: identity,
      wasmLevel: options.wasmLevel,
      onLog: options.onLog,
      keepAlive: options.keepAlive,
      bootstrap: bootstrap({
        listeners: [
          listener({
            filters: [discoveredFilter(options.name, discoveryPath(directory))],
            port: options.port,
            tagConnections: options.tagConnections,
            rewriteHost: options.rewriteHost,
          }),
        ],
        clusters: [cluster({ ...options.upstream, name: UPSTREAM_CLUSTER, trustedRoots }), ...(options.clusters ?? [])],
      }),
    });
    try {
      await waitTaken(envoy, plugin, 1, { reloads: 0, refusals: 0 }, 0);
      return new Session(options, identity, module, envoy, await envoy.listenerAddress());
    } catch (error) {
      await envoy.stop();
      throw error;
    }
  }

  private constructor(
    private readonly options: SessionOptions,
    identity: PluginIdentity,
    module: string,
    readonly envoy: EnvoyProcess,
    /** "127.0.0.1:port" of the listener. */
    readonly address: string,
  ) {
    this.identity = identity;
    this.#module = module;
    this.#config = options.config;
  }

  /**
   * Gives Envoy a new configuration or module; resolved when every worker has it, rejected with the filter's reason
   * when it is refused. Calls are taken one after the other.
   */
  update(change: { config?: Uint8Array | null; module?: string }): Promise<void> {
    const next = this.#queue.then(() => this.#update(change));
    this.#queue = next.catch(() => {});
    return next;
  }

  async #update(change: { config?: Uint8Array | null; module?: string }): Promise<void> {
    if (!this.envoy.running) throw new EnvoyError("Envoy is not running any more; create a new proxy.");
    const module = change.module === undefined ? this.#module : copyModule(change.module, this.envoy.directory);
    const config = change.config === undefined ? this.#config : change.config;
    // Envoy counts no update that changes nothing, so there would be nothing to wait for.
    if (module === this.#module && sameBytes(config, this.#config)) return;
    const before = await counters(this.envoy, this.identity.name);
    const mark = this.envoy.log.length;
    const version = ++this.#version;
    const plugin = pluginOf(this.options, module, config);
    writeDiscovery(this.envoy.directory, plugin, version);
    await waitTaken(this.envoy, plugin, version, before, mark);
    this.#module = module;
    this.#config = config;
  }
}

function discoveryPath(directory: string): string {
  return join(directory, "filter.json");
}

/** Written beside and renamed: Envoy never reads half a file, and its watch sees one change. */
function writeDiscovery(directory: string, plugin: PluginOptions, version: number): void {
  const path = discoveryPath(directory);
  writeFileSync(`${path}.new`, JSON.stringify(discoveryFile(plugin, String(version))));
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

function pluginOf(options: SessionOptions, module: string, config: Uint8Array | null): PluginOptions {
  return {
    name: options.name,
    code: { file: module },
    config,
    rootId: options.rootId,
    vmId: options.vmId,
    failurePolicy: options.failurePolicy,
    allowOnHeadersStopIteration: options.allowOnHeadersStopIteration,
    environment: options.environment,
  };
}

interface Counters {
  readonly reloads: number;
  readonly refusals: number;
  readonly version?: string;
}

async function counters(envoy: EnvoyProcess, name: string): Promise<Counters> {
  const { body } = await envoy.get("/stats?filter=config_discovery");
  const prefix = `extension_config_discovery.http_filter.${name}.`;
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
  version: number,
  before: Counters,
  mark: number,
): Promise<void> {
  const identity = { name: plugin.name, rootId: plugin.rootId ?? "", vmId: plugin.vmId ?? "" };
  const deadline = Date.now() + 20_000;
  for (;;) {
    let now: Counters | null = null;
    try {
      now = await counters(envoy, identity.name);
    } catch (error) {
      if (envoy.running && Date.now() > deadline) throw error;
    }
    if (now && now.refusals > before.refusals) {
      await settle();
      const reason = (await quietReason(envoy, plugin)) ?? failureReason(envoy.log.slice(mark), identity);
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
async function quietReason(envoy: EnvoyProcess, plugin: PluginOptions): Promise<string | null> {
  if (envoy.wasmLevel !== "error" && envoy.wasmLevel !== "critical") return null;
  return validateFilter(envoy.binary, plugin).then(
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

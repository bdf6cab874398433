import { configBytes } from "../config.js";
import type { LogLine, Proxy, ProxyOptions, ProxyResponse, RequestInput } from "../types.js";
import type { FailurePolicy, JsonObject } from "./bootstrap.js";
import { send } from "./client.js";
import { EnvoyError } from "./errors.js";
import { findEnvoy } from "./find.js";
import { atLeast, filterMessage, type EnvoyLogLine } from "./log.js";
import { Session, settle } from "./session.js";
import { Upstream } from "./upstream.js";

const REQUEST_TIMEOUT_MS = 30_000;

export interface EnvoyProxyOptions extends ProxyOptions {
  /** Path of the .wasm file. */
  readonly module: string;
  /** PluginConfig.name. */
  readonly name: string;
  readonly vmId?: string;
  readonly failurePolicy?: FailurePolicy;
  /** From the module's manifest: the filter holds headers until it has read the body. */
  readonly allowOnHeadersStopIteration?: boolean;
  /** Environment variables that the filter sees. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Envoy clusters that the filter calls, as JSON of the v3 API. */
  readonly clusters?: readonly JsonObject[];
  /** Gets a line saying which Envoy comes from where. Default: standard error, each line once. */
  readonly onProgress?: (line: string) => void;
}

const said = new Set<string>();

/** A test file makes many proxies; the same Envoy is worth one line. */
function sayOnce(line: string): void {
  if (said.has(line)) return;
  said.add(line);
  process.stderr.write(`${line}\n`);
}

/** The host "envoy": a real Envoy, a real upstream, real connections. */
export class EnvoyProxy implements Proxy {
  readonly host = "envoy";
  readonly #logs: LogLine[];

  constructor(
    private readonly session: Session,
    private readonly upstream: Upstream,
    logs: LogLine[],
    /** Version of the Envoy that runs. */
    readonly envoyVersion: string,
  ) {
    this.#logs = logs;
  }

  /** "127.0.0.1:port" of the listener. */
  get address(): string {
    return this.session.address;
  }

  get adminAddress(): string {
    return this.session.envoy.adminAddress;
  }

  /** All of Envoy's log, not only the filter's lines. */
  get envoyLog(): readonly EnvoyLogLine[] {
    return this.session.envoy.log;
  }

  get pid(): number {
    return this.session.envoy.pid;
  }

  /** GET on Envoy's admin interface, e.g. "/stats?format=json". */
  admin(path: string): Promise<{ status: number; body: string }> {
    return this.session.envoy.get(path);
  }

  async request(input: RequestInput = {}): Promise<ProxyResponse> {
    if (!this.session.envoy.running) throw new EnvoyError("Envoy is not running any more; create a new proxy.");
    let port = 0;
    try {
      const response = await send(
        this.address,
        input,
        (localPort) => {
          port = localPort;
          this.upstream.expect(localPort);
        },
        REQUEST_TIMEOUT_MS,
      );
      const record = this.upstream.take(port);
      if (record.error !== undefined) throw record.error;
      return { ...response, upstream: record.request, text: () => new TextDecoder().decode(response.body) };
    } catch (error) {
      if (error instanceof EnvoyError && !this.session.envoy.running) {
        throw new EnvoyError(`Envoy ended during the request: ${error.message}`);
      }
      throw error;
    } finally {
      this.upstream.take(port);
      await settle();
    }
  }

  reconfigure(config: unknown): Promise<void> {
    return this.session.update({ config: configBytes(config) });
  }

  logs(): readonly LogLine[] {
    return [...this.#logs];
  }

  async close(): Promise<void> {
    await this.session.envoy.stop();
    await this.upstream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Starts an Envoy with the module; rejects with the filter's own reason when it refuses its configuration. */
export async function createEnvoyProxy(options: EnvoyProxyOptions): Promise<EnvoyProxy> {
  const found = await findEnvoy({
    version: options.envoyVersion,
    path: options.envoyPath,
    onProgress: options.onProgress ?? sayOnce,
  });
  const config = configBytes(options.config);
  const level = options.logLevel ?? "info";
  const identity = { name: options.name, rootId: options.rootId ?? "", vmId: options.vmId ?? "" };
  const logs: LogLine[] = [];
  const upstream = await Upstream.start(options.upstream);
  try {
    const session = await Session.start({
      envoy: found.path,
      module: options.module,
      name: options.name,
      config,
      rootId: options.rootId,
      vmId: options.vmId,
      failurePolicy: options.failurePolicy,
      allowOnHeadersStopIteration: options.allowOnHeadersStopIteration,
      environment: options.environment,
      clusters: options.clusters,
      upstream: { host: "127.0.0.1", port: upstream.port },
      tagConnections: true,
      wasmLevel: level,
      onLog: (line) => {
        const message = filterMessage(line, identity);
        if (message !== null && atLeast(line.level, level)) logs.push({ level: line.level, message });
      },
    });
    return new EnvoyProxy(session, upstream, logs, found.version);
  } catch (error) {
    await upstream.close();
    throw error;
  }
}

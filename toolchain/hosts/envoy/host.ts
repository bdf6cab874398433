import { setTimeout as sleep } from "node:timers/promises";
import { defaultCertificate } from "../certificates.js";
import { configBytes } from "../config.js";
import { Exchange, logText, requestText } from "../exchange.js";
import { Traps } from "../traps.js";
import type {
  ClientTls,
  ClusterScript,
  HostOptions,
  LoadedPlugin,
  LogLine,
  Metrics,
  Proxy,
  ProxyResponse,
  RequestInput,
  TcpClient,
  TcpConnection,
  TlsOptions,
} from "../types.js";
import type { JsonObject, ListenerTls } from "./bootstrap.js";
import { connect, exchange, type LinkOptions } from "./client.js";
import { Clusters } from "./clusters.js";
import { EnvoyError } from "./errors.js";
import { findEnvoy } from "./find.js";
import { atLeast, filterMessage, type EnvoyLogLine } from "./log.js";
import { identityOf, Session, settle } from "./session.js";
import { readMetrics } from "./stats.js";
import { Connection, echoTcp, TcpServer } from "./tcp.js";
import { Ticks } from "./ticks.js";
import { Upstream } from "./upstream.js";

/** How long advance() really waits at most. */
const LONGEST_ADVANCE_MS = 5000;
const CONNECT_MS = 5000;

export interface EnvoyProxyOptions extends HostOptions {
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

/** Everything around Envoy that a proxy owns. */
interface Surroundings {
  readonly options: EnvoyProxyOptions;
  readonly upstream: Upstream;
  /** Of a TCP proxy. */
  readonly tcpUpstream: TcpServer | null;
  readonly clusters: Clusters;
  /** By plugin name. */
  readonly logs: ReadonlyMap<string, LogLine[]>;
  /** What handlers of clusters have thrown. */
  readonly failures: unknown[];
  readonly ticks: Ticks;
}

/** The host "envoy": a real Envoy, a real upstream, real connections. */
export class EnvoyProxy implements Proxy {
  readonly host = "envoy";
  readonly #around: Surroundings;
  readonly #traps: Traps;
  readonly #open = new Set<Connection>();

  constructor(
    private readonly session: Session,
    around: Surroundings,
    /** Version of the Envoy that runs. */
    readonly envoyVersion: string,
  ) {
    this.#around = around;
    this.#traps = new Traps(pluginsOf(around.options).map(({ module }) => module));
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
    this.#mustRun();
    const { upstream, options } = this.#around;
    if (options.protocol === "tcp") throw new EnvoyError("The filter is a TCP filter; use tcp().");
    const seen = this.#seen();
    let port = 0;
    try {
      const authority = input.authority ?? "example.test";
      const link = await connect(
        this.address,
        this.#link(input.tls, authority.replace(/:\d*$/, ""), options.downstream === "http2" ? "h2" : "http/1.1"),
        (localPort) => {
          port = localPort;
          upstream.expect(localPort);
        },
      );
      const response = await exchange(link, input, options.downstream ?? "http1");
      const record = upstream.take(port);
      if (record.error !== undefined) throw record.error;
      await settle();
      this.#throwFailures();
      return new Exchange({ ...response, input, upstream: record.request, ...seen() });
    } catch (error) {
      await settle();
      if (error instanceof EnvoyError) throw this.#withLogs(error, input, seen, await this.#hung());
      throw error;
    } finally {
      upstream.take(port);
    }
  }

  async tcp({ tls }: { tls?: ClientTls } = {}): Promise<TcpClient> {
    this.#mustRun();
    const { tcpUpstream, clusters } = this.#around;
    if (tcpUpstream === null) throw new EnvoyError("The filter is an HTTP filter; use request().");
    const servers = [tcpUpstream, ...clusters.tcpServers];
    const link = await connect(this.address, this.#link(tls, "example.test", null), (localPort) => {
      for (const server of servers) server.forget(localPort);
    });
    link.socket.unref();
    const client = new Client(link.socket, link.raw, link.localPort, servers);
    this.#open.add(client);
    link.socket.once("close", () => this.#open.delete(client));
    return client;
  }

  reconfigure(config: unknown): Promise<void> {
    return this.session.update({ config: configBytes(config) });
  }

  cluster(name: string, script: ClusterScript): Promise<void> {
    return this.#around.clusters.replace(name, script);
  }

  metrics(): Promise<Metrics> {
    this.#mustRun();
    return readMetrics(this.session.envoy);
  }

  async tick(): Promise<void> {
    this.#mustRun();
    await this.#around.ticks.next(this.session.envoy, (this.#around.options.concurrency ?? 1) + 1);
    await settle();
    this.#throwFailures();
  }

  async advance(milliseconds: number): Promise<void> {
    if (!(milliseconds >= 0)) throw new EnvoyError(`Time cannot advance by ${milliseconds} ms.`);
    if (milliseconds > LONGEST_ADVANCE_MS) {
      throw new EnvoyError(
        `advance(${milliseconds}) would really wait on Envoy, which does so for ${LONGEST_ADVANCE_MS} ms at most; this test needs "clock": write it as needing(test, ["clock"]).`,
      );
    }
    await sleep(milliseconds);
    // What Envoy has logged meanwhile lies in the pipe.
    if (this.session.envoy.running) await this.session.envoy.get("/ready");
    await settle();
    this.#throwFailures();
  }

  async shiftClock(): Promise<void> {
    throw new EnvoyError(
      'shiftClock() cannot set the clock of this machine; this test needs "clock": write it as needing(test, ["clock"]).',
    );
  }

  logs(plugin: string = this.#around.options.name): readonly LogLine[] {
    const lines = this.#around.logs.get(plugin);
    if (lines === undefined) {
      throw new EnvoyError(`The proxy has no plugin "${plugin}"; it has ${[...this.#around.logs.keys()].join(", ")}.`);
    }
    return [...lines];
  }

  async close(): Promise<void> {
    for (const connection of this.#open) connection.reset();
    await this.session.envoy.stop();
    await closeAll(this.#around);
    this.#throwFailures();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Whether Envoy's watchdog has missed a worker for a second or more. */
  async #hung(): Promise<boolean> {
    try {
      const { body } = await this.session.envoy.get("/stats?filter=worker_.*watchdog_mega_miss");
      return body.split("\n").some((line) => Number(line.split(": ")[1] ?? 0) > 0);
    } catch {
      return false;
    }
  }

  #mustRun(): void {
    if (!this.session.envoy.running) throw new EnvoyError("Envoy is not running any more; create a new proxy.");
  }

  #link(tls: ClientTls | undefined, serverName: string, alpn: string | null): LinkOptions {
    const own = this.#around.options.tls ?? false;
    if (tls !== undefined && own === false) throw new EnvoyError("The proxy speaks no TLS; create it with tls: true.");
    return {
      tls: own === false ? null : (tls ?? {}),
      serverName,
      alpn: alpn === null ? [] : [alpn],
      mutual: typeof own === "object" && own.clientCa !== undefined,
    };
  }

  #throwFailures(): void {
    const { failures } = this.#around;
    if (failures.length > 0) throw failures.splice(0)[0];
  }

  /** What is logged from now on until the result is called: the filter's lines, and Envoy's that may matter. */
  #seen(): () => { logs: LogLine[]; hostLogs: LogLine[] } {
    const own = this.#around.logs.get(this.#around.options.name)!;
    const from = own.length;
    const all = this.session.envoy.log;
    const mark = all.at(-1);
    return () => {
      const identities = pluginsOf(this.#around.options).map(identityOf);
      const start = mark === undefined ? 0 : all.lastIndexOf(mark) + 1;
      const hostLogs = all
        .slice(start)
        .filter((line) => atLeast(line.level, "warn") && identities.every((each) => filterMessage(line, each) === null))
        .map(({ level, message }) => ({ level, message: this.#traps.explain(message) }));
      return { logs: own.slice(from), hostLogs };
    };
  }

  #withLogs(
    error: EnvoyError,
    input: RequestInput,
    seen: () => { logs: readonly LogLine[]; hostLogs: readonly LogLine[] },
    hung: boolean,
  ): EnvoyError {
    const { logs, hostLogs } = seen();
    const ended = this.session.envoy.running ? "" : "Envoy ended during the request: ";
    return new EnvoyError(
      [
        `${ended}${error.message}`,
        ...(hung ? ["Envoy's watchdog misses a worker: look for an endless loop in the filter."] : []),
        requestText(input),
        ...logText("The filter logged:", logs),
        ...logText("Envoy logged:", hostLogs),
      ].join("\n"),
      { cause: error },
    );
  }
}

class Client extends Connection implements TcpClient {
  constructor(
    socket: ConstructorParameters<typeof Connection>[0],
    raw: ConstructorParameters<typeof Connection>[0],
    private readonly localPort: number,
    private readonly servers: readonly TcpServer[],
  ) {
    super(socket, raw);
  }

  async upstream(): Promise<TcpConnection> {
    const waits = this.servers.map((server) => server.connectionOf(this.localPort));
    const late = new AbortController();
    try {
      return await Promise.race([
        ...waits.map(({ promise }) => promise),
        sleep(CONNECT_MS, undefined, { signal: late.signal }).then(() => {
          throw new EnvoyError(`The proxy did not connect an upstream within ${CONNECT_MS / 1000} s.`);
        }),
      ]);
    } finally {
      late.abort();
      for (const { cancel } of waits) cancel();
    }
  }
}

function pluginsOf(options: EnvoyProxyOptions): LoadedPlugin[] {
  return [options, ...(options.plugins ?? [])];
}

async function closeAll(around: Pick<Surroundings, "upstream" | "tcpUpstream" | "clusters">): Promise<void> {
  const { upstream, tcpUpstream, clusters } = around;
  await tcpUpstream?.close();
  await upstream.close();
  await clusters.close();
}

async function listenerTls(options: EnvoyProxyOptions): Promise<ListenerTls | undefined> {
  if (!options.tls) return undefined;
  const { certificate, clientCa, requireClientCertificate }: TlsOptions = options.tls === true ? {} : options.tls;
  return {
    certificate: certificate ?? (await defaultCertificate()),
    clientCa,
    requireClientCertificate,
    alpn: options.protocol === "tcp" ? [] : ["h2", "http/1.1"],
  };
}

/** Starts an Envoy with the module; rejects with the filter's own reason when it refuses its configuration. */
export async function createEnvoyProxy(options: EnvoyProxyOptions): Promise<EnvoyProxy> {
  const found = await findEnvoy({
    version: options.envoyVersion,
    path: options.envoyPath,
    onProgress: options.onProgress ?? sayOnce,
  });
  const level = options.logLevel ?? "info";
  const plugins = pluginsOf(options).map(identityOf);
  const logs = new Map<string, LogLine[]>(plugins.map(({ name }) => [name, []]));
  const ticks = new Ticks();
  const failures: unknown[] = [];
  const onError = (error: unknown): void => void failures.push(error);
  const tls = await listenerTls(options);
  const upstream = await Upstream.start(options.upstream);
  const tcpUpstream = options.protocol === "tcp" ? new TcpServer(options.tcpUpstream ?? echoTcp, onError) : null;
  let clusters: Clusters;
  try {
    if (tcpUpstream !== null) await tcpUpstream.start();
    clusters = await Clusters.start(options.clusters ?? {}, onError);
  } catch (error) {
    await upstream.close();
    tcpUpstream?.server.close();
    throw error;
  }
  const around = { options, upstream, tcpUpstream, clusters, logs, failures, ticks };
  try {
    const session = await Session.start({
      envoy: found.path,
      plugin: options,
      neighbours: options.plugins,
      nativeFilters: options.nativeFilters as { before?: readonly JsonObject[]; after?: readonly JsonObject[] },
      capabilityField: versionBelow(found.version, 1, 40) ? "plugin" : "vm",
      protocol: options.protocol,
      concurrency: options.concurrency,
      listener: { tagConnections: true, connectionManager: options.connectionManager, route: options.route, tls },
      clusters: clusters.objects,
      upstream:
        tcpUpstream === null
          ? { host: "127.0.0.1", port: upstream.port }
          : { host: "127.0.0.1", port: tcpUpstream.port, protocol: "tcp-proxied" },
      patch: options.patch,
      wasmLevel: level,
      onLog: (line) => {
        ticks.see(line);
        if (line.component !== "wasm" || !atLeast(line.level, level)) return;
        for (const [name, lines] of logs) {
          const messages = plugins.filter((each) => each.name === name).map((each) => filterMessage(line, each));
          const message = messages.find((each) => each !== null) ?? null;
          if (message !== null) lines.push({ level: line.level, message });
        }
      },
    });
    return new EnvoyProxy(session, around, found.version);
  } catch (error) {
    await closeAll(around);
    throw error;
  }
}

function versionBelow(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a < major || (a === major && b < minor);
}

import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { configBytes } from "../config.js";
import type { FailurePolicy, LogLevel } from "../types.js";
import type { Protocol } from "./bootstrap.js";
import { EnvoyError } from "./errors.js";
import type { EnvoyLogLine } from "./log.js";
import type { Exit } from "./process.js";
import { Session } from "./session.js";
import { echoTcp, TcpServer } from "./tcp.js";
import type { TracedRequest } from "./trace.js";
import { Upstream } from "./upstream.js";

export interface RunOptions {
  /** Path of the .wasm file. */
  readonly module: string;
  /** PluginConfig.name. */
  readonly name: string;
  readonly config?: unknown;
  /** Default "http". */
  readonly protocol?: Protocol;
  readonly rootId?: string;
  /** Default: the kernel chooses. */
  readonly listenPort?: number;
  /** http(s)://host[:port], tcp://host:port for a TCP filter. Default: an upstream that echoes. */
  readonly upstreamUrl?: string;
  /** What the filter calls: name of the cluster → http(s)://host[:port], grpc(s)://host[:port]. */
  readonly clusters?: Readonly<Record<string, string>>;
  /** HTTP filters in front of it, in order. */
  readonly before?: readonly Neighbour[];
  /** The Envoy binary (see findEnvoy). */
  readonly envoy: string;
  readonly onLog?: (line: EnvoyLogLine) => void;
  /** Gets every request, as it was on both sides of the filter. */
  readonly onRequest?: (request: TracedRequest) => void;
  readonly logLevel?: LogLevel;
  readonly failurePolicy?: FailurePolicy;
  readonly allowOnHeadersStopIteration?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A filter whose configuration stays. */
export interface Neighbour {
  readonly module: string;
  readonly name: string;
  readonly config: unknown;
  readonly allowOnHeadersStopIteration?: boolean;
}

export interface RunningEnvoy {
  /** "127.0.0.1:port" of the listener. */
  readonly address: string;
  readonly adminAddress: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** A new configuration, a rebuilt module, or both, without a restart. */
  update(change: { config?: unknown; module?: string; allowOnHeadersStopIteration?: boolean }): Promise<void>;
  /** GET on Envoy's admin interface. */
  admin(path: string): Promise<{ status: number; body: string }>;
  stop(): Promise<void>;
}

export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly protocol: Protocol;
}

/** `http(s)://host[:port]` or `tcp://host:port`; anything more is refused rather than ignored. */
export function parseUpstream(text: string): UpstreamAddress {
  const refuse = (why: string): never => {
    throw new EnvoyError(`--upstream ${text}: ${why}; give http://host:port, https://host:port or tcp://host:port.`);
  };
  if (!URL.canParse(text)) refuse("this is not a URL");
  const url = new URL(text);
  if (!["http:", "https:", "tcp:"].includes(url.protocol)) refuse("the scheme must be http, https or tcp");
  if (url.username || url.password) refuse("user and password cannot be given");
  if ((url.pathname !== "/" && url.pathname !== "") || url.search || url.hash) {
    refuse("a path cannot be given, since requests keep their own");
  }
  const secure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const protocol = url.protocol === "tcp:" ? "tcp" : "http";
  if (protocol === "tcp" && !url.port) refuse("a port must be given");
  return { host, port: url.port ? Number(url.port) : secure ? 443 : 80, tls: secure, protocol };
}

/** The address of a cluster that the filter calls. */
export function parseCluster(name: string, text: string): Omit<UpstreamAddress, "protocol"> & { grpc: boolean } {
  const scheme = /^(http|grpc)(s?):\/\//.exec(text);
  const address = text.replace(/^grpc/, "http");
  const url = scheme && URL.canParse(address) ? new URL(address) : null;
  if (
    !url ||
    url.username ||
    url.password ||
    !["", "/"].includes(url.pathname) ||
    url.search ||
    url.hash ||
    name === ""
  ) {
    throw new EnvoyError(
      `--cluster ${name}=${text}: give name=http://host:port, https://, grpc:// or grpcs://, without a path.`,
    );
  }
  const tls = scheme![2] === "s";
  const port = url.port ? Number(url.port) : tls ? 443 : 80;
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port, tls, grpc: scheme![1] === "grpc" };
}

/** One line when the port is taken, before Envoy is started. */
async function checkPort(port: number): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new EnvoyError(`${port} is not a port; give one from 0 (any free one) to 65535.`);
  }
  if (port === 0) return;
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "is taken" : `cannot be opened (${error.code ?? error.message})`;
      reject(new EnvoyError(`Port ${port} ${why} on 127.0.0.1; stop what uses it or choose another port.`));
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve()));
  });
}

/** The roots that Node trusts: Envoy has none of its own. */
function trustedRoots(): string {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  let more = "";
  try {
    if (extra) more = readFileSync(extra, "utf8");
  } catch {
    throw new EnvoyError(`NODE_EXTRA_CA_CERTS names ${extra}, which cannot be read; correct or unset it.`);
  }
  return [...tls.rootCertificates, more].join("\n");
}

interface Echo {
  readonly port: number;
  close(): Promise<void>;
}

async function echoUpstream(protocol: Protocol): Promise<Echo> {
  if (protocol === "http") return Upstream.start();
  const server = new TcpServer(echoTcp, () => {});
  await server.start();
  return server;
}

/** Runs a filter in Envoy until it is stopped; for `meshwasm run`. Keeps this Node process alive. */
export async function runEnvoy(options: RunOptions): Promise<RunningEnvoy> {
  const target = options.upstreamUrl === undefined ? null : parseUpstream(options.upstreamUrl);
  const called = Object.entries(options.clusters ?? {}).map(([name, text]) => {
    const { grpc, ...address } = parseCluster(name, text);
    return { name, ...address, ...(grpc ? { protocol: "http2" as const } : {}) };
  });
  const config = configBytes(options.config) ?? undefined;
  await checkPort(options.listenPort ?? 0);
  const protocol = options.protocol ?? "http";
  if (target !== null && target.protocol !== protocol) {
    const [scheme, kind] = protocol === "tcp" ? ["tcp", "a TCP filter"] : ["http or https", "an HTTP filter"];
    throw new EnvoyError(`--upstream ${options.upstreamUrl}: ${kind} needs one of scheme ${scheme}.`);
  }
  const upstream = target === null ? await echoUpstream(protocol) : null;
  const local = target === null || net.isIP(target.host) !== 0 || target.host === "localhost";
  let session: Session;
  try {
    session = await Session.start({
      envoy: options.envoy,
      plugin: {
        module: options.module,
        name: options.name,
        config,
        rootId: options.rootId,
        env: options.env,
        failurePolicy: options.failurePolicy,
        allowOnHeadersStopIteration: options.allowOnHeadersStopIteration,
      },
      neighbours: (options.before ?? []).map((each) => ({ ...each, position: "before" })),
      protocol,
      upstream:
        target === null
          ? { host: "127.0.0.1", port: upstream!.port, ...(protocol === "tcp" ? { protocol: "tcp-proxied" } : {}) }
          : { host: target.host, port: target.port, ...(protocol === "tcp" ? { protocol } : {}) },
      called,
      ...(called.some(({ tls }) => tls) ? { calledRoots: trustedRoots() } : {}),
      upstreamRoots: target?.tls ? trustedRoots() : undefined,
      // A public upstream answers for its own name only; a local one may want to see the client's.
      listener: { rewriteHost: !local, port: options.listenPort },
      wasmLevel: options.logLevel,
      onRequest: options.onRequest,
      onLog: options.onLog,
      keepAlive: true,
    });
  } catch (error) {
    await upstream?.close();
    throw error;
  }
  void session.envoy.exited.then(() => upstream?.close());
  return {
    address: session.address,
    adminAddress: session.envoy.adminAddress,
    pid: session.envoy.pid,
    exited: session.envoy.exited,
    update: ({ config: next, ...change }) =>
      session.update({ ...(next === undefined ? {} : { config: configBytes(next) }), ...change }),
    admin: (path) => session.envoy.get(path),
    stop: () => session.envoy.stop(),
  };
}

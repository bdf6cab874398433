import net from "node:net";
import type { ClusterScript, GrpcHandler, TcpHandler, UpstreamHandler } from "../types.js";
import { cluster, UPSTREAM_CLUSTER, type JsonObject } from "./bootstrap.js";
import { EnvoyError } from "./errors.js";
import { GrpcServer } from "./grpc.js";
import { listenApart, listenOn, stopListening } from "./port.js";
import { TcpServer } from "./tcp.js";
import { Upstream } from "./upstream.js";

type Kind = "http" | "grpc" | "tcp" | "refuses" | "none";
const NAMES: Readonly<Record<Kind, string>> = {
  http: "an HTTP server",
  grpc: "a gRPC server",
  tcp: "a TCP server",
  refuses: "a port that refuses",
  none: "no host",
};

function kindOf(script: ClusterScript): Kind {
  if (typeof script === "function") return "http";
  if ("grpc" in script) return "grpc";
  if ("tcp" in script) return "tcp";
  if ("refuses" in script) return "refuses";
  if ("hosts" in script) return "none";
  throw new EnvoyError("A cluster is a function, { grpc }, { tcp }, { refuses: true } or { hosts: false }.");
}

interface Slot {
  /** What Envoy was told at start; "refuses" speaks HTTP/1.1 once it is replaced. */
  readonly kind: Kind;
  readonly port: number;
  server: Upstream | GrpcServer | TcpServer | null;
}

/** The scripted clusters of a proxy, each a real server on loopback. */
export class Clusters {
  readonly #slots = new Map<string, Slot>();

  static async start(
    scripts: Readonly<Record<string, ClusterScript>>,
    onError: (error: unknown) => void,
  ): Promise<Clusters> {
    const clusters = new Clusters((name, error) => {
      const text = error instanceof Error ? error.message : String(error);
      onError(new EnvoyError(`The handler of the cluster "${name}" failed: ${text}`, { cause: error }));
    });
    try {
      for (const [name, script] of Object.entries(scripts)) await clusters.#open(name, script);
    } catch (error) {
      await clusters.close();
      throw error;
    }
    return clusters;
  }

  private constructor(private readonly onError: (name: string, error: unknown) => void) {}

  /** The clusters as Envoy's configuration wants them. */
  get objects(): JsonObject[] {
    return [...this.#slots].map(([name, { kind, port }]) =>
      cluster({
        name,
        port,
        host: kind === "none" ? null : "127.0.0.1",
        ...(kind === "grpc"
          ? { protocol: "http2" as const }
          : kind === "tcp"
            ? { protocol: "tcp-proxied" as const }
            : {}),
      }),
    );
  }

  get tcpServers(): TcpServer[] {
    return [...this.#slots.values()].flatMap(({ server }) => (server instanceof TcpServer ? [server] : []));
  }

  async replace(name: string, script: ClusterScript): Promise<void> {
    const slot = this.#slots.get(name);
    if (slot === undefined) {
      const names = [...this.#slots.keys()].join(", ");
      throw new EnvoyError(`The proxy has no cluster "${name}"${names ? `; it has ${names}` : ""}.`);
    }
    const kind = kindOf(script);
    if (kind === "none" && slot.kind === "none") return;
    if (kind === "refuses" && slot.kind !== "none") {
      const { server } = slot;
      if (server === null) return;
      slot.server = null;
      const closed = stopListening(server.server);
      server.drop();
      return closed;
    }
    const same = slot.kind === "refuses" ? "http" : slot.kind;
    if (kind !== same) {
      throw new EnvoyError(
        `The cluster "${name}" was made as ${NAMES[slot.kind]} and cannot become ${NAMES[kind]}; create another proxy.`,
      );
    }
    if (slot.server === null) {
      slot.server = this.#server(name, script)!;
      await listenOn(slot.server.server, slot.port);
    } else if (slot.server instanceof Upstream) slot.server.handler = script as UpstreamHandler;
    else if (slot.server instanceof GrpcServer) slot.server.handler = (script as { grpc: GrpcHandler }).grpc;
    else slot.server.handler = (script as { tcp: TcpHandler }).tcp;
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#slots.values()].map(({ server }) => {
        if (server === null) return;
        const closed = stopListening(server.server);
        server.drop();
        return closed;
      }),
    );
  }

  async #open(name: string, script: ClusterScript): Promise<void> {
    if (name === UPSTREAM_CLUSTER) {
      throw new EnvoyError(`The cluster "${name}" is the proxy's own; give its handler as upstream.`);
    }
    const kind = kindOf(script);
    if (kind === "none") {
      this.#slots.set(name, { kind, port: 0, server: null });
      return;
    }
    const server = this.#server(name, script);
    const listening = server?.server ?? net.createServer();
    const port = await listenApart(listening);
    if (server === null) await stopListening(listening);
    this.#slots.set(name, { kind, port, server });
  }

  #server(name: string, script: ClusterScript): Upstream | GrpcServer | TcpServer | null {
    const onError = (error: unknown): void => this.onError(name, error);
    if (typeof script === "function") return new Upstream(script, onError);
    if ("grpc" in script) return new GrpcServer(script.grpc, onError);
    if ("tcp" in script) return new TcpServer(script.tcp, onError);
    return null;
  }
}

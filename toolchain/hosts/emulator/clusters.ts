import type { ClusterScript, UpstreamHandler, UpstreamRequest, UpstreamResponse } from "../types.js";
import { EmulatorError } from "./errors.js";
import type { Server } from "./server.js";

export type ClusterKind = "http" | "grpc" | "tcp" | "refuses" | "empty";

/** What came of a request to a cluster. */
export type Answer =
  | { readonly response: UpstreamResponse }
  /** The connection was closed without an answer. */
  | { readonly reset: true }
  /** There is nobody to connect to. */
  | { readonly refused: true }
  /** The handler threw. */
  | { readonly error: unknown };

const NAMES: Readonly<Record<ClusterKind, string>> = {
  http: "an HTTP server",
  grpc: "a gRPC server",
  tcp: "a TCP server",
  refuses: "a port that refuses",
  empty: "no host",
};

/** A handler's error with the name of its cluster. */
export function handlerError(cluster: string, error: unknown): unknown {
  if (cluster === "upstream") return error;
  const text = error instanceof Error ? error.message : String(error);
  return new EmulatorError(`The handler of the cluster "${cluster}" failed: ${text}`, { cause: error });
}

export function kindOf(script: ClusterScript): ClusterKind {
  if (typeof script === "function") return "http";
  if ("grpc" in script) return "grpc";
  if ("tcp" in script) return "tcp";
  if ("refuses" in script) return "refuses";
  if ("hosts" in script) return "empty";
  throw new EmulatorError("A cluster is a function, { grpc }, { tcp }, { refuses: true } or { hosts: false }.");
}

/** What is behind the proxy: the upstream and the clusters that filters call. */
export class Clusters {
  readonly #scripts = new Map<string, ClusterScript>();
  /** What each was at the start, which decides what it can become. */
  readonly #made = new Map<string, ClusterKind>();

  constructor(
    private readonly server: Server,
    upstream: ClusterScript,
    scripts: Readonly<Record<string, ClusterScript>>,
  ) {
    for (const [name, script] of Object.entries(scripts)) {
      if (name === "upstream") {
        throw new EmulatorError('The cluster "upstream" is the proxy\'s own; give its handler as upstream.');
      }
      this.#scripts.set(name, script);
      this.#made.set(name, kindOf(script));
    }
    this.#scripts.set("upstream", upstream);
  }

  /** null: there is no such cluster. */
  find(name: string): ClusterScript | null {
    return this.#scripts.get(name) ?? null;
  }

  replace(name: string, script: ClusterScript): void {
    const known = this.#scripts.get(name);
    if (known === undefined || name === "upstream") {
      const names = [...this.#scripts.keys()].filter((each) => each !== "upstream").join(", ");
      throw new EmulatorError(`The proxy has no cluster "${name}"${names ? `; it has ${names}` : ""}.`);
    }
    const made = this.#made.get(name)!;
    const kind = kindOf(script);
    // What refuses connections speaks HTTP/1.1 once there is something.
    const server = made === "refuses" ? "http" : made;
    if (made === "empty" ? kind !== "empty" : kind !== "refuses" && kind !== server) {
      throw new EmulatorError(
        `The cluster "${name}" was made as ${NAMES[made]} and cannot become ${NAMES[kind]}; create another proxy.`,
      );
    }
    this.#scripts.set(name, script);
  }

  /** Sends a request to an HTTP cluster; the answer comes later, never at once. Gives what calls it off. */
  ask(name: string, request: () => UpstreamRequest, answered: (answer: Answer) => void): () => void {
    const { server } = this;
    const script = this.#scripts.get(name);
    let over = false;
    const done = (answer: Answer): void => {
      if (over) return;
      over = true;
      server.pending--;
      answered(answer);
    };
    server.pending++;
    if (typeof script !== "function") server.post(() => done({ refused: true }));
    else {
      void Promise.resolve()
        .then(() => (over ? null : this.#run(name, script, request)))
        .then((answer) => answer !== null && server.post(() => done(answer)));
    }
    return () => {
      if (!over) server.pending--;
      over = true;
    };
  }

  async #run(name: string, handler: UpstreamHandler, request: () => UpstreamRequest): Promise<Answer> {
    try {
      const response = await handler(request());
      if (response.delay !== undefined && response.delay > 0) {
        await new Promise<void>((resolve) => this.server.clock.after(response.delay!, resolve));
      }
      return response.reset === true ? { reset: true } : { response };
    } catch (error) {
      return { error: handlerError(name, error) };
    }
  }
}

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

export function kindOf(script: ClusterScript): ClusterKind {
  if (typeof script === "function") return "http";
  if ("grpc" in script) return "grpc";
  if ("tcp" in script) return "tcp";
  return "refuses" in script ? "refuses" : "empty";
}

/** What is behind the proxy: the upstream and the clusters that filters call. */
export class Clusters {
  readonly #scripts = new Map<string, ClusterScript>();

  constructor(
    private readonly server: Server,
    upstream: ClusterScript,
    scripts: Readonly<Record<string, ClusterScript>>,
  ) {
    for (const [name, script] of Object.entries(scripts)) {
      if (name === "upstream") throw new EmulatorError('The cluster name "upstream" is taken; choose another.');
      this.#scripts.set(name, script);
    }
    this.#scripts.set("upstream", upstream);
  }

  /** null: there is no such cluster. */
  find(name: string): ClusterScript | null {
    return this.#scripts.get(name) ?? null;
  }

  replace(name: string, script: ClusterScript): void {
    const known = this.#scripts.get(name);
    if (known === undefined) {
      throw new EmulatorError(`There is no cluster "${name}"; name it in createProxy's option clusters.`);
    }
    const from = kindOf(known);
    const to = kindOf(script);
    if (from === "empty" || to === "empty" || (from !== to && from !== "refuses" && to !== "refuses")) {
      throw new EmulatorError(`The cluster "${name}" is of kind ${from} and cannot become one of kind ${to}.`);
    }
    this.#scripts.set(name, script);
  }

  /** Sends a request to an HTTP cluster; the answer comes later, never at once. Gives what calls it off. */
  ask(name: string, request: UpstreamRequest, answered: (answer: Answer) => void): () => void {
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
        .then(() => (over ? null : this.#run(script, request)))
        .then((answer) => answer !== null && server.post(() => done(answer)));
    }
    return () => {
      if (!over) server.pending--;
      over = true;
    };
  }

  async #run(handler: UpstreamHandler, request: UpstreamRequest): Promise<Answer> {
    try {
      const response = await handler(request);
      if (response.delay !== undefined && response.delay > 0) {
        await new Promise<void>((resolve) => this.server.clock.after(response.delay!, resolve));
      }
      return response.reset === true ? { reset: true } : { response };
    } catch (error) {
      return { error };
    }
  }
}

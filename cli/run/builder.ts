import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { packageRoot, type BuildResult, type Diagnostic } from "../../toolchain/build/index.js";

/** What the build thread says. */
export type Answer =
  | Pick<BuildResult, "wasm" | "manifest" | "warnings">
  | { readonly message: string; readonly diagnostics: readonly Diagnostic[] };

/** What the build thread is at, in memory that both threads share. */
export const IDLE = 0;
export const WRITING = 1;
const STOPPED = 2;

const fromSource = import.meta.url.endsWith(".ts");

/** Builds in a thread of its own, which stays: a compiler that has run before is several times as fast. */
export class Builder {
  #worker: Worker | null = null;
  #current: Promise<Answer> | null = null;
  readonly #state = new Int32Array(new SharedArrayBuffer(4));

  /** Builds the project. One at a time. */
  build(dir: string): Promise<Answer> {
    Atomics.store(this.#state, 0, IDLE);
    const worker = (this.#worker ??= start(this.#state));
    const result = new Promise<Answer>((resolve) => {
      const done = (answer: Answer): void => {
        for (const [event, listener] of [
          ["message", done],
          ["error", failed],
        ] as const) {
          worker.off(event, listener as (value: unknown) => void);
        }
        resolve(answer);
      };
      const failed = (error: Error): void => {
        // Out of memory, say; the next build gets a new thread.
        this.#worker = null;
        done({ message: `the build failed unexpectedly: ${error.message}`, diagnostics: [] });
      };
      worker.on("message", done);
      worker.on("error", failed);
      worker.postMessage(dir);
    });
    this.#current = result;
    return result;
  }

  /** Ends a build that still compiles; one that writes comes to its end, so that no half of it is left. */
  async close(): Promise<void> {
    if (Atomics.compareExchange(this.#state, 0, IDLE, STOPPED) === WRITING) await this.#current;
    await this.#worker?.terminate();
  }
}

function start(workerData: Int32Array): Worker {
  const file = join(packageRoot, fromSource ? "cli/run/worker.ts" : "dist/build-worker.js");
  const execArgv = fromSource ? ["--import", import.meta.resolve("tsx")] : [];
  const worker = new Worker(pathToFileURL(file), { workerData, execArgv });
  worker.unref();
  return worker;
}

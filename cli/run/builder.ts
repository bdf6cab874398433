import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { packageRoot, type BuildResult, type Diagnostic } from "../../toolchain/build/index.js";

/** What the build thread says. */
export type Answer =
  | Pick<BuildResult, "wasm" | "manifest" | "warnings">
  | { readonly message: string; readonly diagnostics: readonly Diagnostic[] };

const fromSource = import.meta.url.endsWith(".ts");

/** Builds in a thread of its own, which stays: a compiler that has run before is several times as fast. */
export class Builder {
  #worker: Worker | null = null;
  #current: Promise<Answer> | null = null;

  /** Builds the project. One at a time. */
  build(dir: string): Promise<Answer> {
    const worker = (this.#worker ??= start());
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

  /** Lets a build that runs come to its end, so that no temporary file is left. */
  async close(): Promise<void> {
    await this.#current;
    await this.#worker?.terminate();
  }
}

function start(): Worker {
  const file = join(packageRoot, fromSource ? "cli/run/worker.ts" : "dist/build-worker.js");
  const worker = new Worker(
    pathToFileURL(file),
    fromSource ? { execArgv: ["--import", import.meta.resolve("tsx")] } : {},
  );
  worker.unref();
  return worker;
}

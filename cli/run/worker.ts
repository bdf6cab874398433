/* A thread that builds: the compiler keeps it busy for seconds, and Envoy's upstream and the page must answer meanwhile. */

import { parentPort, workerData } from "node:worker_threads";
import { build } from "../../toolchain/build/index.js";
import { IDLE, WRITING, type Answer } from "./builder.js";

const port = parentPort!;
const state = workerData as Int32Array;

/** From here on the thread must not be ended: what is in build/ belongs together. */
function beginWriting(): void {
  if (Atomics.compareExchange(state, 0, IDLE, WRITING) !== IDLE) throw new Error("the build was stopped");
}

port.on("message", async (dir: string) => {
  let answer: Answer;
  try {
    const { wasm, manifest, warnings } = await build(dir, beginWriting);
    answer = { wasm, manifest, warnings };
  } catch (error) {
    const { message, diagnostics = [] } = error as Error & { diagnostics?: readonly [] };
    const expected = (error as { expected?: boolean }).expected === true;
    answer = { message: expected ? message : `the build failed unexpectedly: ${message}`, diagnostics };
  }
  port.postMessage(answer);
});

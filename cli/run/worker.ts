/* A thread that builds: the compiler keeps it busy for seconds, and Envoy's upstream and the page must answer meanwhile. */

import { parentPort } from "node:worker_threads";
import { build } from "../../toolchain/build/index.js";
import type { Answer } from "./builder.js";

const port = parentPort!;
port.on("message", async (dir: string) => {
  let answer: Answer;
  try {
    const { wasm, manifest, warnings } = await build(dir);
    answer = { wasm, manifest, warnings };
  } catch (error) {
    const { message, diagnostics = [] } = error as Error & { diagnostics?: readonly [] };
    const expected = (error as { expected?: boolean }).expected === true;
    answer = { message: expected ? message : `the build failed unexpectedly: ${message}`, diagnostics };
  }
  port.postMessage(answer);
});

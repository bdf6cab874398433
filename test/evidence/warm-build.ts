/* Builds a project twice in one process and prints how long the second took. */
import { build } from "../../toolchain/build/index.js";

const project = process.argv[2]!;
await build(project);
const started = performance.now();
await build(project);
process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1)} s\n`);

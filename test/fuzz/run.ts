/* Fuzzes one entrance and prints the result as JSON: node --import tsx test/fuzz/run.ts ENTRANCE SEED COUNT */

import { readFileSync } from "node:fs";
import { buildIfStale } from "../../toolchain/build/index.js";
import { ENTRANCES, fuzz, FuzzError, projectOf, type Entrance } from "./entrances.js";

const [entrance, seed, count] = process.argv.slice(2);
if (!ENTRANCES.includes(entrance as Entrance) || !Number(seed) || !Number(count)) {
  process.stderr.write(`run.ts ENTRANCE SEED COUNT; entrances: ${ENTRANCES.join(", ")}\n`);
  process.exit(2);
}
const { wasm } = await buildIfStale(projectOf(entrance as Entrance));
try {
  const options = { seed: Number(seed), count: Number(count), checkEvery: 16, largeEvery: 8192 };
  process.stdout.write(`${JSON.stringify(fuzz(readFileSync(wasm), entrance as Entrance, options))}\n`);
} catch (error) {
  if (!(error instanceof FuzzError)) throw error;
  process.stderr.write(`${error.message}\n${(error.cause as Error).stack}\n`);
  process.exit(1);
}

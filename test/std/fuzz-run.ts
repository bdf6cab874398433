/* Fuzzes one parser and prints the result as JSON: node --import tsx test/std/fuzz-run.ts NAME SEED COUNT */

import { fuzz, parsers } from "./fuzz.js";

const [name, seed, count] = process.argv.slice(2);
const all = await parsers();
const parser = all.find((one) => one.name === name);
if (!parser || !Number(seed) || !Number(count)) {
  process.stderr.write(`fuzz-run.ts NAME SEED COUNT; names: ${all.map((one) => one.name).join(", ")}\n`);
  process.exit(2);
}
try {
  const result = await fuzz(parser, { seed: Number(seed), count: Number(count), checkEvery: 16 });
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exit(1);
}

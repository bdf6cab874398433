import { test } from "node:test";
import { fuzz, parsers } from "./fuzz.js";

/** `npm run evidence -- std` runs more, with a seed of its own. */
const SEED = 20260718;
const COUNT = 20_000;

for (const parser of await parsers()) {
  test(`${parser.name}: ${COUNT} inputs, seed ${SEED}`, async () => {
    await fuzz(parser, { seed: SEED, count: COUNT, checkEvery: 1 });
  });
}

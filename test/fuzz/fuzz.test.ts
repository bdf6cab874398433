import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../toolchain/build/index.js";
import { ENTRANCES, fuzz } from "./entrances.js";

/** `npm run evidence -- fuzz` runs more, with a seed of its own. */
const SEED = 20261122;
const COUNT = 20_000;

let wasm: Uint8Array;
before(async () => {
  wasm = readFileSync((await build(fileURLToPath(new URL("filter", import.meta.url)))).wasm);
});

for (const entrance of ENTRANCES) {
  test(`${entrance}: ${COUNT} inputs, seed ${SEED}`, () => {
    const result = fuzz(wasm, entrance, { seed: SEED, count: COUNT, checkEvery: 2, largeEvery: 500 });
    assert.equal(result.end, result.half, "linear memory grew in the second half");
  });
}

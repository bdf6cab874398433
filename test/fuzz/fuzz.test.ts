import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, buildIfStale } from "../../toolchain/build/index.js";
import { ENTRANCES, fuzz, projectOf } from "./entrances.js";
import { Fault, FuzzHost, NOTHING } from "./host.js";
import { instruction, largeMap, serialise } from "./inputs.js";

/** `npm run evidence -- fuzz` runs more, with a seed of its own. */
const SEED = 20261122;
const COUNT = 20_000;

let wasm: Uint8Array;
before(async () => {
  wasm = readFileSync((await build(fileURLToPath(new URL("filter", import.meta.url)))).wasm);
});

for (const entrance of ENTRANCES) {
  test(`${entrance}: ${COUNT} inputs, seed ${SEED}`, async () => {
    const module = readFileSync((await buildIfStale(projectOf(entrance))).wasm);
    const result = fuzz(module, entrance, { seed: SEED, count: COUNT, checkEvery: 2, largeEvery: 500 });
    assert.equal(result.end, result.half, "linear memory grew in the second half");
  });
}

/** A stream whose callback is told to do something with these lines; what it has logged. */
function once(callback: string, map: number, pairs: Uint8Array, flags: number, name: string, value = "v") {
  const host = new FuzzHost(wasm);
  host.keepsTexts = true;
  host.call["proxy_on_context_create"]!(1, 0);
  host.call["proxy_on_context_create"]!(2, 1);
  host.maps[map] = { bytes: pairs, fault: Fault.None, status: 0 };
  host.buffers[6] = { ...NOTHING, bytes: instruction(flags, Buffer.from(name), Buffer.from(value)), fault: Fault.None };
  host.call[callback]!(2, 1, 0);
  return host;
}

// Found by fuzzing.

test("a name of four bytes that begins with a colon is not taken for host", () => {
  for (const name of [":\r\nx", ":foo", ":x y"]) {
    const host = once("proxy_on_request_headers", 0, largeMap(0).bytes, 1, name);
    assert.equal(host.written, 0, name);
  }
});

test("pseudo-headers are refused in trailers, and those of requests in responses", () => {
  const pairs = serialise([[Buffer.from("a"), Buffer.from("b")]]);
  assert.equal(once("proxy_on_request_headers", 0, pairs, 1, ":path", "/").written, 1);
  assert.equal(once("proxy_on_request_trailers", 1, pairs, 1, ":path", "/").written, 0);
  assert.equal(once("proxy_on_response_headers", 2, pairs, 1, ":method", "GET").written, 0);
});

test("1,024 lines of one name, 1 MiB in all, are joined without garbage by the square of their number", () => {
  const { size } = once("proxy_on_request_headers", 0, largeMap(2).bytes, 0, "a");
  assert.ok(size <= 32 * 1024 * 1024, `${size} bytes`);
});

test("a header map whose count or lengths leave its bytes is not available", () => {
  const pairs = serialise([[Buffer.from("a"), Buffer.from("b")]]);
  for (const [at, value] of [
    [0, 2],
    [0, 0x20000001],
    [0, 0xffffffff],
    [4, 0xfffffffe],
    [8, 2],
  ] as const) {
    const spoilt = pairs.slice();
    new DataView(spoilt.buffer).setUint32(at, value, true);
    assert.equal(once("proxy_on_request_headers", 0, spoilt, 0, "a").takeTexts()[0], "get 3 -");
  }
});

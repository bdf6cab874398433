import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260701;
let program: StdProgram;
before(async () => {
  program = await stdProgram("hash");
});

const vectors = JSON.parse(readFileSync(new URL("testdata/siphash.json", import.meta.url), "utf8")) as {
  "1-3": string[];
  "2-4": string[];
};
const KEY = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
const K0 = KEY.readBigUInt64LE(0);
const K1 = KEY.readBigUInt64LE(8);

/** SipHash as its paper puts it, with c and d rounds. */
function sipHash(bytes: Uint8Array, k0: bigint, k1: bigint, c: number, d: number): bigint {
  const M = (1n << 64n) - 1n;
  const rotl = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & M;
  let [v0, v1] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn];
  let [v2, v3] = [k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  const rounds = (n: number): void => {
    for (; n > 0; n--) {
      v0 = (v0 + v1) & M;
      v1 = rotl(v1, 13n) ^ v0;
      v0 = rotl(v0, 32n);
      v2 = (v2 + v3) & M;
      v3 = rotl(v3, 16n) ^ v2;
      v0 = (v0 + v3) & M;
      v3 = rotl(v3, 21n) ^ v0;
      v2 = (v2 + v1) & M;
      v1 = rotl(v1, 17n) ^ v2;
      v2 = rotl(v2, 32n);
    }
  };
  const padded = Buffer.alloc((Math.floor(bytes.length / 8) + 1) * 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 0xff;
  for (let i = 0; i < padded.length; i += 8) {
    const word = padded.readBigUInt64LE(i);
    v3 ^= word;
    rounds(c);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(d);
  return v0 ^ v1 ^ v2 ^ v3;
}

function hashes(bytes: Uint8Array, k0: bigint, k1: bigint): [bigint, bigint] {
  return [
    BigInt.asUintN(64, program.bigint("hash13", bytes, k0, k1)),
    BigInt.asUintN(64, program.bigint("hash24", bytes, k0, k1)),
  ];
}

test("the published vectors", () => {
  for (let n = 0; n < 64; n++) {
    const input = Buffer.from(Array.from({ length: n }, (_, i) => i));
    const expected = (["1-3", "2-4"] as const).map((name) => Buffer.from(vectors[name][n]!, "hex").readBigUInt64LE());
    assert.deepEqual(hashes(input, K0, K1), expected, String(n));
    assert.deepEqual([sipHash(input, K0, K1, 1, 3), sipHash(input, K0, K1, 2, 4)], expected, `the model, ${n}`);
  }
});

test(`any bytes under any key (seed ${SEED})`, () => {
  const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), word, word, (bytes, k0, k1) => {
      assert.deepEqual(hashes(bytes, k0, k1), [sipHash(bytes, k0, k1, 1, 3), sipHash(bytes, k0, k1, 2, 4)]);
    }),
    { seed: SEED, numRuns: 3000 },
  );
});

test("lengths of which only the low byte is hashed", () => {
  for (const length of [255, 256, 257, 511, 512, 65536]) {
    const bytes = Buffer.alloc(length, 0xa7);
    assert.deepEqual(hashes(bytes, 1n, 2n), [sipHash(bytes, 1n, 2n, 1, 3), sipHash(bytes, 1n, 2n, 2, 4)]);
  }
});

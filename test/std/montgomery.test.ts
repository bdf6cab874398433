import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";
import { bytesOfNumber, modPow, numberOf } from "./numbers.js";

const SEED = 20261128;

let program: StdProgram;
before(async () => {
  program = await stdProgram("digest");
});

/** Moduli of any bytes, and those where carries go all the way. */
const modulus = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => numberOf(bytes) | 1n),
  fc.uint8Array({ minLength: 128, maxLength: 272 }).map((bytes) => numberOf(bytes) | 1n),
  fc.integer({ min: 2, max: 2100 }).map((bits) => (1n << BigInt(bits)) - 1n),
  fc.integer({ min: 1, max: 2100 }).map((bits) => (1n << BigInt(bits)) + 1n),
  fc
    .tuple(fc.integer({ min: 40, max: 2100 }), fc.nat(1 << 20))
    .map(([bits, less]) => (1n << BigInt(bits)) - 2n * BigInt(less) - 1n),
);
const exponent = fc.oneof(
  fc.constantFrom(3n, 5n, 17n, 65537n, (1n << 33n) - 1n, (1n << 32n) + 1n),
  fc.bigInt({ min: 1n, max: (1n << 32n) - 1n }).map((half) => 2n * half + 1n),
);

test(`powers modulo odd numbers are those of BigInt (seed ${SEED})`, () => {
  fc.assert(
    fc.property(modulus, fc.bigInt({ min: 0n, max: 1n << 2200n }), fc.nat(3), exponent, (n, any, edge, e) => {
      fc.pre(n > 1n);
      const base = [any % n, 0n, 1n, n - 1n][edge]!;
      const bytes = bytesOfNumber(n);
      const found = program.bytes("power", bytes, bytesOfNumber(base), e);
      assert.equal(numberOf(found), modPow(base, e, n), `${base} ^ ${e} mod ${n}`);
    }),
    { seed: SEED, numRuns: 1500 },
  );
});

test("a base from the modulus on is refused, zeros in front are not", () => {
  const n = Buffer.from("f1".repeat(40), "hex");
  assert.equal(program.bytesOrNull("power", n, n, 3n), null);
  assert.equal(program.bytesOrNull("power", n, Buffer.concat([Buffer.of(1), Buffer.alloc(100)]), 3n), null);
  assert.equal(numberOf(program.bytes("power", n, Buffer.concat([Buffer.alloc(200), Buffer.of(2)]), 3n)), 8n);
});

test("even moduli, 0, 1 and more than 8192 bits are refused", () => {
  for (const n of [[], [0], [1], [0, 0, 1], [2], [255, 254]])
    assert.equal(program.bytesOrNull("power", Buffer.from(n), Buffer.alloc(1), 3n), null);
  assert.equal(program.bytesOrNull("power", Buffer.alloc(1025, 255), Buffer.alloc(1), 3n), null);
  assert.equal(numberOf(program.bytes("power", Buffer.alloc(1024, 255), Buffer.of(2), 3n)), 8n);
});

test(`numbers of twice the size are reduced (seed ${SEED})`, () => {
  fc.assert(
    fc.property(modulus, fc.uint8Array({ minLength: 600, maxLength: 600 }), fc.boolean(), (n, noise, ones) => {
      fc.pre(n > 1n);
      const bytes = bytesOfNumber(n);
      const size = Math.ceil(bytes.length / 16) * 16;
      const wide = ones ? Buffer.alloc(2 * size, 255) : Buffer.from(noise.subarray(0, 2 * size));
      const found = program.bytes("remainder", bytes, wide).reverse();
      assert.equal(numberOf(found), numberOf(Buffer.from(wide).reverse()) % n);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

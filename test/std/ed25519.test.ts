import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from "node:crypto";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";
import { unhex, withoutVectors, wycheproof } from "./vectors.js";

const SEED = 20261130;
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const skip = withoutVectors();

let program: StdProgram;
before(async () => {
  program = await stdProgram("ed25519");
});

/** "none" when the key is none. */
function verdict(key: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean | "none" {
  const result = program.number("verify", key, text, signature);
  return result === 0xffffffff ? "none" : result === 1;
}

const keyOf = (bytes: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(bytes).toString("base64url") }, format: "jwk" });
const little = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);

/** Keys of Node's, and what signs with them. */
const pairs = Array.from({ length: 20 }, () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { bytes: Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url"), privateKey };
});

test(`what Node signs is right, and with one bit changed gets Node's verdict (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.nat(19), fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.nat(2), (which, message, bit, where) => {
      const { bytes, privateKey } = pairs[which]!;
      const text = Buffer.from(message);
      const signature = sign(null, text, privateKey);
      assert.equal(verdict(bytes, text, signature), true);
      const parts = [Buffer.from(bytes), text, signature] as const;
      const part = parts[where]!;
      if (!part.length) return;
      part[(bit >> 3) % part.length]! ^= 1 << (bit & 7);
      const ours = verdict(...parts);
      assert.equal(ours === true, verify(null, parts[1], keyOf(parts[0]), parts[2]));
    }),
    { seed: SEED, numRuns: 1500 },
  );
});

test("S from the order on is refused, which would give a signature a second form", () => {
  const text = Buffer.from("text");
  for (const { bytes, privateKey } of pairs) {
    const signature = sign(null, text, privateKey);
    const s = number(signature.subarray(32));
    for (let more = 1n; s + more * L < 1n << 256n; more++) {
      assert.equal(verdict(bytes, text, Buffer.concat([signature.subarray(0, 32), little(s + more * L)])), false);
    }
  }
  for (const s of [L - 1n, L, L + 1n, (1n << 256n) - 1n, 0n])
    assert.equal(verdict(pairs[0]!.bytes, text, Buffer.concat([Buffer.alloc(32), little(s)])), false);
});

test("keys that are no point, not canonical, or of small order", () => {
  const text = Buffer.from("text");
  const signature = Buffer.alloc(64);
  const reason = (key: Uint8Array): string => {
    assert.equal(verdict(key, text, signature), "none", Buffer.from(key).toString("hex"));
    return program.text("reason");
  };
  for (const length of [0, 31, 33, 64]) assert.equal(reason(Buffer.alloc(length, 2)), "an Ed25519 key has 32 bytes");
  // y from p on: y - p is another point, or the same.
  for (let y = P; y < 1n << 255n; y++) {
    assert.equal(reason(little(y)), "the bytes are no point of Ed25519");
    assert.equal(reason(little(y | (1n << 255n))), "the bytes are no point of Ed25519");
  }
  // x = 0 has no sign.
  for (const y of [1n, P - 1n]) {
    assert.equal(reason(little(y | (1n << 255n))), "the bytes are no point of Ed25519");
    assert.equal(reason(little(y)), "the key is of small order");
  }
  // Orders 4 and 8, with either sign. Those of order 8 are in every published list of such points.
  for (const y of [
    0n,
    number(unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
    number(unhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")),
  ]) {
    assert.equal(reason(little(y)), "the key is of small order");
    assert.equal(reason(little(y | (1n << 255n))), "the key is of small order");
  }
  // Of the numbers y about a half is that of a point: Node's verdict is no help, the curve's equation is.
  const d = (P - 121665n) * power(121666n, P - 2n);
  for (let y = 2n; y < 200n; y++) {
    const x2 = (y * y - 1n) * power(d * y * y + 1n, P - 2n);
    const isPoint = power(x2, (P - 1n) / 2n) === 1n;
    assert.equal(verdict(little(y), text, signature), isPoint ? false : "none", `${y}`);
  }
});

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = ((base % P) + P) % P;
  for (; exponent; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

test("Wycheproof: Ed25519", { skip }, (t) => {
  let count = 0;
  for (const { publicKey, tests } of wycheproof<{ publicKey: { pk: string } }, { sig: string }>("ed25519_test")) {
    for (const { tcId, msg, sig, result } of tests) {
      assert.equal(verdict(unhex(publicKey.pk), unhex(msg), unhex(sig)), result === "valid", `${tcId}`);
      count++;
    }
  }
  assert.ok(count > 0);
  t.diagnostic(`${count} vectors`);
});

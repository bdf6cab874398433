import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { before, test } from "node:test";
import fc from "fast-check";
import { CURVES, derSignature, ORDERS, signatureOf } from "./oracles/ecdsa.js";
import { bytesOfNumber } from "./numbers.js";
import { stdProgram, type StdProgram } from "./program.js";
import { unhex, withoutVectors, wycheproof } from "./vectors.js";

const SEED = 20261131;
const skip = withoutVectors();

let program: StdProgram;
before(async () => {
  program = await stdProgram("key");
});

const keys = [
  generateKeyPairSync("rsa", { modulusLength: 2048 }),
  generateKeyPairSync("rsa", { modulusLength: 3072, publicExponent: 3 }),
  ...["P-256", "P-384", "P-521"].flatMap((namedCurve) =>
    [1, 2, 3, 4].map(() => generateKeyPairSync("ec", { namedCurve })),
  ),
  generateKeyPairSync("ed25519"),
].map(({ publicKey, privateKey }) => ({
  der: publicKey.export({ format: "der", type: "spki" }),
  jwk: publicKey.export({ format: "jwk" }),
  privateJwk: privateKey.export({ format: "jwk" }),
}));

test("SubjectPublicKeyInfo and JWK become each other as with Node", () => {
  for (const { der, jwk, privateJwk } of keys) {
    const text = JSON.stringify(jwk);
    assert.deepEqual(program.bytes("spki", der), der);
    assert.deepEqual(program.bytes("jwkToSpki", text), der);
    assert.deepEqual(program.bytes("jwkToSpki", JSON.stringify(privateJwk)), der);
    assert.deepEqual(JSON.parse(program.text("spkiToJwk", der)), jwk);
    assert.deepEqual(JSON.parse(program.text("jwkAgain", text)), jwk);
    assert.equal(program.text("jwkUse", text), "- - - false");
    assert.equal(program.text("jwkUse", JSON.stringify(privateJwk)), "- - - true");
  }
});

test("DER that is cut off, followed by anything, or spoilt in any byte", () => {
  for (const { der } of keys) {
    for (let end = 0; end < der.length; end++)
      assert.equal(program.number("isSpki", der.subarray(0, end)), 0, `${end}`);
    assert.equal(program.number("isSpki", Buffer.concat([der, Buffer.of(0)])), 0);
    for (let at = 0; at < der.length; at++) {
      const spoilt = Buffer.from(der);
      for (const value of [0, 1, 0x7f, 0x80, 0x81, 0xff, der[at]! ^ 1, der[at]! ^ 0x80]) {
        spoilt[at] = value;
        const again = program.bytesOrNull("spki", spoilt);
        // What is read is what would be written.
        if (again) assert.deepEqual(again, spoilt, `${at}: ${value}`);
      }
    }
  }
});

/** An element with its length in so many bytes behind the first, or in the first. */
function element(
  tag: number,
  content: Uint8Array,
  lengthBytes = content.length < 128 ? 0 : content.length < 256 ? 1 : 2,
): Buffer {
  const length = bytesOfNumber(BigInt(content.length), lengthBytes || 1);
  return Buffer.concat([Buffer.of(tag, ...(lengthBytes ? [0x80 + lengthBytes] : [])), length, content]);
}

test("what only BER allows is refused", () => {
  const zero = element(2, Buffer.of(0));
  const elements = (bytes: Uint8Array): number => program.number("elements", bytes) | 0;
  assert.equal(elements(element(0x30, Buffer.concat([zero, zero]))), 3);
  assert.equal(elements(element(4, Buffer.alloc(127))), 1);
  assert.equal(elements(element(4, Buffer.alloc(128))), 1);
  assert.equal(elements(element(4, Buffer.alloc(256))), 1);
  assert.equal(elements(Buffer.alloc(0)), 0);
  for (const [wrong, reason] of [
    [element(4, Buffer.alloc(127), 1), "a length has more bytes than it needs"],
    [element(4, Buffer.alloc(200), 2), "a length has more bytes than it needs"],
    [element(4, Buffer.alloc(300), 4), "a length has more bytes than it needs"],
    [Buffer.of(0x30, 0x80, 0, 0), "a length is indefinite or too long"],
    [Buffer.of(0x30, 0x85, 1, 0, 0, 0, 0), "a length is indefinite or too long"],
    [Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), "it ends within an element"],
    [Buffer.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff), "it ends within an element"],
    [Buffer.of(0x30, 0x82, 1), "it ends within an element"],
    [Buffer.of(0x30), "it ends within an element"],
    [Buffer.of(4, 3, 1, 2), "it ends within an element"],
    [element(2, Buffer.of(0, 1)), "an INTEGER has more bytes than it needs"],
    [element(2, Buffer.of(0x80)), "an INTEGER is negative"],
    [element(2, Buffer.alloc(0)), "an INTEGER is empty"],
    [element(5, Buffer.of(0)), "a NULL has content"],
    [element(3, Buffer.alloc(0)), "a BIT STRING is not of whole bytes"],
    [element(3, Buffer.of(1, 2)), "a BIT STRING is not of whole bytes"],
    [element(0x1f, Buffer.of(0x80, 1)), "an element has another tag"],
    [Buffer.of(2, 1, 0, 0), "something follows the last element"],
  ] as const) {
    assert.ok(elements(wrong) < 0, wrong.toString("hex"));
    assert.equal(program.text("reason"), reason, wrong.toString("hex"));
  }
});

test("keys of other kinds and forms in DER", () => {
  const refused = (der: Uint8Array, reason: string): void => {
    assert.equal(program.number("isSpki", der), 0);
    assert.equal(program.text("reason"), reason);
  };
  const exported = (pair: { publicKey: import("node:crypto").KeyObject }): Buffer =>
    pair.publicKey.export({ format: "der", type: "spki" });
  refused(exported(generateKeyPairSync("ed448")), "the algorithm of the key is unknown");
  refused(exported(generateKeyPairSync("x25519")), "the algorithm of the key is unknown");
  refused(exported(generateKeyPairSync("ec", { namedCurve: "secp256k1" })), "the curve is unknown");
  refused(exported(generateKeyPairSync("rsa-pss", { modulusLength: 2048 })), "the algorithm of the key is unknown");
  const p256 = keys.find(({ jwk }) => jwk.crv === "P-256")!;
  const point = p256.der.subarray(-65);
  const algorithm = p256.der.subarray(2, 23);
  const compressed = Buffer.concat([Buffer.of(0, 2 + (point[64]! & 1)), point.subarray(1, 33)]);
  refused(element(0x30, Buffer.concat([algorithm, element(3, compressed)])), "the point is compressed or none");
  const off = element(3, Buffer.concat([Buffer.of(0, 4), Buffer.alloc(64)]));
  // Whether a point is on its curve is for the host to say.
  assert.equal(program.number("isSpki", element(0x30, Buffer.concat([algorithm, off]))), 2);
});

test("JWK: what is refused, and why", () => {
  const rsa = keys[0]!.jwk;
  const ec = keys.find(({ jwk }) => jwk.crv === "P-384")!.jwk;
  const okp = keys.at(-1)!.jwk;
  const zero = Buffer.concat([Buffer.of(0), Buffer.from(rsa.n!, "base64url")]).toString("base64url");
  const oct = { kty: "oct", k: "c2VjcmV0" };
  for (const [key, reason] of [
    [[], "a key is no object"],
    [{}, "kty is missing"],
    [{ kty: "rsa" }, "kty is unknown"],
    [{ kty: 1 }, "kty is no string"],
    [{ ...rsa, kid: 7 }, "kid is no string"],
    [{ ...rsa, kid: null }, "kid is no string"],
    [{ ...rsa, alg: ["RS256"] }, "alg is no string"],
    [{ ...rsa, use: {} }, "use is no string"],
    [{ ...rsa, key_ops: "verify" }, "key_ops is no array or too long"],
    [{ ...rsa, key_ops: [1] }, "key_ops has a value that is no string"],
    [{ ...rsa, key_ops: ["verify", "sign", "verify"] }, "key_ops has a value twice"],
    [{ ...rsa, key_ops: Array.from({ length: 33 }, (_, i) => `${i}`) }, "key_ops is no array or too long"],
    [{ ...rsa, n: undefined }, "n is missing, no string or too long"],
    [{ ...rsa, n: 5 }, "n is missing, no string or too long"],
    [{ ...rsa, n: `${rsa.n}=` }, "n is not base64url"],
    [{ ...rsa, n: zero }, "the modulus is empty, begins with zero or is too long"],
    [{ ...rsa, n: "A".repeat(200_000) }, "n is missing, no string or too long"],
    [{ ...rsa, n: "_".repeat(2000) }, "the modulus is empty, begins with zero or is too long"],
    [{ ...rsa, e: "" }, "the exponent is empty, begins with zero or is too long"],
    [{ ...rsa, e: "AAEAAQ" }, "the exponent is empty, begins with zero or is too long"],
    [{ ...ec, crv: "P-256" }, "a coordinate is of another length than the curve's"],
    [{ ...ec, crv: "secp256k1" }, "the curve is unknown"],
    [{ ...ec, crv: "Ed25519" }, "the curve is unknown"],
    [{ ...ec, crv: undefined }, "crv is missing or no string"],
    [{ ...ec, y: undefined }, "y is missing, no string or too long"],
    [{ ...ec, x: ec.x!.slice(4) }, "a coordinate is of another length than the curve's"],
    [{ ...okp, crv: "X25519" }, "crv is unknown"],
    [{ ...okp, x: "AAAA" }, "an Ed25519 key has 32 bytes"],
    [{ ...oct, k: "" }, "the secret is empty or too long"],
    [{ ...oct, k: "c2V jcmV0" }, "k is not base64url"],
    [{ ...oct, k: null }, "k is missing, no string or too long"],
  ] as const) {
    const text = JSON.stringify(key);
    assert.equal(program.number("isJwk", text), 0, text.slice(0, 300));
    assert.equal(program.text("reason"), reason, text.slice(0, 300));
  }
  assert.equal(program.number("isJwk", JSON.stringify(oct)), 4);
  assert.equal(program.bytesOrNull("jwkToSpki", JSON.stringify(oct)), null);
  assert.deepEqual(JSON.parse(program.text("jwkAgain", JSON.stringify({ ...oct, kid: 'a"é' }))), {
    ...oct,
    kid: 'a"é',
  });
  assert.equal(
    program.text(
      "jwkUse",
      JSON.stringify({ ...rsa, alg: "RS256", use: "sig", key_ops: ["verify", "sign"], extra: [{}] }),
    ),
    "RS256 sig verify,sign false",
  );
});

test(`signatures of ECDSA in both forms (seed ${SEED})`, () => {
  const part = fc.oneof(
    fc.uint8Array({ minLength: 0, maxLength: 66 }).map((bytes) => BigInt(`0x0${Buffer.from(bytes).toString("hex")}`)),
    fc.constantFrom(0n, 1n, 127n, 128n, 255n, 256n, ...Object.values(ORDERS).flatMap((n) => [n - 1n, n, n + 1n])),
  );
  fc.assert(
    fc.property(fc.constantFrom(...CURVES), part, part, ({ id, size, order }, r, s) => {
      if (r >= 1n << BigInt(8 * size) || s >= 1n << BigInt(8 * size)) return;
      const raw = Buffer.concat([bytesOfNumber(r, size), bytesOfNumber(s, size)]);
      const right = r > 0n && s > 0n && r < order && s < order;
      const der = derSignature(r, s);
      assert.deepEqual(program.bytesOrNull("toDer", raw, id), right ? der : null);
      assert.deepEqual(program.bytesOrNull("fromDer", der, id), right ? raw : null);
      for (const wrong of [raw.subarray(1), Buffer.concat([raw, Buffer.of(0)]), Buffer.concat([Buffer.of(0), raw])])
        assert.equal(program.bytesOrNull("toDer", wrong, id), null);
    }),
    { seed: SEED, numRuns: 3000 },
  );
});

test(`DER of signatures with bytes changed is read only if it is that of its numbers (seed ${SEED})`, () => {
  const change = fc.tuple(fc.nat(), fc.nat(2), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 0x30, 0x80, 0x81, 0xff)));
  fc.assert(
    fc.property(
      fc.constantFrom(...CURVES),
      fc.bigInt({ min: 1n, max: ORDERS.P521 - 1n }),
      fc.bigInt({ min: 1n, max: ORDERS.P521 - 1n }),
      fc.array(change, { maxLength: 2 }),
      ({ id, size, order }, r, s, changes) => {
        let der = derSignature(r % order || 1n, s % order || 1n);
        for (const [where, gone, value] of changes) {
          const at = where % Math.min(der.length, 12);
          der = Buffer.concat([der.subarray(0, at), Buffer.of(value), der.subarray(at + gone)]);
        }
        assert.deepEqual(program.bytesOrNull("fromDer", der, id), signatureOf(der, size, order));
      },
    ),
    { seed: SEED, numRuns: 5000 },
  );
});

for (const { name, id, digest } of CURVES) {
  test(`Wycheproof: ECDSA in P1363, ${name}, by Node with what we make of it`, { skip }, (t) => {
    let count = 0;
    for (const { publicKeyJwk, publicKeyDer, tests } of wycheproof<
      { publicKeyJwk?: object; publicKeyDer: string },
      { sig: string }
    >(`ecdsa_${name}_${digest}_p1363_test`)) {
      const spki = unhex(publicKeyDer);
      assert.deepEqual(program.bytes("spki", spki), spki);
      if (publicKeyJwk) assert.deepEqual(program.bytes("jwkToSpki", JSON.stringify(publicKeyJwk)), spki);
      const key = createPublicKey({ key: program.bytes("spki", spki), format: "der", type: "spki" });
      for (const { tcId, msg, sig, result } of tests) {
        const raw = unhex(sig);
        const der = program.bytesOrNull("toDer", raw, id);
        if (der) assert.deepEqual(program.bytes("fromDer", der, id), raw);
        assert.equal(der !== null && verify(digest, unhex(msg), key, der), result === "valid", `${tcId}`);
        count++;
      }
    }
    assert.ok(count > 0);
    t.diagnostic(`${count} vectors`);
  });
}

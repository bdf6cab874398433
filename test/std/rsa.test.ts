import assert from "node:assert/strict";
import { constants, createHash, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { generateKeyPairSync, privateEncrypt, publicEncrypt, type KeyObject } from "node:crypto";
import { before, test } from "node:test";
import fc from "fast-check";
import { bytesOfNumber, rsaKey, rsaPair } from "./numbers.js";
import { stdProgram, type StdProgram } from "./program.js";
import { unhex, withoutVectors, wycheproof } from "./vectors.js";

const SEED = 20261129;
const SIZES = [256, 384, 512] as const;
const skip = withoutVectors();

let program: StdProgram;
before(async () => {
  program = await stdProgram("rsa");
});

const take = (key: KeyObject): number => {
  const { n, e } = key.export({ format: "jwk" });
  return program.number("take", Buffer.from(n!, "base64url"), Buffer.from(e!, "base64url"));
};
const pkcs1 = (text: Uint8Array, signature: Uint8Array, bits: number): boolean =>
  program.number("pkcs1", text, signature, bits) === 1;
const pss = (text: Uint8Array, signature: Uint8Array, bits: number, salt = -1): boolean =>
  program.number("pss", text, signature, bits, salt) === 1;
const pssOf = (key: KeyObject, saltLength: number) => ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

test("keys of sizes whose bits fill no byte, with each digest, beside Node", () => {
  const text = randomBytes(100);
  for (const modulusLength of [2048, 2049, 2050, 2055, 2056, 3072, 4096]) {
    const { publicKey, privateKey } = rsaPair(modulusLength);
    assert.equal(take(publicKey), modulusLength);
    for (const bits of SIZES) {
      const one = sign(`sha${bits}`, text, privateKey);
      assert.ok(pkcs1(text, one, bits), `${modulusLength} ${bits}`);
      assert.ok(!pkcs1(text, one, bits === 256 ? 512 : 256));
      assert.ok(!pss(text, one, bits));
      for (const salt of [0, 20, bits / 8]) {
        const other = sign(`sha${bits}`, text, pssOf(privateKey, salt));
        assert.ok(pss(text, other, bits, salt), `${modulusLength} ${bits} ${salt}`);
        assert.equal(pss(text, other, bits), salt === bits / 8);
        assert.ok(!pss(text, other, bits, salt + 1));
        assert.ok(!pkcs1(text, other, bits));
      }
      // The longest salt that there is room for, and one that there is none for.
      const most = Math.ceil((modulusLength - 1) / 8) - bits / 8 - 2;
      assert.ok(pss(text, sign(`sha${bits}`, text, pssOf(privateKey, most)), bits, most));
      for (const salt of [most + 1, 1000, 0x7fffffff]) assert.ok(!pss(text, one, bits, salt));
    }
  }
});

test("8192 bits, and exponents from 3 to 2^33 - 1", () => {
  const text = Buffer.from("text");
  for (const [bits, exponent] of [
    [8192, 65537n],
    [2048, 3n],
    [2048, 0x1ffffffffn],
    [2056, 0x100000001n],
    [2049, 17n],
  ] as const) {
    const { n, e, sign: raw } = rsaKey(bits, exponent);
    assert.equal(program.number("take", n, e), bits);
    const info = Buffer.concat([
      unhex("3031300d060960864801650304020105000420"),
      createHash("sha256").update(text).digest(),
    ]);
    const padded = Buffer.concat([Buffer.of(0, 1), Buffer.alloc(n.length - info.length - 3, 255), Buffer.of(0), info]);
    const signature = raw(padded);
    const jwk = { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
    const node = createPublicKey({ key: jwk, format: "jwk" });
    assert.ok(pkcs1(text, signature, 256), `${bits} ${exponent}`);
    // OpenSSL takes no exponent above 64 bits, and none but small ones with large moduli: these it takes.
    assert.ok(verify("sha256", text, node, signature));
    signature[5]! ^= 4;
    assert.ok(!pkcs1(text, signature, 256));
  }
});

test(`any encoding that is signed gets Node's verdict (seed ${SEED})`, () => {
  const text = Buffer.from("some text");
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  take(publicKey);
  const opened = (signature: Buffer): Buffer =>
    publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, signature);
  const encodings = {
    pkcs1: opened(sign("sha256", text, privateKey)),
    pss: opened(sign("sha256", text, pssOf(privateKey, 32))),
  };
  const change = fc.record({
    at: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 190, 202, 203, 204, 205, 206, 220, 221, 222, 254, 255)),
    value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x80, 0xff)),
  });
  fc.assert(
    fc.property(
      fc.constantFrom("pkcs1" as const, "pss" as const),
      fc.array(change, { maxLength: 2 }),
      (kind, changes) => {
        const encoding = Buffer.from(encodings[kind]);
        for (const { at, value } of changes) encoding[at] = value;
        if (encoding[0]! > 0x7f) encoding[0] = 0;
        const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encoding);
        assert.equal(pkcs1(text, signature, 256), verify("sha256", text, publicKey, signature));
        assert.equal(pss(text, signature, 256), verify("sha256", text, pssOf(publicKey, 32), signature));
      },
    ),
    { seed: SEED, numRuns: 400 },
  );
});

test("a signature has one length and is below the modulus", () => {
  const text = Buffer.from("text");
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  take(publicKey);
  const signature = sign("sha256", text, privateKey);
  assert.ok(pkcs1(text, signature, 256));
  for (const wrong of [
    Buffer.alloc(0),
    signature.subarray(1),
    signature.subarray(0, 255),
    Buffer.concat([Buffer.of(0), signature]),
    Buffer.concat([signature, Buffer.of(0)]),
    Buffer.alloc(256),
    Buffer.alloc(256, 255),
    Buffer.from(publicKey.export({ format: "jwk" }).n!, "base64url"),
  ]) {
    assert.ok(!pkcs1(text, wrong, 256));
    assert.ok(!pss(text, wrong, 256));
  }
  // The same number modulo n, where it fits.
  const { n } = publicKey.export({ format: "jwk" });
  const more = BigInt(`0x${signature.toString("hex")}`) + BigInt(`0x${Buffer.from(n!, "base64url").toString("hex")}`);
  assert.ok(!pkcs1(text, bytesOfNumber(more), 256));
});

test("keys that are refused, and why", () => {
  const odd = Buffer.alloc(256, 0xff);
  const even = Buffer.from(odd);
  even[255] = 0xfe;
  const few = Buffer.from(odd);
  few[0] = 0x7f;
  const reason = (n: Uint8Array, e: number[]): string => {
    assert.equal(program.number("take", n, Buffer.from(e)), 0);
    assert.equal(program.number("pkcs1", "text", Buffer.alloc(256), 256), 0xffffffff);
    return program.text("reason");
  };
  assert.equal(reason(few, [1, 0, 1]), "the modulus has fewer than 2048 bits");
  assert.equal(reason(odd.subarray(128), [1, 0, 1]), "the modulus has fewer than 2048 bits");
  assert.equal(reason(Buffer.alloc(1025, 255), [1, 0, 1]), "the modulus has more than 8192 bits");
  assert.equal(reason(even, [1, 0, 1]), "the modulus is even");
  assert.equal(reason(Buffer.concat([Buffer.of(0), odd]), [3]), "the modulus is empty or begins with zero");
  assert.equal(reason(Buffer.alloc(0), [3]), "the modulus is empty or begins with zero");
  for (const e of [[], [0], [0, 3]]) assert.equal(reason(odd, e), "the exponent is empty or begins with zero");
  for (const e of [[1], [2], [4], [1, 0, 0]]) assert.equal(reason(odd, e), "the exponent is even or 1");
  for (const e of [[2, 0, 0, 0, 1], [1, 0, 0, 0, 0, 1], Array<number>(300).fill(255)])
    assert.equal(reason(odd, e), "the exponent is too large");
  for (const e of [[3], [1, 0, 1], [1, 255, 255, 255, 255]])
    assert.equal(program.number("take", odd, Buffer.from(e)), 2048);
});

test("Wycheproof: RSA PKCS #1 v1.5", { skip }, (t) => {
  let count = 0;
  let refused = 0;
  for (const { publicKeyDer, tests } of wycheproof<{ publicKeyDer: string }, { sig: string }>(
    "rsa_signature_2048_sha256_test",
  )) {
    assert.equal(program.number("takeSpki", unhex(publicKeyDer)), 2048);
    for (const { tcId, msg, sig, result, flags } of tests) {
      const right = pkcs1(unhex(msg), unhex(sig), 256);
      // A DigestInfo without its NULL, which is all that is acceptable, is refused.
      if (result === "acceptable") {
        assert.deepEqual(flags, ["MissingNull"]);
        refused++;
      }
      assert.equal(right, result === "valid", `${tcId}`);
      count++;
    }
  }
  assert.ok(count > refused && refused > 0);
  t.diagnostic(`${count} vectors, ${refused} acceptable and refused`);
});

for (const [name, bits, modulusBits] of [
  ["rsa_pss_2048_sha256_mgf1_32_test", 256, 2048],
  ["rsa_pss_2048_sha384_mgf1_48_test", 384, 2048],
  ["rsa_pss_4096_sha512_mgf1_64_test", 512, 4096],
] as const) {
  test(`Wycheproof: ${name}`, { skip }, (t) => {
    let count = 0;
    for (const { publicKeyDer, sLen, tests } of wycheproof<{ publicKeyDer: string; sLen: number }, { sig: string }>(
      name,
    )) {
      assert.equal(program.number("takeSpki", unhex(publicKeyDer)), modulusBits);
      for (const { tcId, msg, sig, result } of tests) {
        assert.equal(pss(unhex(msg), unhex(sig), bits, sLen), result === "valid", `${tcId}`);
        count++;
      }
    }
    assert.ok(count > 0);
    t.diagnostic(`${count} vectors`);
  });
}

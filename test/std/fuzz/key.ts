import assert from "node:assert/strict";
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Fuzzed } from "../fuzz.js";
import { elementsOf } from "../oracles/der.js";
import { CURVES, signatureOf } from "../oracles/ecdsa.js";
import { ECDSA, SPKI } from "../testdata.js";

const OKP = 3;
const OCT = 4;
const EC = 2;

function imported(make: () => KeyObject): KeyObject | null {
  try {
    return make();
  } catch {
    return null;
  }
}

const spkiOf = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" });

/** Whether OpenSSL reads a key of our kinds from it, and would write it like that, points not compressed. */
function isOurs(der: Buffer): boolean {
  const key = imported(() => createPublicKey({ key: der, format: "der", type: "spki" }));
  if (key?.asymmetricKeyType === "rsa" || key?.asymmetricKeyType === "ed25519") return spkiOf(key).equals(der);
  const jwk = key?.asymmetricKeyType === "ec" ? imported(() => keyOfEc(key)) : null;
  return jwk !== null && spkiOf(jwk).equals(der);
}

/** Made anew from its coordinates. Throws for curves that have no name in JWK. */
function keyOfEc(key: KeyObject): KeyObject {
  const jwk = key.export({ format: "jwk" });
  if (!["P-256", "P-384", "P-521"].includes(jwk.crv!)) throw new Error(`curve ${jwk.crv}`);
  return createPublicKey({ key: jwk, format: "jwk" });
}

const JWKS = SPKI.map((der) => createPublicKey({ key: der, format: "der", type: "spki" }).export({ format: "jwk" }));

export const FUZZED: Fuzzed[] = [
  {
    name: "der elements",
    driver: "key",
    export: "elements",
    corpus: [...SPKI, ...ECDSA],
    dictionary: [
      ...[
        [0x30, 0x80],
        [2, 1, 0],
        [2, 2, 0, 0x80],
        [5, 0],
        [0x30, 0],
        [3, 1, 0],
      ],
      [0x81],
      [0x82],
      [0, 0],
    ].map((b) => Buffer.from(b)),
    check(input, result) {
      const expected = elementsOf(input);
      assert.equal(result < 0 ? -1 : result, expected);
    },
    oracle: "a reader in TypeScript",
  },
  {
    name: "spki",
    driver: "key",
    export: "isSpki",
    corpus: SPKI,
    dictionary: [...SPKI.map((der) => der.subarray(0, 26)), Buffer.of(0x30, 0x81), Buffer.of(0), Buffer.of(2, 1, 3)],
    check(input, result, program) {
      if (result) assert.deepEqual(program.bytes("spki", input), input);
      // Whether a point is on its curve is not ours to say.
      if (isOurs(input)) assert.ok(result > 0);
      else if (result === OKP) assert.fail("OpenSSL reads no key of Ed25519");
    },
    oracle: "OpenSSL, which would write it so",
  },
  {
    name: "jwk",
    driver: "key",
    export: "isJwk",
    corpus: [
      ...JWKS.map((jwk) => JSON.stringify({ ...jwk, kid: "one", use: "sig", alg: "RS256", key_ops: ["verify"] })),
      '{"kty":"oct","k":"c2VjcmV0"}',
    ],
    dictionary: [
      '"kty":"RSA"',
      '"kty":"EC"',
      '"crv":"P-521"',
      '"k":"AA"',
      '"n":',
      '"e":"AQAB"',
      '"AA"',
      "A",
      "=",
      "null",
    ],
    longest: 800,
    check(input, result, program) {
      if (!result) return;
      const jwk = JSON.parse(input.toString()) as JsonWebKey;
      const again = JSON.parse(program.text("jwkAgain", input)) as JsonWebKey;
      for (const [name, value] of Object.entries(again)) assert.equal(value, jwk[name], name);
      const der = program.bytesOrNull("jwkToSpki", input);
      assert.equal(der === null, result === OCT);
      if (!der) return;
      assert.deepEqual(program.bytes("spki", der), der);
      const key = imported(() => createPublicKey({ key: again, format: "jwk" }));
      if (key) assert.deepEqual(spkiOf(key), der);
      else assert.equal(result, EC);
    },
    oracle: "OpenSSL, for what is taken",
  },
  {
    name: "ecdsa signature in DER",
    driver: "key",
    export: "signatureVerdict",
    corpus: [...ECDSA, Buffer.of(0x30, 6, 2, 1, 1, 2, 1, 1)],
    dictionary: [Buffer.of(2, 1, 1), Buffer.of(0), Buffer.of(0x30, 0x81), Buffer.of(2, 0x81), Buffer.of(0xff)],
    longest: 160,
    check(input, result) {
      let expected = 0;
      for (const { id, size, order } of CURVES) if (signatureOf(input, size, order)) expected |= 1 << (id - 1);
      assert.equal(result, expected);
    },
    oracle: "what its numbers are written as",
  },
];

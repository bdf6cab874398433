import assert from "node:assert/strict";
import { constants, createPublicKey, verify, type KeyObject } from "node:crypto";
import type { Fuzzed } from "../fuzz.js";
import { RSA, TEXT } from "../testdata.js";

const { n, pkcs1, pss } = RSA;

/** OpenSSL's verdict; null when there is no key. */
function verdict(input: Buffer): number | null {
  const [modulus, signature, text] = [input.subarray(0, 256), input.subarray(256, 512), input.subarray(512)];
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { kty: "RSA", n: modulus.toString("base64url"), e: "AQAB" }, format: "jwk" });
  } catch {
    return null;
  }
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return (
    Number(verify("sha256", text, key, signature)) |
    (Number(verify("sha256", text, { key, padding, saltLength: 32 }, signature)) << 1)
  );
}

export const FUZZED: Fuzzed[] = [
  {
    name: "rsa key and signature",
    driver: "rsa",
    export: "verdict",
    corpus: [Buffer.concat([n, pkcs1, TEXT]), Buffer.concat([n, pss, TEXT]), Buffer.concat([n, n])],
    dictionary: [Buffer.alloc(8), Buffer.alloc(8, 255)],
    longest: 600,
    slowness: 50,
    check(input, result) {
      const expected = verdict(input);
      const isKey = input.length >= 256 && input[0]! > 0x7f && (input[255]! & 1) === 1;
      assert.equal(result === 4, !isKey);
      if (isKey) assert.equal(result, expected);
    },
    oracle: "OpenSSL",
  },
];

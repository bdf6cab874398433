import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import type { Fuzzed } from "../fuzz.js";
import { ED25519, TEXT } from "../testdata.js";

const { x, signature } = ED25519;
/** A point of small order, which OpenSSL takes as a key. */
const ONE = Buffer.from([1, ...Array<number>(31).fill(0)]);

function verdict(input: Buffer): boolean {
  const jwk = { kty: "OKP", crv: "Ed25519", x: input.subarray(0, 32).toString("base64url") };
  return verify(null, input.subarray(96), createPublicKey({ key: jwk, format: "jwk" }), input.subarray(32, 96));
}

export const FUZZED: Fuzzed[] = [
  {
    name: "ed25519 key and signature",
    driver: "ed25519",
    export: "verdict",
    corpus: [
      Buffer.concat([x, signature, TEXT]),
      Buffer.concat([x, x, x]),
      Buffer.concat([ONE, ONE, Buffer.alloc(32)]),
    ],
    dictionary: [Buffer.alloc(8), Buffer.alloc(8, 255), x, signature.subarray(0, 32)],
    longest: 120,
    slowness: 50,
    check(input, result) {
      // Where there is no key, OpenSSL may take one that is of small order or not canonical.
      if (result === 1) assert.ok(verdict(input));
      else if (result === 0 && input.length >= 96) assert.ok(!verdict(input));
    },
    oracle: "OpenSSL",
  },
];

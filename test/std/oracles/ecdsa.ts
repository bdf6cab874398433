/* Signatures of ECDSA as numbers, and their one form in DER. */

import { bytesOfNumber, numberOf } from "../numbers.js";

/** Orders of the groups (SEC 2). */
export const ORDERS = {
  P256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  P384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  P521: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

/** With the number of sdk/std/curve.ts and the names in Wycheproof. */
export const CURVES = [
  { id: 1, size: 32, order: ORDERS.P256, name: "secp256r1", digest: "sha256" },
  { id: 2, size: 48, order: ORDERS.P384, name: "secp384r1", digest: "sha384" },
  { id: 3, size: 66, order: ORDERS.P521, name: "secp521r1", digest: "sha512" },
] as const;

function element(tag: number, content: Buffer): Buffer {
  const length = content.length < 128 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}

function integer(value: bigint): Buffer {
  const bytes = bytesOfNumber(value);
  return element(2, bytes[0]! & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

export function derSignature(r: bigint, s: bigint): Buffer {
  return element(0x30, Buffer.concat([integer(r), integer(s)]));
}

/** r‖s of DER; null unless it is what would be written. */
export function signatureOf(der: Buffer, size: number, order: bigint): Buffer | null {
  // Read with lenience: two numbers after a head of two or three bytes.
  for (const head of [2, 3]) {
    const rLength = der[head + 1] ?? 0;
    const r = numberOf(der.subarray(head + 2, head + 2 + rLength));
    const s = numberOf(der.subarray(head + 4 + rLength));
    if (r < 1n || s < 1n || r >= order || s >= order || !derSignature(r, s).equals(der)) continue;
    return Buffer.concat([bytesOfNumber(r, size), bytesOfNumber(s, size)]);
  }
  return null;
}

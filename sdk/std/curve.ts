/* The elliptic curves of JWK (RFC 7518 and 8037) by name, object identifier and size. */

import { isAscii } from "./slice";

export const enum Curve {
  None = 0,
  P256 = 1,
  P384 = 2,
  P521 = 3,
  Ed25519 = 4,
}

/** Bytes of a coordinate, or of a key of Ed25519. */
export function curveSize(curve: Curve): i32 {
  if (curve == Curve.P384) return 48;
  if (curve == Curve.P521) return 66;
  return curve == Curve.None ? 0 : 32;
}

/** As `crv` of a JWK has it. */
export function curveName(curve: Curve): string {
  if (curve == Curve.P256) return "P-256";
  if (curve == Curve.P384) return "P-384";
  if (curve == Curve.P521) return "P-521";
  return curve == Curve.Ed25519 ? "Ed25519" : "";
}

/** The curve of a name, Curve.None for any other. */
export function curveNamed(ptr: usize, length: i32): Curve {
  for (let curve = Curve.P256; curve <= Curve.Ed25519; curve++) {
    if (isAscii(ptr, length, curveName(curve))) return curve;
  }
  return Curve.None;
}

/** Content of the object identifier: address of the bytes, of which there are curveOidSize. */
export function curveOid(curve: Curve): usize {
  if (curve == Curve.P256) return memory.data<u8>([0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
  if (curve == Curve.P384) return memory.data<u8>([0x2b, 0x81, 4, 0, 34]);
  if (curve == Curve.P521) return memory.data<u8>([0x2b, 0x81, 4, 0, 35]);
  return memory.data<u8>([0x2b, 0x65, 0x70]);
}

export function curveOidSize(curve: Curve): i32 {
  if (curve == Curve.P256) return 8;
  return curve == Curve.Ed25519 ? 3 : 5;
}

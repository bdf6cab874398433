/* The two forms of an ECDSA signature: r and s behind one another, each as long as the order of the curve (RFC 7518, section
 * 3.4; IEEE P1363), and the SEQUENCE of two INTEGERs (RFC 3279, section 2.2.3), in DER. Either is read in its one right form
 * only, with r and s from 1 to the order less 1. */

import { Curve, curveSize } from "./curve";
import { DerReader, DerTag } from "./der";
import { DerWriter } from "./der-writer";
import { refuse } from "./refusal";

/** r‖s as DER, which the host's verify_signature takes; null, with a refusalReason, when it is none. */
export function ecdsaToDer(curve: Curve, ptr: usize, length: usize): Uint8Array | null {
  const size = <usize>sizeOf(curve);
  if (!size || length != size << 1) return none("the signature is of another length than the curve's");
  if (!isInRange(curve, ptr, size) || !isInRange(curve, ptr + size, size)) return none("r or s is out of range");
  const writer = new DerWriter(256);
  writer
    .begin(DerTag.Sequence)
    .unsigned(ptr, <i32>size)
    .unsigned(ptr + size, <i32>size)
    .end();
  return writer.toBytes();
}

/** DER as r‖s; null, with a refusalReason, when it is none. */
export function ecdsaFromDer(curve: Curve, ptr: usize, length: usize): Uint8Array | null {
  const size = sizeOf(curve);
  if (!size) return none("the curve is none of ECDSA");
  const outer = new DerReader(ptr, length);
  const numbers = outer.enter(DerTag.Sequence);
  outer.end();
  const result = new Uint8Array(size << 1);
  for (let i = 0; i < 2; i++) {
    if (!numbers.unsigned()) break;
    const at = result.dataStart + <usize>(size * i);
    if (numbers.valueLength > size) return none("r or s is out of range");
    memory.copy(at + (size - numbers.valueLength), numbers.valuePtr, numbers.valueLength);
    if (!isInRange(curve, at, size)) return none("r or s is out of range");
  }
  return numbers.end() && outer.ok ? result : null;
}

function sizeOf(curve: Curve): i32 {
  return curve == Curve.Ed25519 ? 0 : curveSize(curve);
}

/** Whether the big-endian number is from 1 to the order less 1. */
function isInRange(curve: Curve, ptr: usize, size: usize): bool {
  const order = orderOf(curve);
  let any: u32 = 0;
  for (let i: usize = 0; i < size; i++) any |= load<u8>(ptr + i);
  return any != 0 && memory.compare(ptr, order, size) < 0;
}

/** Orders of the groups (SEC 2), big-endian. */
function orderOf(curve: Curve): usize {
  if (curve == Curve.P256) {
    return memory.data<u8>([
      0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
      0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ]);
  }
  if (curve == Curve.P384) {
    return memory.data<u8>([
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0,
      0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
    ]);
  }
  return memory.data<u8>([
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86, 0x87, 0x83,
    0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47,
    0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
  ]);
}

function none(reason: string): Uint8Array | null {
  refuse(reason);
  return null;
}

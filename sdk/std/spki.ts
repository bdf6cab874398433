/* SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) in DER: RSA (RFC 3279), P-256, P-384 and P-521 with a point that is not
 * compressed (RFC 5480), Ed25519 (RFC 8410). A key has one form, so what is read is what would be written. */

import { Curve, curveOid, curveOidSize } from "./curve";
import { DerReader, DerTag } from "./der";
import { DerWriter } from "./der-writer";
import { KeyMaterial, KeyType } from "./key-material";
import { refuse } from "./refusal";
import { Slice } from "./slice";

/** rsaEncryption, 1.2.840.113549.1.1.1. */
function oidOfRsa(): usize {
  return memory.data<u8>([0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1]);
}

/** id-ecPublicKey, 1.2.840.10045.2.1. */
function oidOfEc(): usize {
  return memory.data<u8>([0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
}

/** The key of the DER, of which it keeps a copy; null, with a refusalReason, for what is malformed or of another kind. */
export function parseSpki(ptr: usize, length: usize): KeyMaterial | null {
  const outer = new DerReader(ptr, length);
  const info = outer.enter(DerTag.Sequence);
  const algorithm = info.enter(DerTag.Sequence);
  if (!outer.end() || !info.wholeBytes() || !info.end() || !algorithm.read(DerTag.Oid)) return null;
  const content = Slice.copy(info.valuePtr, info.valueLength);
  if (algorithm.valueIs(oidOfRsa(), 9)) {
    return algorithm.nothing() && algorithm.end() ? rsaOf(content) : null;
  }
  if (algorithm.valueIs(oidOfEc(), 7)) {
    return algorithm.read(DerTag.Oid) && algorithm.end() ? pointOf(algorithm, content) : null;
  }
  if (algorithm.valueIs(curveOid(Curve.Ed25519), curveOidSize(Curve.Ed25519))) {
    return algorithm.end() ? KeyMaterial.ed25519(content) : null;
  }
  return none("the algorithm of the key is unknown");
}

function rsaOf(content: Slice): KeyMaterial | null {
  const outer = new DerReader(content.ptr, content.length);
  const numbers = outer.enter(DerTag.Sequence);
  if (!outer.end() || !numbers.unsigned()) return null;
  const n = inside(content, numbers);
  if (!numbers.unsigned()) return null;
  const e = inside(content, numbers);
  return numbers.end() ? KeyMaterial.rsa(n, e) : null;
}

/** The value that was read, as a part of what is kept. */
function inside(content: Slice, reader: DerReader): Slice {
  const at = <i32>(reader.valuePtr - content.ptr);
  return content.part(at, at + reader.valueLength);
}

function pointOf(algorithm: DerReader, content: Slice): KeyMaterial | null {
  let curve = Curve.P256;
  while (curve < Curve.Ed25519 && !algorithm.valueIs(curveOid(curve), curveOidSize(curve))) curve++;
  if (curve == Curve.Ed25519) return none("the curve is unknown");
  if (!content.length || load<u8>(content.ptr) != 4) return none("the point is compressed or none");
  const half = (content.length - 1) >> 1;
  return KeyMaterial.ec(curve, content.part(1, 1 + half), content.part(1 + half, content.length));
}

/** The key as DER; null for a secret, which has no public form. */
export function writeSpki(key: KeyMaterial): Uint8Array | null {
  if (key.type == KeyType.Oct) return noBytes("a secret has no public key");
  const writer = new DerWriter(4096);
  writer.begin(DerTag.Sequence).begin(DerTag.Sequence);
  if (key.type == KeyType.Rsa) writer.element(DerTag.Oid, oidOfRsa(), 9).nothing();
  else {
    if (key.type == KeyType.Ec) writer.element(DerTag.Oid, oidOfEc(), 7);
    writer.element(DerTag.Oid, curveOid(key.curve), curveOidSize(key.curve));
  }
  writer.end().begin(DerTag.BitString).byte(0);
  const first = key.first;
  const second = key.second;
  if (key.type == KeyType.Rsa) {
    writer.begin(DerTag.Sequence).unsigned(first.ptr, first.length).unsigned(second.ptr, second.length).end();
  } else {
    if (key.type == KeyType.Ec) writer.byte(4);
    writer.bytes(first.ptr, first.length).bytes(second.ptr, second.length);
  }
  return writer.end().end().toBytes();
}

function none(reason: string): KeyMaterial | null {
  refuse(reason);
  return null;
}

function noBytes(reason: string): Uint8Array | null {
  refuse(reason);
  return null;
}

import { Curve } from "../../../sdk/std/curve";
import { DerReader, DerTag } from "../../../sdk/std/der";
import { ecdsaFromDer, ecdsaToDer } from "../../../sdk/std/ecdsa-signature";
import { JsonDocument } from "../../../sdk/std/json-value";
import { Jwk, writeJwk } from "../../../sdk/std/jwk";
import { KeyMaterial } from "../../../sdk/std/key-material";
import { refusalAt, refusalReason } from "../../../sdk/std/refusal";
import { parseSpki, writeSpki } from "../../../sdk/std/spki";
import { giveArray, giveText } from "./io";

/** Reads one element after the other, those of sequences too; the number of them, or ~offset of what is wrong. */
export function elements(ptr: usize, length: usize): i32 {
  const outer = new DerReader(ptr, length);
  const count = counted(outer, 0);
  return count < 0 ? ~refusalAt : count;
}

function counted(reader: DerReader, depth: i32): i32 {
  let count = 0;
  while (reader.tag) {
    count++;
    const tag = reader.tag;
    if (tag == DerTag.Sequence && depth < 8) {
      const inside = counted(reader.enter(tag), depth + 1);
      if (inside < 0) return -1;
      count += inside;
    } else if (tag == DerTag.Integer) reader.unsigned();
    else if (tag == DerTag.BitString) reader.wholeBytes();
    else if (tag == DerTag.Null) reader.nothing();
    else reader.read(tag);
  }
  return reader.end() ? count : -1;
}

export function isSpki(ptr: usize, length: usize): i32 {
  const key = parseSpki(ptr, length);
  return key ? <i32>key.type : 0;
}

/** The key of a SubjectPublicKeyInfo, written anew. */
export function spki(ptr: usize, length: usize): usize {
  const key = parseSpki(ptr, length);
  return key ? spkiBytes(key) : 0;
}

export function spkiToJwk(ptr: usize, length: usize): usize {
  const key = parseSpki(ptr, length);
  return key ? giveText(writeJwk(key)) : 0;
}

function parsed(ptr: usize, length: usize): Jwk | null {
  return Jwk.of(JsonDocument.parse(ptr, length).root);
}

/** The type of the key, 0 for none. */
export function isJwk(ptr: usize, length: usize): i32 {
  const jwk = parsed(ptr, length);
  return jwk ? <i32>jwk.material.type : 0;
}

export function jwkToSpki(ptr: usize, length: usize): usize {
  const jwk = parsed(ptr, length);
  return jwk ? spkiBytes(jwk.material) : 0;
}

export function jwkAgain(ptr: usize, length: usize): usize {
  const jwk = parsed(ptr, length);
  return jwk ? giveText(writeJwk(jwk.material, jwk.kid)) : 0;
}

/** alg, use, key_ops and whether it is private. */
export function jwkUse(ptr: usize, length: usize): usize {
  const jwk = parsed(ptr, length);
  if (!jwk) return 0;
  const operations = jwk.keyOps;
  return giveText(
    (jwk.alg || "-") + " " + (jwk.use || "-") + " " + (operations ? operations.join(",") : "-") + " " + jwk.isPrivate.toString(),
  );
}

function spkiBytes(key: KeyMaterial): usize {
  const bytes = writeSpki(key);
  return bytes ? giveArray(bytes) : 0;
}

export function reason(): usize {
  return giveText(refusalReason);
}

export function toDer(ptr: usize, length: usize, curve: i32): usize {
  const bytes = ecdsaToDer(<Curve>curve, ptr, length);
  return bytes ? giveArray(bytes) : 0;
}

export function fromDer(ptr: usize, length: usize, curve: i32): usize {
  const bytes = ecdsaFromDer(<Curve>curve, ptr, length);
  return bytes ? giveArray(bytes) : 0;
}

/** In a bit for each curve, whether it is a signature in DER. */
export function signatureVerdict(ptr: usize, length: usize): i32 {
  let verdict = 0;
  for (let curve = Curve.P256; curve <= Curve.P521; curve++) if (ecdsaFromDer(curve, ptr, length)) verdict |= 1 << (<i32>curve - 1);
  return verdict;
}

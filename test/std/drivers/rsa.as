import { Digest } from "../../../sdk/std/digest";
import { parseSpki } from "../../../sdk/std/spki";
import { refusalReason } from "../../../sdk/std/refusal";
import { RsaKey } from "../../../sdk/std/rsa";
import { Sha256 } from "../../../sdk/std/sha256";
import { Sha384, Sha512 } from "../../../sdk/std/sha512";
import { giveText } from "./io";

let key: RsaKey | null = null;

function made(bits: i32): Digest {
  if (bits == 256) return new Sha256();
  return bits == 384 ? new Sha384() : new Sha512();
}

/** Bits of the key, 0 when it is none. */
export function take(n: usize, nLength: usize, e: usize, eLength: usize): i32 {
  const made = RsaKey.of(n, nLength, e, eLength);
  key = made;
  return made ? made.bits : 0;
}

export function takeSpki(ptr: usize, length: usize): i32 {
  const material = parseSpki(ptr, length);
  return material ? take(material.first.ptr, material.first.length, material.second.ptr, material.second.length) : 0;
}

export function reason(): usize {
  return giveText(refusalReason);
}

export function pkcs1(text: usize, length: usize, signature: usize, size: usize, bits: i32): i32 {
  const k = key;
  return k ? i32(k.verifyPkcs1(made(bits), text, length, signature, size)) : -1;
}

export function pss(text: usize, length: usize, signature: usize, size: usize, bits: i32, salt: i32): i32 {
  const k = key;
  return k ? i32(k.verifyPss(made(bits), text, length, signature, size, salt)) : -1;
}

/** Both, for a text of two bytes: 1 and 2. */
export function verdict(ptr: usize, length: usize): i32 {
  const k = key;
  if (!k) return -1;
  const text = changetype<usize>("m");
  return i32(k.verifyPkcs1(new Sha256(), text, 2, ptr, length)) | (i32(k.verifyPss(new Sha256(), text, 2, ptr, length)) << 1);
}


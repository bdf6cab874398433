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

/** 4 when the key is none, or 1 for PKCS #1 and 2 for PSS: a modulus and a signature, of 256 bytes, and a text behind one another. */
export function verdict(ptr: usize, length: usize): i32 {
  const size = min<usize>(length, 256);
  const exponent = memory.data<u8>([1, 0, 1]);
  if (!take(ptr, size, exponent, 3)) return 4;
  const signature = ptr + size;
  const signatureLength = min<usize>(length - size, 256);
  const text = signature + signatureLength;
  const textLength = length - size - signatureLength;
  return (
    (pkcs1(text, textLength, signature, signatureLength, 256) & 1) |
    ((pss(text, textLength, signature, signatureLength, 256, -1) & 1) << 1)
  );
}

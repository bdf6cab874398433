import { sameInConstantTime } from "../../../sdk/std/constanttime";
import { Digest } from "../../../sdk/std/digest";
import { Hmac } from "../../../sdk/std/hmac";
import { Modulus } from "../../../sdk/std/montgomery";
import { pbkdf2 } from "../../../sdk/std/pbkdf2";
import { Sha256, sha256 } from "../../../sdk/std/sha256";
import { Sha384, sha384, Sha512, sha512 } from "../../../sdk/std/sha512";
import { give, giveArray } from "./io";

/** By the bits of the digest. */
function made(bits: i32): Digest {
  if (bits == 256) return new Sha256();
  return bits == 384 ? new Sha384() : new Sha512();
}

/** Fed in pieces of `piece` bytes, or at once with 0. */
export function digest(ptr: usize, length: usize, bits: i32, piece: usize): usize {
  const out = memory.data(64);
  if (!piece) {
    if (bits == 256) sha256(ptr, length, out);
    else if (bits == 384) sha384(ptr, length, out);
    else sha512(ptr, length, out);
    return give(out, bits >> 3);
  }
  const hash = made(bits);
  for (; length > piece; length -= piece) {
    hash.update(ptr, piece);
    ptr += piece;
  }
  return giveArray(hash.update(ptr, length).toBytes());
}

/** The digest of zeros, as many. */
export function digestOfZeros(bits: i32, kibibytes: i32): usize {
  const hash = made(bits);
  const zeros = memory.data(1024);
  for (let i = 0; i < kibibytes; i++) hash.update(zeros, 1024);
  return giveArray(hash.toBytes());
}

/** Twice with the same object: it begins anew. 0 when the second is another. */
export function hmac(key: usize, keyLength: usize, text: usize, length: usize, bits: i32): usize {
  const code = new Hmac(made(bits), key, keyLength);
  const first = code.update(text, length).toBytes();
  const half = length >> 1;
  if (!code.update(text, half).update(text + half, length - half).verify(first.dataStart, first.length)) return 0;
  return giveArray(first);
}

export function hmacIs(key: usize, keyLength: usize, text: usize, length: usize, mac: usize, size: usize, bits: i32): i32 {
  return i32(new Hmac(made(bits), key, keyLength).update(text, length).verify(mac, size));
}

export function derived(
  password: usize,
  passwordLength: usize,
  salt: usize,
  saltLength: usize,
  iterations: u32,
  size: i32,
  bits: i32,
): usize {
  const out = new Uint8Array(size);
  const right = pbkdf2(made(bits), password, passwordLength, salt, saltLength, iterations, out.dataStart, size);
  return right ? giveArray(out) : 0;
}

export function same(a: usize, b: usize, length: usize): i32 {
  return i32(sameInConstantTime(a, b, length));
}

/** base ^ exponent modulo n; 0 when the modulus or the base is none. */
export function power(n: usize, nLength: usize, base: usize, baseLength: usize, exponent: u64): usize {
  const modulus = Modulus.of(n, nLength);
  if (!modulus) return 0;
  const a = heap.alloc(modulus.size);
  const b = heap.alloc(modulus.size);
  const right = modulus.read(base, baseLength, a);
  if (right) {
    modulus.power(b, a, exponent);
    modulus.write(b, a, nLength);
  }
  const answer = right ? give(a, nLength) : 0;
  heap.free(a);
  heap.free(b);
  return answer;
}

/** A number of twice the size of n, little-endian as limbs are, modulo n. */
export function remainder(n: usize, nLength: usize, wide: usize, wideLength: usize): usize {
  const modulus = Modulus.of(n, nLength);
  if (!modulus || wideLength != modulus.size << 1) return 0;
  const out = new Uint8Array(<i32>modulus.size);
  modulus.reduceDouble(out.dataStart, wide);
  return giveArray(out);
}

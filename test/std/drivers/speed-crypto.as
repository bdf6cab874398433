// Loops for the bench: cryptography. Keys are taken once, as a filter does.
import { Ed25519Key } from "../../../sdk/std/ed25519";
import { Hmac } from "../../../sdk/std/hmac";
import { pbkdf2 } from "../../../sdk/std/pbkdf2";
import { RsaKey } from "../../../sdk/std/rsa";
import { Sha256 } from "../../../sdk/std/sha256";
import { Sha512 } from "../../../sdk/std/sha512";
import { parseSpki } from "../../../sdk/std/spki";

/** What the bench derives keys with. */
const ITERATIONS: u32 = 1000;

let rsa: RsaKey | null = null;
let ed: Ed25519Key | null = null;
const hash256 = new Sha256();
const hash512 = new Sha512();

export function take(ptr: usize, length: usize): i32 {
  const material = parseSpki(ptr, length);
  if (!material) return 0;
  const key = RsaKey.of(material.first.ptr, material.first.length, material.second.ptr, material.second.length);
  rsa = key;
  return key ? key.bits : 0;
}

export function takeEd25519(ptr: usize, length: usize): i32 {
  ed = Ed25519Key.of(ptr, length);
  return i32(ed !== null);
}

export function sha256(ptr: usize, length: usize, times: i32): i32 {
  const out = memory.data(64);
  for (let i = 0; i < times; i++) hash256.update(ptr, length).finish(out);
  return load<i32>(out);
}

export function sha512(ptr: usize, length: usize, times: i32): i32 {
  const out = memory.data(64);
  for (let i = 0; i < times; i++) hash512.update(ptr, length).finish(out);
  return load<i32>(out);
}

export function hmac(ptr: usize, length: usize, times: i32): i32 {
  const out = memory.data(64);
  const code = new Hmac(hash256, ptr, 32);
  for (let i = 0; i < times; i++) code.update(ptr, length).finish(out);
  return load<i32>(out);
}

export function derive(ptr: usize, length: usize, times: i32): i32 {
  const out = memory.data(64);
  for (let i = 0; i < times; i++) pbkdf2(hash256, ptr, length, ptr, length, ITERATIONS, out, 32);
  return load<i32>(out);
}

/** How many were right, of a signature with a text behind it. */
export function pkcs1(ptr: usize, length: usize, times: i32): i32 {
  let right = 0;
  for (let i = 0; i < times; i++) right += i32(rsa!.verifyPkcs1(hash256, ptr + 256, length - 256, ptr, 256));
  return right;
}

export function pss(ptr: usize, length: usize, times: i32): i32 {
  let right = 0;
  for (let i = 0; i < times; i++) right += i32(rsa!.verifyPss(hash256, ptr + 256, length - 256, ptr, 256));
  return right;
}

export function rsaKey(ptr: usize, length: usize, times: i32): i32 {
  let bits = 0;
  for (let i = 0; i < times; i++) bits += take(ptr, length);
  return bits;
}

export function ed25519(ptr: usize, length: usize, times: i32): i32 {
  let right = 0;
  for (let i = 0; i < times; i++) right += i32(ed!.verify(ptr + 64, length - 64, ptr, 64));
  return right;
}

import {
  base64ErrorAt,
  base64Length,
  base64UrlLength,
  decodeBase64,
  decodeBase64Url,
  decodedBase64Max,
  encodeBase64,
  encodeBase64Url,
  fromBase64,
  fromBase64Url,
  toBase64,
  toBase64Url,
} from "../../../sdk/std/base64";
import { give, giveArray, giveText } from "./io";

const GUARD: u8 = 0xa5;

/** 0 when the encoder went over what it says it needs. */
export function encode(ptr: usize, length: usize, url: i32): usize {
  const size = url ? base64UrlLength(length) : base64Length(length);
  const out = heap.alloc(size + 1);
  store<u8>(out + size, GUARD);
  const written = url ? encodeBase64Url(ptr, length, out) : encodeBase64(ptr, length, out);
  const answer = written == size && load<u8>(out + size) == GUARD ? give(out, written) : 0;
  heap.free(out);
  return answer;
}

/** The number of bytes, or -1 - offset; -0x80000000 when the decoder went over what it says it needs. */
export function decodedLength(ptr: usize, length: usize, url: i32): i32 {
  const size = decodedBase64Max(length);
  const out = heap.alloc(size + 1);
  store<u8>(out + size, GUARD);
  const written = url ? decodeBase64Url(ptr, length, out) : decodeBase64(ptr, length, out);
  const right = written <= <isize>size && load<u8>(out + size) == GUARD;
  heap.free(out);
  return right ? <i32>written : i32.MIN_VALUE;
}

export function standard(ptr: usize, length: usize): i32 {
  return decodedLength(ptr, length, 0);
}

export function urlSafe(ptr: usize, length: usize): i32 {
  return decodedLength(ptr, length, 1);
}

/** Decodes in place; 0 for an error. */
export function decode(ptr: usize, length: usize, url: i32): usize {
  const written = url ? decodeBase64Url(ptr, length, ptr) : decodeBase64(ptr, length, ptr);
  return written < 0 ? 0 : give(ptr, written);
}

/** What the calls for strings give for UTF-16 units: 0 for an error. */
export function fromText(ptr: usize, length: usize, url: i32): usize {
  const text = String.UTF16.decodeUnsafe(ptr, length);
  const bytes = url ? fromBase64Url(text) : fromBase64(text);
  return bytes ? giveArray(bytes) : 0;
}

export function errorAt(): i32 {
  return base64ErrorAt;
}

export function toText(ptr: usize, length: usize, url: i32): usize {
  const bytes = new Uint8Array(<i32>length);
  memory.copy(bytes.dataStart, ptr, length);
  return giveText(url ? toBase64Url(bytes) : toBase64(bytes));
}

/** For measuring: bytes -> text -> bytes, again and again; both in the memory given. */
export function encodeAgain(ptr: usize, length: usize, out: usize, times: i32): void {
  for (let i = 0; i < times; i++) encodeBase64(ptr, length, out);
}

export function decodeAgain(ptr: usize, length: usize, out: usize, times: i32): void {
  for (let i = 0; i < times; i++) decodeBase64(ptr, length, out);
}

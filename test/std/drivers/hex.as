import { decodeHex, encodeHex, fromHex, hexErrorAt, toHex } from "../../../sdk/std/hex";
import { give, giveArray, giveText } from "./io";

export function encode(ptr: usize, length: usize): usize {
  const out = heap.alloc(length * 2 + 1);
  const answer = give(out, encodeHex(ptr, length, out));
  heap.free(out);
  return answer;
}

export function decode(ptr: usize, length: usize): usize {
  const out = heap.alloc(length + 1);
  const written = decodeHex(ptr, length, out);
  const answer: usize = written < 0 ? 0 : give(out, written);
  heap.free(out);
  return answer;
}

/** Decodes in place: the number of bytes, or -1 - offset. */
export function decodedLength(ptr: usize, length: usize): i32 {
  return <i32>decodeHex(ptr, length, ptr);
}

/** What the calls for strings and arrays give for UTF-16 units: 0 for an error. */
export function fromText(ptr: usize, length: usize): usize {
  const bytes = fromHex(String.UTF16.decodeUnsafe(ptr, length));
  return bytes ? giveArray(bytes) : 0;
}

export function errorAt(): i32 {
  return hexErrorAt;
}

export function toText(ptr: usize, length: usize): usize {
  const bytes = new Uint8Array(<i32>length);
  memory.copy(bytes.dataStart, ptr, length);
  return giveText(toHex(bytes));
}

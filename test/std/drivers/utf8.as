import {
  decodeUtf8,
  encodedLength,
  encodedLengthMax,
  encodeUtf8,
  fromUtf8,
  fromUtf8Strict,
  isUtf8,
  toUtf8,
  wasMalformed,
} from "../../../sdk/std/utf8";
import { give, giveArray, giveUnits } from "./io";

const GUARD: u8 = 0xa5;

/** UTF-16 units; a lone surrogate never comes out. */
export function decode(ptr: usize, length: usize): usize {
  return giveUnits(decodeUtf8(ptr, length));
}

/** 1 for well-formed; 2 and above for a disagreement among decoder, validator and encoder. */
export function verdict(ptr: usize, length: usize): i32 {
  const valid = isUtf8(ptr, length);
  const text = decodeUtf8(ptr, length);
  if (valid == wasMalformed) return 2;
  const size = encodedLength(text);
  if (size > encodedLengthMax(text)) return 3;
  const out = heap.alloc(size + 1);
  store<u8>(out + size, GUARD);
  const written = encodeUtf8(text, out);
  let result = i32(valid);
  if (written != size || load<u8>(out + size) != GUARD) result = 4;
  else if (!isUtf8(out, written)) result = 5;
  else if (valid && (written != length || memory.compare(out, ptr, length) != 0)) result = 6;
  heap.free(out);
  return result;
}

/** Encodes UTF-16 units, whatever they are. */
export function encode(ptr: usize, length: usize): usize {
  return giveArray(toUtf8(String.UTF16.decodeUnsafe(ptr, length)));
}

function array(ptr: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length);
  memory.copy(bytes.dataStart, ptr, length);
  return bytes;
}

export function fromArray(ptr: usize, length: usize): usize {
  return giveUnits(fromUtf8(array(ptr, length)));
}

export function fromArrayStrict(ptr: usize, length: usize): usize {
  const text = fromUtf8Strict(array(ptr, length));
  return text === null ? 0 : giveUnits(text);
}

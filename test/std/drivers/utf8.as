import { decodeUtf8, encodedLengthMax, encodeUtf8, isUtf8, wasMalformed } from "../../../sdk/std/utf8";
import { give, giveUnits } from "./io";

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
  const most = encodedLengthMax(text);
  const out = heap.alloc(most + 1);
  store<u8>(out + most, GUARD);
  const written = encodeUtf8(text, out);
  let result = i32(valid);
  if (written > most || load<u8>(out + most) != GUARD) result = 3;
  else if (!isUtf8(out, written)) result = 4;
  else if (valid && (written != length || memory.compare(out, ptr, length) != 0)) result = 5;
  heap.free(out);
  return result;
}

/** Encodes UTF-16 units, whatever they are. */
export function encode(ptr: usize, length: usize): usize {
  const text = String.UTF16.decodeUnsafe(ptr, length);
  const out = heap.alloc(encodedLengthMax(text));
  const answer = give(out, encodeUtf8(text, out));
  heap.free(out);
  return answer;
}

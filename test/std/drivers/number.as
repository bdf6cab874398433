import {
  isExact,
  NUMBER_ROOM,
  power,
  powerHigh,
  powerLow,
  scannedF64,
  scannedI64,
  scannedU64,
  scanNumber,
  writeF64,
  writeI64,
  writeU64,
} from "../../../sdk/std/number";
import { give } from "./io";

/** Length of the number in front. */
export function length(ptr: usize, length: usize): usize {
  const end = scanNumber(ptr, ptr + length);
  return end ? end - ptr : 0;
}

/** NaN for what is no number. */
export function readF64(ptr: usize, length: usize): f64 {
  return length && scanNumber(ptr, ptr + length) == ptr + length ? scannedF64() : NaN;
}

export function readI64(ptr: usize, length: usize): i64 {
  scanNumber(ptr, ptr + length);
  return scannedI64();
}

export function readU64(ptr: usize, length: usize): i64 {
  scanNumber(ptr, ptr + length);
  return scannedU64();
}

/** Top 128 bits of 10^q, the lower half first. */
export function bitsOfPower(q: i32): usize {
  power(q);
  store<u64>(out, powerLow);
  store<u64>(out, powerHigh, 8);
  return give(out, 16);
}

export function exact(): bool {
  return isExact;
}

function written(length: usize): usize {
  return length <= NUMBER_ROOM ? give(out, length) : 0;
}
const out = heap.alloc(NUMBER_ROOM);

export function textF64(bits: u64): usize {
  return written(writeF64(reinterpret<f64>(bits), out));
}

export function textI64(value: i64): usize {
  return written(writeI64(value, out));
}

export function textU64(value: u64): usize {
  return written(writeU64(value, out));
}

/** For fuzzing: 1 when the text is a number; 2 and above when it is not read again as the same double. */
export function verdict(ptr: usize, length: usize): i32 {
  if (!length || scanNumber(ptr, ptr + length) != ptr + length) return 0;
  scannedI64();
  const value = scannedF64();
  if (!isFinite(value)) return 1;
  const size = writeF64(value, out);
  if (size > NUMBER_ROOM) return 2;
  if (scanNumber(out, out + size) != out + size) return 3;
  return scannedF64() == value ? 1 : 4;
}

import { Compression, inflate, wasTooLarge } from "../../../sdk/std/inflate";
import { giveArray } from "./io";

/** What fuzzing lets come out. */
const LIMIT: u32 = 65536;

function bytesAt(ptr: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length);
  memory.copy(bytes.dataStart, ptr, length);
  return bytes;
}

/** The result; 0 for none. */
export function unpacked(ptr: usize, length: usize, limit: u32, compression: i32): usize {
  const result = inflate(bytesAt(ptr, length), limit, <Compression>compression);
  return result === null ? 0 : giveArray(result);
}

export function tooLarge(): i32 {
  return i32(wasTooLarge);
}

/** Length and a sum of the result, which both cannot be wrong by chance; -1 malformed, -2 too large. */
function verdict(ptr: usize, length: usize, compression: Compression): f64 {
  const result = inflate(bytesAt(ptr, length), LIMIT, compression);
  if (result === null) return wasTooLarge ? -2 : -1;
  let sum: u32 = 0;
  for (let i = 0; i < result.length; i++) sum = sum * 31 + result[i];
  return <f64>result.length * 4294967296.0 + <f64>sum;
}

export function raw(ptr: usize, length: usize): f64 {
  return verdict(ptr, length, Compression.Raw);
}

export function zlib(ptr: usize, length: usize): f64 {
  return verdict(ptr, length, Compression.Zlib);
}

export function gzip(ptr: usize, length: usize): f64 {
  return verdict(ptr, length, Compression.Gzip);
}

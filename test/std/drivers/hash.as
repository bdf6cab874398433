import { sipHash13, sipHash24 } from "../../../sdk/std/hash";

export function hash13(ptr: usize, length: usize, k0: u64, k1: u64): u64 {
  return sipHash13(ptr, length, k0, k1);
}

export function hash24(ptr: usize, length: usize, k0: u64, k1: u64): u64 {
  return sipHash24(ptr, length, k0, k1);
}

/** For measuring: hashes the same bytes again and again. */
export function repeat(ptr: usize, length: usize, times: i32): u64 {
  let sum: u64 = 0;
  for (let i = 0; i < times; i++) sum ^= sipHash13(ptr, length, sum, i);
  return sum;
}

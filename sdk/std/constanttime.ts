/* Comparison of secrets: the time hangs on the length alone, not on where the bytes differ. */

/** Whether `length` bytes at both addresses are the same. All of them are read, whatever the first are. */
export function sameInConstantTime(a: usize, b: usize, length: usize): bool {
  let difference: u32 = 0;
  for (let i: usize = 0; i < length; i++) difference |= (<u32>load<u8>(a + i)) ^ (<u32>load<u8>(b + i));
  return difference == 0;
}

/** Whether both have the same bytes; false at once when one is longer: lengths are no secret. */
export function sameSecret(a: Uint8Array, b: Uint8Array): bool {
  return a.length == b.length && sameInConstantTime(a.dataStart, b.dataStart, a.length);
}

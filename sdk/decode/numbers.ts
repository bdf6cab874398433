/* Numbers of a Struct for schemas that have integers, but no other numbers. */

import { writeF64, writeI64 } from "../std/number";

/** Writes an integer as JSON; in place of other numbers one that is refused for the same reason. Returns the length. */
export function writeInteger(value: f64, out: usize): usize {
  const whole = value == trunc(value);
  if (whole && abs(value) <= 9007199254740992) return writeI64(<i64>value, out);
  // 9e99 or 0.5; what is not finite is no number at all.
  store<u32>(out, isFinite(value) ? (whole ? 0x39396539 : 0x20352e30) : 0x6c6c756e);
  return 4;
}

/** Writes any number as JSON. Returns the length. */
export function writeDouble(value: f64, out: usize): usize {
  return writeF64(value, out);
}

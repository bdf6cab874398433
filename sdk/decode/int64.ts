/* format: int64, which JSON carries as a string: its numbers are exact up to 2^53 only. */

import { JsonReader } from "../std/json";

/** A string with an integer of 64 bits, without leading zeros. */
export function readInt64(json: JsonReader): i64 {
  const text = json.readString();
  if (!json.ok) return 0;
  const negative = text.length > 0 && text.charCodeAt(0) == 0x2d;
  const first = i32(negative);
  const limit = u64(i64.MAX_VALUE) + u64(negative);
  let value: u64 = 0;
  let good = text.length > first && text.length < 21;
  for (let i = first; good && i < text.length; i++) {
    const digit = <u64>text.charCodeAt(i) - 0x30;
    // No leading zero, and no minus in front of zero.
    if (digit > 9 || (!value && i > first) || (!digit && negative && i == first) || value > (limit - digit) / 10)
      good = false;
    else value = value * 10 + digit;
  }
  if (!good) json.fail("must be an integer of 64 bits in decimal digits");
  return negative ? -(<i64>value) : <i64>value;
}

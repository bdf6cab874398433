/* format: duration. */

import { INVALID_TIME, parseDuration } from "../std/time";
import { refusalReason } from "../std/refusal";
import { Slice } from "../std/slice";
import { JsonReader } from "../std/json";

/** A string such as "250ms" or "1h30m" (docs/std.md, Durations), not negative; nanoseconds. */
export function readDuration(json: JsonReader): i64 {
  const bytes = Slice.of(json.readString());
  if (!json.ok) return 0;
  const nanos = parseDuration(bytes.ptr, bytes.length);
  if (nanos == INVALID_TIME) json.fail("is no duration: " + refusalReason);
  else if (nanos < 0) json.fail("is no duration: must not be negative");
  return nanos;
}

/* Values of formats, for defaults: computed by the decoder's own code. */

import { Decoder } from "./decoder.js";

/** Nanoseconds of a duration that is well-formed. */
export function durationNanos(text: string): bigint {
  return Decoder.open(new TextEncoder().encode(JSON.stringify(text))).integer("duration");
}

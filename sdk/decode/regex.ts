/* format: regex. */

import { JsonReader } from "../std/json";
import { Pattern } from "../std/pattern";

/** A regular expression in RE2's syntax (docs/std.md, Patterns); null when it is refused. */
export function readPattern(json: JsonReader): Pattern | null {
  const text = json.readString();
  if (!json.ok) return null;
  const pattern = Pattern.compile(text);
  if (!pattern) json.fail("is no regular expression: " + Pattern.error);
  return pattern;
}

/* format: header-name. */

import { isToken } from "../std/field";
import { JsonReader } from "../std/json";
import { Slice } from "../std/slice";

/** The name of a header field (RFC 9110: a token), as it was given. No pseudo-header. */
export function readHeaderName(json: JsonReader): string {
  const text = json.readString();
  if (!json.ok) return text;
  const bytes = Slice.of(text);
  if (!isToken(bytes.ptr, bytes.length))
    json.fail("is no header name: only letters, digits and !#$%&'*+-.^_`|~ are allowed");
  return text;
}

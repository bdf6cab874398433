/* JSON Pointer (RFC 6901) in its string form: "", "/a/0", "/a~1b". */

import { JsonValue } from "./json-value";

const SLASH: i32 = 0x2f;
const TILDE: i32 = 0x7e;

/** Whether the text is a JSON Pointer. */
export function isJsonPointer(pointer: string): bool {
  const length = pointer.length;
  if (length && pointer.charCodeAt(0) != SLASH) return false;
  for (let i = 0; i < length; i++) {
    if (pointer.charCodeAt(i) != TILDE) continue;
    const next = i + 1 < length ? pointer.charCodeAt(i + 1) : 0;
    if (next != 0x30 && next != 0x31) return false;
  }
  return true;
}

/** The value that a pointer names in another; missing when there is none or it is no pointer. "-" names none. */
export function jsonAt(value: JsonValue, pointer: string): JsonValue {
  if (!isJsonPointer(pointer)) return value.missing();
  for (let at = 0, length = pointer.length; at < length && !value.isMissing;) {
    let end = pointer.indexOf("/", at + 1);
    if (end < 0) end = length;
    const token = pointer.substring(at + 1, end);
    if (value.isArray) value = value.at(arrayIndex(token));
    else value = value.get(token.includes("~") ? token.replaceAll("~1", "/").replaceAll("~0", "~") : token);
    at = end;
  }
  return value;
}

/** The index that a token is, without zeros in front; -1 when it is none. */
function arrayIndex(token: string): i32 {
  const length = token.length;
  if (!length || length > 9 || (length > 1 && token.charCodeAt(0) == 0x30)) return -1;
  let index = 0;
  for (let i = 0; i < length; i++) {
    const digit = token.charCodeAt(i) - 0x30;
    if (<u32>digit > 9) return -1;
    index = index * 10 + digit;
  }
  return index;
}

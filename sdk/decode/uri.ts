/* format: uri: an absolute URI (RFC 3986, section 3), with a scheme. */

import { JsonReader } from "../std/json";

/** What may stand in a part of a URI besides letters, digits and %XX: a bit set over ASCII's punctuation. */
const UNRESERVED = "-._~!$&'()*+,;=";

export function readUri(json: JsonReader): string {
  const text = json.readString();
  if (json.ok && !isUri(text)) json.fail("is no absolute URI");
  return text;
}

function isUri(text: string): bool {
  const colon = text.indexOf(":");
  if (colon < 1 || !isLetter(text.charCodeAt(0))) return false;
  for (let i = 1; i < colon; i++) {
    const c = text.charCodeAt(i);
    if (!isLetter(c) && !isDigit(c) && c != 0x2b && c != 0x2d && c != 0x2e) return false;
  }
  let at = colon + 1;
  if (text.charCodeAt(at) == 0x2f && text.charCodeAt(at + 1) == 0x2f && at + 1 < text.length) {
    at = authority(text, at + 2);
    if (at < 0) return false;
  }
  at = part(text, at, text.length, UNRESERVED + ":@/");
  if (at < text.length && text.charCodeAt(at) == 0x3f) at = part(text, at + 1, text.length, UNRESERVED + ":@/?");
  if (at < text.length && text.charCodeAt(at) == 0x23) at = part(text, at + 1, text.length, UNRESERVED + ":@/?");
  return at == text.length;
}

/** Where the authority ends that begins at `at`; -1 when it is none. */
function authority(text: string, at: i32): i32 {
  let end = at;
  for (; end < text.length; end++) {
    const c = text.charCodeAt(end);
    if (c == 0x2f || c == 0x3f || c == 0x23) break;
  }
  const user = part(text, at, end, UNRESERVED + ":");
  if (user < end && text.charCodeAt(user) == 0x40) at = user + 1;
  if (at < end && text.charCodeAt(at) == 0x5b) {
    const close = text.indexOf("]", at);
    if (close < at + 3 || close >= end || part(text, at + 1, close, UNRESERVED + ":") != close) return -1;
    at = close + 1;
  } else at = part(text, at, end, UNRESERVED);
  if (at < end && text.charCodeAt(at) == 0x3a) {
    at++;
    while (at < end && isDigit(text.charCodeAt(at))) at++;
  }
  return at == end ? end : -1;
}

/** Where the longest part ends that has letters, digits, %XX and these characters. */
function part(text: string, at: i32, end: i32, allowed: string): i32 {
  for (; at < end; at++) {
    const c = text.charCodeAt(at);
    if (isLetter(c) || isDigit(c)) continue;
    if (c == 0x25) {
      if (end - at < 3 || !isHex(text.charCodeAt(at + 1)) || !isHex(text.charCodeAt(at + 2))) break;
      at += 2;
    } else if (allowed.indexOf(String.fromCharCode(c)) < 0) break;
  }
  return at;
}

function isLetter(c: i32): bool {
  return <u32>(c | 0x20) - 0x61 < 26;
}

function isDigit(c: i32): bool {
  return <u32>c - 0x30 < 10;
}

function isHex(c: i32): bool {
  return isDigit(c) || <u32>(c | 0x20) - 0x61 < 6;
}

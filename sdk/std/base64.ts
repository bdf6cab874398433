/* Base 64 and base 64 with the URL and file name safe alphabet (RFC 4648, sections 4 and 5), strict: base64 has its
 * padding, base64url has none; unused bits are zero; no white space. So each value has one text and each text one value. */

/** Number of characters, padding included, for `length` bytes (fewer than 3 × 2^30). */
export function base64Length(length: usize): usize {
  return ((length + 2) / 3) << 2;
}

/** Number of characters for `length` bytes (fewer than 3 × 2^30). */
export function base64UrlLength(length: usize): usize {
  return ((length << 2) + 2) / 3;
}

/** Most bytes that `length` characters stand for. */
export function decodedBase64Max(length: usize): usize {
  return (length >> 2) * 3 + (((length & 3) * 3) >> 2);
}

/** Writes base64Length(length) characters to `out`, which must not overlap the bytes. Returns their number. */
export function encodeBase64(ptr: usize, length: usize, out: usize): usize {
  return encode<u8>(ptr, length, out, standard(), true);
}

/** Writes base64UrlLength(length) characters to `out`, which must not overlap the bytes. Returns their number. */
export function encodeBase64Url(ptr: usize, length: usize, out: usize): usize {
  return encode<u8>(ptr, length, out, urlSafe(), false);
}

/**
 * Decodes to `out`, which has room for decodedBase64Max(length) bytes and may be `ptr`. Returns the number of bytes, or
 * ~offset (negative) of the first character that cannot stand there; the length when the text cannot end there.
 */
export function decodeBase64(ptr: usize, length: usize, out: usize): isize {
  return decode<u8>(ptr, length, out, standardValues(), true);
}

/** As decodeBase64, without padding and with the URL safe alphabet. */
export function decodeBase64Url(ptr: usize, length: usize, out: usize): isize {
  return decode<u8>(ptr, length, out, urlSafeValues(), false);
}

/** The bytes as base64 text. */
export function toBase64(bytes: Uint8Array): string {
  // @ts-ignore: built into the compiler
  const text = __new(base64Length(bytes.length) << 1, idof<string>());
  encode<u16>(bytes.dataStart, bytes.length, text, standard(), true);
  return changetype<string>(text);
}

/** The bytes as base64url text. */
export function toBase64Url(bytes: Uint8Array): string {
  // @ts-ignore: built into the compiler
  const text = __new(base64UrlLength(bytes.length) << 1, idof<string>());
  encode<u16>(bytes.dataStart, bytes.length, text, urlSafe(), false);
  return changetype<string>(text);
}

/** The bytes that base64 text stands for; null when it is not well-formed, and `base64ErrorAt` then says where. */
export function fromBase64(text: string): Uint8Array | null {
  return bytesOf(text, standardValues(), true);
}

/** The bytes that base64url text stands for; null when it is not well-formed, and `base64ErrorAt` then says where. */
export function fromBase64Url(text: string): Uint8Array | null {
  return bytesOf(text, urlSafeValues(), false);
}

/** Where the last fromBase64 or fromBase64Url met a wrong character, -1 when it did not. */
export let base64ErrorAt: i32 = -1;

// Tables: the character of each value, and the value of each character, 0xff for what is none. They are filled when they
// are used for the first time, so that a module which uses one has one.

function standard(): usize {
  const table = memory.data(64);
  return load<u8>(table) ? table : alphabet(table, 0x2b, 0x2f);
}

function urlSafe(): usize {
  const table = memory.data(64);
  return load<u8>(table) ? table : alphabet(table, 0x2d, 0x5f);
}

function standardValues(): usize {
  const table = memory.data(256);
  return load<u8>(table) ? table : values(table, standard());
}

function urlSafeValues(): usize {
  const table = memory.data(256);
  return load<u8>(table) ? table : values(table, urlSafe());
}

function alphabet(table: usize, c62: u8, c63: u8): usize {
  for (let i = 0; i < 26; i++) {
    store<u8>(table + i, 0x41 + i);
    store<u8>(table + 26 + i, 0x61 + i);
  }
  for (let i = 0; i < 10; i++) store<u8>(table + 52 + i, 0x30 + i);
  store<u8>(table + 62, c62);
  store<u8>(table + 63, c63);
  return table;
}

function values(table: usize, characters: usize): usize {
  memory.fill(table, 0xff, 256);
  for (let i = 0; i < 64; i++) store<u8>(table + load<u8>(characters + i), i);
  return table;
}

function put<T>(out: usize, index: usize, c: u32): void {
  if (sizeof<T>() == 1) store<u8>(out + index, c);
  else store<u16>(out + (index << 1), c);
}

function putValue<T>(out: usize, index: usize, table: usize, value: u32): void {
  put<T>(out, index, load<u8>(table + (value & 63)));
}

function encode<T>(ptr: usize, length: usize, out: usize, table: usize, padded: bool): usize {
  const end = ptr + length;
  const start = out;
  for (; ptr + 3 <= end; ptr += 3) {
    const bits = ((<u32>load<u8>(ptr)) << 16) | ((<u32>load<u8>(ptr, 1)) << 8) | (<u32>load<u8>(ptr, 2));
    putValue<T>(out, 0, table, bits >> 18);
    putValue<T>(out, 1, table, bits >> 12);
    putValue<T>(out, 2, table, bits >> 6);
    putValue<T>(out, 3, table, bits);
    out += 4 * sizeof<T>();
  }
  const rest = end - ptr;
  if (rest) {
    const bits = ((<u32>load<u8>(ptr)) << 16) | (rest > 1 ? (<u32>load<u8>(ptr, 1)) << 8 : 0);
    putValue<T>(out, 0, table, bits >> 18);
    putValue<T>(out, 1, table, bits >> 12);
    if (rest > 1) putValue<T>(out, 2, table, bits >> 6);
    else if (padded) put<T>(out, 2, 0x3d);
    if (padded) put<T>(out, 3, 0x3d);
    out += (padded ? 4 : rest + 1) * sizeof<T>();
  }
  return (out - start) / sizeof<T>();
}

/** 0xff when the character at `index` is none of the alphabet. */
function valueAt<T>(ptr: usize, index: usize, table: usize): u32 {
  const c = <u32>load<T>(ptr + index * sizeof<T>());
  return sizeof<T>() > 1 && c > 0xff ? 0xff : <u32>load<u8>(table + c);
}

function decode<T>(ptr: usize, length: usize, out: usize, table: usize, padded: bool): isize {
  const start = out;
  let at: usize = 0;
  // Groups behind which more follows, up to one with something wrong in it.
  for (; length - at > 4; at += 4) {
    const a = valueAt<T>(ptr, at, table);
    const b = valueAt<T>(ptr, at + 1, table);
    const c = valueAt<T>(ptr, at + 2, table);
    const d = valueAt<T>(ptr, at + 3, table);
    if ((a | b | c | d) > 63) break;
    store<u16>(out, (a << 2) | (b >> 4) | ((b & 15) << 12) | ((c >> 2) << 8));
    store<u8>(out, (c << 6) | d, 2);
    out += 3;
  }
  let bits: u32 = 0;
  let count: usize = 0;
  for (; count < 4 && at < length; count++, at++) {
    const value = valueAt<T>(ptr, at, table);
    if (value > 63) break;
    bits |= value << (18 - 6 * <u32>count);
  }
  if (count < 4) {
    const unused: u32 = count == 2 ? 0xffff : 0xff;
    if (at < length || (padded && length) || count == 1 || (count && bits & unused)) {
      // Right only when padding ends it here.
      if (!padded || count < 2 || bits & unused) return ~at;
      for (const end = at + 4 - count; at < end; at++) {
        if (at == length || load<T>(ptr + at * sizeof<T>()) != 0x3d) return ~at;
      }
      if (at < length) return ~at;
    }
  }
  if (count > 1) store<u8>(out, bits >> 16);
  if (count > 2) store<u8>(out, bits >> 8, 1);
  if (count > 3) store<u8>(out, bits, 2);
  return out - start + (count ? count - 1 : 0);
}

function bytesOf(text: string, table: usize, padded: bool): Uint8Array | null {
  const length = <usize>text.length;
  let max = decodedBase64Max(length);
  // Without what padding stands for, so that the array has its size from the start.
  if (padded && length && !(length & 3)) {
    for (let i = 1; i < 3; i++) if (text.charCodeAt(<i32>length - i) == 0x3d) max--;
  }
  const bytes = new Uint8Array(<i32>max);
  const written = decode<u16>(changetype<usize>(text), length, bytes.dataStart, table, padded);
  base64ErrorAt = written < 0 ? <i32>~written : -1;
  return written < 0 ? null : bytes;
}

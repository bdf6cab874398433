/* Text as patterns see it: code points of UTF-8; each byte that belongs to none is a U+FFFD of its own, as in Go. */

import { Ints } from "./pattern-memory";
import { isWord, Look } from "./pattern-parse";

const INVALID: u32 = 0xfffd | (1 << 24);

/** The code point at `ptr`, and its size in bytes << 24. */
export function decode(ptr: usize, end: usize): u32 {
  const a = <u32>load<u8>(ptr);
  if (a < 0x80) return a | (1 << 24);
  const left = end - ptr;
  if (a - 0xc2 > 0x32 || left < 2) return INVALID;
  const b = (<u32>load<u8>(ptr, 1)) ^ 0x80;
  if (b > 0x3f) return INVALID;
  if (a < 0xe0) return ((a & 0x1f) << 6) | b | (2 << 24);
  if (left < 3) return INVALID;
  const c = (<u32>load<u8>(ptr, 2)) ^ 0x80;
  if (c > 0x3f) return INVALID;
  if (a < 0xf0) {
    const point = ((a & 0xf) << 12) | (b << 6) | c;
    return point < 0x800 || (point & 0xf800) == 0xd800 ? INVALID : point | (3 << 24);
  }
  if (left < 4) return INVALID;
  const d = (<u32>load<u8>(ptr, 3)) ^ 0x80;
  const point = ((a & 7) << 18) | (b << 12) | (c << 6) | d;
  return d > 0x3f || point - 0x10000 > 0xfffff ? INVALID : point | (4 << 24);
}

/** The code point that ends at `ptr`, and its size in bytes << 24. */
export function decodeLast(begin: usize, ptr: usize): u32 {
  for (let size: usize = 1; size <= 4 && begin + size <= ptr; size++) {
    const first = load<u8>(ptr - size);
    if ((first & 0xc0) == 0x80) continue;
    const point = decode(ptr - size, ptr);
    return <usize>(point >> 24) == size ? point : INVALID;
  }
  return INVALID;
}

/** What stands beside a place in a text. */
export const enum Beside {
  Other,
  NewLine,
  Word,
  /** Nothing: the text begins or ends. */
  Edge,
}

export function besideOf(c: u32): Beside {
  return c == 0x0a ? Beside.NewLine : isWord(c) ? Beside.Word : Beside.Other;
}

/** What stands before `ptr`. */
export function before(begin: usize, ptr: usize): Beside {
  return ptr == begin ? Beside.Edge : besideOf(load<u8>(ptr - 1));
}

/** What stands at `ptr`. */
export function behind(ptr: usize, end: usize): Beside {
  return ptr == end ? Beside.Edge : besideOf(load<u8>(ptr));
}

/** The assertions that hold between two neighbours. */
export function looksBetween(before: Beside, behind: Beside): u32 {
  let looks: u32 = (before == Beside.Word) != (behind == Beside.Word) ? Look.WordBoundary : Look.NoWordBoundary;
  if (before == Beside.Edge) looks |= Look.TextStart | Look.LineStart;
  else if (before == Beside.NewLine) looks |= Look.LineStart;
  if (behind == Beside.Edge) looks |= Look.TextEnd | Look.LineEnd;
  else if (behind == Beside.NewLine) looks |= Look.LineEnd;
  return looks;
}

/** The assertions that hold at `at`. */
export function looksAt(text: usize, at: usize, limit: usize): u32 {
  return looksBetween(before(text, at), behind(at, limit));
}

/** Appends the code points of a string, one more than `most` at most; false at a lone surrogate. */
export function codePointsOf(text: string, out: Ints, most: i32): bool {
  for (let i = 0; i < text.length && out.length <= most; i++) {
    let c = <u32>text.charCodeAt(i);
    if ((c & 0xf800) == 0xd800) {
      const low = i + 1 < text.length ? <u32>text.charCodeAt(i + 1) : 0;
      if (c > 0xdbff || (low & 0xfc00) != 0xdc00) return false;
      c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
      i++;
    }
    out.push(c);
  }
  return true;
}

/** As codePointsOf, for UTF-8; false where it is malformed. */
export function codePointsOfUtf8(ptr: usize, length: usize, out: Ints, most: i32): bool {
  const end = ptr + length;
  while (ptr < end && out.length <= most) {
    const point = decode(ptr, end);
    if (point == INVALID) return false;
    out.push(point & 0xffffff);
    ptr += <usize>(point >> 24);
  }
  return true;
}

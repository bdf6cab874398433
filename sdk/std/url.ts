/* URLs as bytes: percent-coding, queries, request targets, and paths normalised as Envoy does it. */

import { decodeUtf8, toUtf8 } from "./utf8";

/** Bytes that percentEncode encodes; those above 0x7e are in every set. */
export enum EncodeSet {
  // The percent-encode sets of the WHATWG URL Standard, section 1.3. They leave an existing % alone up to UserInfo.
  C0Control,
  Fragment,
  Query,
  SpecialQuery,
  Path,
  UserInfo,
  /** As encodeURIComponent. */
  Component,
  /** application/x-www-form-urlencoded; a space becomes +. */
  Form,
  // RFC 3986: what the named part may not have.
  /** All but unreserved characters (section 2.3): what AWS, OAuth and most signatures want. */
  Unreserved,
  /** A path segment: all but pchar (section 3.3). */
  PathSegment,
  /** All but pchar and /. */
  PathSegments,
  /** All but pchar, / and ? (section 3.4). */
  UriQuery,
}

/** Two words: a bit for each ASCII character that a set encodes. */
function wordsOf(set: EncodeSet): usize {
  const sets = memory.data<u64>([
    0x00000000ffffffff, 0x8000000000000000, 0x50000005ffffffff, 0x8000000100000000, 0x5000000dffffffff,
    0x8000000000000000, 0x5000008dffffffff, 0x8000000000000000, 0xd000000dffffffff, 0xa800000140000000,
    0xfc00800dffffffff, 0xb800000178000001, 0xfc00987dffffffff, 0xb800000178000001, 0xfc009bffffffffff,
    0xf800000178000001, 0xfc009fffffffffff, 0xb800000178000001, 0xd000802dffffffff, 0xb800000178000000,
    0xd000002dffffffff, 0xb800000178000000, 0x5000002dffffffff, 0xb800000178000000,
  ]);
  return sets + ((<usize>set) << 4);
}

function has(low: u64, high: u64, c: u32): bool {
  return c > 0x7f ? true : <bool>(((c < 64 ? low : high) >> (c & 63)) & 1);
}

/** Encodes to `out`, which has room for 3 × `length` bytes and does not overlap them. Returns the length. */
export function percentEncode(ptr: usize, length: usize, out: usize, set: EncodeSet): usize {
  const low = load<u64>(wordsOf(set));
  const high = load<u64>(wordsOf(set), 8);
  const end = ptr + length;
  let write = out;
  for (; ptr < end; ptr++) {
    const c = <u32>load<u8>(ptr);
    if (!has(low, high, c)) store<u8>(write++, c);
    else if (c == 0x20 && set == EncodeSet.Form) store<u8>(write++, 0x2b);
    else write = escape(write, c);
  }
  return write - out;
}

/** Writes %XX; the address behind it. */
function escape(write: usize, c: u32): usize {
  store<u8>(write, 0x25);
  store<u8>(write, digit(c >> 4), 1);
  store<u8>(write, digit(c & 15), 2);
  return write + 3;
}

function digit(value: u32): u32 {
  return value + (value > 9 ? 0x37 : 0x30);
}

/** As percentEncode, into a string. */
export function percentEncoded(bytes: Uint8Array, set: EncodeSet): string {
  const out = new Uint8Array(bytes.length * 3);
  return decodeUtf8(out.dataStart, percentEncode(bytes.dataStart, bytes.length, out.dataStart, set));
}

/** Value of the two hexadecimal digits behind the % at `at`; above 0xff when they are not there. */
function escaped(at: usize, end: usize): u32 {
  if (end - at < 3) return 0xffff;
  return (nibble(load<u8>(at, 1)) << 4) | nibble(load<u8>(at, 2));
}

/** Value of a hexadecimal digit; 0xfff when it is none. */
function nibble(c: u32): u32 {
  if (c - 0x30 < 10) return c - 0x30;
  const letter = (c | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 0xfff;
}

/**
 * Decodes as browsers do: a % without two hexadecimal digits stays as it is. `out` has room for `length` bytes and may be
 * `ptr`. With `plus`, + is a space (application/x-www-form-urlencoded). Returns the length.
 */
export function percentDecode(ptr: usize, length: usize, out: usize, plus: bool = false): usize {
  return decode(ptr, length, out, plus, false);
}

/** As percentDecode; returns ~offset (negative) of the first % that no two hexadecimal digits follow. */
export function percentDecodeStrict(ptr: usize, length: usize, out: usize, plus: bool = false): isize {
  return decode(ptr, length, out, plus, true);
}

function decode(ptr: usize, length: usize, out: usize, plus: bool, strict: bool): isize {
  const end = ptr + length;
  let write = out;
  for (let at = ptr; at < end; at++) {
    let c = <u32>load<u8>(at);
    if (c == 0x25) {
      const value = escaped(at, end);
      if (value < 0x100) {
        c = value;
        at += 2;
      } else if (strict) return ~(at - ptr);
    } else if (c == 0x2b && plus) c = 0x20;
    store<u8>(write++, c);
  }
  return write - out;
}

/** The decoded bytes (see percentDecode). */
export function percentDecoded(text: Uint8Array, plus: bool = false): Uint8Array {
  const bytes = new Uint8Array(text.length);
  const length = percentDecode(text.dataStart, text.length, bytes.dataStart, plus);
  return bytes.subarray(0, <i32>length);
}

/** Reads the pairs of a query as they stand, in order, duplicates included. Nothing is allocated, empty pieces are skipped. */
export class QueryReader {
  /** The pair; name and value are not decoded. */
  name: usize = 0;
  nameLength: usize = 0;
  value: usize = 0;
  valueLength: usize = 0;
  /** Whether there is a = behind the name. */
  hasValue: bool = false;
  private at: usize;
  private end: usize;

  /** The query without its ?. */
  constructor(ptr: usize, length: usize) {
    this.at = ptr;
    this.end = ptr + length;
  }

  next(): bool {
    const end = this.end;
    let at = this.at;
    while (at < end && load<u8>(at) == 0x26) at++;
    if (at == end) return false;
    this.name = at;
    let equals: usize = 0;
    for (; at < end; at++) {
      const c = load<u8>(at);
      if (c == 0x26) break;
      if (c == 0x3d && !equals) equals = at;
    }
    this.hasValue = equals != 0;
    this.nameLength = (equals || at) - this.name;
    this.value = equals ? equals + 1 : at;
    this.valueLength = at - this.value;
    this.at = at;
    return true;
  }
}

/** Why a query was refused. */
export enum QueryError {
  None,
  /** More pairs than the limit. */
  TooMany,
  /** A % without two hexadecimal digits, in a strict query. */
  BadEscape,
}

/** The decoded pairs of a query, in order, duplicates included. */
export class Query {
  error: QueryError = QueryError.None;
  /** Offset of the pair that was one too many, or of the bad %. */
  errorAt: usize = 0;
  count: i32 = 0;
  /** Decoded names and values, one behind the other. */
  private bytes: Uint8Array = new Uint8Array(0);
  /** For each pair the ends of its name and its value in `bytes`. */
  private ends: StaticArray<u32> = new StaticArray<u32>(0);

  /**
   * Reads a query without its ?. `plus`: + is a space, as forms and URLSearchParams have it. `strict`: a bad escape is an
   * error, else it stays as it is. After an error there are no pairs; false.
   */
  parse(ptr: usize, length: usize, plus: bool = true, strict: bool = false, limit: i32 = 1000): bool {
    this.count = 0;
    this.error = QueryError.None;
    let most = length ? 1 : 0;
    for (let i: usize = 0; i < length; i++) most += i32(load<u8>(ptr + i) == 0x26);
    most = min(most, max(limit, 0));
    if (this.ends.length < most << 1) this.ends = new StaticArray<u32>(most << 1);
    if (<usize>this.bytes.length < length) this.bytes = new Uint8Array(<i32>length);
    const start = this.bytes.dataStart;
    const pairs = new QueryReader(ptr, length);
    let count = 0;
    let write = start;
    while (pairs.next()) {
      if (count == most) return this.fail(QueryError.TooMany, pairs.name - ptr);
      for (let part = 0; part < 2; part++) {
        const from = part ? pairs.value : pairs.name;
        const written = decode(from, part ? pairs.valueLength : pairs.nameLength, write, plus, strict);
        if (written < 0) return this.fail(QueryError.BadEscape, from + ~written - ptr);
        write += written;
        unchecked((this.ends[(count << 1) + part] = <u32>(write - start)));
      }
      count++;
    }
    this.count = count;
    return true;
  }

  private fail(error: QueryError, at: usize): bool {
    this.error = error;
    this.errorAt = at;
    return false;
  }

  /** Address of the name of pair `index`, valid until the next parse; 0 when there is no such pair. */
  namePtr(index: i32): usize {
    return <u32>index < <u32>this.count ? this.bytes.dataStart + this.end((index << 1) - 1) : 0;
  }

  nameLength(index: i32): usize {
    return <u32>index < <u32>this.count ? this.end(index << 1) - this.end((index << 1) - 1) : 0;
  }

  valuePtr(index: i32): usize {
    return <u32>index < <u32>this.count ? this.bytes.dataStart + this.end(index << 1) : 0;
  }

  valueLength(index: i32): usize {
    return <u32>index < <u32>this.count ? this.end((index << 1) + 1) - this.end(index << 1) : 0;
  }

  /** The name as text, malformed UTF-8 replaced; "" when there is no such pair. */
  name(index: i32): string {
    return decodeUtf8(this.namePtr(index), this.nameLength(index));
  }

  value(index: i32): string {
    return decodeUtf8(this.valuePtr(index), this.valueLength(index));
  }

  /** Index of the first pair from `from` on with these bytes as its name; -1 when there is none. */
  findBytes(ptr: usize, length: usize, from: i32 = 0): i32 {
    for (let i = max(from, 0); i < this.count; i++) {
      if (this.nameLength(i) == length && !memory.compare(this.namePtr(i), ptr, length)) return i;
    }
    return -1;
  }

  find(name: string, from: i32 = 0): i32 {
    const bytes = toUtf8(name);
    return this.findBytes(bytes.dataStart, bytes.length, from);
  }

  /** The first value of that name; null when there is none. Others may follow: see `find`. */
  get(name: string): string | null {
    const index = this.find(name);
    return index < 0 ? null : this.value(index);
  }

  private end(index: i32): usize {
    return index < 0 ? 0 : unchecked(this.ends[index]);
  }
}

/** A request target (`:path`) split at its first ?, as Envoy's request.query has it. */
export class RequestTarget {
  path: usize = 0;
  pathLength: usize = 0;
  /** Without the ?; length 0 when there is none. */
  query: usize = 0;
  queryLength: usize = 0;
  hasQuery: bool = false;

  /**
   * False for what Envoy 1.40 answers with 400 (or, on HTTP/2, resets): it does not begin with /, or has a #, a space or a
   * control character. `*` and the authority of CONNECT are no paths either. Bytes above 0x7f pass, as they do on HTTP/2.
   */
  read(ptr: usize, length: usize): bool {
    this.path = ptr;
    const end = checkTarget(ptr, length);
    if (end < 0) {
      this.pathLength = this.query = this.queryLength = 0;
      this.hasQuery = false;
      return false;
    }
    this.pathLength = end;
    this.hasQuery = <usize>end < length;
    this.query = ptr + end + usize(this.hasQuery);
    this.queryLength = length - end - usize(this.hasQuery);
    return true;
  }
}

/** Length of the path in a request target; negative when Envoy refuses the target. */
function checkTarget(ptr: usize, length: usize): isize {
  if (!length || load<u8>(ptr) != 0x2f) return -1;
  let path = length;
  for (let i: usize = 1; i < length; i++) {
    const c = load<u8>(ptr + i);
    if (c <= 0x20 || c == 0x7f || c == 0x23) return -1;
    if (c == 0x3f && path == length) path = i;
  }
  return path;
}

/**
 * What is done to a path: Istio's pathNormalization, and Envoy's options that it stands for, to be joined with |.
 */
export enum PathNormalization {
  None = 0,
  /** normalize_path: RFC 3986 section 6 as the URL Standard does it. */
  Base = 1,
  /** Base and merge_slashes. */
  MergeSlashes = 3,
  /** MergeSlashes and path_with_escaped_slashes_action UNESCAPE_AND_FORWARD. */
  DecodeAndMergeSlashes = 7,
  /** merge_slashes alone. */
  OptionMergeSlashes = 2,
  /** path_with_escaped_slashes_action UNESCAPE_AND_FORWARD alone: %2F becomes / and %5C becomes \. */
  OptionUnescapeSlashes = 4,
  /** path_with_escaped_slashes_action REJECT_REQUEST. */
  OptionRejectEscapedSlashes = 8,
}

/** Room that normalizePath needs for a target of `length` bytes. */
export function normalizedPathMax(length: usize): usize {
  return length << 2;
}

/**
 * Normalises the path of a request target as Envoy 1.40 does it; what begins with the first ? stays as it is. `out` has
 * room for normalizedPathMax(length) bytes and does not overlap the target. Returns the length; -1 for what Envoy refuses.
 */
export function normalizePath(ptr: usize, length: usize, out: usize, how: PathNormalization): isize {
  const path = checkTarget(ptr, length);
  if (path < 0) return -1;
  let written: isize = path;
  if (isNormal(ptr, path)) memory.copy(out, ptr, path);
  else {
    // Above what the second step writes at most.
    const copy = out + path * 3;
    let size = <isize>unescapeSlashes(ptr, path, copy, how);
    if (size < 0) return -1;
    if (!(how & PathNormalization.Base)) memory.copy(out, copy, size);
    else if ((size = canonicalize(copy, size, out)) < 0) return -1;
    written = how & PathNormalization.OptionMergeSlashes ? mergeSlashes(out, size) : size;
  }
  memory.copy(out + written, ptr + path, length - path);
  return <isize>(<usize>written + length - path);
}

/** Characters that normalize_path escapes. */
const ESCAPE_LOW: u64 = 0xd000000dffffffff;
const ESCAPE_HIGH: u64 = 0xb800000140000000;

/** Whether none of the steps would find anything to do: the usual path. */
function isNormal(ptr: usize, length: usize): bool {
  let before: u32 = 0;
  for (let i: usize = 0; i < length; i++) {
    const c = <u32>load<u8>(ptr + i);
    if (c == 0x25 || c == 0x5c || has(ESCAPE_LOW, ESCAPE_HIGH, c)) return false;
    if (before == 0x2f && (c == 0x2f || c == 0x2e)) return false;
    before = c;
  }
  return true;
}

/**
 * First step: escaped slashes, and with normalize_path the parameters of dot segments (`..;a=b`, CVE-2026-73551). Envoy
 * looks for these before anything else is decoded, so `%2e%2e;` and what stands behind a backslash keep theirs.
 */
function unescapeSlashes(ptr: usize, length: usize, out: usize, how: PathNormalization): isize {
  const end = ptr + length;
  let write = out;
  let segment = out;
  let dropping = false;
  for (let at = ptr; at < end; at++) {
    let c = <u32>load<u8>(at);
    if (c == 0x25 && how & (PathNormalization.OptionUnescapeSlashes | PathNormalization.OptionRejectEscapedSlashes)) {
      const value = escaped(at, end);
      if (value == 0x2f || value == 0x5c) {
        if (how & PathNormalization.OptionRejectEscapedSlashes) return -1;
        c = value;
        at += 2;
      }
    }
    if (c == 0x2f) {
      dropping = false;
      segment = write + 1;
    } else if (c == 0x3b && how & PathNormalization.Base && isDots(segment, write)) dropping = true;
    if (!dropping) store<u8>(write++, c);
  }
  return write - out;
}

function isDots(start: usize, end: usize): bool {
  const size = end - start;
  return (size == 1 || size == 2) && load<u8>(start) == 0x2e && load<u8>(end - 1) == 0x2e;
}

/** Length of a dot, plain or escaped, at `at`; 0 when there is none. */
function dotAt(at: usize, end: usize): usize {
  if (at == end) return 0;
  const c = load<u8>(at);
  return c == 0x2e ? 1 : c == 0x25 && escaped(at, end) == 0x2e ? 3 : 0;
}

function isSeparator(at: usize, end: usize): bool {
  if (at == end) return true;
  const c = load<u8>(at);
  return c == 0x2f || c == 0x5c;
}

/** Second step, normalize_path: dot segments, backslashes, escapes. -1 for an escaped NUL. */
function canonicalize(ptr: usize, length: usize, out: usize): isize {
  const end = ptr + length;
  let write = out;
  /** Where the last % that begins no escape was written. */
  let loose: usize = 0;
  for (let at = ptr; at < end;) {
    const dot = dotAt(at, end);
    if (dot) {
      if (load<u8>(write - 1) == 0x2f) {
        let next = at + dot;
        let up: bool = false;
        if (!isSeparator(next, end)) {
          const second = dotAt(next, end);
          up = second != 0 && isSeparator(next + second, end);
          next = up ? next + second : 0;
        }
        if (next) {
          if (up && write - 1 > out)
            do write--;
            while (load<u8>(write - 1) != 0x2f);
          at = min(next + 1, end);
          continue;
        }
      }
      store<u8>(write++, 0x2e);
      at += dot;
      continue;
    }
    const c = <u32>load<u8>(at);
    if (c == 0x25) {
      const value = escaped(at, end);
      if (!value) return -1;
      if (isUnreserved(value)) {
        store<u8>(write++, value);
        at += 3;
        if (loose) write = protect(loose, write, at, end);
      } else {
        const size: usize = value < 0x100 ? 3 : 1;
        if (size == 1) loose = write;
        memory.copy(write, at, size);
        write += size;
        at += size;
      }
      continue;
    }
    at++;
    if (c == 0x5c) store<u8>(write++, 0x2f);
    else if (has(ESCAPE_LOW, ESCAPE_HIGH, c)) write = escape(write, c);
    else store<u8>(write++, c);
  }
  return write - out;
}

function isUnreserved(c: u32): bool {
  return c - 0x30 < 10 || (c | 0x20) - 0x61 < 26 || c == 0x2d || c == 0x2e || c == 0x5f || c == 0x7e;
}

/**
 * A character was decoded and written behind a % that began no escape: where the two would make one (`%%341` -> `%41`),
 * the % is escaped itself. The new end of what is written.
 */
function protect(loose: usize, write: usize, at: usize, end: usize): usize {
  const size = write - loose;
  if ((size != 2 && size != 3) || load<u8>(loose) != 0x25) return write;
  const first = <u32>load<u8>(loose, 1);
  const second = size == 3 ? <u32>load<u8>(loose, 2) : at < end ? <u32>load<u8>(at) : 0;
  if (nibble(first) > 15 || nibble(second) > 15) return write;
  store<u16>(loose + 1, 0x3532);
  store<u8>(loose + 3, first);
  if (size == 3) store<u8>(loose + 4, second);
  return write + 2;
}

/** Third step, merge_slashes, in place. A path of nothing but slashes keeps two of them, as in Envoy. */
function mergeSlashes(ptr: usize, length: usize): usize {
  const end = ptr + length;
  let write = ptr;
  for (let at = ptr; at < end; at++) {
    const c = load<u8>(at);
    if (c != 0x2f || write == ptr || load<u8>(write - 1) != 0x2f) store<u8>(write++, c);
  }
  return write == ptr + 1 && length > 1 ? 2 : write - ptr;
}

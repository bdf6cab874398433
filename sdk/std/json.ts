/* A pull reader for JSON (RFC 8259) over bytes. After the first error every call returns at once; `error` then says where
 * (a JSON path) and what, `errorAt` at which byte. Nothing that it reads can trap. json-value.ts reads a text as a whole. */

import { hex4, JsonType } from "./json-tape";
import { isExact, isInteger, scannedF64, scannedI64, scannedU64, scanNumber } from "./number";
import { decodeUtf8, isUtf8, shrinkString, wasMalformed } from "./utf8";

/** Largest integer that a JSON number carries exactly everywhere: 2^53 - 1. */
const MAX_SAFE: u64 = 9007199254740991;
/** Most keys and items in a document: three bytes of it can ask for an object of hundreds. */
const MOST_VALUES: u32 = 1000000;
/** Most arrays and objects inside one another. */
const MOST_DEPTH: u32 = 64;

export class JsonReader {
  /** Path and reason of the first error; "" while there is none. */
  error: string = "";
  /** The key that nextKey has read. */
  key: string = "";
  /** Byte offset of the first error. */
  errorAt: u32 = 0;
  /** The text that skip has read. */
  skippedPtr: usize = 0;
  skippedLength: usize = 0;
  private at: usize;
  private start: usize;
  private limit: usize;
  private depth: u32 = 0;
  private values: u32 = 0;

  constructor(ptr: usize, length: usize) {
    this.at = ptr;
    this.start = ptr;
    this.limit = ptr + length;
  }

  get ok(): bool {
    return !this.error.length;
  }

  /** Records an error at the place that is being read. Returns false. */
  fail(reason: string): bool {
    if (this.ok) {
      this.error = ": " + reason;
      this.errorAt = <u32>(this.at - this.start);
    }
    return false;
  }

  private malformed(reason: string): bool {
    return this.fail("is not valid JSON: " + reason);
  }

  /** Called on the way out of an error: puts a path segment in front of it. Returns false. */
  within(segment: string): bool {
    this.error = segment + this.error;
    return false;
  }

  beginObject(): bool {
    return this.begin(0x7b, "must be an object");
  }

  beginArray(): bool {
    return this.begin(0x5b, "must be an array");
  }

  /** Moves to the next key of an object and past its colon; false at the end or after an error. */
  nextKey(first: bool): bool {
    if (!this.next(first, 0x7d)) return false;
    if (this.peek() != 0x22) return this.malformed("missing key");
    this.key = this.readString();
    return this.ok && this.colon();
  }

  /** Moves to the next item of an array; false at the end or after an error. */
  nextItem(first: bool): bool {
    return this.next(first, 0x5d);
  }

  unknownKey(): bool {
    return this.fail("unknown key " + quote(this.key));
  }

  duplicateKey(): bool {
    return this.fail("duplicate key " + quote(this.key));
  }

  missingKey(key: string): bool {
    // Not by quote: this key is a constant of the module, and quote cuts in place.
    return this.fail('required key "' + key + '" is missing');
  }

  readString(): string {
    if (this.peek() != 0x22) {
      this.fail("must be a string");
      return "";
    }
    const start = ++this.at;
    let escapes = false;
    while (this.at < this.limit) {
      const c = load<u8>(this.at);
      if (c == 0x22) {
        const length = this.at++ - start;
        const text = decodeUtf8(start, length);
        if (wasMalformed) this.malformed("not UTF-8");
        else if (escapes && !unescape(text)) this.malformed("bad escape");
        return text;
      }
      if (c < 0x20) break;
      if (c == 0x5c) {
        escapes = true;
        this.at++;
      }
      this.at++;
    }
    this.malformed("unterminated string");
    return "";
  }

  readBool(): bool {
    const c = this.peek();
    if (c == 0x74 && this.word(0x65757274, 4)) return true;
    if (c == 0x66 && this.word(0x736c6166, 5) && load<u8>(this.at - 1) == 0x65) return false;
    return this.fail("must be true or false");
  }

  /** An integer within ±(2^53 - 1). 1.0 and 1e2 are integers. */
  readInteger(): i64 {
    if (!this.number("must be an integer")) return 0;
    const value = scannedI64();
    if (isExact && <u64>(value + <i64>MAX_SAFE) <= 2 * MAX_SAFE) return value;
    this.fail(isInteger ? "must be an integer within ±9007199254740991" : "must be an integer");
    return 0;
  }

  readI64(): i64 {
    if (!this.number("must be an integer")) return 0;
    const value = scannedI64();
    return isExact || this.fail("must be an integer of 64 bits") ? value : 0;
  }

  readU64(): u64 {
    if (!this.number("must be an integer")) return 0;
    const value = scannedU64();
    return isExact || this.fail("must be an integer of 64 bits without sign") ? value : 0;
  }

  /** The nearest double. */
  readF64(): f64 {
    if (!this.number("must be a number")) return 0;
    const value = scannedF64();
    return isFinite(value) || this.fail("must be a number that a double can hold") ? value : 0;
  }

  readNull(): bool {
    return (this.peek() == 0x6e && this.word(0x6c6c756e, 4)) || this.fail("must be null");
  }

  /** The type of the value that comes next, as far as its first byte tells; missing when none does. */
  get type(): JsonType {
    const c = this.ok ? this.peek() : 0;
    if (c == 0x22) return JsonType.String;
    if (c == 0x7b) return JsonType.Object;
    if (c == 0x5b) return JsonType.Array;
    if (c == 0x6e) return JsonType.Null;
    if (c == 0x74 || c == 0x66) return JsonType.Bool;
    return c == 0x2d || isDigit(c) ? JsonType.Number : JsonType.Missing;
  }

  /** Reads any value and drops it; its text is in skippedPtr and skippedLength. Keys that are there twice pass. */
  skip(): bool {
    if (!this.ok) return false;
    this.peek();
    const start = this.at;
    switch (this.type) {
      case JsonType.String:
        this.skipString();
        break;
      case JsonType.Object:
        this.beginObject();
        for (let first = true; this.next(first, 0x7d); first = false) {
          if (!this.skipString() || !this.colon() || !this.skip()) break;
        }
        break;
      case JsonType.Array:
        this.beginArray();
        for (let first = true; this.next(first, 0x5d); first = false) if (!this.skip()) break;
        break;
      case JsonType.Null:
        this.readNull();
        break;
      case JsonType.Bool:
        this.readBool();
        break;
      default:
        this.number("must be a value");
    }
    this.skippedPtr = start;
    this.skippedLength = this.at - start;
    return this.ok;
  }

  /** Expects nothing more. */
  end(): bool {
    if (!this.ok) return false;
    this.peek();
    return this.at == this.limit ? true : this.malformed("text follows its end");
  }

  /** Another reader that stands at the same place, for a look ahead. */
  fork(): JsonReader {
    const ahead = new JsonReader(this.at, this.limit - this.at);
    ahead.start = this.start;
    ahead.depth = this.depth;
    ahead.values = this.values;
    return ahead;
  }

  /** Byte offset of what comes next, behind white space. */
  get offset(): u32 {
    this.peek();
    return <u32>(this.at - this.start);
  }

  /** Arrays and objects that are open. */
  get nesting(): u32 {
    return this.depth;
  }

  /** Forgets an error and goes on at a place that offset and nesting have told. */
  resume(offset: u32, nesting: u32): void {
    this.error = "";
    this.at = this.start + offset;
    this.depth = nesting;
  }

  private begin(bracket: u8, reason: string): bool {
    if (!this.ok) return false;
    if (this.peek() != bracket) return this.at == this.limit ? this.malformed("it ends too early") : this.fail(reason);
    if (++this.depth > MOST_DEPTH) return this.fail("is nested too deep");
    this.at++;
    return true;
  }

  private next(first: bool, bracket: u8): bool {
    if (!this.ok) return false;
    const c = this.peek();
    if (c == bracket) {
      this.at++;
      this.depth--;
      return false;
    }
    if (++this.values > MOST_VALUES) return this.fail("has too many values");
    if (first) return this.at < this.limit ? true : this.malformed("it ends too early");
    if (c != 0x2c) return this.malformed("missing comma or bracket");
    this.at++;
    if (this.peek() == bracket) return this.malformed("trailing comma");
    return true;
  }

  private colon(): bool {
    if (this.peek() != 0x3a) return this.malformed("missing colon");
    this.at++;
    return true;
  }

  /** Past a number that number.ts has then scanned. */
  private number(reason: string): bool {
    if (!this.ok) return false;
    const c = this.peek();
    if (c != 0x2d && !isDigit(c)) return this.fail(reason);
    const end = scanNumber(this.at, this.limit);
    const next = this.byteAt(end);
    if (!end || next == 0x2e || next == 0x2d || next == 0x2b || isWord(next))
      return this.malformed("a number is malformed");
    this.at = end;
    return true;
  }

  /** Past a string that is checked, not decoded. */
  private skipString(): bool {
    if (this.peek() != 0x22) return this.malformed("missing key");
    let at = this.at + 1;
    for (; at < this.limit; at++) {
      const c = load<u8>(at);
      if (c == 0x22) {
        if (!isUtf8(this.at + 1, at - this.at - 1)) return this.malformed("not UTF-8");
        this.at = at + 1;
        return true;
      }
      if (c < 0x20) break;
      if (c == 0x5c) {
        const size = escapeSize(at, this.limit);
        if (!size) return this.malformed("bad escape");
        at += size - 1;
      }
    }
    return this.malformed("unterminated string");
  }

  /** Skips white space; the byte that follows, 0 at the end. */
  private peek(): u8 {
    while (this.at < this.limit) {
      const c = load<u8>(this.at);
      if (c != 0x20 && c != 9 && c != 10 && c != 13) return c;
      this.at++;
    }
    return 0;
  }

  private byteAt(at: usize): u8 {
    return at < this.limit ? load<u8>(at) : 0;
  }

  /** Consumes a word of `length` bytes that begins with the four bytes of `start`. */
  private word(start: u32, length: usize): bool {
    if (this.limit - this.at < length || load<u32>(this.at) != start || isWord(this.byteAt(this.at + length)))
      return false;
    this.at += length;
    return true;
  }
}

/** Replaces the escapes of a new string in place; false when one is bad. The result is never longer. */
function unescape(text: string): bool {
  let read = changetype<usize>(text);
  const end = read + ((<usize>text.length) << 1);
  let write = read;
  let high = false; // the unit before is a high surrogate from an escape
  while (read < end) {
    let unit = <u32>load<u16>(read);
    read += 2;
    let isLow = false;
    let isHigh = false;
    if (unit == 0x5c) {
      unit = <u32>load<u16>(read);
      read += 2;
      if (unit == 0x75) {
        unit = units4(read, end);
        read += 8;
        isHigh = (unit & 0xfffffc00) == 0xd800;
        isLow = (unit & 0xfffffc00) == 0xdc00;
      } else if (unit == 0x6e) unit = 10;
      else if (unit == 0x74) unit = 9;
      else if (unit == 0x72) unit = 13;
      else if (unit == 0x62) unit = 8;
      else if (unit == 0x66) unit = 12;
      else if (unit != 0x22 && unit != 0x5c && unit != 0x2f) return false;
    }
    // Only an escaped low surrogate can complete an escaped high one.
    if (unit > 0xffff || high != isLow) return false;
    high = isHigh;
    store<u16>(write, unit);
    write += 2;
  }
  shrinkString(changetype<usize>(text), write - changetype<usize>(text));
  return !high;
}

/** Bytes of the escape at `at`, a pair of surrogates taken as one; 0 when it is bad. */
function escapeSize(at: usize, end: usize): usize {
  if (end - at < 2) return 0;
  const c = <u32>load<u8>(at, 1);
  if (c != 0x75) {
    return c == 0x22 || c == 0x5c || c == 0x2f || c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74 ? 2 : 0;
  }
  const unit = escapedUnit(at, end);
  if ((unit & 0xfffff800) != 0xd800) return unit > 0xffff ? 0 : 6;
  return unit < 0xdc00 && (escapedUnit(at + 6, end) & 0xfffffc00) == 0xdc00 ? 12 : 0;
}

/** The UTF-16 unit of \uXXXX; above 0xffff when there is none. */
function escapedUnit(at: usize, end: usize): u32 {
  return end < at + 6 || load<u16>(at) != 0x755c ? 0xffffffff : hex4(at + 2);
}

/** Four hexadecimal UTF-16 digits; above 0xffff when they are none. */
function units4(at: usize, end: usize): u32 {
  if (at + 8 > end) return 0xffffffff;
  let value: u32 = 0;
  for (let i: usize = 0; i < 8; i += 2) {
    const c = <u32>load<u16>(at + i);
    const letter = (c | 0x20) - 0x61;
    if (c - 0x30 < 10) value = (value << 4) | (c - 0x30);
    else if (letter < 6 && c < 0x80) value = (value << 4) | (letter + 10);
    else return 0xffffffff;
  }
  return value;
}

function isDigit(c: u8): bool {
  return <u32>c - 0x30 < 10;
}

/** A byte that must not follow a number or a literal directly. */
function isWord(c: u8): bool {
  return isDigit(c) || <u32>(c | 0x20) - 0x61 < 26;
}

/** A key that was read, for a message: quoted and cut in place, since it can be of any length. */
function quote(key: string): string {
  if (key.length > 64) shrinkString(changetype<usize>(key), 128);
  return '"' + key + '"';
}

/* A pull reader for JSON (RFC 8259) over bytes. After the first error every call returns at once; `error` then says where
 * (a JSON path) and what. Nothing that it reads can trap. */

import { decodeUtf8, shrinkString, wasMalformed } from "./utf8";

/** Largest integer that a JSON number carries exactly everywhere: 2^53 - 1. */
const MAX_SAFE: u64 = 9007199254740991;

export class JsonReader {
  /** Path and reason of the first error; "" while there is none. */
  error: string = "";
  /** The key that nextKey has read. */
  key: string = "";
  private at: usize;
  private limit: usize;

  constructor(ptr: usize, length: usize) {
    this.at = ptr;
    this.limit = ptr + length;
  }

  get ok(): bool {
    return !this.error.length;
  }

  /** Records an error at the place that is being read. Returns false. */
  fail(reason: string): bool {
    if (this.ok) this.error = ": " + reason;
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
    if (!this.ok) return false;
    if (this.peek() != 0x3a) return this.malformed("missing colon");
    this.at++;
    return true;
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
    let at = this.at;
    const negative = this.peek() == 0x2d;
    at = negative ? this.at + 1 : this.at;
    const first = this.byteAt(at);
    if (!isDigit(first)) {
      this.fail("must be an integer");
      return 0;
    }
    let digits: u64 = 0;
    let exponent: i32 = 0;
    let overflow = false;
    let pointSeen = false;
    const start = at;
    for (; ; at++) {
      const c = this.byteAt(at);
      if (isDigit(c)) {
        if (digits > 99999999999999999) {
          // Further digits can only matter when they are zeros before an exponent that takes them back.
          if (c != 0x30) overflow = true;
          if (!pointSeen) exponent = min(exponent + 1, 1000000);
        } else {
          digits = digits * 10 + (c - 0x30);
          if (pointSeen) exponent--;
        }
      } else if (c == 0x2e && !pointSeen && isDigit(this.byteAt(at + 1))) pointSeen = true;
      else break;
    }
    const leadingZero = first == 0x30 && isDigit(this.byteAt(start + 1));
    let c = this.byteAt(at);
    if (c == 0x65 || c == 0x45) {
      c = this.byteAt(++at);
      const minus = c == 0x2d;
      if (minus || c == 0x2b) c = this.byteAt(++at);
      let power: i32 = 0;
      const powerStart = at;
      for (; isDigit(c); c = this.byteAt(++at)) power = min(power * 10 + (c - 0x30), 1000000);
      if (at == powerStart) {
        this.malformed("a number is malformed");
        return 0;
      }
      exponent += minus ? -power : power;
    }
    if (leadingZero || c == 0x2e || c == 0x2d || c == 0x2b || isWord(c)) {
      this.malformed("a number is malformed");
      return 0;
    }
    this.at = at;
    if (!digits && !overflow) return 0;
    for (; exponent < 0 && digits % 10 == 0 && !overflow; exponent++) digits /= 10;
    if (exponent < 0) {
      this.fail("must be an integer");
      return 0;
    }
    for (; exponent > 0 && digits <= MAX_SAFE; exponent--) digits *= 10;
    if (overflow || digits > MAX_SAFE) {
      this.fail("must be an integer within ±9007199254740991");
      return 0;
    }
    return negative ? -(<i64>digits) : <i64>digits;
  }

  /** Expects nothing more. */
  end(): bool {
    if (!this.ok) return false;
    this.peek();
    return this.at == this.limit ? true : this.malformed("text follows its end");
  }

  /** Whether the bytes begin as a protobuf message does: with the byte that in JSON is a line feed, but no white space next. */
  static looksBinary(ptr: usize, length: usize): bool {
    if (length < 2 || load<u8>(ptr) != 10) return false;
    const next = load<u8>(ptr, 1);
    return next < 0x20 && next != 9 && next != 10 && next != 13;
  }

  private begin(bracket: u8, reason: string): bool {
    if (!this.ok) return false;
    if (this.peek() != bracket) return this.at == this.limit ? this.malformed("it ends too early") : this.fail(reason);
    this.at++;
    return true;
  }

  private next(first: bool, bracket: u8): bool {
    if (!this.ok) return false;
    const c = this.peek();
    if (c == bracket) {
      this.at++;
      return false;
    }
    if (first) return this.at < this.limit ? true : this.malformed("it ends too early");
    if (c != 0x2c) return this.malformed("missing comma or bracket");
    this.at++;
    if (this.peek() == bracket) return this.malformed("trailing comma");
    return true;
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
        unit = hex4(read, end);
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

/** Four hexadecimal UTF-16 digits; above 0xffff when they are none. */
function hex4(at: usize, end: usize): u32 {
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

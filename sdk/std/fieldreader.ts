/* What the values of many HTTP fields are made of: tokens, quoted strings and the white space between them (RFC 9110,
 * section 5.6). */

import { isTokenChar } from "./field";
import { refuse } from "./refusal";
import { copyBytes, isBlank, Slice } from "./slice";
import { ByteWriter } from "./bytewriter";

/** Reads a copy of a field value. What it gives out lies in that copy, where quoted strings are decoded in place. */
export class FieldReader {
  /** Offset of the next byte. */
  at: i32 = 0;
  private buffer: ArrayBuffer;

  constructor(
    ptr: usize,
    readonly length: i32,
  ) {
    this.buffer = copyBytes(ptr, length);
  }

  get atEnd(): bool {
    return this.at >= this.length;
  }

  /** The next byte; 0 at the end, which is no byte of a field value. */
  peek(): u32 {
    return this.at < this.length ? load<u8>(this.here()) : 0;
  }

  /** Past OWS, which is also BWS. */
  skipBlanks(): void {
    while (isBlank(this.peek())) this.at++;
  }

  /** Past the byte, if it is the next one. */
  skip(c: u32): bool {
    if (this.peek() != c) return false;
    this.at++;
    return true;
  }

  /** Past commas and white space to the next member of a list. */
  skipEmptyMembers(): void {
    while (isBlank(this.peek()) || this.peek() == 0x2c) this.at++;
  }

  /** A token; null, without moving, when there is none. */
  token(): Slice | null {
    const start = this.at;
    while (isTokenChar(this.peek())) this.at++;
    if (this.at > start) return this.sliceFrom(start);
    refuse("needs a token", start);
    return null;
  }

  /** A quoted string, decoded; null when there is none. */
  quotedString(): Slice | null {
    const start = this.at;
    if (!this.skip(0x22)) {
      refuse("needs a quoted string", start);
      return null;
    }
    let write = this.here();
    for (; this.at < this.length; this.at++, write++) {
      let c: u32 = load<u8>(this.here());
      if (c == 0x22) {
        this.at++;
        return new Slice(this.buffer, start + 1, <i32>(write - changetype<usize>(this.buffer)) - start - 1);
      }
      if (c == 0x5c) {
        this.at++;
        c = this.peek();
      }
      if (c == 0x7f || (c < 0x20 && c != 9)) {
        refuse("has a bad character in a quoted string", this.at);
        return null;
      }
      store<u8>(write, c);
    }
    refuse("has a quoted string without an end", start);
    return null;
  }

  /** The value of a parameter: a token or a quoted string. */
  value(): Slice | null {
    return this.peek() == 0x22 ? this.quotedString() : this.token();
  }

  /** What was read from `start` on. */
  sliceFrom(start: i32): Slice {
    return new Slice(this.buffer, start, this.at - start);
  }

  here(): usize {
    return changetype<usize>(this.buffer) + this.at;
  }
}

/** Writes a quoted string; false, with nothing written, when the bytes have a control character other than tab. */
export function writeQuoted(out: ByteWriter, ptr: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    const c = load<u8>(ptr + i);
    if (c == 0x7f || (c < 0x20 && c != 9)) return refuse("has a control character", i);
  }
  out.byte(0x22);
  for (let i = 0; i < length; i++) {
    const c = load<u8>(ptr + i);
    if (c == 0x22 || c == 0x5c) out.byte(0x5c);
    out.byte(c);
  }
  out.byte(0x22);
  return true;
}

/** Makes ASCII letters small, in place. */
export function lowerCase(ptr: usize, length: i32): void {
  for (let i = 0; i < length; i++) {
    const c = <u32>load<u8>(ptr + i);
    if (c - 0x41 < 26) store<u8>(ptr + i, c | 0x20);
  }
}

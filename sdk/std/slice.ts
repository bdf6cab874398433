/* A piece of a text that a parser has copied once, so that what it gives out outlives what it has read. */

import { decodeUtf8, encodedLengthMax, encodeUtf8 } from "./utf8";
import { equalsIgnoreCase } from "./field";

export class Slice {
  /** Parsers make it; `at` and `length` stay within the buffer. */
  constructor(
    private buffer: ArrayBuffer,
    private at: i32,
    /** In bytes. */
    readonly length: i32,
  ) {}

  /** The slice of a text of its own, as UTF-8. */
  static of(text: string): Slice {
    const buffer = newBuffer(encodedLengthMax(text));
    return new Slice(buffer, 0, <i32>encodeUtf8(text, changetype<usize>(buffer)));
  }

  /** The slice of a copy of the bytes. */
  static copy(ptr: usize, length: i32): Slice {
    return new Slice(copyBytes(ptr, length), 0, length);
  }

  /** Address of the first byte; it stays good as long as the slice. */
  get ptr(): usize {
    return changetype<usize>(this.buffer) + this.at;
  }

  /** As text; what is no UTF-8 becomes U+FFFD. */
  toString(): string {
    return decodeUtf8(this.ptr, this.length);
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    memory.copy(bytes.dataStart, this.ptr, this.length);
    return bytes;
  }

  /** Whether the bytes are this ASCII text. */
  is(text: string): bool {
    return isAscii(this.ptr, this.length, text);
  }

  /** As `is`, without regard to the case of ASCII letters. */
  isIgnoringCase(text: string): bool {
    return this.length == text.length && equalsIgnoreCase(this.ptr, text);
  }

  /** Its first bytes, `length` at most. */
  first(length: i32): Slice {
    return this.part(0, length);
  }

  /** The bytes from `start` up to `end`, as far as there are any. */
  part(start: i32, end: i32): Slice {
    const from = min(max(start, 0), this.length);
    return new Slice(this.buffer, this.at + from, min(max(end, from), this.length) - from);
  }

  /** As `same`, without regard to the case of ASCII letters. */
  sameIgnoringCase(other: Slice): bool {
    if (this.length != other.length) return false;
    for (let i: usize = 0; i < <usize>this.length; i++) {
      if (lowerLetter(load<u8>(this.ptr + i)) != lowerLetter(load<u8>(other.ptr + i))) return false;
    }
    return true;
  }

  /** Whether both have the same bytes. */
  same(other: Slice): bool {
    return this.length == other.length && memory.compare(this.ptr, other.ptr, this.length) == 0;
  }
}

/** Whether the bytes are the ASCII text. */
export function isAscii(ptr: usize, length: i32, text: string): bool {
  if (length != text.length) return false;
  const units = changetype<usize>(text);
  for (let i: usize = 0; i < <usize>length; i++) {
    if (<u32>load<u8>(ptr + i) != <u32>load<u16>(units + (i << 1))) return false;
  }
  return true;
}

/** A buffer that is not zeroed. */
export function newBuffer(length: usize): ArrayBuffer {
  // @ts-ignore: built into the compiler
  return changetype<ArrayBuffer>(__new(length, idof<ArrayBuffer>()));
}

/** A copy of the bytes. */
export function copyBytes(ptr: usize, length: usize): ArrayBuffer {
  const buffer = newBuffer(length);
  memory.copy(changetype<usize>(buffer), ptr, length);
  return buffer;
}

function lowerLetter(c: u32): u32 {
  return c - 0x41 < 26 ? c | 0x20 : c;
}

/** Space or tab: OWS of RFC 9110, section 5.6.3. */
export function isBlank(c: u32): bool {
  return c == 0x20 || c == 9;
}

export function isDigit(c: u32): bool {
  return c - 0x30 < 10;
}

/** The value of a hexadecimal digit; above 15 when it is none. */
export function hexValue(c: u32): u32 {
  if (c - 0x30 < 10) return c - 0x30;
  const letter = (c | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 16;
}

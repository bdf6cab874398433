/* A reader of DER (X.690): elements one after the other, each of the tag that is asked for. What only BER allows is refused:
 * lengths that are indefinite or longer than they need be, INTEGERs with bytes in front that say nothing. */

import { refuse } from "./refusal";

/** Tags of the universal class, with the bit of what holds elements. */
export const enum DerTag {
  Integer = 0x02,
  BitString = 0x03,
  OctetString = 0x04,
  Null = 0x05,
  Oid = 0x06,
  Sequence = 0x30,
}

/** After the first element that is not as it must be, `ok` is false and all else is refused; refusalReason says why. */
export class DerReader {
  ok: bool = true;
  /** The content of the element that was read; it lies in what is read. */
  valuePtr: usize = 0;
  valueLength: i32 = 0;
  private at: usize;
  private limit: usize;
  private start: usize;

  constructor(ptr: usize, length: usize) {
    this.at = ptr;
    this.limit = ptr + length;
    this.start = ptr;
  }

  /** The tag of the element that comes next; 0 when there is none. */
  get tag(): u32 {
    return this.ok && this.at < this.limit ? <u32>load<u8>(this.at) : 0;
  }

  /** Reads an element of the tag, which is one byte. */
  read(tag: u32): bool {
    if (!this.ok) return false;
    const rest = this.limit - this.at;
    if (!rest) return this.fail("an element is missing");
    if (<u32>load<u8>(this.at) != tag || (tag & 31) == 31) return this.fail("an element has another tag");
    if (rest < 2) return this.fail("it ends within an element");
    let length = <usize>load<u8>(this.at, 1);
    let header: usize = 2;
    if (length > 127) {
      const bytes = length & 127;
      // Four bytes hold more than there can be in memory.
      if (!bytes || bytes > 4) return this.fail("a length is indefinite or too long");
      if (rest < 2 + bytes) return this.fail("it ends within an element");
      length = 0;
      for (let i: usize = 0; i < bytes; i++) length = (length << 8) | (<usize>load<u8>(this.at + 2 + i));
      if (length < 128 || !load<u8>(this.at, 2)) return this.fail("a length has more bytes than it needs");
      header += bytes;
    }
    if (length > rest - header || length > <usize>i32.MAX_VALUE) return this.fail("it ends within an element");
    this.valuePtr = this.at + header;
    this.valueLength = <i32>length;
    this.at = this.valuePtr + length;
    return true;
  }

  /** A reader of what an element holds; one that has failed when the element is not there. */
  enter(tag: u32): DerReader {
    const right = this.read(tag);
    const inside = new DerReader(right ? this.valuePtr : this.at, right ? <usize>this.valueLength : 0);
    inside.ok = right;
    inside.start = this.start;
    return inside;
  }

  /** An INTEGER that is not negative; the value is without the zero that keeps it from being so. 0 is one byte. */
  unsigned(): bool {
    if (!this.read(DerTag.Integer)) return false;
    if (!this.valueLength) return this.fail("an INTEGER is empty");
    const first = load<u8>(this.valuePtr);
    if (first & 0x80) return this.fail("an INTEGER is negative");
    if (first || this.valueLength == 1) return true;
    if (!(load<u8>(this.valuePtr, 1) & 0x80)) return this.fail("an INTEGER has more bytes than it needs");
    this.valuePtr++;
    this.valueLength--;
    return true;
  }

  /** A BIT STRING of whole bytes; the value is these. */
  wholeBytes(): bool {
    if (!this.read(DerTag.BitString)) return false;
    if (!this.valueLength || load<u8>(this.valuePtr)) return this.fail("a BIT STRING is not of whole bytes");
    this.valuePtr++;
    this.valueLength--;
    return true;
  }

  /** A NULL. */
  nothing(): bool {
    return this.read(DerTag.Null) && (this.valueLength == 0 || this.fail("a NULL has content"));
  }

  /** Whether the value that was read is these bytes. */
  valueIs(ptr: usize, length: i32): bool {
    return this.valueLength == length && memory.compare(this.valuePtr, ptr, length) == 0;
  }

  /** Whether all was read and right. */
  end(): bool {
    return this.ok && (this.at == this.limit || this.fail("something follows the last element"));
  }

  private fail(reason: string): bool {
    this.ok = false;
    return refuse(reason, <i32>(this.at - this.start));
  }
}

/* Bytes that are put together piece by piece, up to a limit. */

import { base64Length, encodeBase64 } from "./base64";
import { decodeUtf8, encodedLengthMax, encodeUtf8 } from "./utf8";
import { newBuffer } from "./slice";

/** What does not fit is left out as a whole, and `overflow` then stays set: look at it before using the result. */
export class ByteWriter {
  /** Bytes written. */
  length: i32 = 0;
  /** Whether something did not fit. */
  overflow: bool = false;
  private buffer: ArrayBuffer;

  constructor(
    /** Most bytes that may be written. */
    readonly limit: i32 = 65536,
  ) {
    this.buffer = newBuffer(min(max(limit, 0), 64));
  }

  /** Begins again, with the buffer that is there. */
  clear(): void {
    this.length = 0;
    this.overflow = false;
  }

  byte(value: u32): void {
    if (!this.fits(1)) return;
    store<u8>(this.end(), value);
    this.length++;
  }

  bytes(ptr: usize, length: i32): void {
    if (!this.fits(length)) return;
    memory.copy(this.end(), ptr, length);
    this.length += length;
  }

  /** Address of `length` bytes more, which the caller then fills; 0 when they do not fit. */
  room(length: i32): usize {
    if (!this.fits(length)) return 0;
    const ptr = this.end();
    this.length += length;
    return ptr;
  }

  /** Text of ASCII characters only. */
  ascii(text: string): void {
    const length = text.length;
    if (!this.fits(length)) return;
    const units = changetype<usize>(text);
    const end = this.end();
    for (let i: usize = 0; i < <usize>length; i++) store<u8>(end + i, load<u16>(units + (i << 1)));
    this.length += length;
  }

  /** Any text, as UTF-8. */
  text(text: string): void {
    const most = encodedLengthMax(text);
    if (this.limit - this.length < <i32>most) {
      // It may fit all the same: most characters take fewer bytes.
      const copy = newBuffer(most);
      this.bytes(changetype<usize>(copy), <i32>encodeUtf8(text, changetype<usize>(copy)));
    } else if (this.fits(<i32>most)) this.length += <i32>encodeUtf8(text, this.end());
  }

  /** Bytes as base64, with padding. */
  base64(ptr: usize, length: i32): void {
    const out = this.room(<i32>base64Length(length));
    if (out) encodeBase64(ptr, length, out);
  }

  /** A number in decimal. */
  integer(value: i64): void {
    this.ascii(value.toString());
  }

  /** A number that is not negative, with zeros in front up to `width` digits. */
  padded(value: u64, width: i32): void {
    const text = value.toString();
    for (let i = text.length; i < width; i++) this.byte(0x30);
    this.ascii(text);
  }

  /** Address of what was written; good until the next write. */
  get ptr(): usize {
    return changetype<usize>(this.buffer);
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    memory.copy(bytes.dataStart, this.ptr, this.length);
    return bytes;
  }

  toString(): string {
    return decodeUtf8(this.ptr, this.length);
  }

  private end(): usize {
    return changetype<usize>(this.buffer) + this.length;
  }

  private fits(length: i32): bool {
    if (this.overflow || length > this.limit - this.length) {
      this.overflow = true;
      return false;
    }
    const needed = this.length + length;
    const capacity = this.buffer.byteLength;
    if (needed > capacity) {
      const grown = newBuffer(min(max(needed, capacity << 1), this.limit));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.buffer), this.length);
      this.buffer = grown;
    }
    return true;
  }
}

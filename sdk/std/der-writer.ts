/* A writer of DER (X.690), up to a limit. */

import { ByteWriter } from "./bytewriter";
import { DerTag } from "./der";

/** What does not fit, or is not closed, gives no bytes. */
export class DerWriter {
  private out: ByteWriter;
  private begins: StaticArray<i32> = new StaticArray<i32>(16);
  private depth: i32 = 0;
  private wrong: bool = false;

  constructor(limit: i32 = 65536) {
    this.out = new ByteWriter(limit);
  }

  /** Begins an element that holds what is written up to its `end`; at most sixteen in one another. */
  begin(tag: u32): DerWriter {
    this.out.byte(tag);
    if (this.depth < this.begins.length) this.begins[this.depth] = this.out.length;
    else this.wrong = true;
    this.depth++;
    return this;
  }

  end(): DerWriter {
    if (this.wrong || this.depth < 1) {
      this.wrong = true;
      return this;
    }
    const begin = this.begins[--this.depth];
    const length = this.out.length - begin;
    const header = lengthSize(length);
    if (!this.out.room(header)) return this;
    const at = this.out.ptr + begin;
    memory.copy(at + header, at, length);
    storeLength(at, length, header);
    return this;
  }

  /** An element with this content. */
  element(tag: u32, ptr: usize, length: i32): DerWriter {
    this.out.byte(tag);
    const header = lengthSize(length);
    const at = this.out.room(header);
    if (at) storeLength(at, length, header);
    this.out.bytes(ptr, length);
    return this;
  }

  /** An INTEGER of the big-endian number, which may have zeros in front. */
  unsigned(ptr: usize, length: i32): DerWriter {
    while (length > 1 && !load<u8>(ptr)) {
      ptr++;
      length--;
    }
    if (length && !(load<u8>(ptr) & 0x80)) return this.element(DerTag.Integer, ptr, length);
    this.begin(DerTag.Integer).byte(0);
    this.out.bytes(ptr, length);
    return this.end();
  }

  nothing(): DerWriter {
    return this.element(DerTag.Null, 0, 0);
  }

  /** One byte of content. */
  byte(value: u32): DerWriter {
    this.out.byte(value);
    return this;
  }

  /** Bytes of content. */
  bytes(ptr: usize, length: i32): DerWriter {
    this.out.bytes(ptr, length);
    return this;
  }

  /** Null when something did not fit or was not closed. */
  toBytes(): Uint8Array | null {
    return this.wrong || this.depth || this.out.overflow ? null : this.out.toBytes();
  }
}

/** Bytes that a length takes. */
function lengthSize(length: i32): i32 {
  return length < 128 ? 1 : 5 - ((<i32>clz(length)) >> 3);
}

function storeLength(at: usize, length: i32, size: i32): void {
  if (size == 1) {
    store<u8>(at, length);
    return;
  }
  store<u8>(at, 0x7f + size);
  for (let i = 1; i < size; i++) store<u8>(at + i, length >> ((size - 1 - i) << 3));
}

/* Writes JSON (RFC 8259) as UTF-8 without white space. What it writes is JSON or nothing: a call that would break it (a
 * value without a key in an object, an end without a beginning, more than 64 levels) makes the writer refuse, once for all. */

import { JsonType } from "./json-tape";
import { JsonValue } from "./json-value";
import { NUMBER_ROOM, writeF64, writeI64, writeU64 } from "./number";
import { decodeUtf8, encodedLengthMax, encodeUtf8, isUtf8 } from "./utf8";

const MOST_DEPTH: u32 = 64;

export class JsonWriter {
  /** False after a call that did not fit. */
  ok: bool = true;
  private data: ArrayBuffer;
  private size: usize = 0;
  private depth: u32 = 0;
  /** A bit for each open container, set for objects; the innermost is the lowest. */
  private objects: u64 = 0;
  /** Something is in front of the next item. */
  private comma: bool = false;
  private keyed: bool = false;

  /** `room` is how many bytes are expected; more is got when needed. */
  constructor(room: i32 = 256) {
    this.data = new ArrayBuffer(max(room, 16));
  }

  beginObject(): JsonWriter {
    return this.begin(0x7b, 1);
  }

  endObject(): JsonWriter {
    return this.end(0x7d, 1);
  }

  beginArray(): JsonWriter {
    return this.begin(0x5b, 0);
  }

  endArray(): JsonWriter {
    return this.end(0x5d, 0);
  }

  /** The key of the next value of an object. Whether it is there already is not looked at. */
  writeKey(key: string): JsonWriter {
    if (this.beginKey()) {
      this.quote(key);
      this.put(0x3a);
    }
    return this;
  }

  /** A lone surrogate becomes U+FFFD. */
  writeString(text: string): JsonWriter {
    if (this.beginValue()) this.quote(text);
    return this;
  }

  /** A string that is UTF-8; malformed parts become U+FFFD. */
  writeUtf8(ptr: usize, length: usize): JsonWriter {
    if (this.beginValue()) {
      if (isUtf8(ptr, length)) this.quoteUtf8(ptr, length);
      else this.quote(decodeUtf8(ptr, length));
    }
    return this;
  }

  writeI64(value: i64): JsonWriter {
    if (this.beginValue()) this.size += writeI64(value, this.reserve(NUMBER_ROOM));
    return this;
  }

  writeU64(value: u64): JsonWriter {
    if (this.beginValue()) this.size += writeU64(value, this.reserve(NUMBER_ROOM));
    return this;
  }

  /** The shortest text that is read as the same double; NaN and the infinities are null. */
  writeF64(value: f64): JsonWriter {
    if (this.beginValue()) this.size += writeF64(value, this.reserve(NUMBER_ROOM));
    return this;
  }

  writeBool(value: bool): JsonWriter {
    return this.word(value ? 0x65757274 : 0x736c6166, value ? 4 : 5);
  }

  writeNull(): JsonWriter {
    return this.word(0x6c6c756e, 4);
  }

  /** A value of a document, its numbers as they were written there. A missing value does not fit. */
  writeValue(value: JsonValue): JsonWriter {
    const type = value.type;
    if (type == JsonType.Null) return this.writeNull();
    if (type == JsonType.Bool) return this.writeBool(value.bool());
    if (type == JsonType.String) {
      if (this.beginValue()) this.quoteUtf8(value.textPtr, value.textLength);
    } else if (type == JsonType.Number) {
      if (this.beginValue()) {
        const length = value.textLength;
        memory.copy(this.reserve(length), value.textPtr, length);
        this.size += length;
      }
    } else if (type == JsonType.Array) {
      this.beginArray();
      for (let i = 0, length = value.length; i < length && this.ok; i++) this.writeValue(value.at(i));
      this.endArray();
    } else if (type == JsonType.Object) {
      this.beginObject();
      for (let i = 0, length = value.length; i < length && this.ok; i++) {
        if (!this.beginKey()) break;
        const key = value.key(i);
        this.quoteUtf8(key.textPtr, key.textLength);
        this.put(0x3a);
        this.writeValue(value.at(i));
      }
      this.endObject();
    } else this.ok = false;
    return this;
  }

  /** Whether one whole value has been written. */
  get isComplete(): bool {
    return this.ok && !this.depth && this.comma;
  }

  /** What was written; empty unless it is complete. */
  toBytes(): Uint8Array {
    const length = this.textLength;
    const bytes = new Uint8Array(<i32>length);
    memory.copy(bytes.dataStart, this.textPtr, length);
    return bytes;
  }

  toText(): string {
    return decodeUtf8(this.textPtr, this.textLength);
  }

  /** Where the text is until the writer is written to again, and its length; 0 unless it is complete. */
  get textPtr(): usize {
    return changetype<usize>(this.data);
  }
  get textLength(): usize {
    return this.isComplete ? this.size : 0;
  }

  private begin(bracket: u8, kind: u64): JsonWriter {
    if (this.depth == MOST_DEPTH) this.ok = false;
    if (!this.beginValue()) return this;
    this.put(bracket);
    this.depth++;
    this.objects = (this.objects << 1) | kind;
    this.comma = false;
    return this;
  }

  private end(bracket: u8, kind: u64): JsonWriter {
    if (!this.depth || (this.objects & 1) != kind || this.keyed) this.ok = false;
    if (!this.ok) return this;
    this.put(bracket);
    this.depth--;
    this.objects >>= 1;
    this.comma = true;
    return this;
  }

  private beginKey(): bool {
    if (!this.depth || !(this.objects & 1) || this.keyed) this.ok = false;
    if (!this.ok) return false;
    if (this.comma) this.put(0x2c);
    this.keyed = true;
    return true;
  }

  private beginValue(): bool {
    if (this.depth && this.objects & 1) {
      if (!this.keyed) this.ok = false;
      this.keyed = false;
    } else if (this.comma) {
      if (!this.depth) this.ok = false;
      else if (this.ok) this.put(0x2c);
    }
    this.comma = true;
    return this.ok;
  }

  /** Room for more bytes at the end; the end. */
  private reserve(more: usize): usize {
    const needed = this.size + more;
    const room = <usize>this.data.byteLength;
    if (needed > room) {
      // @ts-ignore: built into the compiler
      this.data = changetype<ArrayBuffer>(__renew(changetype<usize>(this.data), max<usize>(needed, 2 * room)));
    }
    return changetype<usize>(this.data) + this.size;
  }

  private put(c: u8): void {
    store<u8>(this.reserve(1), c);
    this.size++;
  }

  private word(start: u32, length: usize): JsonWriter {
    if (this.beginValue()) {
      const out = this.reserve(5);
      store<u32>(out, start);
      store<u8>(out, 0x65, 4); // of false
      this.size += length;
    }
    return this;
  }

  private quote(text: string): void {
    const out = this.reserve(encodedLengthMax(text) + 2) + 1;
    this.escape(out, encodeUtf8(text, out));
  }

  private quoteUtf8(ptr: usize, length: usize): void {
    const out = this.reserve(length + 2) + 1;
    memory.copy(out, ptr, length);
    this.escape(out, length);
  }

  /** Takes UTF-8 that lies one byte behind the end as a string: escapes what has to be, puts the quotes. */
  private escape(text: usize, length: usize): void {
    let more: usize = 0;
    for (let at = text, end = text + length; at < end; at++) more += escapedSize(load<u8>(at)) - 1;
    if (more) {
      let read = this.reserve(length + more + 2) + 1 + length;
      let write = read + more;
      // From the end, until what is left stays where it is.
      while (write != read) {
        const c = <u32>load<u8>(--read);
        const size = escapedSize(c);
        if (size == 1) {
          store<u8>(--write, c);
          continue;
        }
        write -= size;
        store<u8>(write, 0x5c);
        if (size == 2) store<u8>(write, shortEscape(c), 1);
        else {
          store<u8>(write, 0x75, 1);
          store<u16>(write, 0x3030, 2);
          store<u8>(write, 0x30 + (c >> 4), 4);
          store<u8>(write, (c & 0xf) + ((c & 0xf) < 10 ? 0x30 : 0x57), 5);
        }
      }
    }
    const out = this.reserve(0);
    store<u8>(out, 0x22);
    store<u8>(out + length + more, 0x22, 1);
    this.size += length + more + 2;
  }
}

/** The letter of a control character's short escape; 0 when it has none. */
function shortEscape(c: u32): u32 {
  if (c == 0x22 || c == 0x5c) return c;
  if (c == 10) return 0x6e;
  if (c == 13) return 0x72;
  if (c == 9) return 0x74;
  if (c == 8) return 0x62;
  return c == 12 ? 0x66 : 0;
}

/** Bytes that a byte of a string takes. */
function escapedSize(c: u32): usize {
  if (c >= 0x20 && c != 0x22 && c != 0x5c) return 1;
  return shortEscape(c) ? 2 : 6;
}

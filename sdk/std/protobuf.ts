/* Protocol buffers on the wire (protobuf.dev, "Encoding"): a pull reader and a writer over bytes, without generated code.
 * Nothing that is read can trap: after the first error every call returns at once, and `error` says what is wrong. */

import { decodeUtf8, encodedLengthMax, encodeUtf8, wasMalformed } from "./utf8";

export enum WireType {
  Varint = 0,
  Fixed64 = 1,
  Length = 2,
  StartGroup = 3,
  EndGroup = 4,
  Fixed32 = 5,
}

/** Messages and groups within each other, as many as protobuf's own parsers take. */
const MAX_DEPTH: i32 = 100;
const MAX_FIELD: u32 = 0x1fffffff;
/** A message may be this long. */
const MAX_BYTES: usize = 64 * 1024 * 1024;

/**
 * Reads one message, field by field in the order of the wire:
 *
 *     const reader = new ProtoReader(bytes);
 *     while (reader.next()) {
 *       if (reader.field == 1) name = reader.string();
 *       else if (reader.field == 2) reader.varints(numbers);
 *     } // what was not read is skipped
 *     if (!reader.ok) …
 *
 * A field that is read as another type than the wire has is an error. Where a field comes twice, the last one counts.
 */
export class ProtoReader {
  /** Number of the field that next() has found. */
  field: u32 = 0;
  wireType: WireType = WireType.Varint;
  /** What is wrong, "" while nothing is. An error in a message within is one of all around it. */
  error: string = "";
  private at: usize = 0;
  private end: usize = 0;
  /** Holds what is read: the collector does not see `at`. */
  private bytes: Uint8Array | null;
  private outer: ProtoReader | null = null;
  private depth: i32 = 0;
  private unread: bool = false;

  constructor(bytes: Uint8Array | null) {
    this.bytes = bytes;
    if (bytes) {
      this.at = bytes.dataStart;
      this.end = this.at + <usize>bytes.length;
    }
  }

  /** A reader of memory that the caller keeps until it has been read. */
  static over(ptr: usize, length: usize): ProtoReader {
    const reader = new ProtoReader(null);
    reader.at = ptr;
    reader.end = ptr + length;
    return reader;
  }

  get ok(): bool {
    return !this.error.length;
  }

  /** Moves to the next field; false at the end or after an error. */
  next(): bool {
    if (this.unread) this.skip();
    if (!this.ok || this.at >= this.end) return false;
    const key = this.readKey();
    if (!this.ok) return false;
    const type = key & 7;
    if (type == WireType.EndGroup) return this.fail("a group ends that has not begun");
    this.field = key >> 3;
    this.wireType = <WireType>type;
    this.unread = true;
    return true;
  }

  /** uint64, or an enum or int of which all bits are wanted. */
  u64(): u64 {
    return this.take(WireType.Varint) ? this.readVarint() : 0;
  }

  /** int64. */
  i64(): i64 {
    return <i64>this.u64();
  }

  /** uint32: the low 32 bits, as the encoding has it. */
  u32(): u32 {
    return <u32>this.u64();
  }

  /** int32 and enum. */
  i32(): i32 {
    return <i32>this.u64();
  }

  bool(): bool {
    return this.u64() != 0;
  }

  /** sint64; of a sint32 the low 32 bits. */
  sint(): i64 {
    return zigzagDecode(this.u64());
  }

  /** fixed32 and sfixed32. */
  fixed32(): u32 {
    if (!this.take(WireType.Fixed32) || !this.has(4)) return 0;
    this.at += 4;
    return load<u32>(this.at - 4);
  }

  /** fixed64 and sfixed64. */
  fixed64(): u64 {
    if (!this.take(WireType.Fixed64) || !this.has(8)) return 0;
    this.at += 8;
    return load<u64>(this.at - 8);
  }

  float(): f32 {
    return reinterpret<f32>(this.fixed32());
  }

  double(): f64 {
    return reinterpret<f64>(this.fixed64());
  }

  bytesValue(): Uint8Array {
    const start = this.lengthDelimited();
    const length = start ? this.at - start : 0;
    const bytes = new Uint8Array(<i32>length);
    if (length) memory.copy(bytes.dataStart, start, length);
    return bytes;
  }

  /** Text; what is not UTF-8 is an error, as proto3 has it: read it by bytesValue where it can be. */
  string(): string {
    const start = this.lengthDelimited();
    if (!start) return "";
    const text = decodeUtf8(start, this.at - start);
    if (wasMalformed) this.fail("a string is not UTF-8");
    return text;
  }

  /** A reader of the message in this field. */
  message(): ProtoReader {
    const start = this.lengthDelimited();
    const inner = ProtoReader.over(start, start ? this.at - start : 0);
    inner.bytes = this.bytes;
    inner.outer = this;
    inner.depth = this.depth + 1;
    inner.error = this.error;
    if (inner.depth > MAX_DEPTH) inner.fail("too many messages within each other");
    return inner;
  }

  /** A repeated field of varints, packed or not: appends what this one has. */
  varints(into: u64[]): void {
    if (this.wireType == WireType.Varint) {
      const value = this.u64();
      if (this.ok) into.push(value);
      return;
    }
    const packed = this.message();
    while (packed.ok && packed.at < packed.end) {
      const value = packed.readVarint();
      if (packed.ok) into.push(value);
    }
  }

  /** As varints, for fixed32, sfixed32 and float (reinterpret the bits). */
  fixed32s(into: u32[]): void {
    if (this.wireType == WireType.Fixed32) {
      const value = this.fixed32();
      if (this.ok) into.push(value);
      return;
    }
    const packed = this.message();
    while (packed.ok && packed.at < packed.end) {
      if (!packed.has(4)) return;
      into.push(load<u32>(packed.at));
      packed.at += 4;
    }
  }

  /** As varints, for fixed64, sfixed64 and double (reinterpret the bits). */
  fixed64s(into: u64[]): void {
    if (this.wireType == WireType.Fixed64) {
      const value = this.fixed64();
      if (this.ok) into.push(value);
      return;
    }
    const packed = this.message();
    while (packed.ok && packed.at < packed.end) {
      if (!packed.has(8)) return;
      into.push(load<u64>(packed.at));
      packed.at += 8;
    }
  }

  /** Records an error. Returns false. */
  fail(reason: string): bool {
    if (this.ok) this.error = reason;
    const outer = this.outer;
    return outer ? outer.fail(reason) : false;
  }

  /** Whether the field has this type; its value is read next, then. */
  private take(type: WireType): bool {
    if (!this.ok) return false;
    if (!this.unread) return this.fail("a field is read twice");
    if (this.wireType != type) return this.fail("a field is of another type");
    this.unread = false;
    return true;
  }

  /** Where a length-delimited value starts, which ends at `at`; 0 with an error when there is none. */
  private lengthDelimited(): usize {
    if (!this.take(WireType.Length)) return 0;
    const length = this.readVarint();
    if (!this.ok) return 0;
    if (length > <u64>(this.end - this.at)) {
      this.fail("it ends within a field");
      return 0;
    }
    const start = this.at;
    this.at += <usize>length;
    return start;
  }

  private skip(): void {
    this.unread = false;
    if (this.ok) this.skipValue(this.wireType, this.field, this.depth);
  }

  private skipValue(type: WireType, field: u32, depth: i32): void {
    if (type == WireType.Varint) this.readVarint();
    else if (type == WireType.Fixed64) {
      if (this.has(8)) this.at += 8;
    } else if (type == WireType.Fixed32) {
      if (this.has(4)) this.at += 4;
    } else if (type == WireType.Length) {
      const length = this.readVarint();
      if (!this.ok) return;
      if (length > <u64>(this.end - this.at)) this.fail("it ends within a field");
      else this.at += <usize>length;
    } else if (depth >= MAX_DEPTH) this.fail("too many groups within each other");
    else this.skipGroup(field, depth + 1);
  }

  private skipGroup(field: u32, depth: i32): void {
    while (this.ok) {
      if (this.at >= this.end) {
        this.fail("it ends within a group");
        return;
      }
      const key = this.readKey();
      if (!this.ok) return;
      const type = key & 7;
      if (type != WireType.EndGroup) this.skipValue(<WireType>type, key >> 3, depth);
      else {
        if (key >> 3 != field) this.fail("a group ends that has not begun");
        return;
      }
    }
  }

  private has(size: usize): bool {
    return this.end - this.at >= size || this.fail("it ends within a field");
  }

  /** Number and type of a field: up to five bytes, however it is written. */
  private readKey(): u32 {
    const start = this.at;
    const key = this.readVarint();
    if (!this.ok) return 0;
    const field = key >> 3;
    if (field == 0 || field > <u64>MAX_FIELD || this.at - start > 5) this.fail("bad field number");
    else if (<u32>key % 8 > <u32>WireType.Fixed32) this.fail("bad wire type");
    return <u32>key;
  }

  private readVarint(): u64 {
    let value: u64 = 0;
    let at = this.at;
    for (let shift: u64 = 0; shift < 70; shift += 7) {
      if (at >= this.end) {
        this.fail("it ends within a number");
        return 0;
      }
      const byte = <u64>load<u8>(at++);
      // Of the tenth byte only one bit has room.
      if (shift == 63 && byte > 1) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value;
      }
    }
    this.fail("a number has more than 64 bits");
    return 0;
  }
}

/** The number that sint32 and sint64 send as `value`. */
export function zigzagDecode(value: u64): i64 {
  return (<i64>(value >> 1)) ^ -(<i64>(value & 1));
}

export function zigzagEncode(value: i64): u64 {
  return ((<u64>value) << 1) ^ (<u64>(value >> 63));
}

/**
 * Writes one message. Fields are written as they are told, zero values too: leave out what proto3 leaves out.
 * Numbers of fields are 1 to 536870911; a field with another, and what makes the message longer than 64 MiB, is left out
 * and `ok` turns false.
 */
export class ProtoWriter {
  ok: bool = true;
  private buffer: ArrayBuffer;
  private used: usize = 0;

  /** `room`: bytes to begin with. */
  constructor(room: i32 = 64) {
    // @ts-ignore: built into the compiler
    this.buffer = changetype<ArrayBuffer>(__new(max(room, 16), idof<ArrayBuffer>()));
  }

  /** Bytes written so far. */
  get length(): i32 {
    return <i32>this.used;
  }

  /** Where they are, until the next one is written. */
  get dataStart(): usize {
    return changetype<usize>(this.buffer);
  }

  /** uint64, uint32, enum and bool-as-number. */
  u64(field: u32, value: u64): ProtoWriter {
    if (this.key(field, WireType.Varint, 10)) this.putVarint(value);
    return this;
  }

  u32(field: u32, value: u32): ProtoWriter {
    return this.u64(field, value);
  }

  i64(field: u32, value: i64): ProtoWriter {
    return this.u64(field, <u64>value);
  }

  /** int32 and enum; a negative one takes ten bytes. */
  i32(field: u32, value: i32): ProtoWriter {
    return this.u64(field, <u64>(<i64>value));
  }

  bool(field: u32, value: bool): ProtoWriter {
    return this.u64(field, u64(value));
  }

  /** sint32 and sint64. */
  sint(field: u32, value: i64): ProtoWriter {
    return this.u64(field, zigzagEncode(value));
  }

  /** fixed32 and sfixed32. */
  fixed32(field: u32, value: u32): ProtoWriter {
    if (this.key(field, WireType.Fixed32, 4)) {
      store<u32>(this.dataStart + this.used, value);
      this.used += 4;
    }
    return this;
  }

  /** fixed64 and sfixed64. */
  fixed64(field: u32, value: u64): ProtoWriter {
    if (this.key(field, WireType.Fixed64, 8)) {
      store<u64>(this.dataStart + this.used, value);
      this.used += 8;
    }
    return this;
  }

  float(field: u32, value: f32): ProtoWriter {
    return this.fixed32(field, reinterpret<u32>(value));
  }

  double(field: u32, value: f64): ProtoWriter {
    return this.fixed64(field, reinterpret<u64>(value));
  }

  bytesValue(field: u32, value: Uint8Array): ProtoWriter {
    return this.raw(field, value.dataStart, value.length);
  }

  /** Text as UTF-8; a lone surrogate becomes U+FFFD. */
  string(field: u32, value: string): ProtoWriter {
    const most = encodedLengthMax(value);
    if (this.key(field, WireType.Length, 5 + most)) {
      // The length comes first but is known last: written behind its longest form, then moved down.
      const text = this.dataStart + this.used + 5;
      const length = encodeUtf8(value, text);
      this.putVarint(<u64>length);
      memory.copy(this.dataStart + this.used, text, length);
      this.used += length;
    }
    return this;
  }

  message(field: u32, value: ProtoWriter): ProtoWriter {
    if (!value.ok) this.ok = false;
    return this.raw(field, value.dataStart, value.used);
  }

  /** A length-delimited field of bytes in memory. */
  raw(field: u32, ptr: usize, length: usize): ProtoWriter {
    if (this.key(field, WireType.Length, 5 + length)) {
      this.putVarint(<u64>length);
      memory.copy(this.dataStart + this.used, ptr, length);
      this.used += length;
    }
    return this;
  }

  /** A packed repeated field. Written when it is empty, too. */
  varints(field: u32, values: u64[]): ProtoWriter {
    const inner = new ProtoWriter(values.length * 2);
    for (let i = 0; i < values.length; i++) if (inner.reserve(10)) inner.putVarint(values[i]);
    return this.message(field, inner);
  }

  fixed32s(field: u32, values: u32[]): ProtoWriter {
    return this.raw(field, values.dataStart, (<usize>values.length) << 2);
  }

  fixed64s(field: u32, values: u64[]): ProtoWriter {
    return this.raw(field, values.dataStart, (<usize>values.length) << 3);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    const bytes = new Uint8Array(<i32>this.used);
    if (this.used) memory.copy(bytes.dataStart, this.dataStart, this.used);
    return bytes;
  }

  /** Writes the key of a field whose value has up to `size` bytes; false when it is left out. */
  private key(field: u32, type: WireType, size: usize): bool {
    if (field - 1 >= MAX_FIELD) return (this.ok = false);
    if (!this.reserve(size + 5)) return false;
    this.putVarint(((<u64>field) << 3) | type);
    return true;
  }

  private reserve(size: usize): bool {
    const capacity = <usize>this.buffer.byteLength;
    if (size > MAX_BYTES || this.used + size > MAX_BYTES + 32) return (this.ok = false);
    const needed = this.used + size;
    // @ts-ignore: built into the compiler
    if (needed > capacity) this.buffer = changetype<ArrayBuffer>(__renew(this.dataStart, max(needed, capacity << 1)));
    return true;
  }

  private putVarint(value: u64): void {
    let at = this.dataStart + this.used;
    while (value > 0x7f) {
      store<u8>(at++, (<u8>value) | 0x80);
      value >>= 7;
    }
    store<u8>(at++, <u8>value);
    this.used = at - this.dataStart;
  }
}

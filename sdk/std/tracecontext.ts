/* W3C Trace Context, level 2: traceparent and tracestate. A tracestate is worth something only beside a good traceparent. */

import { refuse } from "./refusal";
import { copyBytes, hexValue, isBlank, isDigit, Slice } from "./slice";
import { ByteWriter } from "./bytewriter";

const SAMPLED: u32 = 1;
const RANDOM: u32 = 2;

export class TraceParent {
  constructor(
    /** The two halves of the trace id, not both 0. */
    readonly traceIdHigh: u64,
    readonly traceIdLow: u64,
    /** Id of the caller's span, not 0. */
    readonly parentId: u64,
    /** Whether the caller may have recorded the trace. */
    readonly sampled: bool = false,
    /** Whether the last 7 bytes of the trace id are random. */
    readonly random: bool = false,
    /** As it was read; 0 is written. */
    readonly version: i32 = 0,
  ) {}

  /**
   * Null when the field has to be ignored and a new trace begun: also when there are two lines, joined by a comma. A version
   * above 00 may have more behind the flags (section 3.2.4), version ff is none.
   */
  static parse(ptr: usize, length: i32): TraceParent | null {
    if (length < 55) return noParent("is too short", length);
    const version = hex(ptr, 2);
    if (failed || version == 0xff) return noParent("has a bad version", 0);
    if (load<u8>(ptr, 2) != 0x2d || load<u8>(ptr, 35) != 0x2d || load<u8>(ptr, 52) != 0x2d) {
      return noParent("needs a dash between its parts", 2);
    }
    if (length > 55 && (!version || load<u8>(ptr, 55) != 0x2d)) return noParent("has text after the flags", 55);
    const high = hex(ptr + 3, 16);
    let bad = failed;
    const low = hex(ptr + 19, 16);
    if (bad || failed || !(high | low)) return noParent("has a bad trace id", 3);
    const parent = hex(ptr + 36, 16);
    if (failed || !parent) return noParent("has a bad parent id", 36);
    const flags = <u32>hex(ptr + 53, 2);
    if (failed) return noParent("has bad flags", 53);
    return new TraceParent(high, low, parent, (flags & SAMPLED) != 0, (flags & RANDOM) != 0, <i32>version);
  }

  static parseText(text: string): TraceParent | null {
    const bytes = Slice.of(text);
    return TraceParent.parse(bytes.ptr, bytes.length);
  }

  /** What to send with a span of one's own, whose id must not be 0: the same trace, version 00. */
  child(spanId: u64, sampled: bool): TraceParent {
    return new TraceParent(this.traceIdHigh, this.traceIdLow, spanId, sampled, this.random);
  }

  /** 32 hexadecimal digits. */
  get traceId(): string {
    const out = new ByteWriter(32);
    writeHex(out, this.traceIdHigh, 16);
    writeHex(out, this.traceIdLow, 16);
    return out.toString();
  }

  /** 16 hexadecimal digits. */
  get parentIdText(): string {
    const out = new ByteWriter(16);
    writeHex(out, this.parentId, 16);
    return out.toString();
  }

  /** As version 00; flags that it does not know are 0. */
  toString(): string {
    const out = new ByteWriter(55);
    out.ascii("00-");
    writeHex(out, this.traceIdHigh, 16);
    writeHex(out, this.traceIdLow, 16);
    out.byte(0x2d);
    writeHex(out, this.parentId, 16);
    out.ascii("-0");
    out.byte(0x30 | (this.sampled ? SAMPLED : 0) | (this.random ? RANDOM : 0));
    return out.toString();
  }
}

function noParent(reason: string, at: i32): TraceParent | null {
  refuse(reason, at);
  return null;
}

// Whether the last `hex` met something else.
let failed: bool = false;

/** The number that `count` hexadecimal digits with small letters are. */
function hex(ptr: usize, count: usize): u64 {
  failed = false;
  let value: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const c = <u32>load<u8>(ptr + i);
    const digit = hexValue(c);
    if (digit > 15 || c - 0x41 < 26) failed = true;
    value = (value << 4) | digit;
  }
  return value;
}

function writeHex(out: ByteWriter, value: u64, count: i32): void {
  for (let shift = (count - 1) << 2; shift >= 0; shift -= 4) {
    const digit = (<u32>(value >> shift)) & 15;
    out.byte(digit < 10 ? digit + 0x30 : digit + 0x57);
  }
}

/** Most members of a tracestate (section 3.3.2), and most bytes of a key or a value. */
export const TRACESTATE_MAX_MEMBERS: i32 = 32;
export const TRACESTATE_MAX_PART: i32 = 256;
/** Longest field that is read: 32 of the longest members with room for white space. */
export const TRACESTATE_MAX_LENGTH: i32 = 32768;
/** A member longer than this is dropped first when the field must be shortened (section 3.3.3.1). */
const LONG_MEMBER: i32 = 128;

export class TraceState {
  private keys: Slice[] = new Array<Slice>();
  private values: Slice[] = new Array<Slice>();

  /**
   * Null when the field has to be left out: a member is malformed or there are more than 32. Several lines are joined with a
   * comma first. Empty members are dropped, and of members with one key all but the first, which is the newest.
   */
  static parse(ptr: usize, length: i32): TraceState | null {
    if (length > TRACESTATE_MAX_LENGTH) return noState("is too long", TRACESTATE_MAX_LENGTH);
    const buffer = copyBytes(ptr, length);
    const bytes = changetype<usize>(buffer);
    const state = new TraceState();
    let members = 0;
    for (let at = 0; at < length; at++) {
      while (at < length && isBlank(load<u8>(bytes + at))) at++;
      const start = at;
      let equals = -1;
      for (; at < length && load<u8>(bytes + at) != 0x2c; at++) {
        if (load<u8>(bytes + at) == 0x3d && equals < 0) equals = at;
      }
      let end = at;
      while (end > start && isBlank(load<u8>(bytes + end - 1))) end--;
      if (start == end) continue;
      if (++members > TRACESTATE_MAX_MEMBERS) return noState("has too many members", start);
      if (equals < 0) return noState("has a member without =", start);
      const key = new Slice(buffer, start, equals - start);
      const value = new Slice(buffer, equals + 1, end - equals - 1);
      if (!isKey(key)) return noState("has a bad key", start);
      if (!isValue(value)) return noState("has a bad value", equals + 1);
      if (state.indexOf(key) < 0) {
        state.keys.push(key);
        state.values.push(value);
      }
    }
    return state;
  }

  static parseText(text: string): TraceState | null {
    const bytes = Slice.of(text);
    return TraceState.parse(bytes.ptr, bytes.length);
  }

  get length(): i32 {
    return this.keys.length;
  }

  /** "" beyond the end. */
  keyAt(index: i32): string {
    return <u32>index < <u32>this.keys.length ? this.keys[index].toString() : "";
  }

  /** "" beyond the end. */
  valueAt(index: i32): string {
    return <u32>index < <u32>this.values.length ? this.values[index].toString() : "";
  }

  get(key: string): string | null {
    for (let i = 0; i < this.keys.length; i++) if (this.keys[i].is(key)) return this.values[i].toString();
    return null;
  }

  /**
   * Puts the member at the left end, as one has to do with one's own, and drops an older one with its key; the 33rd falls off
   * at the right end. False, and no change, when key or value is not allowed (section 3.3.2).
   */
  set(key: string, value: string): bool {
    const newKey = Slice.of(key);
    const newValue = Slice.of(value);
    if (!isKey(newKey)) return refuse("is no key of a tracestate");
    if (!isValue(newValue)) return refuse("is no value of a tracestate");
    this.drop(this.indexOf(newKey));
    this.keys.unshift(newKey);
    this.values.unshift(newValue);
    this.drop(TRACESTATE_MAX_MEMBERS);
    return true;
  }

  /** Whether there was one. */
  delete(key: string): bool {
    return this.drop(this.indexOf(Slice.of(key)));
  }

  /**
   * The field, "" when it is empty and need not be sent. It is shortened to `limit` bytes by whole members: those longer than
   * 128 bytes first, the rightmost first. Receivers need to take 512.
   */
  serialize(limit: i32 = i32.MAX_VALUE): string {
    let total = -1;
    const count = this.keys.length;
    const left = new StaticArray<bool>(count);
    for (let i = 0; i < count; i++) {
      left[i] = true;
      total += this.size(i) + 1;
    }
    for (let i = count - 1; i >= 0 && total > limit; i--) {
      if (this.size(i) <= LONG_MEMBER) continue;
      left[i] = false;
      total -= this.size(i) + 1;
    }
    for (let i = count - 1; i >= 0 && total > limit; i--) {
      if (!left[i]) continue;
      left[i] = false;
      total -= this.size(i) + 1;
    }
    const out = new ByteWriter(max(total, 0));
    for (let i = 0; i < count; i++) {
      if (!left[i]) continue;
      if (out.length) out.byte(0x2c);
      out.bytes(this.keys[i].ptr, this.keys[i].length);
      out.byte(0x3d);
      out.bytes(this.values[i].ptr, this.values[i].length);
    }
    return out.toString();
  }

  private size(index: i32): i32 {
    return this.keys[index].length + 1 + this.values[index].length;
  }

  private indexOf(key: Slice): i32 {
    for (let i = 0; i < this.keys.length; i++) if (this.keys[i].same(key)) return i;
    return -1;
  }

  private drop(index: i32): bool {
    if (<u32>index >= <u32>this.keys.length) return false;
    this.keys.splice(index, 1);
    this.values.splice(index, 1);
    return true;
  }
}

function noState(reason: string, at: i32): TraceState | null {
  refuse(reason, at);
  return null;
}

function isKey(key: Slice): bool {
  if (!key.length || key.length > TRACESTATE_MAX_PART) return false;
  for (let i = 0; i < key.length; i++) {
    const c = <u32>load<u8>(key.ptr + i);
    if (c - 0x61 < 26 || isDigit(c)) continue;
    if (!i || (c != 0x5f && c != 0x2d && c != 0x2a && c != 0x2f && c != 0x40)) return false;
  }
  return true;
}

function isValue(value: Slice): bool {
  if (!value.length || value.length > TRACESTATE_MAX_PART) return false;
  for (let i = 0; i < value.length; i++) {
    const c = load<u8>(value.ptr + i);
    if (c < 0x20 || c > 0x7e || c == 0x2c || c == 0x3d) return false;
  }
  return load<u8>(value.ptr + value.length - 1) != 0x20;
}

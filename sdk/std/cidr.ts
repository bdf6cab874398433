/* IP addresses, prefixes, and sets of prefixes. An IPv4 address and its IPv4-mapped IPv6 address (::ffff:1.2.3.4, RFC 4291,
 * section 2.5.5.2) are one address, written as IPv4; an IPv6 prefix shorter than 96 bits never holds IPv4 addresses. */

import { decodeUtf8 } from "./utf8";

/** Of 128 bits, those that an IPv4 address has in front. */
const V4_LOW: u64 = 0x0000ffff00000000;

/** An address as 128 bits. */
export class IpAddress {
  high: u64 = 0;
  low: u64 = 0;

  get isV4(): bool {
    return !this.high && this.low >> 32 == 0xffff;
  }

  /**
   * Reads an address: IPv4 as four decimal numbers without leading zeros, IPv6 in the forms of RFC 4291, section 2.2, without
   * a zone. False, and the address stays as it was, for anything else.
   */
  parse(ptr: usize, length: usize): bool {
    if (length > 45) return false;
    for (let i: usize = 0; i < length; i++) if (load<u8>(ptr + i) == 0x3a) return this.parseV6(ptr, ptr + length);
    const value = v4At(ptr, ptr + length);
    if (value < 0) return false;
    this.high = 0;
    this.low = V4_LOW | value;
    return true;
  }

  /**
   * Reads an address with a port, as Envoy's source.address has it: `127.0.0.1:46752`, `[::1]:443`. Returns the port; -1,
   * and the address stays as it was, for anything else, such as the name of a Unix socket.
   */
  parseWithPort(ptr: usize, length: usize): i32 {
    let end = length;
    while (end && load<u8>(ptr + end - 1) != 0x3a) end--;
    if (!end) return -1;
    const port = decimal(ptr + end, ptr + length, 65535);
    let host = --end;
    let from = ptr;
    if (end && load<u8>(ptr) == 0x5b) {
      if (load<u8>(ptr + end - 1) != 0x5d) return -1;
      from++;
      host -= 2;
      // What stands in brackets is IPv6.
      if (host < 2 || !hasColon(from, host)) return -1;
    } else if (hasColon(ptr, host)) return -1;
    return port >= 0 && this.parse(from, host) ? port : -1;
  }

  equals(other: IpAddress): bool {
    return this.high == other.high && this.low == other.low;
  }

  /** Keeps the first `bits` bits: of 32 for IPv4, of 128 for IPv6. 64 makes one client of an IPv6 network. */
  mask(bits: i32): void {
    const kept = this.isV4 ? max(bits, 0) + 96 : bits;
    this.high &= maskOf(kept);
    this.low &= maskOf(kept - 64);
  }

  /** Writes the text (RFC 5952) to `out`, which has room for 39 bytes. Returns its length. */
  write(out: usize): usize {
    return this.isV4 ? writeV4(out, <u32>this.low) : writeV6(out, this.high, this.low);
  }

  toString(): string {
    const room = new StaticArray<u8>(39);
    const text = changetype<usize>(room);
    return decodeUtf8(text, this.write(text));
  }

  private parseV6(ptr: usize, end: usize): bool {
    let high: u64 = 0;
    let low: u64 = 0;
    let groups = 0;
    /** Groups in front of the ::. */
    let gap = -1;
    let at = ptr;
    if (load<u8>(at) == 0x3a) {
      // Only as :: may it begin with a colon.
      if (end - at < 2 || load<u8>(at, 1) != 0x3a) return false;
      gap = 0;
      at += 2;
    }
    while (at < end) {
      if (groups == 8) return false;
      let value: u32 = 0;
      const start = at;
      for (; at < end && at - start < 5; at++) {
        const c = <u32>load<u8>(at);
        const letter = (c | 0x20) - 0x61;
        if (c - 0x30 < 10) value = (value << 4) | (c - 0x30);
        else if (letter < 6) value = (value << 4) | (letter + 10);
        else break;
      }
      if (at < end && load<u8>(at) == 0x2e) {
        const v4 = v4At(start, end);
        if (v4 < 0 || groups > 6) return false;
        high = (high << 32) | (low >> 32);
        low = (low << 32) | v4;
        groups += 2;
        break;
      }
      if (at == start || at - start > 4) return false;
      high = (high << 16) | (low >> 48);
      low = (low << 16) | value;
      groups++;
      if (at == end) break;
      if (load<u8>(at) != 0x3a || ++at == end) return false;
      if (load<u8>(at) == 0x3a) {
        if (gap >= 0) return false;
        gap = groups;
        at++;
      }
    }
    if (gap < 0 ? groups != 8 : groups > 7) return false;
    if (gap >= 0) {
      // What stands behind the :: stays at the end, what stands before goes to the front.
      const behind = (groups - gap) << 4;
      const tailHigh = high & ~maskOf(128 - behind);
      const tailLow = low & ~maskOf(64 - behind);
      const shift = (8 - groups) << 4;
      high ^= tailHigh;
      low ^= tailLow;
      if (shift >= 64) {
        high = shift < 128 ? low << (shift - 64) : 0;
        low = 0;
      } else if (shift) {
        high = (high << shift) | (low >> (64 - shift));
        low <<= shift;
      }
      high |= tailHigh;
      low |= tailLow;
    }
    this.high = high;
    this.low = low;
    return true;
  }
}

/** The first `bits` of 64 bits; none below 0, all above 64. */
function maskOf(bits: i32): u64 {
  if (bits <= 0) return 0;
  return bits >= 64 ? u64.MAX_VALUE : ~(u64.MAX_VALUE >> bits);
}

function hasColon(ptr: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(ptr + i) == 0x3a) return true;
  return false;
}

/** A decimal number without leading zeros, at most `most`; -1 when there is none. */
function decimal(at: usize, end: usize, most: i32): i32 {
  if (at >= end || end - at > 5 || (load<u8>(at) == 0x30 && end - at > 1)) return -1;
  let value = 0;
  for (; at < end; at++) {
    const c = <u32>load<u8>(at) - 0x30;
    if (c > 9) return -1;
    value = value * 10 + c;
  }
  return value <= most ? value : -1;
}

/** The whole text as IPv4; -1 when it is none. */
function v4At(at: usize, end: usize): i64 {
  let value: i64 = 0;
  for (let part = 0; part < 4; part++) {
    let stop = at;
    while (stop < end && load<u8>(stop) != 0x2e) stop++;
    const byte = decimal(at, stop, 255);
    if (byte < 0 || (stop == end) != (part == 3)) return -1;
    value = (value << 8) | byte;
    at = stop + 1;
  }
  return value;
}

function writeDecimal(out: usize, value: u32): usize {
  if (value > 99) store<u8>(out++, 0x30 + value / 100);
  if (value > 9) store<u8>(out++, 0x30 + ((value / 10) % 10));
  store<u8>(out, 0x30 + (value % 10));
  return out + 1;
}

function writeV4(out: usize, value: u32): usize {
  let write = out;
  for (let shift = 24; shift >= 0; shift -= 8) {
    write = writeDecimal(write, (value >> shift) & 0xff);
    if (shift) store<u8>(write++, 0x2e);
  }
  return write - out;
}

function groupOf(high: u64, low: u64, index: i32): u32 {
  return (<u32>((index < 4 ? high : low) >> ((3 - (index & 3)) << 4))) & 0xffff;
}

function writeV6(out: usize, high: u64, low: u64): usize {
  // RFC 5952, section 4.2: the first of the longest runs of zeros, if it has two or more, becomes ::.
  let gap = 8;
  let longest = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && !groupOf(high, low, i + run)) run++;
    if (run > longest) {
      longest = run;
      gap = i;
    }
    i += run;
  }
  let write = out;
  for (let i = 0; i < 8; i++) {
    if (i == gap) {
      store<u16>(write, 0x3a3a);
      write += 2;
      i += longest - 1;
      continue;
    }
    if (i && i != gap + longest) store<u8>(write++, 0x3a);
    const group = groupOf(high, low, i);
    let shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0;
    for (; shift >= 0; shift -= 4) {
      const value = (group >> shift) & 15;
      store<u8>(write++, value + (value > 9 ? 0x57 : 0x30));
    }
  }
  return write - out;
}

/** Why a prefix was refused. */
export enum PrefixError {
  None,
  /** What stands before the / is no address. */
  BadAddress,
  /** No length, or one that is no number without leading zeros up to 32 or 128. */
  BadLength,
  /** Bits are set behind the prefix, and `strict` wants them zero. */
  HostBits,
}

/** A prefix such as 10.0.0.0/8. Bits behind the prefix are set to zero, as Envoy does it. */
export class IpPrefix {
  readonly address: IpAddress = new IpAddress();
  /** Length in bits: of 32 for IPv4, of 128 for IPv6; -1, and nothing is in it, until one was read. */
  bits: i32 = -1;
  /** Length in bits of the 128-bit form: 96 more for IPv4. */
  bitsOf128: i32 = -1;

  get isV4(): bool {
    return this.bitsOf128 >= 96 && this.address.isV4;
  }

  /**
   * Reads a prefix. `strict`: set bits behind it are an error. `bare`: an address without a length is a prefix of that
   * address alone, as in Istio's ipBlocks. After an error the prefix stays as it was.
   */
  parse(ptr: usize, length: usize, strict: bool = false, bare: bool = false): PrefixError {
    let slash: usize = 0;
    while (slash < length && load<u8>(ptr + slash) != 0x2f) slash++;
    const address = this.address;
    const highBefore = address.high;
    const lowBefore = address.low;
    if (!address.parse(ptr, slash)) return PrefixError.BadAddress;
    let error = PrefixError.None;
    let bits = 128;
    if (slash < length) {
      // A mapped address has its length in IPv6 bits; below 96 it is an IPv6 prefix.
      const isV6 = hasColon(ptr, slash);
      bits = decimal(ptr + slash + 1, ptr + length, isV6 ? 128 : 32);
      if (bits < 0) error = PrefixError.BadLength;
      else if (!isV6) bits += 96;
    } else if (!bare) error = PrefixError.BadLength;
    const high = address.high & maskOf(bits);
    const low = address.low & maskOf(bits - 64);
    if (strict && !error && (high != address.high || low != address.low)) error = PrefixError.HostBits;
    address.high = error ? highBefore : high;
    address.low = error ? lowBefore : low;
    if (error) return error;
    this.bits = bits >= 96 && address.isV4 ? bits - 96 : bits;
    this.bitsOf128 = bits;
    return PrefixError.None;
  }

  contains(address: IpAddress): bool {
    const bits = this.bitsOf128;
    if (bits < 0 || (bits < 96 && address.isV4)) return false;
    const high = address.high & maskOf(bits);
    const low = address.low & maskOf(bits - 64);
    return high == this.address.high && low == this.address.low;
  }

  /** Writes the text to `out`, which has room for 43 bytes. Returns its length; 0 when none was read. */
  write(out: usize): usize {
    if (this.bits < 0) return 0;
    const at = out + this.address.write(out);
    store<u8>(at, 0x2f);
    return writeDecimal(at + 1, this.bits) - out;
  }

  toString(): string {
    const room = new StaticArray<u8>(43);
    const text = changetype<usize>(room);
    return decodeUtf8(text, this.write(text));
  }
}

/** Most prefixes in a set. */
const MAX_PREFIXES: i32 = 1 << 20;
/** While a set is filled: u64 high, u64 low, u32 value, u32 bits << 24 | number in order of addition. */
const RECORD: usize = 24;
const NUMBER_MASK: u32 = 0xffffff;

/**
 * A set of prefixes with a u32 each; `find` gives that of the longest prefix that holds an address. It is filled, then
 * built, then only read. Built, it is a sorted list of ranges in a few flat arrays, which the garbage collector does not
 * walk: at most 18 bytes per IPv4 prefix and 42 per IPv6 prefix, less where neighbours have the same value.
 */
export class PrefixSet {
  /** Prefixes that were added, duplicates included. */
  size: i32 = 0;
  private records: ArrayBuffer | null = null;
  private v4Size: i32 = 0;
  // Range i goes from its start to that of range i + 1.
  /** start << 32 | value */
  private v4: StaticArray<u64> = new StaticArray<u64>(0);
  private v4Empty: StaticArray<bool> = new StaticArray<bool>(0);
  /** high, low of the start */
  private v6: StaticArray<u64> = new StaticArray<u64>(0);
  private v6Values: StaticArray<u32> = new StaticArray<u32>(0);
  private v6Empty: StaticArray<bool> = new StaticArray<bool>(0);

  /** `expected`: number of prefixes to make room for. */
  constructor(expected: i32 = 16) {
    const room = <usize>min(max(expected, 0), MAX_PREFIXES) + 1;
    this.records = new ArrayBuffer(<i32>(room * RECORD));
    // Number 0: within IPv6 the addresses of IPv4 are a hole, which IPv4 prefixes fill.
    this.put(0, V4_LOW, 0, 96);
  }

  /** Adds a prefix; of equal ones the last counts. False when none was read, there are 2^20 already, or the set is built. */
  add(prefix: IpPrefix, value: u32): bool {
    const records = this.records;
    if (!records || this.size == MAX_PREFIXES || prefix.bits < 0) return false;
    this.size++;
    if (prefix.isV4) this.v4Size++;
    const capacity = <usize>records.byteLength;
    if ((<usize>this.size + 1) * RECORD > capacity) {
      // @ts-ignore: built into the compiler
      this.records = changetype<ArrayBuffer>(__renew(changetype<usize>(records), capacity << 1));
    }
    this.put(prefix.address.high, prefix.address.low, value, prefix.bitsOf128);
    return true;
  }

  /** The value of the longest prefix that holds the address; -1 when there is none. Builds the set when that was not done. */
  find(address: IpAddress): i64 {
    if (this.records) this.build();
    return address.isV4 ? this.findV4(<u32>address.low) : this.findV6(address.high, address.low);
  }

  private findV4(address: u32): i64 {
    const key = ((<u64>address) << 32) | 0xffffffff;
    let at = 0;
    for (let count = this.v4.length; count > 1;) {
      const half = count >> 1;
      at = select(at + half, at, unchecked(this.v4[at + half]) <= key);
      count -= half;
    }
    return unchecked(this.v4Empty[at]) ? -1 : <i64>(unchecked(this.v4[at]) & 0xffffffff);
  }

  private findV6(high: u64, low: u64): i64 {
    const ranges = changetype<usize>(this.v6);
    let at: usize = 0;
    for (let count = <usize>this.v6Values.length; count > 1;) {
      const half = count >> 1;
      const start = ranges + ((at + half) << 4);
      const startHigh = load<u64>(start);
      const below = startHigh < high || (startHigh == high && load<u64>(start, 8) <= low);
      at = select(at + half, at, below);
      count -= half;
    }
    return unchecked(this.v6Empty[<i32>at]) ? -1 : unchecked(this.v6Values[<i32>at]);
  }

  /** Sorts the prefixes and lays out the ranges: O(n log n), with no memory but the result's. */
  build(): void {
    const buffer = this.records;
    if (!buffer) return;
    const records = changetype<usize>(buffer);
    const count = <usize>this.size + 1;
    sort(records, count);

    const v6Size = this.size - this.v4Size;
    const v4 = new RangesV4((this.v4Size << 1) + 2);
    const v6 = new RangesV6((v6Size << 1) + 2);
    // Prefixes that hold the present one, the longest last: there is one of each length at most.
    const open = new StaticArray<usize>(130);
    let depth = 0;
    for (let record = records, end = records + count * RECORD; record < end; record += RECORD) {
      while (depth && !holds(unchecked(open[depth - 1]), record)) {
        depth--;
        close(unchecked(open[depth]), depth ? unchecked(open[depth - 1]) : 0, v4, v6);
      }
      if (depth && bitsAt(unchecked(open[depth - 1])) == bitsAt(record)) depth--;
      unchecked((open[depth++] = record));
      begin(load<u64>(record), load<u64>(record, 8), record, v4, v6);
    }
    while (depth--) close(unchecked(open[depth]), depth ? unchecked(open[depth - 1]) : 0, v4, v6);

    this.v4 = v4.items.slice<StaticArray<u64>>(0, v4.count);
    this.v4Empty = v4.empty.slice<StaticArray<bool>>(0, v4.count);
    this.v6 = v6.starts.slice<StaticArray<u64>>(0, v6.count << 1);
    this.v6Values = v6.values.slice<StaticArray<u32>>(0, v6.count);
    this.v6Empty = v6.empty.slice<StaticArray<bool>>(0, v6.count);
    this.records = null;
  }

  private put(high: u64, low: u64, value: u32, bits: i32): void {
    const record = changetype<usize>(this.records) + <usize>this.size * RECORD;
    store<u64>(record, high);
    store<u64>(record, low, 8);
    store<u32>(record, value, 16);
    store<u32>(record, ((<u32>bits) << 24) | (<u32>this.size), 20);
  }
}

function bitsAt(record: usize): i32 {
  return load<u32>(record, 20) >> 24;
}

/** Whether a prefix holds one that does not come before it. */
function holds(outer: usize, inner: usize): bool {
  const bits = bitsAt(outer);
  return (
    (load<u64>(inner) & maskOf(bits)) == load<u64>(outer) &&
    (load<u64>(inner, 8) & maskOf(bits - 64)) == load<u64>(outer, 8)
  );
}

/** From here on the addresses have the value of `record`; none when that is 0 or the hole. */
function begin(high: u64, low: u64, record: usize, v4: RangesV4, v6: RangesV6): void {
  const empty = !record || !(load<u32>(record, 20) & NUMBER_MASK);
  const value = empty ? 0 : load<u32>(record, 16);
  if (!high && low >> 32 == 0xffff) v4.begin(<u32>low, value, empty);
  else v6.begin(high, low, value, empty);
}

/** Behind the last address of `record` there is what holds it again. */
function close(record: usize, outer: usize, v4: RangesV4, v6: RangesV6): void {
  const bits = bitsAt(record);
  let high = load<u64>(record) | ~maskOf(bits);
  const low = (load<u64>(record, 8) | ~maskOf(bits - 64)) + 1;
  if (!low && !++high) return;
  begin(high, low, outer, v4, v6);
}

/** The ranges of IPv4 while they are laid out. */
class RangesV4 {
  count: i32 = 1;
  items: StaticArray<u64>;
  empty: StaticArray<bool>;

  constructor(most: i32) {
    this.items = new StaticArray<u64>(most);
    this.empty = new StaticArray<bool>(most);
    this.empty[0] = true;
  }

  begin(start: u32, value: u32, empty: bool): void {
    const item = ((<u64>start) << 32) | value;
    const last = this.count - 1;
    if (unchecked(this.items[last]) >> 32 == start) this.count = last;
    // The range before may go on.
    const before = this.count - 1;
    if (before >= 0 && unchecked(this.empty[before]) == empty && <u32>unchecked(this.items[before]) == value) return;
    unchecked((this.items[this.count] = item));
    unchecked((this.empty[this.count++] = empty));
  }
}

/** The ranges of IPv6 while they are laid out. */
class RangesV6 {
  count: i32 = 1;
  starts: StaticArray<u64>;
  values: StaticArray<u32>;
  empty: StaticArray<bool>;

  constructor(most: i32) {
    this.starts = new StaticArray<u64>(most << 1);
    this.values = new StaticArray<u32>(most);
    this.empty = new StaticArray<bool>(most);
    this.empty[0] = true;
  }

  begin(high: u64, low: u64, value: u32, empty: bool): void {
    const last = (this.count - 1) << 1;
    if (unchecked(this.starts[last]) == high && unchecked(this.starts[last + 1]) == low) this.count--;
    // The range before may go on.
    const before = this.count - 1;
    if (before >= 0 && unchecked(this.empty[before]) == empty && unchecked(this.values[before]) == value) return;
    unchecked((this.starts[this.count << 1] = high));
    unchecked((this.starts[(this.count << 1) + 1] = low));
    unchecked((this.values[this.count] = value));
    unchecked((this.empty[this.count++] = empty));
  }
}

/** Whether record `a` comes before `b`: by start, then the shorter, then the one that was added first. */
function isBefore(a: usize, b: usize): bool {
  const highA = load<u64>(a);
  const highB = load<u64>(b);
  if (highA != highB) return highA < highB;
  const lowA = load<u64>(a, 8);
  const lowB = load<u64>(b, 8);
  if (lowA != lowB) return lowA < lowB;
  return load<u32>(a, 20) < load<u32>(b, 20);
}

function copyRecord(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u64>(to, load<u64>(from, 16), 16);
}

/** Heap sort: in place, and no order of the input is slow. */
function sort(records: usize, count: usize): void {
  const moved = memory.data(24, 8);
  for (let root = count >> 1; root > 0;) {
    root--;
    copyRecord(moved, records + root * RECORD);
    sift(records, root, count, moved);
  }
  for (let last = count - 1; last > 0; last--) {
    copyRecord(moved, records + last * RECORD);
    copyRecord(records + last * RECORD, records);
    sift(records, 0, last, moved);
  }
}

/** Lets `moved` sink from the hole at `at`. */
function sift(records: usize, at: usize, count: usize, moved: usize): void {
  for (let child = (at << 1) + 1; child < count; child = (at << 1) + 1) {
    if (child + 1 < count && isBefore(records + child * RECORD, records + (child + 1) * RECORD)) child++;
    if (!isBefore(moved, records + child * RECORD)) break;
    copyRecord(records + at * RECORD, records + child * RECORD);
    at = child;
  }
  copyRecord(records + at * RECORD, moved);
}

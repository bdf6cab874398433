import { IpAddress, IpPrefix, PrefixSet } from "../../../sdk/std/cidr";
import { give, giveText } from "./io";

const address = new IpAddress();
const prefix = new IpPrefix();
let set = new PrefixSet();

/** The address as 16 bytes, big-endian; 0 when it is none. */
export function parse(ptr: usize, length: usize): usize {
  return address.parse(ptr, length) ? bits() : 0;
}

function bits(): usize {
  const room = memory.data(16, 8);
  store<u64>(room, bswap(address.high));
  store<u64>(room, bswap(address.low), 8);
  return give(room, 16);
}

/** 1 for an address, 0 for none; traps when its text is not read as the same address. */
export function verdict(ptr: usize, length: usize): i32 {
  if (!address.parse(ptr, length)) return 0;
  const high = address.high;
  const low = address.low;
  const room = memory.data(64, 8);
  store<u8>(room, 0xa5, 39);
  const size = address.write(room);
  if (size > 39 || load<u8>(room, 39) != 0xa5 || !address.parse(room, size)) unreachable();
  if (address.high != high || address.low != low) unreachable();
  return 1;
}

/** The canonical text of an address; 0 when it is none. */
export function text(ptr: usize, length: usize): usize {
  return address.parse(ptr, length) ? giveText(address.toString()) : 0;
}

/** "port address"; 0 when it is none. */
export function withPort(ptr: usize, length: usize): usize {
  const port = address.parseWithPort(ptr, length);
  return port < 0 ? 0 : giveText(port.toString() + " " + address.toString());
}

/** The text of the first bits of an address. */
export function masked(ptr: usize, length: usize, bits: i32): usize {
  if (!address.parse(ptr, length)) return 0;
  address.mask(bits);
  return giveText(address.toString());
}

/** PrefixError. */
export function prefixError(ptr: usize, length: usize, strict: i32, bare: i32): i32 {
  return prefix.parse(ptr, length, strict != 0, bare != 0);
}

export function prefixVerdict(ptr: usize, length: usize): i32 {
  return prefix.parse(ptr, length, false, true);
}

/** The canonical text of a prefix; 0 when it is none. */
export function prefixText(ptr: usize, length: usize, strict: i32, bare: i32): usize {
  return prefix.parse(ptr, length, strict != 0, bare != 0) ? 0 : giveText(prefix.toString());
}

/** 1, 0, or -1 when one of the two cannot be read. */
export function contains(ptr: usize, length: usize, ip: usize, ipLength: usize): i32 {
  if (prefix.parse(ptr, length) || !address.parse(ip, ipLength)) return -1;
  return i32(prefix.contains(address));
}

export function clear(expected: i32): void {
  set = new PrefixSet(expected);
}

export function add(ptr: usize, length: usize, value: u32): i32 {
  return prefix.parse(ptr, length) ? -1 : i32(set.add(prefix, value));
}

export function build(): void {
  set.build();
}

/** -1 when no prefix holds the address, -2 when it is none. */
export function find(ptr: usize, length: usize): f64 {
  return address.parse(ptr, length) ? <f64>set.find(address) : -2;
}

/** Looks many addresses of 16 bytes up; their number found, and the values when `out` is given. */
export function findMany(ptr: usize, length: usize, out: usize): i32 {
  let found = 0;
  for (let at: usize = 0; at < length; at += 16) {
    address.high = bswap(load<u64>(ptr + at));
    address.low = bswap(load<u64>(ptr + at, 8));
    const value = set.find(address);
    found += i32(value >= 0);
    if (out) store<i64>(out + (at >> 1), value);
  }
  return found;
}

/** The port behind an address; -1 when it is none. */
export function portOf(ptr: usize, length: usize): i32 {
  return address.parseWithPort(ptr, length);
}

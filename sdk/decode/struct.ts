/* google.protobuf.Struct on the wire, which is what Envoy hands on when a configuration is given as a Struct, to JSON text:
 * the decoder is the same for both. What is no well-formed Struct becomes text that the decoder refuses. */

import { Config } from "../config";

/** Where reading stands, and the wire's end. */
let at: usize = 0;
let limit: usize = 0;
let write: usize = 0;
let depth: i32 = 0;
let broken: bool = false;

const FIELD_1: u32 = 0x0a; // length-delimited
const FIELD_2: u32 = 0x12;
/** One more than the reader of JSON takes. */
const MOST_DEPTH: i32 = 65;

/**
 * Whether the bytes begin with a field of a Struct: a map entry with a key, then a value. The byte in front of the value is
 * one that JSON text cannot have, so no text is taken for a Struct.
 */
export function isStruct(ptr: usize, length: usize): bool {
  at = ptr;
  limit = ptr + length;
  broken = false;
  expect(FIELD_1);
  varint();
  expect(FIELD_1);
  at = piece();
  expect(FIELD_2);
  return !broken;
}

/** Writes the Struct as JSON to `out`, which has room for 6 × length + 16 bytes. Returns the length of the text. */
export function structToJson(ptr: usize, length: usize, out: usize, numbers: Config): usize {
  at = ptr;
  limit = ptr + length;
  write = out;
  depth = 0;
  broken = false;
  members(limit, 0x7b, numbers);
  // A byte that no JSON has.
  if (broken) store<u16>(out, 0x127b);
  return write - out;
}

/** Members of a Struct or ListValue up to `end`; `open` is their bracket. */
function members(end: usize, open: u32, numbers: Config): void {
  if (++depth > MOST_DEPTH) broken = true;
  let before = open;
  while (!broken && at < end) {
    put(before);
    before = 0x2c;
    expect(FIELD_1);
    const entry = piece();
    if (open == 0x7b) {
      expect(FIELD_1);
      text();
      put(0x3a);
      expect(FIELD_2);
      piece();
    }
    value(numbers);
    if (at != entry) broken = true;
  }
  if (before == open) put(open);
  put(open + 2);
  depth--;
}

function value(numbers: Config): void {
  const key = byte();
  if (key == 0x1a) text();
  else if (key == 0x2a || key == 0x32) members(piece(), key == 0x2a ? 0x7b : 0x5b, numbers);
  else if (key == 0x11 && limit - at >= 8) {
    write += numbers.writeNumber(load<f64>(at), write);
    at += 8;
  } else {
    if (key != 0x08 && key != 0x20) broken = true;
    const flag = varint();
    // null, true, false
    store<u64>(write, key == 0x08 ? 0x206c6c756e : flag ? 0x2065757274 : 0x65736c6166);
    write += 5;
  }
}

/** A string, in quotes. */
function text(): void {
  const end = piece();
  put(0x22);
  while (at < end) {
    const c = byte();
    if (c < 0x20) {
      store<u64>(
        write,
        0x303030303030755c | ((<u64>(c >> 4)) << 32) | ((<u64>((c & 15) + ((c & 15) > 9 ? 7 : 0))) << 40),
      );
      write += 6;
    } else {
      if (c == 0x22 || c == 0x5c) put(0x5c);
      put(c);
    }
  }
  put(0x22);
}

/** Where the length-delimited piece ends that begins here. */
function piece(): usize {
  const length = <usize>varint();
  if (length <= limit - at) return at + length;
  broken = true;
  return limit;
}

function put(c: u32): void {
  store<u8>(write++, c);
}

function expect(c: u32): void {
  if (byte() != c) broken = true;
}

function byte(): u32 {
  return at < limit ? <u32>load<u8>(at++) : 0;
}

/** A length or a flag. More than 32 bits are as wrong as too large a length. */
function varint(): u32 {
  let result: u32 = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const c = byte();
    result |= (c & 0x7f) << shift;
    if (c < 0x80) return result;
  }
  return u32.MAX_VALUE;
}

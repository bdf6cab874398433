/* google.protobuf.Struct on the wire, which is what Envoy hands on when a configuration is given as a Struct, to JSON text:
 * the decoder is the same for both. What is no well-formed Struct becomes text that the decoder refuses. */

import { Config } from "../config";

/** The wire's end, and where reading stands. */
let limit: usize = 0;
let at: usize = 0;
let write: usize = 0;
let numbers: Config | null = null;

const LENGTH_1: u32 = 0x0a; // field 1, length-delimited
const LENGTH_2: u32 = 0x12;
/** As deep as the reader of JSON goes. */
const MOST_DEPTH: i32 = 65;

/**
 * Whether the bytes begin with a field of a Struct: a map entry with a key, then a value. The byte in front of the value is
 * one that JSON text cannot have, so no text is taken for a Struct.
 */
export function isStruct(ptr: usize, length: usize): bool {
  at = ptr;
  limit = ptr + length;
  if (byte() != LENGTH_1) return false;
  varint();
  if (byte() != LENGTH_1) return false;
  const key = varint();
  if (key >= limit - at) return false;
  at += key;
  return byte() == LENGTH_2;
}

/** Writes the Struct as JSON to `out`, which has room for 6 × length + 16 bytes. Returns the length of the text. */
export function structToJson(ptr: usize, length: usize, out: usize, writer: Config): usize {
  at = ptr;
  limit = ptr + length;
  write = out;
  numbers = writer;
  members(limit, true, 0);
  numbers = null;
  return write - out;
}

/** Members of a Struct or ListValue up to `end`. */
function members(end: usize, isObject: bool, depth: i32): void {
  put(isObject ? 0x7b : 0x5b);
  for (let first = true; at < end; first = false) {
    if (!first) put(0x2c);
    if (byte() != LENGTH_1 || depth > MOST_DEPTH) {
      malformed();
      return;
    }
    const entryEnd = ends(end);
    if (isObject) {
      if (byte() != LENGTH_1) malformed();
      text(ends(entryEnd));
      put(0x3a);
      if (byte() != LENGTH_2) malformed();
      value(ends(entryEnd), depth);
      if (at != entryEnd) malformed();
    } else value(entryEnd, depth);
  }
  put(isObject ? 0x7d : 0x5d);
}

function value(end: usize, depth: i32): void {
  const key = at < end ? byte() : 0;
  if (key == 0x11) {
    if (end - at < 8) malformed();
    else {
      write += numbers!.writeNumber(load<f64>(at), write);
      at += 8;
    }
  } else if (key == 0x1a) text(ends(end));
  else if (key == 0x2a) members(ends(end), true, depth + 1);
  else if (key == 0x32) members(ends(end), false, depth + 1);
  else {
    // null, true and false; anything else is no Value.
    if (key != 0x08 && key != 0x20) malformed();
    const flag = varint();
    word(key == 0x08 ? 0x6c6c756e : flag ? 0x65757274 : 0x736c6166);
    if (key == 0x20 && !flag) put(0x65);
  }
  if (at != end) malformed();
}

/** A string up to `end`, in quotes. */
function text(end: usize): void {
  put(0x22);
  while (at < end) {
    const c = byte();
    if (c < 0x20) {
      word(0x3030755c); // \u00
      put(0x30 + (c >> 4));
      put((c & 15) + ((c & 15) > 9 ? 0x57 : 0x30));
    } else {
      if (c == 0x22 || c == 0x5c) put(0x5c);
      put(c);
    }
  }
  put(0x22);
}

/** Where a length-delimited field ends. */
function ends(outer: usize): usize {
  const length = varint();
  if (at <= outer && length <= outer - at) return at + length;
  malformed();
  return limit;
}

/** Ends the reading with a byte that no JSON has. */
function malformed(): void {
  at = limit;
  put(0x12);
}

function put(c: u32): void {
  store<u8>(write++, c);
}

function word(bytes: u32): void {
  store<u32>(write, bytes);
  write += 4;
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

/* Base 16 (RFC 4648, section 8): written in lower case, read in either. */

/** Writes `length` bytes as 2 × `length` digits to `out`, which must not overlap them. Returns the number of digits. */
export function encodeHex(ptr: usize, length: usize, out: usize): usize {
  for (let i: usize = 0; i < length; i++) store<u16>(out + (i << 1), digitsOf(load<u8>(ptr + i)));
  return length << 1;
}

/** The two digits of a byte, as they stand in memory. */
function digitsOf(byte: u32): u32 {
  const nibbles = (byte >> 4) | ((byte & 15) << 8);
  // In each half: 6 more than 9 carries into bit 4.
  const letters = ((nibbles + 0x0606) >> 4) & 0x0101;
  return nibbles + 0x3030 + letters * 0x27;
}

/**
 * Decodes `length` digits to `out`, which has room for `length` / 2 bytes and may be `ptr`. Returns the number of bytes, or
 * ~offset (negative) of the first character that is wrong; the length when the text ends within a byte.
 */
export function decodeHex(ptr: usize, length: usize, out: usize): isize {
  return decode<u8>(ptr, length, out);
}

/** The bytes as hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  const length = <usize>bytes.length;
  // @ts-ignore: built into the compiler
  const text = __new(length << 2, idof<string>());
  for (let i: usize = 0; i < length; i++) {
    const digits = digitsOf(load<u8>(bytes.dataStart + i));
    store<u32>(text + (i << 2), (digits & 0xff) | ((digits >> 8) << 16));
  }
  return changetype<string>(text);
}

/** The bytes that hexadecimal text stands for; null when it is not well-formed, and `hexErrorAt` then says where. */
export function fromHex(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length >> 1);
  const written = decode<u16>(changetype<usize>(text), text.length, bytes.dataStart);
  hexErrorAt = written < 0 ? <i32>~written : -1;
  return written < 0 ? null : bytes;
}

/** Where the last fromHex met a wrong character, -1 when it did not. */
export let hexErrorAt: i32 = -1;

/** Value of a digit by character, 0xff for what is none; filled when it is used for the first time. */
function values(): usize {
  const table = memory.data(256);
  if (load<u8>(table)) return table;
  memory.fill(table, 0xff, 256);
  for (let i = 0; i < 10; i++) store<u8>(table + 0x30 + i, i);
  for (let i = 10; i < 16; i++) {
    store<u8>(table + 0x41 - 10 + i, i);
    store<u8>(table + 0x61 - 10 + i, i);
  }
  return table;
}

function valueAt<T>(at: usize, table: usize): u32 {
  const c = <u32>load<T>(at);
  return sizeof<T>() > 1 && c > 0xff ? 0xff : <u32>load<u8>(table + c);
}

function decode<T>(ptr: usize, length: usize, out: usize): isize {
  const table = values();
  for (let i: usize = 0; i < length; i += 2) {
    const high = valueAt<T>(ptr + i * sizeof<T>(), table);
    if (high > 15) return ~i;
    if (i + 1 == length) return ~length;
    const low = valueAt<T>(ptr + (i + 1) * sizeof<T>(), table);
    if (low > 15) return ~(i + 1);
    store<u8>(out + (i >> 1), (high << 4) | low);
  }
  return length >> 1;
}

/* UTF-8 as the WHATWG Encoding Standard has it: malformed input becomes U+FFFD, never an error and never a lost byte.
 * (AssemblyScript's own String.UTF8.decode drops or invents characters on malformed input.) */

const REPLACEMENT: u32 = 0xfffd;
const MALFORMED: u32 = 0xffffffff;
/** Set in a byte, or in a UTF-16 unit, that is not ASCII. */
const NOT_ASCII_BYTES: u64 = 0x8080808080808080;
const NOT_ASCII_UNITS: u64 = 0xff80ff80ff80ff80;

/** Upper bound of the encoded size. */
export function encodedLengthMax(text: string): usize {
  return <usize>text.length * 3;
}

/** Bytes that encodeUtf8 writes for the text. */
export function encodedLength(text: string): usize {
  let read = changetype<usize>(text);
  const end = read + ((<usize>text.length) << 1);
  let length: usize = 0;
  for (; read < end; read += 2) {
    const c = <u32>load<u16>(read);
    length += 1 + usize(c >= 0x80) + usize(c >= 0x800);
    // A pair takes four bytes, one more than its first unit alone.
    if ((c & 0xfc00) == 0xd800 && read + 2 < end && (load<u16>(read, 2) & 0xfc00) == 0xdc00) {
      length++;
      read += 2;
    }
  }
  return length;
}

/** Encodes to `out`, which has room for encodedLength(text). A lone surrogate becomes U+FFFD. Returns the length. */
export function encodeUtf8(text: string, out: usize): usize {
  let read = changetype<usize>(text);
  const end = read + ((<usize>text.length) << 1);
  let write = out;
  while (read < end) {
    if (end - read >= 8) {
      let units = load<u64>(read);
      if (!(units & NOT_ASCII_UNITS)) {
        units |= units >> 8;
        store<u32>(write, (units & 0xffff) | ((units >> 16) & 0xffff0000));
        read += 8;
        write += 4;
        continue;
      }
    }
    let c = <u32>load<u16>(read);
    read += 2;
    if (c < 0x80) {
      store<u8>(write, c);
      write++;
      continue;
    }
    let lead: u32 = 0xc0;
    if (c >= 0x800) {
      lead = 0xe0;
      if ((c & 0xf800) == 0xd800) {
        const low = read < end ? <u32>load<u16>(read) : 0;
        if (c < 0xdc00 && (low & 0xfc00) == 0xdc00) {
          read += 2;
          c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
          store<u8>(write++, 0xf0 | (c >> 18));
          c &= 0x3ffff;
          lead = 0x80;
        } else c = REPLACEMENT;
      }
      store<u8>(write++, lead | (c >> 12));
      c &= 0xfff;
      lead = 0x80;
    }
    store<u16>(write, 0x8000 | lead | (c >> 6) | ((c & 0x3f) << 8));
    write += 2;
  }
  return write - out;
}

/** Whether the last decodeUtf8 met malformed input. */
export let wasMalformed: bool = false;

/** Decodes `length` bytes at `ptr`; each maximal malformed part becomes one U+FFFD. */
export function decodeUtf8(ptr: usize, length: usize): string {
  wasMalformed = false;
  if (!length) return "";
  // One UTF-16 unit per byte is the most that can come out.
  // @ts-ignore: built into the compiler
  const text = __new(length << 1, idof<string>());
  const end = ptr + length;
  let write = text;
  let read = ptr;
  while (read < end) {
    let c = <u32>load<u8>(read);
    if (c < 0x80) {
      if (end - read >= 8) {
        const bytes = load<u64>(read);
        if (!(bytes & NOT_ASCII_BYTES)) {
          let half = bytes & 0xffffffff;
          half = (half | (half << 16)) & 0x0000ffff0000ffff;
          store<u64>(write, (half | (half << 8)) & 0x00ff00ff00ff00ff);
          half = bytes >> 32;
          half = (half | (half << 16)) & 0x0000ffff0000ffff;
          store<u64>(write, (half | (half << 8)) & 0x00ff00ff00ff00ff, 8);
          read += 8;
          write += 16;
          continue;
        }
      }
      read++;
    } else {
      read++;
      let needed: u32 = 0;
      let lower: u32 = 0x80;
      let upper: u32 = 0xbf;
      if (c - 0xc2 < 0x33) {
        needed = 1 + u32(c >= 0xe0) + u32(c >= 0xf0);
        if (c == 0xe0) lower = 0xa0;
        else if (c == 0xed) upper = 0x9f;
        else if (c == 0xf0) lower = 0x90;
        else if (c == 0xf4) upper = 0x8f;
        c &= 0x3f >> needed;
      } else c = MALFORMED;
      for (; needed; needed--) {
        const next = read < end ? <u32>load<u8>(read) : 0;
        if (next - lower > upper - lower) {
          c = MALFORMED;
          break;
        }
        lower = 0x80;
        upper = 0xbf;
        c = (c << 6) | (next & 0x3f);
        read++;
      }
      if (c == MALFORMED) {
        wasMalformed = true;
        c = REPLACEMENT;
      } else if (c >= 0x10000) {
        c -= 0x10000;
        store<u16>(write, 0xd800 | (c >> 10));
        write += 2;
        c = 0xdc00 | (c & 0x3ff);
      }
    }
    store<u16>(write, c);
    write += 2;
  }
  shrinkString(text, write - text);
  return changetype<string>(text);
}

/** Makes a new string end earlier; its memory stays as it was until it is collected. */
export function shrinkString(text: usize, size: usize): void {
  store<u32>(text - 4, <u32>size); // the runtime keeps the size in front of the data
}

/** Whether the bytes are well-formed UTF-8. Allocates nothing. */
export function isUtf8(ptr: usize, length: usize): bool {
  const end = ptr + length;
  while (ptr < end) {
    while (end - ptr >= 8 && !(load<u64>(ptr) & NOT_ASCII_BYTES)) ptr += 8;
    while (ptr < end && load<u8>(ptr) < 0x80) ptr++;
    if (ptr >= end) break;
    let bytes: u32;
    if (end - ptr >= 4) bytes = load<u32>(ptr);
    else {
      // A byte that is not there is as wrong as a zero.
      bytes = <u32>load<u8>(ptr);
      for (let i = end - ptr; --i;) bytes |= (<u32>load<u8>(ptr + i)) << ((<u32>i) << 3);
    }
    const size = characterSize(bytes);
    if (!size) return false;
    ptr += size;
  }
  return true;
}

/** Bytes of the character other than ASCII that four bytes begin with, the first the lowest; 0 when it is malformed. */
export function characterSize(bytes: u32): u32 {
  if ((bytes & 0xc0e0) == 0x80c0) return bytes & 0x1e ? 2 : 0; // else overlong
  const head = ((bytes & 0xf) << 6) | ((bytes >> 8) & 0x3f);
  if ((bytes & 0xc0c0f0) == 0x8080e0) return head >= 0x20 && head >> 5 != 0x1b ? 3 : 0; // else overlong, or a surrogate
  if ((bytes & 0xc0c0c0f8) == 0x808080f0) return head - 0x10 < 0x100 ? 4 : 0; // else overlong, or above U+10FFFF
  return 0;
}

/** The text as bytes. */
export function toUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(<i32>encodedLength(text));
  encodeUtf8(text, bytes.dataStart);
  return bytes;
}

/** The bytes as text; malformed parts become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return decodeUtf8(bytes.dataStart, bytes.length);
}

/** The bytes as text; null when they are not well-formed. */
export function fromUtf8Strict(bytes: Uint8Array): string | null {
  const text = decodeUtf8(bytes.dataStart, bytes.length);
  return wasMalformed ? null : text;
}

/* UTF-8 as the WHATWG Encoding Standard has it: malformed input becomes U+FFFD, never an error and never a lost byte.
 * (AssemblyScript's own String.UTF8.decode drops or invents characters on malformed input.) */

const REPLACEMENT: u32 = 0xfffd;
const MALFORMED: u32 = 0xffffffff;

/** Upper bound of the encoded size. */
export function encodedLengthMax(text: string): usize {
  return <usize>text.length * 3;
}

/** Encodes to `out`, which has room for encodedLengthMax(text). A lone surrogate becomes U+FFFD. Returns the length. */
export function encodeUtf8(text: string, out: usize): usize {
  let read = changetype<usize>(text);
  const end = read + ((<usize>text.length) << 1);
  let write = out;
  while (read < end) {
    // Four ASCII characters at once.
    while (end - read >= 8) {
      const units = load<u64>(read);
      if (units & 0xff80ff80ff80ff80) break;
      const packed = units | (units >> 8);
      store<u32>(write, <u32>((packed & 0xffff) | ((packed >> 16) & 0xffff0000)));
      read += 8;
      write += 4;
    }
    if (read >= end) break;
    let c = <u32>load<u16>(read);
    read += 2;
    if (c < 0x80) {
      store<u8>(write, c);
      write++;
      continue;
    }
    if (c < 0x800) {
      store<u16>(write, 0x80c0 | (c >> 6) | ((c & 0x3f) << 8));
      write += 2;
      continue;
    }
    if ((c & 0xf800) == 0xd800) {
      const low = read < end ? <u32>load<u16>(read) : 0;
      if (c < 0xdc00 && (low & 0xfc00) == 0xdc00) {
        read += 2;
        c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
        store<u8>(write, 0xf0 | (c >> 18));
        store<u8>(write, 0x80 | ((c >> 12) & 0x3f), 1);
        store<u8>(write, 0x80 | ((c >> 6) & 0x3f), 2);
        store<u8>(write, 0x80 | (c & 0x3f), 3);
        write += 4;
        continue;
      }
      c = REPLACEMENT;
    }
    store<u8>(write, 0xe0 | (c >> 12));
    store<u8>(write, 0x80 | ((c >> 6) & 0x3f), 1);
    store<u8>(write, 0x80 | (c & 0x3f), 2);
    write += 3;
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
    // Four ASCII characters at once.
    while (end - read >= 4) {
      let units = <u64>load<u32>(read);
      if (units & 0x80808080) break;
      units = (units | (units << 16)) & 0x0000ffff0000ffff;
      store<u64>(write, (units | (units << 8)) & 0x00ff00ff00ff00ff);
      read += 4;
      write += 8;
    }
    if (read >= end) break;
    let c = <u32>load<u8>(read++);
    if (c >= 0x80) {
      let needed: u32 = 0;
      let lower: u32 = 0x80;
      let upper: u32 = 0xbf;
      if (c - 0xc2 < 0x33) {
        if (c < 0xe0) {
          needed = 1;
          c &= 0x1f;
        } else if (c < 0xf0) {
          needed = 2;
          if (c == 0xe0) lower = 0xa0;
          else if (c == 0xed) upper = 0x9f;
          c &= 0xf;
        } else {
          needed = 3;
          if (c == 0xf0) lower = 0x90;
          else if (c == 0xf4) upper = 0x8f;
          c &= 7;
        }
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

/** Whether the bytes are well-formed UTF-8. */
export function isUtf8(ptr: usize, length: usize): bool {
  decodeUtf8(ptr, length);
  return !wasMalformed;
}

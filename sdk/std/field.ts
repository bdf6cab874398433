/* Field names and values of HTTP (RFC 9110, section 5). */

/** tchar of RFC 9110 as a bit set over ASCII. */
const TOKEN_LOW: u64 = 0x03ff6cfa00000000;
const TOKEN_HIGH: u64 = 0x57ffffffc7fffffe;

/** Whether a byte can stand in a token. */
export function isTokenChar(c: u32): bool {
  return c < 0x80 && (((c < 64 ? TOKEN_LOW : TOKEN_HIGH) >> (c & 63)) & 1) != 0;
}

/** Whether the bytes are a token: not empty, tchar only. */
export function isToken(ptr: usize, length: usize): bool {
  if (!length) return false;
  for (let i: usize = 0; i < length; i++) if (!isTokenChar(load<u8>(ptr + i))) return false;
  return true;
}

/** Whether the bytes can be a field value: no control character but tab. */
export function isFieldValue(ptr: usize, length: usize): bool {
  const end = ptr + length;
  while (ptr < end) {
    if (end - ptr >= 8) {
      // Eight bytes at once, when none is below 0x20 or is 0x7f. A tab goes the long way.
      const word = load<u64>(ptr);
      const dels = word ^ 0x7f7f7f7f7f7f7f7f;
      const low = (word - 0x2020202020202020) & ~word;
      if (!((low | ((dels - 0x0101010101010101) & ~dels)) & 0x8080808080808080)) {
        ptr += 8;
        continue;
      }
    }
    const c = load<u8>(ptr++);
    if (c == 0x7f || (c < 0x20 && c != 9)) return false;
  }
  return true;
}

/** Whether as many bytes at `ptr` as `name` has characters are the same but for ASCII case. */
export function equalsIgnoreCase(ptr: usize, name: string): bool {
  const text = changetype<usize>(name);
  const length = <usize>name.length;
  for (let i: usize = 0; i < length; i++) {
    const a = <u32>load<u8>(ptr + i);
    const b = <u32>load<u16>(text + (i << 1));
    if (a != b && lower(a) != lower(b)) return false;
  }
  return true;
}

function lower(c: u32): u32 {
  return c - 0x41 < 26 ? c | 0x20 : c;
}

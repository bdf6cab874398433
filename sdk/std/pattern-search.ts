/* The search for a literal, eight bytes at a time. */

const ONES: u64 = 0x0101010101010101;
const HIGHS: u64 = 0x8080808080808080;

/** What `find` returns when there is nothing to be found. */
export const NOWHERE: usize = -1;

export class Literal {
  /** The byte to look for first, which should be a rare one. */
  private readonly rare: usize;

  constructor(readonly bytes: StaticArray<u8>) {
    let rare = 0;
    for (let i = 1; i < bytes.length; i++) if (rank(bytes[i]) < rank(bytes[rare])) rare = i;
    this.rare = rare;
  }

  get length(): usize {
    return this.bytes.length;
  }

  /** Where the literal is first, or NOWHERE. */
  find(at: usize, end: usize): usize {
    const literal = changetype<usize>(this.bytes);
    const length = this.length;
    const rare = this.rare;
    const byte = load<u8>(literal + rare);
    const all = <u64>byte * ONES;
    if (end - at < length) return NOWHERE;
    at += rare;
    const last = end - (length - rare); // the last place where the byte can be
    let far = at; // from where it is worth to take large steps
    while (at <= last) {
      if (at >= far) {
        while (at + 32 <= end) {
          const first = load<u64>(at) ^ all;
          const second = load<u64>(at, 8) ^ all;
          const third = load<u64>(at, 16) ^ all;
          const fourth = load<u64>(at, 24) ^ all;
          const zeros =
            ((first - ONES) & ~first) |
            ((second - ONES) & ~second) |
            ((third - ONES) & ~third) |
            ((fourth - ONES) & ~fourth);
          if (zeros & HIGHS) break;
          at += 32;
        }
        far = at + 32;
      }
      if (at + 8 <= end) {
        // The lowest high bit is that of the first byte that is the one.
        const word = load<u64>(at) ^ all;
        const zeros = (word - ONES) & ~word & HIGHS;
        if (!zeros) {
          at += 8;
          continue;
        }
        at += <usize>(ctz(zeros) >> 3);
        if (at > last) return NOWHERE;
      } else if (load<u8>(at) != byte) {
        at++;
        continue;
      }
      if (same(at - rare, literal, length)) return at - rare;
      at++;
    }
    return NOWHERE;
  }
}

function same(a: usize, b: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  for (; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** How common a byte is in header fields, URLs and text, by kind. */
function rank(byte: u8): u32 {
  const c = <u32>byte;
  if (c - 0x61 < 26) {
    // a c d e i l m n o p r s t u
    return (0x1ef91d >> (c - 0x61)) & 1 ? 4 : 3;
  }
  if (c == 0x20 || c == 0x2f || c == 0x2e || c == 0x2d || c == 0x3d) return 4;
  return c - 0x30 < 10 ? 3 : c - 0x41 < 26 ? 2 : c < 0xc0 ? 1 : 3;
}

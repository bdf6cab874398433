/* Uncompresses DEFLATE (RFC 1951), alone, as zlib (RFC 1950) or as gzip (RFC 1952), up to a limit: time and memory follow from
 * what comes out, never from what a sender claims. As strict as zlib. */

export enum Compression {
  /** What HTTP calls deflate. */
  Zlib,
  /** One member or several behind each other. */
  Gzip,
  /** DEFLATE alone. */
  Raw,
}

/** Whether the last inflate has given up because of its limit, not because of what it read. */
export let wasTooLarge: bool = false;

/** Code lengths up to this are looked up at once. */
const FAST_BITS: u32 = 10;
const LOOKUP_MASK: u64 = (1 << FAST_BITS) - 1;
const MAX_BITS: u32 = 15;
const LITERALS: u32 = 288;
const DISTANCES: u32 = 32;
/** Larger results than this are refused, whatever the limit. */
const MAX_BYTES: usize = 256 * 1024 * 1024;

// The tables of one Huffman code: u16 lookup[1 << FAST_BITS] (symbol << 4 | length), u16 count[16], u16 symbols[LITERALS].
const COUNT_AT: usize = 2 << FAST_BITS;
const SYMBOLS_AT: usize = COUNT_AT + 32;
const CODE_SIZE: usize = SYMBOLS_AT + 2 * LITERALS;
// Behind the two codes: u8 lengths[LITERALS + DISTANCES], u16 offsets[16].
const LENGTHS_AT: usize = 2 * CODE_SIZE;
const OFFSETS_AT: usize = LENGTHS_AT + LITERALS + DISTANCES;
const WORK_SIZE: usize = OFFSETS_AT + 32;

// Static data stands in functions, so that modules without them do not carry it.

/** Which length of the code for code lengths comes as the `index`th. */
function placeOf(index: u32): usize {
  return load<u8>(memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]) + <usize>index);
}

/** What the length symbols 257 to 285 begin with: u16 each. */
function lengthBases(): usize {
  return memory.data<u16>([
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ]);
}

/** How many bits follow them: u8 each. */
function lengthExtras(): usize {
  return memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]);
}

function distanceBases(): usize {
  return memory.data<u16>([
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
  ]);
}

/**
 * Uncompresses all of `bytes`; null when they are malformed, cut off or followed by anything, when a checksum is wrong, or when the
 * result has more than `limit` bytes (`wasTooLarge`).
 */
export function inflate(bytes: Uint8Array, limit: u32, compression: Compression = Compression.Zlib): Uint8Array | null {
  const inflater = new Inflater(bytes, limit);
  const ok = inflater.run(compression);
  wasTooLarge = inflater.tooLarge;
  const result = ok ? inflater.take() : null;
  inflater.free();
  return result;
}

class Inflater {
  tooLarge: bool = false;
  private at: usize;
  private end: usize;
  /** Bits that were read and not used, the next one lowest. */
  private hold: u64 = 0;
  private bits: u32 = 0;
  private work: usize;
  private out: usize;
  private used: usize = 0;
  private capacity: usize;
  private limit: usize;
  /** Where the output of the current member begins. */
  private start: usize = 0;

  constructor(
    private bytes: Uint8Array,
    limit: u32,
  ) {
    this.at = bytes.dataStart;
    this.end = this.at + <usize>bytes.length;
    this.limit = min<usize>(limit, MAX_BYTES);
    this.capacity = min<usize>(this.limit, max<usize>(1024, (<usize>bytes.length) << 2));
    this.out = heap.alloc(this.capacity);
    this.work = heap.alloc(WORK_SIZE);
  }

  free(): void {
    heap.free(this.out);
    heap.free(this.work);
  }

  take(): Uint8Array {
    const bytes = new Uint8Array(<i32>this.used);
    if (this.used) memory.copy(bytes.dataStart, this.out, this.used);
    return bytes;
  }

  run(compression: Compression): bool {
    if (compression == Compression.Raw) return this.blocks() && this.isEnd();
    if (compression == Compression.Zlib) return this.zlib() && this.isEnd();
    do {
      if (!this.gzip()) return false;
    } while (!this.isEnd());
    return true;
  }

  /** No byte is left. What is left of the last byte is padding. */
  private isEnd(): bool {
    return this.at == this.end && this.bits < 8;
  }

  private zlib(): bool {
    const head = this.take16();
    if (head < 0) return false;
    const method = head & 0xff;
    // Deflate, a window of 32 KiB at most, no dictionary, and a multiple of 31.
    if ((method & 0xf) != 8 || method > 0x78 || head & 0x2000 || ((method << 8) | (head >> 8)) % 31 != 0) return false;
    if (!this.blocks()) return false;
    this.align();
    let sum: u32 = 0;
    for (let i = 0; i < 4; i++) {
      const byte = this.takeByte();
      if (byte < 0) return false;
      sum = (sum << 8) | byte;
    }
    return sum == adler32(this.out, this.used);
  }

  private gzip(): bool {
    const begin = this.place;
    if (this.take16() != 0x8b1f || this.takeByte() != 8) return false;
    const flags = this.takeByte();
    // Bits that have no meaning yet must be 0.
    if (flags < 0 || flags & 0xe0) return false;
    for (let i = 0; i < 6; i++) if (this.takeByte() < 0) return false;
    if (flags & 4) {
      for (let left = this.take16(); left; left--) if (left < 0 || this.takeByte() < 0) return false;
    }
    // Name and comment.
    for (let text = flags & 0x18; text; text &= text - 1) {
      let byte = this.takeByte();
      while (byte > 0) byte = this.takeByte();
      if (byte < 0) return false;
    }
    if (flags & 2) {
      const sum = crc32(begin, this.place - begin) & 0xffff;
      if (this.take16() != <i32>sum) return false;
    }
    this.start = this.used;
    if (!this.blocks()) return false;
    this.align();
    const sum = (<u32>this.take16()) | ((<u32>this.take16()) << 16);
    const low = this.take16();
    const high = this.take16();
    if (low < 0 || high < 0) return false;
    const size = this.used - this.start;
    return sum == crc32(this.out + this.start, size) && <u32>size == ((<u32>low) | ((<u32>high) << 16));
  }

  private blocks(): bool {
    for (let last: u32 = 0; !last;) {
      if (!this.need(3)) return false;
      last = this.drop(1);
      const type = this.drop(2);
      if (type == 0) {
        if (!this.stored()) return false;
      } else if (type == 1) {
        this.fixedCodes();
        if (!this.codes()) return false;
      } else if (type == 3 || !this.dynamicCodes() || !this.codes()) return false;
    }
    return true;
  }

  private stored(): bool {
    this.align();
    const length = this.take16();
    const check = this.take16();
    if (length < 0 || check < 0 || length != (check ^ 0xffff)) return false;
    this.unread();
    if (this.end - this.at < <usize>length || !this.room(length)) return false;
    memory.copy(this.out + this.used, this.at, length);
    this.used += length;
    this.at += length;
    return true;
  }

  private fixedCodes(): void {
    const lengths = this.work + LENGTHS_AT;
    memory.fill(lengths, 8, 144);
    memory.fill(lengths + 144, 9, 112);
    memory.fill(lengths + 256, 7, 24);
    memory.fill(lengths + 280, 8, 8);
    this.build(this.work, lengths, LITERALS);
    memory.fill(lengths, 5, DISTANCES);
    this.build(this.work + CODE_SIZE, lengths, DISTANCES);
  }

  private dynamicCodes(): bool {
    if (!this.need(14)) return false;
    const literals = this.drop(5) + 257;
    const distances = this.drop(5) + 1;
    const codes = this.drop(4) + 4;
    if (literals > 286 || distances > 30) return false;
    const lengths = this.work + LENGTHS_AT;
    memory.fill(lengths, 0, 19);
    for (let i: u32 = 0; i < codes; i++) {
      if (!this.need(3)) return false;
      store<u8>(lengths + placeOf(i), this.drop(3));
    }
    // The code for code lengths must be complete.
    if (this.build(this.work, lengths, 19) != 0) return false;
    const count = literals + distances;
    for (let i: u32 = 0; i < count;) {
      const symbol = this.symbol(this.work);
      if (symbol < 0) return false;
      if (symbol < 16) {
        store<u8>(lengths + i++, symbol);
        continue;
      }
      const bits = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
      if (!this.need(bits) || (symbol == 16 && !i)) return false;
      const value = symbol == 16 ? load<u8>(lengths + i - 1) : 0;
      const times = this.drop(bits) + (symbol == 18 ? 11 : 3);
      if (i + times > count) return false;
      memory.fill(lengths + i, value, times);
      i += times;
    }
    // Without an end nothing could end.
    if (!load<u8>(lengths + 256)) return false;
    const ofLiterals = this.build(this.work, lengths, literals);
    if (ofLiterals < 0 || (ofLiterals > 0 && !this.isSingle(this.work, literals))) return false;
    const ofDistances = this.build(this.work + CODE_SIZE, lengths + literals, distances);
    return ofDistances >= 0 && (ofDistances == 0 || this.isSingle(this.work + CODE_SIZE, distances));
  }

  /** Whether the code has no symbol, or one of one bit: the incomplete ones that are allowed. */
  private isSingle(code: usize, count: u32): bool {
    const none = <u32>load<u16>(code + COUNT_AT);
    return none == count || (none == count - 1 && load<u16>(code + COUNT_AT, 2) == 1);
  }

  /** Makes the tables of a code of its lengths; 0: complete, above: incomplete, below: there are more codes than room. */
  private build(code: usize, lengths: usize, count: u32): i32 {
    const counts = code + COUNT_AT;
    memory.fill(code, 0, SYMBOLS_AT);
    for (let i: u32 = 0; i < count; i++) {
      const at = counts + ((<usize>load<u8>(lengths + i)) << 1);
      store<u16>(at, load<u16>(at) + 1);
    }
    let left: i32 = 1;
    for (let length: u32 = 1; length <= MAX_BITS; length++) {
      left = (left << 1) - <i32>load<u16>(counts + ((<usize>length) << 1));
      if (left < 0) return left;
    }
    const offsets = this.work + OFFSETS_AT;
    store<u16>(offsets, 0, 2);
    for (let length: usize = 1; length < MAX_BITS; length++) {
      store<u16>(offsets + ((length + 1) << 1), load<u16>(offsets + (length << 1)) + load<u16>(counts + (length << 1)));
    }
    const symbols = code + SYMBOLS_AT;
    for (let i: u32 = 0; i < count; i++) {
      const length = <usize>load<u8>(lengths + i);
      if (!length) continue;
      const at = offsets + (length << 1);
      const place = load<u16>(at);
      store<u16>(symbols + ((<usize>place) << 1), i);
      store<u16>(at, place + 1);
    }
    this.fillLookup(code);
    return left;
  }

  /** Codes come with their first bit lowest, so that each short one stands at all places that end in it, turned around. */
  private fillLookup(code: usize): void {
    const counts = code + COUNT_AT;
    const symbols = code + SYMBOLS_AT;
    let first: u32 = 0;
    let index: usize = 0;
    for (let length: u32 = 1; length <= FAST_BITS; length++) {
      const count = <u32>load<u16>(counts + ((<usize>length) << 1));
      for (let i: u32 = 0; i < count; i++) {
        const entry = ((<u32>load<u16>(symbols + (index << 1))) << 4) | length;
        for (let at = reversed(first, length); at < 1 << FAST_BITS; at += 1 << length) {
          store<u16>(code + ((<usize>at) << 1), entry);
        }
        first++;
        index++;
      }
      first <<= 1;
    }
  }

  /** The next symbol of a code; -1 when there is none. */
  private symbol(code: usize): i32 {
    if (this.bits < MAX_BITS) this.refill();
    const entry = <u32>load<u16>(code + ((<usize>(this.hold & LOOKUP_MASK)) << 1));
    if (entry) {
      const length = entry & 15;
      if (length > this.bits) return -1;
      this.drop(length);
      return entry >> 4;
    }
    return this.longSymbol(code);
  }

  private longSymbol(code: usize): i32 {
    let value: i32 = 0;
    let first: i32 = 0;
    let index: i32 = 0;
    let rest = this.hold;
    for (let length: u32 = 1; length <= MAX_BITS; length++) {
      value |= <i32>(rest & 1);
      rest >>= 1;
      const count = <i32>load<u16>(code + COUNT_AT + ((<usize>length) << 1));
      if (value - count < first) {
        if (length > this.bits) return -1;
        this.drop(length);
        return load<u16>(code + SYMBOLS_AT + ((<usize>(index + value - first)) << 1));
      }
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    return -1;
  }

  /** Literals and copies up to the end of the block. */
  private codes(): bool {
    const bases = lengthBases();
    const extras = lengthExtras();
    const distances = distanceBases();
    const literals = this.work;
    while (true) {
      // Enough for one literal or one copy, of at most 15 + 5 + 15 + 13 bits.
      if (this.bits < 48) this.refill();
      let hold = this.hold;
      let bits = this.bits;
      let used = this.used;
      const last = this.capacity;
      const out = this.out;
      // Literals, as long as there are bits and room: entries of 1 to 0xfff.
      let entry: u32 = 0;
      while (
        bits >= MAX_BITS &&
        used < last &&
        (entry = <u32>load<u16>(literals + ((<usize>(hold & LOOKUP_MASK)) << 1))) - 1 < 0xfff
      ) {
        store<u8>(out + used++, entry >> 4);
        hold >>= <u64>(entry & 15);
        bits -= entry & 15;
      }
      this.hold = hold;
      this.bits = bits;
      this.used = used;
      const symbol = this.symbol(literals);
      if (symbol < 0) return false;
      if (symbol < 256) {
        if (!this.room(1)) return false;
        store<u8>(this.out + this.used++, symbol);
        continue;
      }
      if (symbol == 256) return true;
      if (symbol > 285) return false;
      const nth = <usize>symbol - 257;
      const extra = <u32>load<u8>(extras + nth);
      if (!this.need(extra)) return false;
      const length = <usize>load<u16>(bases + (nth << 1)) + <usize>this.drop(extra);
      const distanceSymbol = this.symbol(literals + CODE_SIZE);
      if (distanceSymbol < 0 || distanceSymbol > 29) return false;
      const more: u32 = distanceSymbol < 4 ? 0 : ((<u32>distanceSymbol) >> 1) - 1;
      if (!this.need(more)) return false;
      const distance = <usize>load<u16>(distances + ((<usize>distanceSymbol) << 1)) + <usize>this.drop(more);
      if (distance > this.used - this.start || !this.room(length)) return false;
      const to = this.out + this.used;
      // One byte after the other: it may copy what it has just written.
      if (distance >= length) memory.copy(to, to - distance, length);
      else for (let i: usize = 0; i < length; i++) store<u8>(to + i, load<u8>(to + i - distance));
      this.used += length;
    }
  }

  /** Makes room for `size` more bytes of output; false beyond the limit. */
  private room(size: usize): bool {
    const needed = this.used + size;
    if (needed <= this.capacity) return true;
    if (needed > this.limit) {
      this.tooLarge = true;
      return false;
    }
    this.capacity = min(this.limit, max(needed, this.capacity << 1));
    const larger = heap.alloc(this.capacity);
    memory.copy(larger, this.out, this.used);
    heap.free(this.out);
    this.out = larger;
    return true;
  }

  private refill(): void {
    let at = this.at;
    let bits = this.bits;
    let hold = this.hold;
    if (this.end - at >= 8) {
      hold |= load<u64>(at) << (<u64>bits);
      const taken = (63 - bits) >> 3;
      at += taken;
      bits += taken << 3;
      // What of the last byte has found no room comes again.
      hold &= (<u64>-1) >> (64 - <u64>bits);
    } else {
      while (bits <= 56 && at < this.end) {
        hold |= (<u64>load<u8>(at++)) << (<u64>bits);
        bits += 8;
      }
    }
    this.at = at;
    this.bits = bits;
    this.hold = hold;
  }

  private need(count: u32): bool {
    if (this.bits < count) this.refill();
    return this.bits >= count;
  }

  /** Takes bits that are there. */
  private drop(count: u32): u32 {
    const value = (<u32>this.hold) & (((<u32>1) << count) - 1);
    this.hold >>= <u64>count;
    this.bits -= count;
    return value;
  }

  /** Drops the rest of the current byte. */
  private align(): void {
    this.drop(this.bits & 7);
  }

  /** Of the next byte that was not used, at the border of a byte. */
  private get place(): usize {
    return this.at - <usize>(this.bits >> 3);
  }

  /** Gives back the whole bytes that were read ahead. */
  private unread(): void {
    this.at = this.place;
    this.hold = 0;
    this.bits = 0;
  }

  /** Of whole bytes: -1 at the end. */
  private takeByte(): i32 {
    return this.need(8) ? <i32>this.drop(8) : -1;
  }

  private take16(): i32 {
    return this.need(16) ? <i32>this.drop(16) : -1;
  }
}

function reversed(code: u32, length: u32): u32 {
  let turned: u32 = 0;
  for (; length; length--) {
    turned = (turned << 1) | (code & 1);
    code >>= 1;
  }
  return turned;
}

/** Adler-32 (RFC 1950). */
export function adler32(ptr: usize, length: usize): u32 {
  let a: u32 = 1;
  let b: u32 = 0;
  // As many as cannot overflow 32 bits.
  for (let end = ptr + length; ptr < end;) {
    const stop = min(end, ptr + 5552);
    for (; ptr < stop; ptr++) {
      a += load<u8>(ptr);
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return (b << 16) | a;
}

/** CRC-32 (RFC 1952), four bits at a time. */
export function crc32(ptr: usize, length: usize): u32 {
  const table = memory.data<u32>([
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320,
    0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
  ]);
  let crc: u32 = 0xffffffff;
  for (const end = ptr + length; ptr < end; ptr++) {
    crc ^= load<u8>(ptr);
    crc = (crc >> 4) ^ load<u32>(table + ((<usize>(crc & 15)) << 2));
    crc = (crc >> 4) ^ load<u32>(table + ((<usize>(crc & 15)) << 2));
  }
  return ~crc;
}

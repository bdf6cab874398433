/* The alphabet of a pattern: code points that no set of it tells apart are one symbol. */

import { Ints } from "./pattern-memory";
import { Ranges, Sets, sortPairs } from "./pattern-ranges";
import { Look } from "./pattern-parse";
import { Beside, besideOf } from "./pattern-text";

/** Numbers that the ranges of all sets may be; words that all masks may be. */
const MAX_RANGES = 1 << 17;
const MAX_MASKS = 1 << 15;

/** Symbols that no set has: a byte that is no code point by itself, and the end of the text. */
export const NO_SYMBOL: u32 = 0;
export const END: u32 = 1;
const FIRST: u32 = 2;

const LINES: u32 = Look.LineStart | Look.LineEnd;
const WORDS: u32 = Look.WordBoundary | Look.NoWordBoundary;

/** How an instruction tells that a symbol is in its set. */
export const enum Test {
  /** Never. */
  Fail,
  /** It is this one. */
  One,
  /** By a mask. */
  Mask,
  /** Always. */
  Any,
}

export class Alphabet {
  constructor(
    /** Symbols, NO_SYMBOL and END included. */
    readonly count: u32,
    /** Symbol of each byte × 4: NO_SYMBOL from 0x80. */
    readonly bytes: StaticArray<u16>,
    /** Where ranges of code points from U+0080 begin, and their symbols. */
    private readonly starts: StaticArray<u32>,
    private readonly symbols: StaticArray<u32>,
    /** Masks of sets, one bit a symbol. */
    readonly masks: StaticArray<u32>,
    /** Beside of each symbol; only when a pattern looks at neighbours. */
    readonly beside: StaticArray<u8>,
  ) {}

  /** The symbol of a code point as `decode` gives it. */
  symbolOf(point: u32): u32 {
    const c = point & 0xffffff;
    if (c < 0x80) return load<u16>(changetype<usize>(this.bytes) + ((<usize>c) << 1)) >> 2;
    const starts = changetype<usize>(this.starts);
    let low: usize = 0;
    let high = <usize>this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (load<u32>(starts + (middle << 2)) <= c) low = middle;
      else high = middle;
    }
    return load<u32>(changetype<usize>(this.symbols) + (low << 2));
  }
}

export class AlphabetBuilder {
  /** For each set: Test, and its symbol or the place of its mask in bytes. */
  readonly tests: Ints = new Ints();
  /** Where each interval begins; no set has a part of an interval. */
  private readonly cuts: Ints = new Ints();
  /** Symbol of each interval. */
  private readonly symbols: Ints = new Ints();
  private readonly masks: Ints = new Ints();

  constructor(
    private readonly sets: Sets,
    /** Assertions of the pattern. */
    private readonly looks: u32,
  ) {}

  free(): void {
    this.tests.free();
    this.cuts.free();
    this.symbols.free();
    this.masks.free();
  }

  /** Null when it would be too large. */
  build(): Alphabet | null {
    const sets = this.sets;
    const some = new Ranges();
    if (this.looks & LINES) {
      some.add(0x0a, 0x0a);
      sets.intern(some);
      some.list.resize(0);
    }
    if (this.looks & WORDS) {
      some.add(0x30, 0x39);
      some.add(0x41, 0x5a);
      some.add(0x5f, 0x5f);
      some.add(0x61, 0x7a);
      sets.intern(some);
    }
    some.list.free();
    if (sets.ranges.length > MAX_RANGES) return null;
    this.cut();
    if (!this.split()) return null;
    const count = this.number();
    for (let set = 0; set < sets.count; set++) this.test(set, count);
    return this.finish(count);
  }

  private cut(): void {
    const ranges = this.sets.ranges;
    const all = new Ints();
    all.push(0);
    all.push(0);
    all.push(0x80);
    all.push(0);
    for (let i = 0; i < ranges.length; i++) {
      all.push(ranges.get(i) + (i & 1));
      all.push(0);
    }
    sortPairs(all.ptr, all.length >> 1);
    let last: u32 = 0x110000;
    for (let i = 0; i < all.length; i += 2) {
      const cut = all.get(i);
      if (cut != last && cut < 0x110000) this.cuts.push(cut);
      last = cut;
    }
    all.free();
  }

  /** The interval that begins at `start`. */
  private intervalAt(start: u32): i32 {
    const cuts = this.cuts;
    let low = 0;
    let high = cuts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (cuts.get(middle) <= start) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Gives intervals that some set tells apart different symbols; false when they are too many. */
  private split(): bool {
    const sets = this.sets;
    const symbols = this.symbols;
    const intervals = this.cuts.length;
    symbols.resize(intervals);
    const sizes = new Ints(); // intervals of each symbol
    const inside = new Ints(); // those in the set that is looked at
    const moved = new Ints(); // the symbol that those get
    sizes.resize(intervals);
    inside.resize(intervals);
    moved.resize(intervals);
    sizes.set(0, intervals);
    let count = 1;
    let wide = 0;
    for (let set = 0; set < sets.count && wide * words(count) <= MAX_MASKS; set++) {
      if (sets.only(set) < 0) wide++;
      for (let at = sets.begin(set); at < sets.end(set); at += 2)
        for (let i = this.intervalAt(sets.ranges.get(at)); this.within(i, at); i++) {
          const symbol = symbols.get(i);
          inside.set(symbol, inside.get(symbol) + 1);
        }
      for (let at = sets.begin(set); at < sets.end(set); at += 2)
        for (let i = this.intervalAt(sets.ranges.get(at)); this.within(i, at); i++) {
          const symbol = symbols.get(i);
          const n = inside.get(symbol);
          if (n) {
            inside.set(symbol, 0);
            const all = n == sizes.get(symbol);
            moved.set(symbol, all ? symbol : count);
            if (!all) {
              sizes.set(symbol, sizes.get(symbol) - n);
              sizes.set(count++, n);
            }
          }
          symbols.set(i, moved.get(symbol));
        }
    }
    sizes.free();
    inside.free();
    moved.free();
    return wide * words(count) <= MAX_MASKS;
  }

  /** Whether an interval is in the range at `range`, which it does not begin before. */
  private within(interval: i32, range: i32): bool {
    return interval < this.cuts.length && this.cuts.get(interval) <= this.sets.ranges.get(range + 1);
  }

  /** Numbers the symbols in the order of their first code points; `count` of the alphabet. */
  private number(): u32 {
    const symbols = this.symbols;
    const numbers = new Ints();
    numbers.resize(symbols.length);
    let count = FIRST;
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols.get(i);
      if (!numbers.get(symbol)) numbers.set(symbol, count++);
      symbols.set(i, numbers.get(symbol));
    }
    numbers.free();
    return count;
  }

  private test(set: i32, count: u32): void {
    const sets = this.sets;
    const masks = this.masks;
    const place = masks.length;
    masks.resize(place + words(count));
    let members: u32 = 0;
    let symbol: u32 = 0;
    for (let at = sets.begin(set); at < sets.end(set); at += 2)
      for (let i = this.intervalAt(sets.ranges.get(at)); this.within(i, at); i++) {
        const one = this.symbols.get(i);
        const word = masks.get(place + (one >> 5));
        const bit: u32 = 1 << (one & 31);
        if (word & bit) continue;
        masks.set(place + (one >> 5), word | bit);
        symbol = one;
        members++;
      }
    const test = !members ? Test.Fail : members == count - FIRST ? Test.Any : members == 1 ? Test.One : Test.Mask;
    if (test != Test.Mask) masks.resize(place);
    this.tests.push(test);
    this.tests.push(test == Test.Mask ? place << 2 : symbol);
  }

  private finish(count: u32): Alphabet {
    const cuts = this.cuts;
    const symbols = this.symbols;
    const bytes = new StaticArray<u16>(256);
    const beside = new StaticArray<u8>(count);
    let interval = 0;
    for (let c = 0; c < 256; c++) {
      if (c < 0x80 && interval + 1 < cuts.length && cuts.get(interval + 1) <= <u32>c) interval++;
      bytes[c] = <u16>(c < 0x80 ? symbols.get(interval) << 2 : NO_SYMBOL);
    }
    const ascii = this.intervalAt(0x80);
    const starts = new StaticArray<u32>(cuts.length - ascii);
    const others = new StaticArray<u32>(cuts.length - ascii);
    for (let i = 0; i < cuts.length; i++) {
      const what = besideOf(cuts.get(i));
      const matters = this.looks & (what == Beside.Word ? WORDS : LINES);
      beside[symbols.get(i)] = <u8>(matters ? what : Beside.Other);
      if (i < ascii) continue;
      starts[i - ascii] = cuts.get(i);
      others[i - ascii] = symbols.get(i);
    }
    return new Alphabet(count, bytes, starts, others, this.masks.toArray(), beside);
  }
}

function words(symbols: i32): i32 {
  return (symbols + 31) >> 5;
}

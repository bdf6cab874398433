/* Sets of code points as lists of ranges: what a character class is made of. */

import { addFolds } from "./pattern-fold";
import { Ints } from "./pattern-memory";

/** The highest code point of Unicode. */
export const LAST_CODE_POINT: u32 = 0x10ffff;

/** A set that is being put together: low and high of each range, in any order until `clean`. */
export class Ranges {
  readonly list: Ints = new Ints();

  add(low: u32, high: u32): void {
    const list = this.list;
    const n = list.length;
    // Neighbours of the last range are common.
    if (n && low <= list.get(n - 1) + 1 && list.get(n - 2) <= low) {
      if (high > list.get(n - 1)) list.set(n - 1, high);
      return;
    }
    list.push(low);
    list.push(high);
  }

  addAll(other: Ranges): void {
    const list = other.list;
    for (let i = 0; i < list.length; i += 2) this.add(list.get(i), list.get(i + 1));
  }

  /** Adds what simple case folding makes equal to a member. */
  fold(): void {
    const list = this.list;
    for (let i = 0, n = list.length; i < n; i += 2) addFolds(list.get(i), list.get(i + 1), this);
  }

  /** Sorts, joins what overlaps or touches. */
  clean(): void {
    const list = this.list;
    const n = list.length;
    if (n < 4) return;
    sortPairs(list.ptr, n >> 1);
    let w = 1;
    for (let i = 2; i < n; i += 2) {
      const low = list.get(i);
      const high = list.get(i + 1);
      if (low <= list.get(w) + 1) {
        if (high > list.get(w)) list.set(w, high);
      } else {
        list.set(w + 1, low);
        list.set(w + 2, high);
        w += 2;
      }
    }
    list.resize(w + 1);
  }

  /** Makes a clean set its complement, which is clean. */
  negate(): void {
    const list = this.list;
    const n = list.length;
    let next: u32 = 0;
    let w = 0;
    for (let i = 0; i < n; i += 2) {
      const low = list.get(i);
      const high = list.get(i + 1);
      if (low > next) {
        list.set(w, next);
        list.set(w + 1, low - 1);
        w += 2;
      }
      next = high + 1;
    }
    list.resize(w);
    if (next <= LAST_CODE_POINT) {
      list.push(next);
      list.push(LAST_CODE_POINT);
    }
  }
}

/** Sorts pairs by their first number (Shell's sort: never quadratic with these gaps). */
export function sortPairs(ptr: usize, count: i32): void {
  let gap = 1;
  while (gap < count) gap = gap * 3 + 1;
  for (; gap; gap = gap / 3) {
    const distance = (<usize>gap) << 3;
    for (let i = gap; i < count; i++) {
      let at = ptr + ((<usize>i) << 3);
      const pair = load<u64>(at);
      for (; at >= ptr + distance && load<u32>(at - distance) > <u32>pair; at -= distance)
        store<u64>(at, load<u64>(at - distance));
      store<u64>(at, pair);
    }
  }
}

/** Clean sets, each kept once. */
export class Sets {
  /** For each set: where its ranges begin in `ranges`, and how many numbers they are. */
  private readonly spans: Ints = new Ints();
  readonly ranges: Ints = new Ints();
  /** Hash chains: set + 1. */
  private readonly heads: StaticArray<u32> = new StaticArray<u32>(256);
  private readonly chain: Ints = new Ints();

  get count(): i32 {
    return this.chain.length;
  }

  begin(set: i32): i32 {
    return this.spans.get(set << 1);
  }

  end(set: i32): i32 {
    return this.spans.get(set << 1) + this.spans.get((set << 1) + 1);
  }

  /** The only member of a set; -1 when it has none or several. */
  only(set: i32): i32 {
    const at = this.begin(set);
    if (this.end(set) != at + 2) return -1;
    const low = this.ranges.get(at);
    return low == this.ranges.get(at + 1) ? <i32>low : -1;
  }

  /** The set of what a clean list holds. */
  intern(from: Ranges): i32 {
    const list = from.list;
    const size = (<usize>list.length) << 2;
    let hash: u32 = 0;
    for (let i = 0; i < list.length; i++) hash = (hash ^ list.get(i)) * 0x9e3779b1;
    hash >>= 24;
    const ranges = this.ranges;
    for (let found = this.heads[hash]; found; found = this.chain.get(found - 1)) {
      const set = <i32>found - 1;
      const at = this.begin(set);
      if (this.end(set) - at == list.length && !memory.compare(ranges.ptr + ((<usize>at) << 2), list.ptr, size))
        return set;
    }
    const set = this.count;
    this.spans.push(ranges.length);
    this.spans.push(list.length);
    for (let i = 0; i < list.length; i++) ranges.push(list.get(i));
    this.chain.push(this.heads[hash]);
    this.heads[hash] = set + 1;
    return set;
  }

  free(): void {
    this.spans.free();
    this.ranges.free();
    this.chain.free();
  }
}

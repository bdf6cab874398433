import { Ranges, Sets, sortPairs } from "./pattern-ranges";

function made(pairs: u32[]): Ranges {
  const ranges = new Ranges();
  for (let i = 0; i < pairs.length; i += 2) ranges.add(pairs[i], pairs[i + 1]);
  return ranges;
}

function listed(ranges: Ranges): u32[] {
  const list: u32[] = [];
  for (let i = 0; i < ranges.list.length; i++) list.push(ranges.list.get(i));
  ranges.list.free();
  return list;
}

function clean(pairs: u32[]): u32[] {
  const ranges = made(pairs);
  ranges.clean();
  return listed(ranges);
}

function negated(pairs: u32[]): u32[] {
  const ranges = made(pairs);
  ranges.clean();
  ranges.negate();
  return listed(ranges);
}

describe("pattern-ranges", () => {
  it("cleans", () => {
    expect(clean([5, 6, 1, 2])).toStrictEqual([1, 2, 5, 6]);
    expect(clean([5, 6, 1, 4, 7, 9])).toStrictEqual([1, 9]);
    expect(clean([1, 9, 2, 3, 20, 20, 4, 5])).toStrictEqual([1, 9, 20, 20]);
    expect(clean([])).toStrictEqual([]);
  });

  it("negates", () => {
    expect(negated([])).toStrictEqual([0, 0x10ffff]);
    expect(negated([0, 0x10ffff])).toStrictEqual([]);
    expect(negated([0, 5])).toStrictEqual([6, 0x10ffff]);
    expect(negated([10, 10, 3, 4])).toStrictEqual([0, 2, 5, 9, 11, 0x10ffff]);
    expect(negated([7, 0x10ffff])).toStrictEqual([0, 6]);
  });

  it("folds", () => {
    const ranges = made([0x6b, 0x6b]);
    ranges.fold();
    ranges.clean();
    expect(listed(ranges)).toStrictEqual([0x4b, 0x4b, 0x6b, 0x6b, 0x212a, 0x212a]);
  });

  it("sorts pairs", () => {
    const pairs = new StaticArray<u32>(400);
    for (let i = 0; i < 200; i++) {
      pairs[i * 2] = (i * 7919) % 211;
      pairs[i * 2 + 1] = pairs[i * 2] + 1000;
    }
    sortPairs(changetype<usize>(pairs), 200);
    let sorted = true;
    for (let i = 0; i < 200; i++) {
      if (i && pairs[i * 2] < pairs[i * 2 - 2]) sorted = false;
      if (pairs[i * 2 + 1] != pairs[i * 2] + 1000) sorted = false;
    }
    expect(sorted).toBe(true);
  });

  it("keeps each set once", () => {
    const sets = new Sets();
    const one = made([1, 2, 5, 6]);
    const other = made([1, 2, 5, 7]);
    const single = made([9, 9]);
    expect(sets.intern(one)).toBe(0);
    expect(sets.intern(other)).toBe(1);
    expect(sets.intern(single)).toBe(2);
    expect(sets.intern(one)).toBe(0);
    expect(sets.count).toBe(3);
    expect(sets.only(2)).toBe(9);
    expect(sets.only(0)).toBe(-1);
    expect(sets.end(1) - sets.begin(1)).toBe(4);
    sets.free();
    one.list.free();
    other.list.free();
    single.list.free();
  });
});

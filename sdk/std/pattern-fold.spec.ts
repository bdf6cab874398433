import { addFolds } from "./pattern-fold";
import { Ranges } from "./pattern-ranges";

function folds(low: u32, high: u32): u32[] {
  const ranges = new Ranges();
  addFolds(low, high, ranges);
  ranges.clean();
  const list: u32[] = [];
  for (let i = 0; i < ranges.list.length; i++) list.push(ranges.list.get(i));
  ranges.list.free();
  return list;
}

// All code points are compared with Go in test/std/pattern.test.ts.
describe("pattern-fold", () => {
  it("folds ASCII, and K and s beyond it", () => {
    expect(folds(0x61, 0x61)).toStrictEqual([0x41, 0x41]);
    expect(folds(0x6b, 0x6b)).toStrictEqual([0x4b, 0x4b, 0x212a, 0x212a]);
    expect(folds(0x53, 0x53)).toStrictEqual([0x73, 0x73, 0x17f, 0x17f]);
    expect(folds(0x212a, 0x212a)).toStrictEqual([0x4b, 0x4b, 0x6b, 0x6b]);
    expect(folds(0x30, 0x39)).toStrictEqual([]);
  });

  it("folds in threes and fours", () => {
    expect(folds(0x3c2, 0x3c2)).toStrictEqual([0x3a3, 0x3a3, 0x3c3, 0x3c3]);
    expect(folds(0x3b9, 0x3b9)).toStrictEqual([0x345, 0x345, 0x399, 0x399, 0x1fbe, 0x1fbe]);
  });

  it("folds ranges", () => {
    expect(folds(0x61, 0x7a)).toStrictEqual([0x41, 0x5a, 0x17f, 0x17f, 0x212a, 0x212a]);
    expect(folds(0x100, 0x101)).toStrictEqual([]);
    expect(folds(0x101, 0x102)).toStrictEqual([0x100, 0x100, 0x103, 0x103]);
    expect(folds(0, 0x10ffff)).toStrictEqual([]);
    expect(folds(0x1e944, 0x10ffff)).toStrictEqual([]);
  });
});

import { Alphabet, AlphabetBuilder, Test } from "./pattern-alphabet";
import { Look } from "./pattern-parse";
import { Ranges, Sets } from "./pattern-ranges";
import { Beside } from "./pattern-text";

const sets = new Sets();

function set(low: u32, high: u32): i32 {
  const ranges = new Ranges();
  ranges.add(low, high);
  const number = sets.intern(ranges);
  ranges.list.free();
  return number;
}

describe("pattern-alphabet", () => {
  it("tells apart only what sets tell apart", () => {
    const letters = set(0x61, 0x7a);
    const a = set(0x61, 0x61);
    const cyrillic = set(0x400, 0x4ff);
    const all = set(0, 0x10ffff);
    const builder = new AlphabetBuilder(sets, 0);
    const alphabet = builder.build()!;
    // Two that no set has; what is in no set; a; the other letters; Cyrillic.
    expect(alphabet.count).toBe(6);
    expect(alphabet.symbolOf(0x62)).toBe(alphabet.symbolOf(0x7a));
    expect(alphabet.symbolOf(0x61) == alphabet.symbolOf(0x62)).toBe(false);
    expect(alphabet.symbolOf(0x2d)).toBe(alphabet.symbolOf(0x10ffff));
    expect(alphabet.symbolOf(0x400)).toBe(alphabet.symbolOf(0x4ff));
    expect(alphabet.symbolOf(0x500)).toBe(alphabet.symbolOf(0x3ff));
    expect(builder.tests.get(letters * 2)).toBe(Test.Mask);
    expect(builder.tests.get(a * 2)).toBe(Test.One);
    expect(builder.tests.get(a * 2 + 1)).toBe(alphabet.symbolOf(0x61));
    expect(builder.tests.get(cyrillic * 2)).toBe(Test.One);
    expect(builder.tests.get(all * 2)).toBe(Test.Any);
    expect<u32>(alphabet.bytes[0x61]).toBe(alphabet.symbolOf(0x61) << 2);
    expect<u32>(alphabet.bytes[0x80]).toBe(0);
    builder.free();
  });

  it("tells apart lines and words when they matter", () => {
    const builder = new AlphabetBuilder(sets, Look.LineStart | Look.WordBoundary);
    const alphabet: Alphabet = builder.build()!;
    expect<i32>(alphabet.beside[alphabet.symbolOf(0x0a)]).toBe(Beside.NewLine);
    expect<i32>(alphabet.beside[alphabet.symbolOf(0x5f)]).toBe(Beside.Word);
    expect<i32>(alphabet.beside[alphabet.symbolOf(0x62)]).toBe(Beside.Word);
    expect<i32>(alphabet.beside[alphabet.symbolOf(0x2d)]).toBe(Beside.Other);
    expect<i32>(alphabet.beside[alphabet.symbolOf(0x401)]).toBe(Beside.Other);
    builder.free();
  });
});

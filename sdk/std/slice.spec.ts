import { copyBytes, hexValue, isAscii, isBlank, isDigit, Slice } from "./slice";

describe("slice", () => {
  it("holds text as UTF-8", () => {
    const slice = Slice.of("a\u00e9b");
    expect(slice.length).toBe(4);
    expect(slice.toString()).toBe("a\u00e9b");
    expect(slice.toBytes().length).toBe(4);
    expect(Slice.of("").toString()).toBe("");
  });

  it("holds a copy of bytes", () => {
    const bytes: StaticArray<u8> = [0x61, 0xff, 0x62];
    const slice = Slice.copy(changetype<usize>(bytes), 3);
    bytes[0] = 0x7a;
    expect(slice.toString()).toBe("a\ufffdb");
    const copy = copyBytes(changetype<usize>(bytes), 3);
    expect(copy.byteLength).toBe(3);
  });

  it("gives parts, within its bounds", () => {
    const slice = Slice.of("abcdef");
    expect(slice.part(1, 3).toString()).toBe("bc");
    expect(slice.part(1, 3).part(1, 99).toString()).toBe("c");
    expect(slice.part(-5, 99).toString()).toBe("abcdef");
    expect(slice.part(4, 2).length).toBe(0);
    expect(slice.part(9, 9).length).toBe(0);
    expect(slice.first(2).toString()).toBe("ab");
    expect(slice.first(-1).length).toBe(0);
  });

  it("compares", () => {
    const slice = Slice.of("Abc");
    expect(slice.is("Abc")).toBe(true);
    expect(slice.is("abc")).toBe(false);
    expect(slice.is("Ab")).toBe(false);
    expect(slice.isIgnoringCase("aBC")).toBe(true);
    expect(slice.isIgnoringCase("abcd")).toBe(false);
    expect(slice.same(Slice.of("Abc"))).toBe(true);
    expect(slice.same(Slice.of("Abd"))).toBe(false);
    expect(slice.sameIgnoringCase(Slice.of("aBc"))).toBe(true);
    expect(slice.sameIgnoringCase(Slice.of("aBd"))).toBe(false);
    expect(Slice.of("[").sameIgnoringCase(Slice.of("{"))).toBe(false);
    // 0x161 has 0x61 as its low byte.
    expect(isAscii(Slice.of("a").ptr, 1, "\u0161")).toBe(false);
  });

  it("knows characters", () => {
    expect(isBlank(0x20) && isBlank(9)).toBe(true);
    expect(isBlank(10) || isBlank(0)).toBe(false);
    expect(isDigit(0x30) && isDigit(0x39)).toBe(true);
    expect(isDigit(0x2f) || isDigit(0x3a)).toBe(false);
    expect(hexValue(0x39)).toBe(9);
    expect(hexValue(0x66)).toBe(15);
    expect(hexValue(0x46)).toBe(15);
    expect(hexValue(0x67)).toBe(16);
    expect(hexValue(0x40)).toBe(16);
  });
});

import {
  fieldAdd,
  fieldFromBytes,
  fieldInvert,
  fieldIsZero,
  fieldMultiply,
  FIELD_SIZE,
  fieldRootPower,
  fieldSet,
  fieldSquare,
  fieldSubtract,
  fieldToBytes,
} from "./field25519";
import { fromHex, toHex } from "./hex";

function element(value: i32): usize {
  const f = changetype<usize>(new StaticArray<u8>(<i32>FIELD_SIZE));
  fieldSet(f, value);
  return f;
}

function hexOf(f: usize): string {
  const bytes = new Uint8Array(32);
  fieldToBytes(bytes.dataStart, f);
  return toHex(bytes);
}

describe("field of 2^255 - 19", () => {
  it("adds, subtracts and multiplies", () => {
    const out = element(0);
    fieldMultiply(out, element(1000), element(1000));
    expect(hexOf(out)).toBe("40420f" + "00".repeat(29));
    fieldSquare(out, element(1000));
    expect(hexOf(out)).toBe("40420f" + "00".repeat(29));
    fieldSquare(out, element(1000), 1);
    expect(hexOf(out)).toBe("80841e" + "00".repeat(29));
    fieldAdd(out, element(5), element(3));
    expect(hexOf(out)).toBe("08" + "00".repeat(31));
    fieldSubtract(out, element(3), element(5));
    expect(hexOf(out)).toBe("eb" + "ff".repeat(30) + "7f");
  });

  it("writes the least number of each", () => {
    const f = element(0);
    fieldFromBytes(f, fromHex("ed" + "ff".repeat(30) + "7f")!.dataStart);
    expect(fieldIsZero(f)).toBe(true);
    fieldFromBytes(f, fromHex("ee" + "ff".repeat(31))!.dataStart);
    expect(hexOf(f)).toBe("01" + "00".repeat(31));
  });

  it("inverts", () => {
    const out = element(0);
    const seven = element(7);
    fieldInvert(out, seven);
    fieldMultiply(out, out, seven);
    expect(hexOf(out)).toBe("01" + "00".repeat(31));
    fieldInvert(out, element(0));
    expect(fieldIsZero(out)).toBe(true);
  });

  it("makes roots", () => {
    // 4^((p - 5) / 8) × 4 is a root of 4 or of -4, that times a root of -1: its fourth power is 16.
    const out = element(0);
    fieldRootPower(out, element(4));
    fieldMultiply(out, out, element(4));
    fieldSquare(out, out);
    fieldSquare(out, out);
    expect(hexOf(out)).toBe("10" + "00".repeat(31));
  });
});

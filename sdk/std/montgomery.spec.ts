import { fromHex, toHex } from "./hex";
import { Modulus } from "./montgomery";

function modulusOf(hex: string): Modulus | null {
  const bytes = fromHex(hex)!;
  return Modulus.of(bytes.dataStart, bytes.length);
}

describe("montgomery", () => {
  it("raises to powers", () => {
    const modulus = modulusOf("00010001")!; // 65537, a prime: a^65537 = a
    expect(modulus.size).toBe(16);
    const base = new StaticArray<u32>(4);
    const out = new StaticArray<u32>(4);
    base[0] = 1234;
    modulus.power(changetype<usize>(out), changetype<usize>(base), 65537);
    expect(out[0]).toBe(1234);
    modulus.power(changetype<usize>(out), changetype<usize>(base), 3);
    expect(out[0]).toBe(<u32>((<u64>1234 * 1234 * 1234) % 65537));
    const bytes = new Uint8Array(3);
    modulus.write(changetype<usize>(base), bytes.dataStart, 3);
    expect(toHex(bytes)).toBe("0004d2");
  });

  it("reads only what is below the modulus", () => {
    const modulus = modulusOf("0101")!;
    const out = changetype<usize>(new StaticArray<u32>(4));
    const bytes = fromHex("000100")!;
    expect(modulus.read(bytes.dataStart, 3, out)).toBe(true);
    expect(load<u32>(out)).toBe(256);
    store<u8>(bytes.dataStart + 2, 1);
    expect(modulus.read(bytes.dataStart, 3, out)).toBe(false);
    expect(load<u32>(modulus.n)).toBe(257);
    expect(load<u32>(modulus.square) < 257).toBe(true);
  });

  it("reduces numbers of twice the size", () => {
    const wide = new StaticArray<u8>(32);
    memory.fill(changetype<usize>(wide), 0xff, 32);
    const out = changetype<usize>(new StaticArray<u32>(4));
    modulusOf("ff")!.reduceDouble(out, changetype<usize>(wide)); // 2^256 - 1 is a multiple of 255
    expect(load<u32>(out)).toBe(0);
    modulusOf("0101")!.reduceDouble(out, changetype<usize>(wide)); // and of 257
    expect(load<u32>(out)).toBe(0);
    modulusOf("07")!.reduceDouble(out, changetype<usize>(wide)); // 2^256 = 2 (mod 7)
    expect(load<u32>(out)).toBe(1);
  });

  it("takes odd moduli above 1", () => {
    expect(modulusOf("") === null).toBe(true);
    expect(modulusOf("0001") === null).toBe(true);
    expect(modulusOf("02") === null).toBe(true);
    expect(modulusOf("03") === null).toBe(false);
    expect(modulusOf("ff".repeat(1025)) === null).toBe(true);
  });
});

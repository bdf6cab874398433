import { decodeHex, encodeHex, fromHex, hexErrorAt, toHex } from "./hex";

describe("hex", () => {
  it("writes lower case and reads either", () => {
    const bytes = fromHex("00fFAb")!;
    expect(bytes.length).toBe(3);
    expect(hexErrorAt).toBe(-1);
    expect(toHex(bytes)).toBe("00ffab");
    expect(toHex(new Uint8Array(0))).toBe("");
  });

  it("says where a text is wrong", () => {
    expect(fromHex("0g") == null).toBe(true);
    expect(hexErrorAt).toBe(1);
    expect(fromHex("001") == null).toBe(true);
    expect(hexErrorAt).toBe(3);
    expect(fromHex("00\u0130") == null).toBe(true);
    expect(hexErrorAt).toBe(2);
  });

  it("works on memory, in place too", () => {
    const text: StaticArray<u8> = [0x37, 0x46, 0x38, 0x30, 0x2d];
    const ptr = changetype<usize>(text);
    expect(decodeHex(ptr, 5, ptr)).toBe(~4);
    text[0] = 0x37;
    text[1] = 0x46;
    expect(decodeHex(ptr, 4, ptr)).toBe(2);
    expect(load<u8>(ptr)).toBe(0x7f);
    expect(load<u8>(ptr, 1)).toBe(0x80);
    const out = new StaticArray<u8>(4);
    expect(encodeHex(ptr, 2, changetype<usize>(out))).toBe(4);
    expect(load<u32>(changetype<usize>(out))).toBe(0x30386637);
  });
});

import {
  base64ErrorAt,
  base64Length,
  base64UrlLength,
  decodeBase64,
  decodeBase64Url,
  decodedBase64Max,
  encodeBase64,
  fromBase64,
  fromBase64Url,
  toBase64,
  toBase64Url,
} from "./base64";

function bytesOf(list: StaticArray<u8>): Uint8Array {
  const bytes = new Uint8Array(list.length);
  memory.copy(bytes.dataStart, changetype<usize>(list), list.length);
  return bytes;
}

/** Offset of the error, -1 when there is none. */
function wrongAt(text: string): i32 {
  fromBase64(text);
  return base64ErrorAt;
}

function wrongUrlAt(text: string): i32 {
  fromBase64Url(text);
  return base64ErrorAt;
}

describe("base64", () => {
  // RFC 4648, section 10.
  it("writes the vectors of the RFC", () => {
    const foobar = bytesOf([0x66, 0x6f, 0x6f, 0x62, 0x61, 0x72]);
    const expected = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
    for (let i = 0; i < expected.length; i++) {
      expect(toBase64(foobar.subarray(0, i))).toBe(expected[i]);
      expect(fromBase64(expected[i])!.length).toBe(i);
      expect(base64Length(i)).toBe(expected[i].length);
      expect(base64UrlLength(i)).toBe(toBase64Url(foobar.subarray(0, i)).length);
    }
  });

  it("has two alphabets", () => {
    const bytes = bytesOf([0xfb, 0xff, 0xfe, 0xff]);
    expect(toBase64(bytes)).toBe("+//+/w==");
    expect(toBase64Url(bytes)).toBe("-__-_w");
    expect(wrongAt("-__-")).toBe(0);
    expect(wrongUrlAt("+//+")).toBe(0);
  });

  it("wants the padding that there has to be and no other", () => {
    expect(wrongAt("Zg==")).toBe(-1);
    expect(wrongAt("Zg=")).toBe(3);
    expect(wrongAt("Zg")).toBe(2);
    expect(wrongAt("Zg===")).toBe(4);
    expect(wrongAt("Zg==Zg==")).toBe(4);
    expect(wrongAt("=")).toBe(0);
    expect(wrongAt("Zm9v====")).toBe(4);
    expect(wrongUrlAt("Zg==")).toBe(2);
    expect(wrongUrlAt("Zg")).toBe(-1);
    expect(wrongUrlAt("Zm9vY")).toBe(5);
  });

  it("wants unused bits to be zero, and no white space", () => {
    expect(wrongAt("Zh==")).toBe(2);
    expect(wrongAt("Zm9=")).toBe(3);
    expect(wrongUrlAt("Zh")).toBe(2);
    expect(wrongUrlAt("Zm9")).toBe(3);
    expect(wrongAt("Zm9v\n")).toBe(4);
    expect(wrongAt(" Zm9v")).toBe(0);
    expect(wrongAt("Zm9\u0176")).toBe(3);
  });

  it("works on memory, in place too", () => {
    const text: StaticArray<u8> = [0x5a, 0x6d, 0x39, 0x76, 0x59, 0x67];
    const ptr = changetype<usize>(text);
    expect(decodedBase64Max(6)).toBe(4);
    expect(decodeBase64(ptr, 6, changetype<usize>(new StaticArray<u8>(4)))).toBe(~6);
    expect(decodeBase64Url(ptr, 6, ptr)).toBe(4);
    expect(load<u32>(ptr)).toBe(0x626f6f66);
    const out = new StaticArray<u8>(8);
    expect(encodeBase64(ptr, 4, changetype<usize>(out))).toBe(8);
    expect(load<u64>(changetype<usize>(out))).toBe(0x3d3d67597639_6d5a);
  });
});

import { decodeUtf8, encodedLengthMax, encodeUtf8, isUtf8, wasMalformed } from "./utf8";

function decoded(bytes: StaticArray<u8>): string {
  return decodeUtf8(changetype<usize>(bytes), bytes.length);
}

function encoded(text: string): u32[] {
  const out = new Uint8Array(<i32>encodedLengthMax(text));
  const length = <i32>encodeUtf8(text, out.dataStart);
  const bytes: u32[] = [];
  for (let i = 0; i < length; i++) bytes.push(out[i]);
  return bytes;
}

describe("utf8", () => {
  // Bytes on which AssemblyScript's String.UTF8.decode invents or loses characters.
  it("decodes malformed bytes as the WHATWG Encoding Standard does", () => {
    expect(decoded([0xf0, 0x2e, 0x2e, 0x2f, 0x41])).toBe("\ufffd../A");
    expect(decoded([0xe9, 0x61, 0x62, 0x63])).toBe("\ufffdabc");
    expect(decoded([0xc0, 0xae, 0x41])).toBe("\ufffd\ufffdA");
    expect(decoded([0x41, 0xe9])).toBe("A\ufffd");
    expect(decoded([0x80, 0x41, 0x42])).toBe("\ufffdAB");
    expect(decoded([0xff, 0x61, 0xfe])).toBe("\ufffda\ufffd");
    expect(decoded([0xed, 0xa0, 0x80])).toBe("\ufffd\ufffd\ufffd");
    expect(wasMalformed).toBe(true);
  });

  it("decodes well-formed bytes", () => {
    expect(decoded([])).toBe("");
    expect(decoded([0x41, 0xc3, 0xa9, 0xe6, 0x97, 0xa5, 0xf0, 0x9f, 0x98, 0x80])).toBe("A\u00e9\u65e5\ud83d\ude00");
    expect(wasMalformed).toBe(false);
  });

  it("validates", () => {
    const bytes: StaticArray<u8> = [0x41, 0xf0, 0x9f, 0x98, 0x80];
    const ptr = changetype<usize>(bytes);
    expect(isUtf8(ptr, 5)).toBe(true);
    expect(isUtf8(ptr, 4)).toBe(false);
    expect(isUtf8(ptr, 1)).toBe(true);
    expect(isUtf8(ptr, 0)).toBe(true);
    expect(isUtf8(ptr + 2, 3)).toBe(false);
  });

  it("encodes a lone surrogate as U+FFFD", () => {
    expect(encoded("A\u00e9\u65e5\ud83d\ude00")).toStrictEqual([
      0x41, 0xc3, 0xa9, 0xe6, 0x97, 0xa5, 0xf0, 0x9f, 0x98, 0x80,
    ]);
    expect(encoded("\ud83d")).toStrictEqual([0xef, 0xbf, 0xbd]);
    expect(encoded("\ude00a")).toStrictEqual([0xef, 0xbf, 0xbd, 0x61]);
  });
});

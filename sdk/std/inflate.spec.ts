import { adler32, Compression, crc32, inflate, wasTooLarge } from "./inflate";

function bytesOf(values: StaticArray<u8>): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = values[i];
  return bytes;
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? "null" : String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

describe("inflate", () => {
  it("reads stored blocks", () => {
    const stored: StaticArray<u8> = [0x01, 0x03, 0x00, 0xfc, 0xff, 0x61, 0x62, 0x63];
    expect(textOf(inflate(bytesOf(stored), 10, Compression.Raw))).toBe("abc");
    stored[3] = 0xfd;
    expect(textOf(inflate(bytesOf(stored), 10, Compression.Raw))).toBe("null");
    expect(wasTooLarge).toBe(false);
  });

  it("reads what zlib has made", () => {
    // deflateSync("hello hello hello hello")
    const packed: StaticArray<u8> = [
      0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0x01, 0x68, 0x03, 0x08, 0xb1,
    ];
    expect(textOf(inflate(bytesOf(packed), 100))).toBe("hello hello hello hello");
    expect(textOf(inflate(bytesOf(packed), 23))).toBe("hello hello hello hello");
    expect(textOf(inflate(bytesOf(packed), 22))).toBe("null");
    expect(wasTooLarge).toBe(true);
    packed[15] ^= 1;
    expect(textOf(inflate(bytesOf(packed), 100))).toBe("null");
    expect(wasTooLarge).toBe(false);
  });

  // RFC 1950 and the check value of CRC-32.
  it("knows the checksums", () => {
    const text = String.UTF8.encode("123456789");
    expect(crc32(changetype<usize>(text), 9)).toBe(0xcbf43926);
    expect(crc32(0, 0)).toBe(0);
    expect(adler32(0, 0)).toBe(1);
    expect(adler32(changetype<usize>(text), 9)).toBe(0x091e01de);
  });
});

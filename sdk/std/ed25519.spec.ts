import { Ed25519Key } from "./ed25519";
import { fromHex } from "./hex";
import { refusalReason } from "./refusal";
import { toUtf8 } from "./utf8";

function keyOf(hex: string): Ed25519Key | null {
  const bytes = fromHex(hex)!;
  return Ed25519Key.of(bytes.dataStart, bytes.length);
}

function reason(hex: string): string {
  return keyOf(hex) ? "" : refusalReason;
}

describe("Ed25519", () => {
  // RFC 8032, section 7.1, test 3.
  it("verifies the signature of the RFC", () => {
    const key = keyOf("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")!;
    const text = fromHex("af82")!;
    const signature = fromHex(
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    )!;
    expect(key.verify(text.dataStart, 2, signature.dataStart, 64)).toBe(true);
    expect(key.verify(text.dataStart, 1, signature.dataStart, 64)).toBe(false);
    expect(key.verify(text.dataStart, 2, signature.dataStart, 63)).toBe(false);
    for (let i = 0; i < 64; i++) {
      signature[i] ^= 1;
      expect(key.verify(text.dataStart, 2, signature.dataStart, 64)).toBe(false);
      signature[i] ^= 1;
    }
  });

  it("verifies what OpenSSL has signed", () => {
    const key = keyOf("8dcf2d61e81e0ffb4d0d334e8b8dfdaf34f0c35290e6812884264b87373ac37d")!;
    const text = toUtf8("text");
    const signature = fromHex(
      "cd5ac2e728f2e0fe3202d1ffddd75dc404c342d58c984a893320e1e7068c6339cbdaf22d534c5d32ab126542ab38bd58f8316735837e87962744bc687582ac02",
    )!;
    expect(key.verify(text.dataStart, 4, signature.dataStart, 64)).toBe(true);
  });

  it("refuses keys that are none", () => {
    expect(reason("00")).toBe("an Ed25519 key has 32 bytes");
    expect(reason("02" + "00".repeat(31))).toBe("the bytes are no point of Ed25519");
    expect(reason("ee" + "ff".repeat(30) + "7f")).toBe("the bytes are no point of Ed25519");
    expect(reason("01" + "00".repeat(31))).toBe("the key is of small order");
  });
});

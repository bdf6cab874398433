import { Digest } from "./digest";
import { toHex } from "./hex";
import { Sha256 } from "./sha256";
import { toUtf8 } from "./utf8";

describe("digest", () => {
  it("takes bytes in pieces and begins again", () => {
    const text = toUtf8("abc".repeat(100));
    const whole = toHex(new Sha256().update(text.dataStart, text.length).toBytes());
    const digest: Digest = new Sha256();
    for (let time = 0; time < 2; time++) {
      for (let at = 0; at < text.length; at += 50) digest.update(text.dataStart + at, 50);
      expect(toHex(digest.toBytes())).toBe(whole);
    }
    digest.update(text.dataStart, 7);
    digest.reset();
    expect(toHex(digest.update(text.dataStart, text.length).toBytes())).toBe(whole);
  });

  it("goes on from where another is", () => {
    const text = toUtf8("abcdef");
    const one: Digest = new Sha256();
    one.update(text.dataStart, 3);
    const other = one.fresh();
    other.copy(one);
    const left = toHex(one.update(text.dataStart + 3, 3).toBytes());
    expect(toHex(other.update(text.dataStart + 3, 3).toBytes())).toBe(left);
    expect(other.size).toBe(32);
    expect(other.blockSize).toBe(64);
  });
});

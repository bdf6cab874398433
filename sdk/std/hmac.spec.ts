import { fromHex, toHex } from "./hex";
import { Hmac } from "./hmac";
import { Sha256 } from "./sha256";
import { Sha512 } from "./sha512";
import { toUtf8 } from "./utf8";

describe("HMAC", () => {
  // RFC 4231, test case 2.
  it("makes the codes of the RFC", () => {
    const key = toUtf8("Jefe");
    const text = toUtf8("what do ya want for nothing?");
    const hmac = new Hmac(new Sha256(), key.dataStart, key.length);
    const code = hmac.update(text.dataStart, text.length).toBytes();
    expect(toHex(code)).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect(hmac.size).toBe(32);
    expect(hmac.update(text.dataStart, text.length).verify(code.dataStart, 32)).toBe(true);
    expect(hmac.update(text.dataStart, text.length).verify(code.dataStart, 31)).toBe(false);
    expect(hmac.update(text.dataStart, text.length - 1).verify(code.dataStart, 32)).toBe(false);
  });

  // RFC 4231, test case 6: a key longer than a block.
  it("hashes long keys", () => {
    const key = fromHex("aa".repeat(131))!;
    const text = toUtf8("Test Using Larger Than Block-Size Key - Hash Key First");
    const hmac = new Hmac(new Sha512(), key.dataStart, key.length);
    const code = toHex(hmac.update(text.dataStart, text.length).toBytes());
    expect(code.substring(0, 32)).toBe("80b24263c7c1a3ebb71493c1dd7be8b4");
  });
});

import { toHex } from "./hex";
import { Sha256, sha256 } from "./sha256";
import { toUtf8 } from "./utf8";

// FIPS 180-4's examples.
describe("SHA-256", () => {
  it("hashes the examples", () => {
    const text = toUtf8("abc");
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(toHex(new Sha256().update(text.dataStart, 3).toBytes())).toBe(expected);
    const out = new Uint8Array(32);
    sha256(text.dataStart, 3, out.dataStart);
    expect(toHex(out)).toBe(expected);
    const two = toUtf8("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    sha256(two.dataStart, two.length, out.dataStart);
    expect(toHex(out)).toBe("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  });
});

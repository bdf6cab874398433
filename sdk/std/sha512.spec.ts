import { toHex } from "./hex";
import { sha384, sha512 } from "./sha512";
import { toUtf8 } from "./utf8";

// FIPS 180-4's examples.
describe("SHA-512 and SHA-384", () => {
  it("hash the examples", () => {
    const text = toUtf8("abc");
    const out = new Uint8Array(64);
    sha512(text.dataStart, 3, out.dataStart);
    expect(toHex(out)).toBe(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    sha384(text.dataStart, 3, out.dataStart);
    expect(toHex(out.subarray(0, 48))).toBe(
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    );
  });
});

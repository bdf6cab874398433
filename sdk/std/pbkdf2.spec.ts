import { toHex } from "./hex";
import { pbkdf2 } from "./pbkdf2";
import { refusalReason } from "./refusal";
import { Sha256 } from "./sha256";
import { toUtf8 } from "./utf8";

function derived(iterations: u32, length: i32): string {
  const password = toUtf8("passwd");
  const salt = toUtf8("salt");
  const out = new Uint8Array(length);
  const right = pbkdf2(new Sha256(), password.dataStart, 6, salt.dataStart, 4, iterations, out.dataStart, length);
  return right ? toHex(out) : refusalReason;
}

describe("PBKDF2", () => {
  // RFC 7914, section 11.
  it("derives the key of the RFC", () => {
    expect(derived(1, 64)).toBe(
      "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
    );
  });

  it("has bounds", () => {
    expect(derived(0, 1)).toBe("PBKDF2 without an iteration");
    expect(derived(10000001, 1)).toBe("PBKDF2 with too many iterations");
    expect(derived(5000001, 33)).toBe("PBKDF2 with too many iterations");
  });
});

import { sameInConstantTime, sameSecret } from "./constanttime";
import { toUtf8 } from "./utf8";

describe("constant time", () => {
  it("says whether bytes are the same", () => {
    const a = toUtf8("secret");
    expect(sameInConstantTime(a.dataStart, toUtf8("secret").dataStart, 6)).toBe(true);
    expect(sameInConstantTime(a.dataStart, toUtf8("Secret").dataStart, 6)).toBe(false);
    expect(sameInConstantTime(a.dataStart, toUtf8("secreT").dataStart, 6)).toBe(false);
    expect(sameInConstantTime(a.dataStart, 0, 0)).toBe(true);
  });

  it("compares arrays as wholes", () => {
    expect(sameSecret(toUtf8("ab"), toUtf8("ab"))).toBe(true);
    expect(sameSecret(toUtf8("ab"), toUtf8("abc"))).toBe(false);
    expect(sameSecret(toUtf8(""), toUtf8(""))).toBe(true);
  });
});

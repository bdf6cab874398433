import { Matches, Pattern, PatternLimits } from "./pattern";
import { Replacement } from "./pattern-replace";

function pattern(source: string): Pattern {
  return Pattern.compile(source)!;
}

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

/** Places of the groups of the first match. */
function places(source: string, text: string): i32[] {
  const p = pattern(source);
  const input = bytes(text);
  const found: i32[] = [];
  if (p.capture(input.dataStart, input.length)) {
    for (let i = 0; i <= p.groups; i++) {
      found.push(p.start(i));
      found.push(p.end(i));
    }
  }
  return found;
}

describe("pattern", () => {
  it("finds the first alternative, not the longest", () => {
    expect(places("a|ab", "xab")).toStrictEqual([1, 2]);
    expect(places("(a|ab)(c|bcd)(d*)", "abcd")).toStrictEqual([0, 4, 0, 1, 1, 4, 4, 4]);
    expect(places("(a*)(a*?)(a)", "aaa")).toStrictEqual([0, 3, 0, 2, 2, 2, 2, 3]);
  });

  it("knows groups that had no part", () => {
    expect(places("(a)|(b)", "b")).toStrictEqual([0, 1, -1, -1, 0, 1]);
    expect(pattern("(a)|(b)").captureText("b")!).toStrictEqual(["b", "", "b"]);
  });

  it("forgets a match when the next one fails", () => {
    const p = pattern("(a)b");
    const text = bytes("abc");
    expect(p.capture(text.dataStart, 3)).toBe(true);
    expect(p.end(1)).toBe(1);
    expect(p.capture(text.dataStart, 1)).toBe(false);
    expect(p.start()).toBe(-1);
    expect(p.end(1)).toBe(-1);
    expect(p.start(2)).toBe(-1);
    expect(p.start(-1)).toBe(-1);
  });

  it("matches as a whole what a shorter alternative would leave", () => {
    const p = pattern("a|ab");
    expect(p.matchesWholeText("ab")).toBe(true);
    expect(p.matchesWholeText("abc")).toBe(false);
    expect(p.matchesText("xabc")).toBe(true);
    expect(p.matchesText(bytes("xabc"))).toBe(true);
    expect(p.matchesText("")).toBe(false);
  });

  it("takes an empty text at address 0", () => {
    expect(pattern("^$").matches(0, 0)).toBe(true);
    expect(pattern("x?").find(0, 0)).toBe(true);
    expect(pattern("(x?)").captureWhole(0, 0)).toBe(true);
    expect(pattern("x").capture(0, 0)).toBe(false);
  });

  it("takes bytes that are no UTF-8", () => {
    const text: StaticArray<u8> = [0x61, 0xff, 0xe2, 0x82, 0x62];
    const ptr = changetype<usize>(text);
    expect(pattern("^a...b$").matches(ptr, 5)).toBe(true);
    expect(pattern("a[^x]\\x{fffd}{2}b").matches(ptr, 5)).toBe(true);
    expect(pattern("^a..b$").matches(ptr, 5)).toBe(false);
  });

  it("searches from a place and sees what is before it", () => {
    const text = bytes("ab ab");
    const p = pattern("\\bab");
    expect(p.find(text.dataStart, 5, 1)).toBe(true);
    expect(p.start()).toBe(3);
    expect(p.find(text.dataStart, 5, 4)).toBe(false);
    expect(p.find(text.dataStart, 5, 6)).toBe(false);
    expect(pattern("^ab").find(text.dataStart, 5, 3)).toBe(false);
  });

  it("goes through all matches", () => {
    const text = bytes("a1 b22 c333");
    const p = pattern("([a-z])([0-9]+)");
    const all = new Matches(p, text.dataStart, text.length, true);
    const ends: i32[] = [];
    while (all.next()) ends.push(p.end(2));
    expect(ends).toStrictEqual([2, 6, 11]);
    expect(p.findAll(text.dataStart, text.length, 2).length).toBe(4);
    expect(pattern("x*").findAll(text.dataStart, 2, 9).length).toBe(6);
  });

  it("replaces", () => {
    expect(pattern("(\\w)(\\w*)").replaceText("ab cd", new Replacement("$2$1"))!).toBe("ba dc");
    expect(pattern(".").replaceText("abc", new Replacement("12"), 9, 5) == null).toBe(true);
    const text = bytes("a-b");
    expect(pattern("-").replace(text.dataStart, 3, new Replacement("+"))!.length).toBe(3);
  });

  it("names its groups", () => {
    const p = pattern("(?P<year>\\d+)-(?<month>\\d+)");
    expect(p.groups).toBe(2);
    expect(p.groupNamed("month")).toBe(2);
    expect(p.groupNamed("day")).toBe(-1);
    expect(p.groupNamed("")).toBe(-1);
    expect(p.groupName(1)).toBe("year");
    expect(p.groupName(3)).toBe("");
  });

  it("refuses with a reason and a place", () => {
    expect(Pattern.compile("a(b") == null).toBe(true);
    expect(Pattern.error).toBe("missing closing )");
    expect(Pattern.errorAt).toBe(1);
    expect(Pattern.compile("abc", new PatternLimits(2)) == null).toBe(true);
    expect(Pattern.error).toBe("the pattern is longer than is allowed");
    expect(Pattern.compile("a") != null).toBe(true);
    expect(Pattern.error).toBe("");
  });

  it("quotes", () => {
    expect(pattern(Pattern.quote("1+1=[2]? \\d")).matchesWholeText("1+1=[2]? \\d")).toBe(true);
    expect(Pattern.quote("")).toBe("");
  });
});

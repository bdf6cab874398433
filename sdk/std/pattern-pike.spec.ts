import { Ints } from "./pattern-memory";
import { Parser } from "./pattern-parse";
import { Pike } from "./pattern-pike";
import { Compiler } from "./pattern-program";
import { codePointsOf } from "./pattern-text";

/** The program of a pattern. */
function compiled(source: string): Compiler {
  const text = new Ints();
  codePointsOf(source, text, 1000);
  const parser = new Parser(text);
  parser.parse();
  const compiler = new Compiler(parser.tree, 1000);
  compiler.compile();
  parser.free();
  text.free();
  return compiler;
}

/** Places of the match in text from-until. */
function places(source: string, text: string, from: usize, until: usize, anchored: bool, whole: bool): i32[] {
  const compiler = compiled(source);
  const bytes = String.UTF8.encode(text);
  const ptr = changetype<usize>(bytes);
  const limit = ptr + bytes.byteLength;
  const slots = new StaticArray<i32>(4);
  const at = changetype<usize>(slots);
  const pike = new Pike();
  const found = pike.match(
    compiler.forward!,
    compiler.alphabet!,
    ptr,
    ptr + from,
    ptr + until,
    limit,
    anchored,
    whole,
    at,
    4,
  );
  return found ? [slots[0], slots[1], slots[2], slots[3]] : [];
}

// Compared with the other machines in test/std/pattern.test.ts.
describe("pattern-pike", () => {
  it("finds the match that is first", () => {
    expect(places("(a|ab)c?", "xabc", 0, 4, false, false)).toStrictEqual([1, 2, 1, 2]);
    expect(places("(a*?)b", "aab", 0, 3, false, false)).toStrictEqual([0, 3, 0, 2]);
  });

  it("keeps to its bounds and sees beyond them", () => {
    expect(places("(a)", "baa", 0, 3, true, false)).toStrictEqual([]);
    expect(places("(a|ab)", "ab", 0, 2, true, true)).toStrictEqual([0, 2, 0, 2]);
    expect(places("(a+)", "aaaa", 1, 3, false, false)).toStrictEqual([1, 3, 1, 3]);
    expect(places("(a+)\\b", "aaaa", 1, 3, false, false)).toStrictEqual([]);
    expect(places("(a+)\\B", "aaaa", 1, 3, false, true)).toStrictEqual([1, 3, 1, 3]);
  });
});

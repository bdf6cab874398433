import { Ints } from "./pattern-memory";
import { OnePass, OnePassBuilder } from "./pattern-onepass";
import { Parser } from "./pattern-parse";
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

const slots = new StaticArray<i32>(6);

function table(source: string): OnePass | null {
  const compiler = compiled(source);
  return new OnePassBuilder(compiler.forward!, compiler.alphabet!).build();
}

function places(source: string, text: string, whole: bool): i32[] {
  const bytes = String.UTF8.encode(text);
  const ptr = changetype<usize>(bytes);
  const end = ptr + bytes.byteLength;
  if (!table(source)!.match(ptr, ptr, end, end, whole, changetype<usize>(slots), 6)) return [];
  return [slots[0], slots[1], slots[2], slots[3], slots[4], slots[5]];
}

// Compared with the other machines in test/std/pattern.test.ts.
describe("pattern-onepass", () => {
  it("takes only programs with one way", () => {
    expect(table("^/a/([0-9]+)(b|c)$") != null).toBe(true);
    expect(table("x*yx*") != null).toBe(true);
    expect(table("x*x") == null).toBe(true);
    expect(table("a|ab") == null).toBe(true);
    expect(table("(?:a?)*") == null).toBe(true);
    expect(table("()".repeat(17)) == null).toBe(true);
  });

  it("sets groups", () => {
    expect(places("^/a/([0-9]+)(b|c)$", "/a/12c", false)).toStrictEqual([0, 6, 3, 5, 5, 6]);
    expect(places("(a*)(b?)", "aac", false)).toStrictEqual([0, 2, 0, 2, 2, 2]);
    expect(places("(a*)(b?)", "aac", true)).toStrictEqual([]);
    expect(places("(\u00e9+)(x)", "\u00e9\u00e9x", true)).toStrictEqual([0, 5, 0, 4, 4, 5]);
  });

  it("goes back to where a match could end, with the groups of that place", () => {
    expect(places("(a)(?:(b)c)?", "abd", false)).toStrictEqual([0, 1, 0, 1, -1, -1]);
    expect(places("(a)+?(b)?", "aab", false)).toStrictEqual([0, 1, 0, 1, -1, -1]);
    expect(places("(a+)(\\b-)?", "aa-", false)).toStrictEqual([0, 3, 0, 2, 2, 3]);
  });
});

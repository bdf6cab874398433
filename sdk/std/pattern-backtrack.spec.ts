import { backtrack, Outcome } from "./pattern-backtrack";
import { Ints } from "./pattern-memory";
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

const slots = new StaticArray<i32>(4);

function outcome(source: string, text: string, whole: bool): Outcome {
  const compiler = compiled(source);
  const bytes = String.UTF8.encode(text);
  const ptr = changetype<usize>(bytes);
  const end = ptr + bytes.byteLength;
  return backtrack(compiler.forward!, compiler.alphabet!, ptr, ptr, end, end, whole, changetype<usize>(slots), 4);
}

// Compared with the other machines in test/std/pattern.test.ts.
describe("pattern-backtrack", () => {
  it("tries in the order of the pattern", () => {
    expect<i32>(outcome("(a|ab)c?", "abc", false)).toBe(Outcome.Yes);
    expect(slots[1]).toBe(1);
    expect<i32>(outcome("(a|ab)c?", "abc", true)).toBe(Outcome.Yes);
    expect(slots[3]).toBe(2);
    expect<i32>(outcome("(a|ab)", "b", false)).toBe(Outcome.No);
  });

  it("sets groups back when it goes back", () => {
    expect<i32>(outcome("(?:(a)b|ac)", "ac", true)).toBe(Outcome.Yes);
    expect(slots[2]).toBe(-1);
  });

  it("never tries the same twice", () => {
    expect<i32>(outcome("(a|a)*b", "a".repeat(1000), true)).toBe(Outcome.No);
  });

  it("leaves what needs more memory to others", () => {
    expect<i32>(outcome("(a|b)*(a|b)*c", "a".repeat(200000), true)).toBe(Outcome.TooLarge);
    expect<i32>(outcome("(?:(a)|b)*?c", "a".repeat(5000), true)).toBe(Outcome.No);
  });
});

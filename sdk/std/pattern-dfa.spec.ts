import { Automaton, GAVE_UP, Mode } from "./pattern-dfa";
import { Ints } from "./pattern-memory";
import { Parser } from "./pattern-parse";
import { Compiler } from "./pattern-program";
import { Literal, NOWHERE } from "./pattern-search";
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

function search(source: string, budget: u32): Automaton {
  const compiler = compiled(source);
  const prefix = compiler.prefix.length ? new Literal(compiler.prefix) : null;
  return new Automaton(compiler.forward!, compiler.alphabet!, Mode.First, true, prefix, budget);
}

/** Where the match ends, -1 for none, -2 when it gave up. */
function end(automaton: Automaton, text: string): i32 {
  const bytes = String.UTF8.encode(text);
  const ptr = changetype<usize>(bytes);
  const at = automaton.forward(ptr, ptr, ptr + bytes.byteLength, false);
  return at == NOWHERE ? -1 : at == GAVE_UP ? -2 : <i32>(at - ptr);
}

// Compared with the other machines in test/std/pattern.test.ts.
describe("pattern-dfa", () => {
  it("finds where the match that is first ends", () => {
    const automaton = search("a|ab|[c-e]+?f|\\bx$", 65536);
    for (let i = 0; i < 2; i++) {
      expect(end(automaton, "--ab")).toBe(3);
      expect(end(automaton, "cdefg")).toBe(4);
      expect(end(automaton, "x")).toBe(1);
      expect(end(automaton, "yx")).toBe(-1);
      expect(end(automaton, "\u00e9x")).toBe(3);
      expect(end(automaton, "")).toBe(-1);
    }
  });

  it("skips to a literal", () => {
    const automaton = search("ab+c", 65536);
    expect(end(automaton, "aab-abb-abbc-abc")).toBe(12);
    expect(end(automaton, "ababab")).toBe(-1);
  });

  it("finds where a match begins, and whole matches", () => {
    const compiler = compiled("a+b?");
    const bytes = String.UTF8.encode("baaab");
    const ptr = changetype<usize>(bytes);
    const reversed = new Automaton(compiler.backward!, compiler.alphabet!, Mode.Longest, false, null);
    expect(reversed.backward(ptr, ptr, ptr + 5, ptr + 5) == ptr + 1).toBe(true);
    expect(reversed.backward(ptr, ptr + 2, ptr + 4, ptr + 5) == ptr + 2).toBe(true);
    const whole = new Automaton(compiler.forward!, compiler.alphabet!, Mode.Whole, false, null);
    expect(whole.forward(ptr, ptr + 1, ptr + 5, true) == ptr + 5).toBe(true);
    expect(whole.forward(ptr, ptr, ptr + 5, true) == NOWHERE).toBe(true);
  });

  it("forgets, and gives up when that is all it does", () => {
    // As many states as there are ways to have nine letters.
    let text = "";
    for (let i = 0, bits: u32 = 1; i < 400; i++) {
      bits = bits * 1103515245 + 12345;
      text += (bits >> 16) & 1 ? "a" : "b";
    }
    expect(end(search("[ab]*a[ab]{9}c", 65536), text + "abbbbbbbbbc")).toBe(411);
    expect(end(search("[ab]*a[ab]{9}c", 1024), text + "abbbbbbbbbc")).toBe(-2);
    expect(end(search("[ab]*ac", 1024), text + "ac")).toBe(402);
    expect(end(search("[ab]a", 10), "aa")).toBe(-2);
  });
});

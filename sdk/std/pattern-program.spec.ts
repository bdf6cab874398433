import { Ints } from "./pattern-memory";
import { Parser } from "./pattern-parse";
import { Compiler, has, insert, Op } from "./pattern-program";
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

function prefix(source: string): string {
  const compiler = compiled(source);
  let text = "";
  for (let i = 0; i < compiler.prefix.length; i++) text += String.fromCharCode(compiler.prefix[i]);
  return text + (compiler.complete ? "!" : "");
}

/** How many instructions of a kind a program has. */
function count(source: string, op: Op): i32 {
  const code = compiled(source).forward!.code;
  let n = 0;
  // Without the two that a search begins with.
  for (let i = 0; i < code.length - 8; i += 4) if (<i32>code[i] == op) n++;
  return n;
}

describe("pattern-program", () => {
  it("repeats", () => {
    expect(count("a{3}", Op.One)).toBe(3);
    expect(count("a{2,5}", Op.One)).toBe(5);
    expect(count("a{2,5}", Op.Split)).toBe(3);
    expect(count("a{2,}", Op.One)).toBe(2);
    expect(count("(a{0})", Op.One)).toBe(0);
    expect(count("(|a)*", Op.Split)).toBe(3);
    expect(count("(a)*", Op.Split)).toBe(1);
  });

  it("finds what a match begins with", () => {
    expect(prefix("abc")).toBe("abc!");
    expect(prefix("(ab)c+d")).toBe("abc");
    expect(prefix("ab?c")).toBe("a");
    expect(prefix("\u00e9")).toBe("\u00c3\u00a9!");
    expect(prefix("\u65e5\ud83d\ude00")).toBe("\u00e6\u0097\u00a5\u00f0\u009f\u0098\u0080!");
    expect(prefix("a\ufffdb")).toBe("a");
    expect(prefix("(?i)a1")).toBe("");
    expect(prefix("a|b")).toBe("");
    expect(prefix("")).toBe("");
    expect(prefix("a".repeat(200)).length).toBe(65);
  });

  it("knows what is anchored", () => {
    expect(compiled("^a|(^b)").forward!.anchored).toBe(true);
    expect(compiled("(?:\\b^)+a").forward!.anchored).toBe(true);
    expect(compiled("^a|b").forward!.anchored).toBe(false);
    expect(compiled("(?m)^a").forward!.anchored).toBe(false);
    expect(compiled("^*a").forward!.anchored).toBe(false);
    expect(compiled("^a").backward == null).toBe(true);
    expect(compiled("a").backward == null).toBe(false);
  });

  it("stops at the limit", () => {
    const compiler = compiled("(?:a{100}){10}");
    expect(compiler.error).toBe("the program has more instructions than are allowed");
    expect(compiler.forward == null).toBe(true);
  });

  it("counts joins", () => {
    expect(compiled("abc").forward!.joins).toBe(0);
    expect(compiled("a+b").forward!.joins).toBe(1);
    expect(compiled("(?:a|b)c").forward!.joins).toBe(1);
  });

  it("has sets that need no clearing", () => {
    const memory = new StaticArray<u32>(20);
    memory.fill(1);
    const list = changetype<usize>(memory);
    const index = list + 40;
    expect(has(list, index, 0, 3)).toBe(false);
    insert(list, index, 0, 3);
    insert(list, index, 4, 5);
    expect(has(list, index, 8, 3) && has(list, index, 8, 5)).toBe(true);
    expect(has(list, index, 8, 4)).toBe(false);
    expect(has(list, index, 4, 5)).toBe(false);
  });
});

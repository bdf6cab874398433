import { Ints } from "./pattern-memory";
import { bounds, isWord, Kind, maxOf, minOf, Parser } from "./pattern-parse";
import { codePointsOf } from "./pattern-text";

/** The tree in prefix notation, or the error and its place. */
function parsed(source: string): string {
  const text = new Ints();
  codePointsOf(source, text, 1000);
  const parser = new Parser(text);
  const result = parser.parse() ? shown(parser, parser.tree.root) : parser.error + " at " + parser.errorAt.toString();
  parser.free();
  text.free();
  return result;
}

function shown(parser: Parser, node: i32): string {
  const tree = parser.tree;
  const kind = tree.kind(node);
  if (kind == Kind.Empty) return "()";
  if (kind == Kind.Look) return "look" + tree.a(node).toString();
  if (kind == Kind.Set) {
    const sets = tree.sets;
    let ranges = "";
    for (let at = sets.begin(tree.a(node)); at < sets.end(tree.a(node)); at += 2) {
      if (ranges.length) ranges += ",";
      ranges += sets.ranges.get(at).toString(16);
      if (sets.ranges.get(at) != sets.ranges.get(at + 1)) ranges += "-" + sets.ranges.get(at + 1).toString(16);
    }
    return "{" + ranges + "}";
  }
  if (kind == Kind.Repeat) {
    const bound = tree.b(node);
    const least = minOf(bound).toString() + ":" + maxOf(bound).toString();
    return (tree.greedy(node) ? "greedy" : "lazy") + least + "(" + shown(parser, tree.a(node)) + ")";
  }
  if (kind == Kind.Capture) return "group" + tree.b(node).toString() + "(" + shown(parser, tree.a(node)) + ")";
  let list = "";
  for (let child = <i32>tree.a(node); child; child = tree.next(child)) list += shown(parser, child);
  return (kind == Kind.Concat ? "all(" : "any(") + list + ")";
}

describe("pattern-parse", () => {
  it("reads items", () => {
    expect(parsed("a.")).toBe("all({61}{0-9,b-10ffff})");
    expect(parsed("(?s).")).toBe("{0-10ffff}");
    expect(parsed("^$\\b")).toBe("all(look4look8look16)");
    expect(parsed("(?m)^$\\A")).toBe("all(look1look2look4)");
    expect(parsed("\\x{1F600}\\x41\\101\\n\\.")).toBe("all({1f600}{41}{41}{a}{2e})");
    expect(parsed("\\Qa.\\E.")).toBe("all({61}{2e}{0-9,b-10ffff})");
  });

  it("reads classes", () => {
    expect(parsed("[]a-c]")).toBe("{5d,61-63}");
    expect(parsed("[^\\d]")).toBe("{0-2f,3a-10ffff}");
    expect(parsed("[[:alpha:]_-]")).toBe("{2d,41-5a,5f,61-7a}");
    expect(parsed("[[:^ascii:]]")).toBe("{80-10ffff}");
    expect(parsed("[^\\x00-\\x{10ffff}]")).toBe("{}");
    expect(parsed("(?i)[k]")).toBe("{4b,6b,212a}");
    expect(parsed("(?i)[^k]")).toBe("{0-4a,4c-6a,6c-2129,212b-10ffff}");
  });

  it("reads groups and alternatives", () => {
    expect(parsed("")).toBe("()");
    expect(parsed("a|")).toBe("any({61}())");
    expect(parsed("(a)(?:b)(?P<n>c)")).toBe("all(group1({61}){62}group2({63}))");
    expect(parsed("(?i:a)a")).toBe("all({41,61}{61})");
    expect(parsed("((?i)a)a")).toBe("all(group1({41,61}){61})");
  });

  it("reads repetitions", () => {
    expect(parsed("a*b+?c{2,}")).toBe("all(greedy0:-1({61})lazy1:-1({62})greedy2:-1({63}))");
    expect(parsed("(?U)a?a??")).toBe("all(lazy0:1({61})greedy0:1({61}))");
    expect(parsed("(?:a*)*")).toBe("greedy0:-1({61})");
    expect(parsed("a{,2}")).toBe("all({61}{7b}{2c}{32}{7d})");
    expect(minOf(bounds(3, -1))).toBe(3);
    expect(maxOf(bounds(3, -1))).toBe(-1);
  });

  it("says where an error is", () => {
    expect(parsed("a(")).toBe("missing closing ) at 1");
    expect(parsed("a|*")).toBe("nothing to repeat at 2");
    expect(parsed("[z-a]")).toBe("a range that ends before it begins at 1");
    expect(parsed("\\p{L}")).toBe("Unicode classes (\\p) are not supported at 0");
  });

  it("knows words", () => {
    expect(isWord(0x5f) && isWord(0x30) && isWord(0x7a)).toBe(true);
    expect(isWord(0x2d) || isWord(0xe9) || isWord(0x60) || isWord(0xffffffff)).toBe(false);
  });
});

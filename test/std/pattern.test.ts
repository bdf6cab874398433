import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Random } from "../fuzz/inputs.js";
import { Cases, everyPattern, everyText, type Case } from "./pattern-cases.js";
import { Differential } from "./pattern-differential.js";
import { GoRegexp } from "./pattern-oracle.js";
import { compileStd, stdProgram, StdProgram } from "./program.js";

/** `npm run evidence -- pattern` compares more, with a seed of its own. */
const SEED = 20261126;
const CASES = 4000;
const TEXTS = 5;

const POSIX = "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit".split(" ");

const DRIVER = ["test/std/drivers/pattern.ts", "test/std/drivers/io.ts"];
const GO = process.env["CI"] ? {} : { skip: GoRegexp.isThere() ? false : "there is no Go here: not run" };

describe("compared with Go's regexp", GO, () => {
  let oracle: GoRegexp;
  before(() => {
    oracle = new GoRegexp();
  });
  after(() => oracle[Symbol.dispose]());

  test(`${CASES} patterns with ${TEXTS} texts each, seed ${SEED}`, async (t) => {
    const differential = await Differential.of(oracle);
    const cases = new Cases(SEED);
    for (let i = 0; i < CASES; i += 1000)
      differential.compare(Array.from({ length: 1000 }, (_, j) => cases.at(i + j, TEXTS)));
    const { taken, refused, exceptions, pairs, matching } = differential.seen;
    const reasons = [...exceptions].map(([reason, n]) => `${n}: ${reason}`).join("; ");
    t.diagnostic(`${pairs} pairs, ${matching} match; ${refused} patterns refused by both; only here: ${reasons}`);
    assert.ok(taken > CASES / 2 && refused > CASES / 20, "both verdicts are common");
    assert.ok(matching > pairs / 2 && matching < pairs, "both results are common");
  });

  test("every form of the documented syntax, and what looks like one", async () => {
    const differential = await Differential.of(oracle);
    const texts = [
      ...[
        "",
        "a",
        "ab",
        "aab",
        "abc",
        "A",
        "é",
        "É",
        "日",
        "k\u212a",
        "sſ",
        "a\nb\n",
        "a]b-c^",
        "09 az_\t\v\f\r",
        "{2}",
        "a{,2}",
      ],
      ...["x\x07\x7f\x80", "\u{1f600}S", "[:alpha:]", "a.b*c\\E", "foo bar\n", "aaaa", "-a-", "σΣς", "\ufffd"],
    ].map((text) => Buffer.from(text));
    texts.push(Buffer.of(0x61, 0xff, 0x62), Buffer.of(0xe2, 0x82), Buffer.of(0xc3, 0xa9, 0x80));
    const taken = [
      ...[
        "",
        "a",
        "é",
        "日",
        ".",
        "(?s).",
        "[abc]",
        "[a-z]",
        "[^a-z]",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[a\\-\\]]",
        "[a^]",
      ],
      ...[
        "\\d",
        "\\s",
        "\\w",
        "\\D",
        "\\S",
        "\\W",
        "[\\d_]",
        "[^\\D5]",
        "[\\W\\s]",
        "[\\d-z]",
        "[[:word:]-]",
        "[[a]",
        "[[:a]",
      ],
      ...POSIX.flatMap((name) => [`[[:${name}:]]`, `[[:^${name}:]]`, `(?i)[[:${name}:]]`, `[^[:${name}:]b]`]),
      ...[
        "ab",
        "a|b",
        "a|ab",
        "ab|a",
        "|a",
        "a||b",
        "()",
        "(|a)*",
        "(|a)+",
        "(a*)*",
        "(a*)+",
        "(a|b)*?b",
        "(a*)(b?)(c)",
      ],
      ...[
        "a*",
        "a+",
        "a?",
        "a*?",
        "a+?",
        "a??",
        "a{2}",
        "a{2,}",
        "a{1,2}",
        "a{0}",
        "a{0,0}",
        "a{1,2}?",
        "a{2,}?",
        "a{0,1}",
      ],
      ...[
        "a{,2}",
        "a{",
        "a{1",
        "a{1,",
        "a{a}",
        "a{01}",
        "a{1,02}",
        "{",
        "}",
        "]",
        "a{1000}",
        "(a{10}){100}",
        "(?:a{0}){1000}",
      ],
      ...[
        "(a)",
        "(?P<n>a)",
        "(?<n>a)(?<n>b)",
        "(?P<_1A>a)(b)",
        "(?:a)b",
        "(?i)k",
        "(?i:s)",
        "(?i)é",
        "(?i)[k]",
        "(?i)[^k]",
      ],
      ...[
        "(?i)σ",
        "(?m)^b$",
        "(?m)a$",
        "^a",
        "b$",
        "\\Aa",
        "b\\z",
        "(?m)\\Ab",
        "(?s)a.b",
        "(?U)a*",
        "(?U)a*?",
        "(?U)a+b??",
        "(?im)^B",
      ],
      ...[
        "(?i-s)A.",
        "(?-i)a",
        "(?s-i:.)",
        "a(?i)b|c",
        "(a(?i)b)c",
        "(?i)a(?-i)b",
        "(?)a",
        "(?:)",
        "a(?i)*",
        "a*(?i)*",
        "(?:a*)*?",
      ],
      ...[
        "\\ba",
        "a\\b",
        "\\Ba",
        "a\\B",
        "\\b",
        "\\B",
        "\\b\\B",
        "^*",
        "$+",
        "\\b{2}",
        "a^b",
        "a$b",
        "(?m)$\\n^",
        "(^a|b$)",
      ],
      ...[
        "\\a",
        "\\f",
        "\\t",
        "\\n",
        "\\r",
        "\\v",
        "\\0",
        "\\007",
        "\\0101",
        "\\101",
        "\\11",
        "\\777",
        "\\x41",
        "\\x{41}",
      ],
      ...[
        "\\x{0000041}",
        "\\x{1F600}",
        "\\x{10FFFF}",
        "[\\x41-\\x{e9}]",
        "\\.",
        "\\*",
        "\\_",
        "\\-",
        "\\]",
        "\\{",
        "\\\\",
        "[\\.]",
        "[.*+]",
      ],
      ...[
        "\\Qa.b*c\\\\E",
        "\\Q\\E",
        "\\Qab",
        "\\Qab\\E+",
        "\\Q\\",
        "a\\Q|\\E|b",
        "[^\\x00-\\x{10FFFF}]",
        "[^\\x00-\\x{10FFFF}]*a",
        "\ufffd",
      ],
    ];
    const refused = [
      ...[
        "(",
        ")",
        "a)",
        "(a",
        "(?:a",
        "[",
        "[]",
        "[^]",
        "[a",
        "[a-",
        "[z-a]",
        "[a-\\d]",
        "*",
        "+a",
        "a|*",
        "(?i)*",
        "(*a)",
        "a**",
      ],
      ...[
        "a*+",
        "a+*",
        "a???",
        "a{2}{3}",
        "a{1001}",
        "a{2,1}",
        "a{1,1001}",
        "(a{40}){26}",
        "((a{10}){10}){11}",
        "{2}",
        "(|{2})",
      ],
      ...[
        "\\",
        "a\\",
        "\\1",
        "\\8",
        "\\18",
        "\\9",
        "\\c",
        "\\e",
        "\\h",
        "\\C",
        "\\E",
        "\\G",
        "\\K",
        "\\N",
        "\\R",
        "\\X",
        "\\Z",
        "\\é",
        "\\k<a>",
      ],
      ...[
        "\\x",
        "\\x4",
        "\\xg1",
        "\\x{",
        "\\x{}",
        "\\x{g}",
        "\\x{110000}",
        "\\x{41",
        "\\p",
        "\\p{",
        "\\p{X",
        "\\pX",
        "[\\b]",
        "[\\A]",
      ],
      ...[
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?>a)",
        "(?#a)",
        "(?P=n)",
        "(?P>n)",
        "(?'n'a)",
        "(?P<>a)",
        "(?P<n",
        "(?P<n>a",
        "(?P<a b>c)",
      ],
      ...[
        "(?<é>a)",
        "(?P<n-1>a)",
        "(?x)a",
        "(?i",
        "(?i-)a",
        "(?-)a",
        "(?--i)a",
        "(?i-i-i)a",
        "(?",
        "(?P",
        "(?<",
        "(?P<",
        "(?R)",
        "(?1)",
      ],
      ...["[[:foo:]]", "[[:alpha:", "[[:Alpha:]]", "[[:^^alpha:]]", "[[:d:]]", "[[::]]", "[[:a]b:]"],
    ];
    const template = Buffer.from("<$0|$1>");
    differential.compare([...taken, ...refused].map((source) => ({ pattern: Buffer.from(source), template, texts })));
    const { seen } = differential;
    assert.deepEqual([seen.taken, seen.refused, seen.exceptions.size], [taken.length, refused.length, 0]);
  });

  test("every small pattern with every small text", async (t) => {
    const differential = await Differential.of(oracle);
    const forms = ["%s%s", "%s|%s", "%s*", "%s+", "%s?", "%s*?", "%s{2}", "%s??", "%s+?", "%s|", "%s{1,2}?"];
    const grouped = forms.map((form) => form.replaceAll("%s", "(?:%s)"));
    const atoms = ["a", "(a)", "b", ".", "^", "$", "\\b", "()"];
    const texts = everyText(4, ["a", "b"]).map((text) => Buffer.from(text));
    const template = Buffer.from("<$1>");
    for (const cases of batches(everyPattern(2, 2, atoms, grouped), 500))
      differential.compare(cases.map((pattern): Case => ({ pattern: Buffer.from(pattern), template, texts })));
    t.diagnostic(`${differential.seen.taken} patterns, ${differential.seen.pairs} pairs`);
    assert.ok(differential.seen.taken > 1000);
    assert.equal(differential.seen.refused, 0);
  });

  test("patterns and texts for which no automaton has enough memory", async () => {
    const differential = await Differential.of(oracle);
    const program = await stdProgram("pattern");
    const random = new Random();
    random.seed(SEED, 0);
    const letters = (length: number): string => Array.from({ length }, () => "ab"[random.below(2)]).join("");
    const texts = [letters(8000), `${letters(5000)}c${letters(300)}`, `${letters(6000)}aab`].map((text) =>
      Buffer.from(text),
    );
    const patterns = [
      "[ab]*a[ab]{12}c",
      "(?:(a)|b)*?a([ab]{12})c|(ab+)$",
      "^(?:a|(b))*a[ab]{13}$",
      "(a|b){0,9}b(.{14}a|c)(b*)$",
    ];
    for (const pattern of patterns) {
      program.number("compileMachines", pattern);
      assert.ok(
        texts.some((text) => program.number("givesUp", text)),
        pattern,
      );
      differential.compare([{ pattern: Buffer.from(pattern), template: Buffer.from("<$1>"), texts }]);
    }
  });

  test("every code point folds as Go folds it", async () => {
    const program = await stdProgram("pattern");
    const [version, ...lines] = oracle.print("orbits").trim().split("\n");
    const orbits = new Map(lines.map((line) => line.split(" ").map(Number)).map(([c, ...others]) => [c!, others]));
    assert.ok(orbits.size >= 2878);
    const foldsOf = (low: number, high: number): number[] => {
      const bytes = program.bytes("foldsOf", low, high);
      const folds = new Set<number>();
      for (let i = 0; i < bytes.length; i += 8)
        for (let f = bytes.readUInt32LE(i); f <= bytes.readUInt32LE(i + 4); f++) folds.add(f);
      return [...folds].sort((a, b) => a - b);
    };
    let next = 0;
    for (const [c, others] of orbits) {
      if (c > next) assert.deepEqual(foldsOf(next, c - 1), [], `U+${next.toString(16)} to U+${(c - 1).toString(16)}`);
      next = c + 1;
      const folds = foldsOf(c, c);
      // A later Unicode has more letters; those that are in both never fold otherwise.
      if (folds.length || version === "15.0.0")
        assert.deepEqual(
          folds,
          others.sort((a, b) => a - b),
          `U+${c.toString(16)}, Unicode ${version}`,
        );
    }
    assert.deepEqual(foldsOf(next, 0x10ffff), []);
  });
});

function* batches<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  yield batch;
}

test("a refusal says what is wrong and where", async () => {
  const program = await stdProgram("pattern");
  const refusals: readonly (readonly [string | Uint8Array, string])[] = [
    ["a(b", "1: missing closing )"],
    ["(a)(b(c)", "3: missing closing )"],
    ["é)", "1: unexpected )"],
    ["ab[c-", "2: missing closing ]"],
    ["[]", "0: missing closing ]"],
    ["[a[:foo:]]", "2: unknown class"],
    ["[[:d:]]", "1: unknown class"],
    ["[[:d:09:]]", "1: unknown class"],
    ["a[z-a]", "2: a range that ends before it begins"],
    ["*a", "0: nothing to repeat"],
    ["a|?", "2: nothing to repeat"],
    ["(+)", "1: nothing to repeat"],
    ["a**", "2: a repetition of a repetition needs a group"],
    ["x{1000}{1000}", "7: a repetition of a repetition needs a group"],
    ["a{1001}", "1: bounds of a repetition are at most 1000, in order"],
    ["a{99999999999}", "1: bounds of a repetition are at most 1000, in order"],
    ["a{3,2}", "1: bounds of a repetition are at most 1000, in order"],
    ["((a{100}){100}){2}", "9: nested repetitions ask for more than 1000 copies"],
    ["\\", "0: a backslash at the end"],
    ["a\\q", "1: unknown escape"],
    ["\\Z", "0: unknown escape"],
    ["\\C", "0: unknown escape"],
    ["(a)\\1", "3: back-references are not supported"],
    ["\\p{Greek}", "0: Unicode classes (\\p) are not supported"],
    ["[\\PL]", "1: Unicode classes (\\p) are not supported"],
    ["\\x{110000}", "0: \\x takes two hexadecimal digits, or a code point in braces"],
    ["(?=a)", "0: unknown group: flags are i, m, s and U; no look-around, no back-reference"],
    ["a(?<!b)", "1: unknown group: flags are i, m, s and U; no look-around, no back-reference"],
    ["(?i-)", "0: unknown group: flags are i, m, s and U; no look-around, no back-reference"],
    ["(?P<n", "0: the name of a group is letters, digits and _, then >"],
    ["(?<é>a)", "0: the name of a group is letters, digits and _, then >"],
    ["(".repeat(251), "250: groups nest too deeply"],
    ["(?:(?:(?:a{10}){10}){10}){10}", "25: nested repetitions ask for more than 1000 copies"],
    ["(?:abcdefghijk){1000}", "21: the program has more instructions than are allowed"],
    [`${"(a)".repeat(900)}`, "2700: too many groups for the size of the program"],
    ["a".repeat(16385), "16385: the pattern is longer than is allowed"],
    [Uint8Array.of(0x61, 0xff), "1: not well-formed text"],
    [Uint8Array.of(0xed, 0xa0, 0x80), "0: not well-formed text"],
  ];
  for (const [pattern, reason] of refusals) {
    assert.equal(program.number("compile", pattern), 0, String(pattern));
    assert.equal(program.text("error"), reason, String(pattern));
  }
  const units = (text: string): Buffer => Buffer.from(text, "utf16le");
  assert.equal(program.number("compileUnits", units("a\ud83d")), 0);
  assert.equal(program.text("error"), "1: not well-formed text");
  assert.equal(program.number("compileUnits", units("\udc00")), 0);
  assert.equal(program.number("compileUnits", units("^\u{1f600}$")), 1);
  assert.equal(program.number("matches", "\u{1f600}"), 1);
});

test("limits are kept to", async () => {
  const program = await stdProgram("pattern");
  assert.equal(program.number("compileWithin", "abc", 3, 4), 1);
  assert.equal(program.number("compileWithin", "abcd", 3, 10), 0);
  assert.equal(program.number("compileWithin", "abcd", 4, 4), 0, "four characters and the match");
  assert.equal(program.number("compileWithin", "a{1000}", 10, 1001), 1);
  assert.equal(program.number("compileWithin", "a{1000}", 10, 1000), 0);
  assert.equal(program.number("compileWithin", `(?:${"a".repeat(200)}){1000}`, 1000, 0x7fffffff), 0, "never more");
});

test("hostile patterns are refused or compiled in bounded memory, and match in bounded memory", async () => {
  const program = await stdProgram("pattern");
  const letters = (from: number, step: number, count: number): string =>
    Array.from({ length: count }, (_, i) => String.fromCodePoint(from + i * step)).join("");
  const patterns = [
    `(?i)${letters(0x400, 1, 9000)}`,
    `(?i)[${letters(0x400, 2, 16000)}]`,
    letters(0x4e00, 1, 3000).replace(/./gu, "[^$&]"),
    letters(0x4e00, 1, 700).replace(/./gu, "[^$&]?"),
    `${"(?:".repeat(250)}${")".repeat(250)}`,
    "[[:".repeat(5000),
    "(?:(?:(?:){10}){10}){10}".repeat(600),
    "(?:(?:)(?:)(?:)(?:)){1000}".repeat(500),
    "a|".repeat(8000),
    "(?i)[^\\x00]".repeat(1300),
    "()".repeat(8000),
    "(?:a?){1000}",
    "(?:a?){450}a{450}",
    "(?:a{0,31}){0,31}",
    "(?:(?:a*)*)*".repeat(800),
    "(?:\\b|\\B)*".repeat(1500),
    "(?:a|b|ab|ba)*".repeat(600),
    "(((a*)*)*)*(((a*)+)?)*$",
    `${"(a|b".repeat(250)}${")*c".repeat(250)}`,
    `(?P<${"n".repeat(16000)}>a)`,
    ".*a.{14}$",
    "(?:.*b){8}.{12}c",
  ];
  let compiled = 0;
  for (const pattern of patterns) {
    if (!program.number("compile", pattern)) continue;
    compiled++;
    for (const text of ["a".repeat(2000), "ab".repeat(1000), "é\x80".repeat(700)]) {
      program.number("matches", text);
      program.bytes("run", text.slice(0, 500));
    }
  }
  assert.ok(compiled > 10);
  assert.ok(program.memory.buffer.byteLength < 32 << 20, `${program.memory.buffer.byteLength} bytes`);
});

test("no match takes time by the square of the text", async () => {
  const program = await stdProgram("pattern");
  const text = Buffer.alloc(8 << 20, "a");
  text[text.length - 1] = 0x62;
  // Each would take hours.
  for (const [pattern, found] of [
    ["(a+)+$", 0],
    ["(a|a)*$", 1],
    ["(a*)*c", 0],
    ["(x+x+)+y", 0],
    ["(?:a?){30}a{30}b", 1],
    [".*.*.*.*c", 0],
    ["(\\w+\\s?)*$", 1],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", 0],
  ] as const) {
    assert.equal(program.number("compile", pattern), 1);
    assert.equal(program.number("matches", text), found, pattern);
    assert.equal(program.number("captures", text), found, pattern);
  }
});

test("in the steady state a match allocates nothing", async () => {
  // With the runtime that never frees, all that is allocated shows.
  const wasm = await compileStd(DRIVER, ["-O3", "--runtime=stub", "--exportStart=_start"]);
  const program = new StdProgram(new WebAssembly.Module(wasm as BufferSource));
  for (const pattern of [
    "^/api/v[0-9]+/users/([a-z0-9-]+)$",
    "(a+)(b+)",
    "(a|ab)(c|bcd)(d*)",
    "x*",
    "Bearer (.+)",
    "é+(.)",
  ]) {
    program.number("compile", pattern);
    for (const text of ["/api/v1/users/jane", "xxaaabbb", "abcd", "Bearer eyJ", "cafééx"]) {
      const bytes = Buffer.from(text);
      const at = program.reserve(64);
      new Uint8Array(program.memory.buffer).set(bytes, at);
      const times = (count: number): void => {
        for (const name of ["matchesTimes", "captureTimes", "wholeTimes", "findTimes", "captureWholeTimes"])
          program.export(name)(at, bytes.length, count);
      };
      times(10);
      const before = program.number("allocated");
      times(1000);
      // The question itself takes an object.
      assert.ok(program.number("allocated") - before < 100, `${pattern} on ${text}`);
    }
  }
});

test("templates, names and quoting", async () => {
  const program = await stdProgram("pattern");
  const replaced = (pattern: string, text: string, template: string, most = 0x7fffffff, longest = 1 << 20) => {
    assert.equal(program.number("compile", pattern), 1, pattern);
    program.number("setReplacement", template);
    return program.bytesOrNull("replace", text, most, longest)?.toString() ?? null;
  };
  assert.equal(replaced("(?P<first>\\w+) (?P<last>\\w+)", "Ada Lovelace", "${last}, $first"), "Lovelace, Ada");
  assert.equal(replaced("a(x*)b", "-ab-axxb-", "$1W"), "---");
  assert.equal(replaced("a(x*)b", "-ab-axxb-", "${1}W"), "-W-xxW-");
  assert.equal(replaced("a", "banana", "o", 2), "bonona");
  assert.equal(replaced("a", "banana", "o", 0), "banana");
  assert.equal(replaced("x*", "baac", "<>"), "<>b<>a<>a<>c<>");
  assert.equal(replaced("", "é\x80", "."), ".é.\x80.");
  assert.equal(replaced(".", "abc", "0123456789", 0x7fffffff, 30), "0123456789".repeat(3));
  assert.equal(replaced(".", "abc", "0123456789", 0x7fffffff, 29), null);
  // A letter beyond ASCII ends a name, since no group can have it in its name; in Go it is a part of the name.
  assert.equal(replaced("(a)", "a", "$1é"), "aé");

  const unknown = (pattern: string, template: string): string => {
    replaced(pattern, "", template);
    return program.text("unknownGroup");
  };
  assert.equal(unknown("(a)(?P<n>b)", "$1 $2 ${n} $0 $$3"), "");
  assert.equal(unknown("(a)(?P<n>b)", "$1 $3"), "3");
  assert.equal(unknown("(a)(?P<n>b)", "$n1"), "n1");
  assert.equal(unknown("(a)", "$1x"), "1x");

  assert.equal(program.number("compile", "(?P<a>x)(y)(?<b>z)"), 1);
  assert.equal(program.number("groups"), 3);
  assert.deepEqual(
    [-1, 0, 1, 2, 3, 4].map((group) => program.text("groupName", group)),
    ["", "", "a", "", "b", ""],
  );
  assert.equal(program.text("quote", "1+1=2? \\E [é]"), "1\\+1=2\\? \\\\E \\[é\\]");
});

test("the build that checks every access to the engine's lists stops at none", async () => {
  const wasm = await compileStd(DRIVER, [
    "-O1",
    "--exportStart=_start",
    "--maximumMemory=1024",
    "--use=PATTERN_CHECKS=1",
  ]);
  const program = new StdProgram(new WebAssembly.Module(wasm as BufferSource));
  const plain = await compileStd(DRIVER, ["-O1", "--exportStart=_start", "--maximumMemory=1024"]);
  assert.ok(wasm.length > plain.length, "the checks are there");
  const cases = new Cases(SEED + 1);
  for (let i = 0; i < CASES; i++) {
    const { pattern, texts } = cases.at(i, 2);
    if (program.number("compileMachines", pattern))
      for (const text of texts) assert.equal(program.number("machines", text), 0, pattern.toString());
  }
});

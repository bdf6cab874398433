/* JSON of sdk/std against JSON.parse and JSON.stringify. Keys given twice, halves of surrogate pairs and limits are what
 * these leave unsaid: json-reference.ts. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { reference } from "./json-reference.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260805;
const MIB = 1024 * 1024;

let program: StdProgram;
before(async () => {
  program = await stdProgram("json");
});

/** Offset and reason with limits other than the defaults. */
function error(
  text: string | Uint8Array,
  limits: { depth?: number; size?: number; keys?: number } = {},
): string | null {
  const { depth = 0, size = 0, keys = 0 } = limits;
  return program.bytesOrNull("error", text, depth, size, keys)?.toString() ?? null;
}

/** Document, pull reader and writer say what JSON.parse says. */
function agrees(bytes: Uint8Array): void {
  const { normal, hasDuplicate, depth, isTooLarge } = reference(bytes);
  const hex = Buffer.from(bytes).toString("latin1");
  const valid = normal !== null && depth <= 64;
  const document = program.bytesOrNull("parsed", bytes)?.toString() ?? null;
  assert.equal(document, valid && !hasDuplicate ? normal : null, hex);
  const pulled = program.bytesOrNull("pulled", bytes)?.toString() ?? null;
  assert.equal(pulled, valid && !isTooLarge ? normal : null, hex);
  const skipped = program.bytesOrNull("skipped", bytes);
  assert.equal(skipped?.toString("latin1") ?? null, valid ? hex.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "") : null, hex);
  if (document === null) return;
  const copy = program.text("copied", bytes);
  assert.equal(reference(Buffer.from(copy)).normal, normal, hex);
}

const string = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("", "a", "__proto__", "\0", '"', "\\", "\x7f", "\u2028", "é".repeat(9), "0123456", "01234567"),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e21),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    string,
    fc.array(tie("value"), { maxLength: 6 }),
    fc.array(fc.tuple(string, tie("value")), { maxLength: 6 }).map((entries) => new Map(entries)),
  ),
})).value;

/** As text, with white space and escapes where they may be. */
function write(item: unknown, pick: () => number): string {
  const space = (): string => (pick() % 4 ? "" : (["", " ", "\n", "\t ", "\r\n  "][pick() % 5] as string));
  const text = (plain: string): string =>
    pick() % 3
      ? JSON.stringify(plain)
      : `"${[...plain]
          .map((c) => {
            const units = [...c].flatMap((part) => [...Array(part.length).keys()].map((i) => part.charCodeAt(i)));
            const escaped = units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
            return pick() % 2 ? escaped : c === "/" ? "\\/" : JSON.stringify(c).slice(1, -1);
          })
          .join("")}"`;
  const list = (open: string, items: string[], close: string): string =>
    open + space() + items.map((part) => space() + part + space()).join(",") + space() + close;
  if (typeof item === "string") return text(item);
  if (Array.isArray(item))
    return list(
      "[",
      item.map((part) => write(part, pick)),
      "]",
    );
  if (item instanceof Map)
    return list(
      "{",
      [...item].map(([key, part]) => `${text(key as string)}${space()}:${space()}${write(part, pick)}`),
      "}",
    );
  return JSON.stringify(item);
}

const text = fc.tuple(value, fc.array(fc.nat({ max: 999 }), { minLength: 1, maxLength: 30 })).map(([item, choices]) => {
  let at = 0;
  return Buffer.from(write(item, () => choices[at++ % choices.length]!));
});

test(`generated texts are read as JSON.parse does (seed ${SEED})`, () => {
  fc.assert(fc.property(text, agrees), { seed: SEED, numRuns: 20_000 });
});

test(`mutated texts are read as JSON.parse does (seed ${SEED})`, () => {
  const pieces = [
    ...[
      '"',
      "\\",
      "\\u",
      "\\ud800",
      "\\udc00",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "0",
      "-",
      ".",
      "e",
      "1",
      " ",
      "\n",
      "\t",
      "\r",
    ],
    ...["\0", "\x1f", "\x7f", "\ufeff", "true", "null", "fals", "\v", "/", "\u00a0", '"a":', "'", "\\x", "+1", "1e5"],
  ].map((piece) => Buffer.from(piece));
  const raw = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]].map((b) => Buffer.from(b));
  const change = fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.constantFrom(...pieces, ...raw));
  fc.assert(
    fc.property(text, fc.array(change, { minLength: 1, maxLength: 3 }), (bytes, changes) => {
      let mutated = bytes;
      for (const [where, gone, piece] of changes) {
        const at = where % (mutated.length + 1);
        mutated = Buffer.concat([mutated.subarray(0, at), piece, mutated.subarray(at + gone)]);
      }
      agrees(mutated);
    }),
    { seed: SEED, numRuns: 40_000 },
  );
});

test("every text of one and two bytes, and every byte inside a string", () => {
  for (let a = 0; a < 256; a++) {
    agrees(Uint8Array.of(a));
    agrees(Uint8Array.of(0x22, a, 0x22));
    agrees(Uint8Array.of(0x22, 0x5c, a, 0x22));
    agrees(Uint8Array.of(0x5b, 0x31, a, 0x5d));
    for (let b = 0; b < 256; b++) agrees(Uint8Array.of(a, b));
  }
});

test("strings of every length, with each kind of byte at every place", () => {
  for (let length = 0; length < 40; length++) {
    const plain = "abcdefghijklmnopqrstuvwxyz0123456789 ,.-".slice(0, length);
    for (let at = 0; at <= length; at++)
      for (const other of ["", "\\n", "é", "日", "\u{1f600}", "\\u00e9", "\\ud83d\\ude00", "\x01", "\x7f", "\\"])
        agrees(Buffer.from(`{"${plain.slice(0, at)}${other}${plain.slice(at)}":1}`));
  }
});

test("half a surrogate pair is refused, a pair is one character", () => {
  for (const [inside, right] of [
    ["\\ud83d\\ude00", true],
    ["\\ud83d", false],
    ["\\ude00", false],
    ["\\ud83dx", false],
    ["\\ud83d\\n", false],
    ["\\ud83d\\ud83d\\ude00", false],
    ["\\ude00\\ud83d", false],
    ["\\uD83D\\uDE00", true],
    ["\\ud83d\ude00", false],
  ] as const) {
    const bytes = Buffer.from(`"${inside}"`);
    agrees(bytes);
    assert.equal(error(bytes) === null, right, inside);
  }
});

test("errors tell the byte and the reason", () => {
  const reasons: Record<string, string> = {
    "": "0 it ends too early",
    " ": "1 it ends too early",
    "{": "1 it ends too early",
    '{"a"': "4 it ends too early",
    '{"a":': "5 it ends too early",
    "[1": "2 it ends too early",
    '"abc': "4 it ends too early",
    "-": "1 it ends too early",
    nul: "0 a value is missing",
    "[1,]": "3 a value is missing",
    "[,1]": "1 a value is missing",
    "{1:2}": "1 a key is missing",
    '{"a":1,}': "7 a key is missing",
    '{"a" 1}': "5 a colon is missing",
    "[1 2]": "3 a comma or bracket is missing",
    "[1}": "2 a comma or bracket is missing",
    "01": "1 text follows its end",
    "1 x": "2 text follows its end",
    "1.x": "2 a number is malformed",
    "[1e]": "3 a number is malformed",
    "[-a]": "2 a number is malformed",
    '"a\nb"': "2 a control character is in a string",
    '"a\\n\tb"': "4 a control character is in a string",
    '"a\\xb"': "2 an escape is malformed",
    '"\\u12g4"': "1 an escape is malformed",
    '["\\ud800"]': "2 half a surrogate pair is in a string",
    '{"a":1,"b":2,"a":3}': "14 a key is there twice",
    '{"é":{"a":1,"\\u0061":3}}': "14 a key is there twice",
  };
  for (const [input, reason] of Object.entries(reasons)) assert.equal(error(input), reason, input);
  assert.equal(error(Buffer.from([0x22, 0x61, 0xff, 0x22])), "2 it is not UTF-8");
  assert.equal(error(Buffer.from([0x22, 0x5c, 0x6e, 0xc0, 0x80, 0x22])), "3 it is not UTF-8");
  assert.equal(program.text("pullError", "[1,tru]"), "3 : must be true or false");
  assert.equal(program.text("pullError", '{"a":1 "b"}'), "7 : is not valid JSON: missing comma or bracket");
});

test("limits hold, to the last", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  assert.equal(error(nested(64)), null);
  assert.equal(error(nested(65)), "64 it is nested too deep");
  assert.equal(error(nested(3), { depth: 2 }), "2 it is nested too deep");
  assert.equal(error(nested(512), { depth: 1_000_000 }), null);
  assert.equal(error(nested(513), { depth: 1_000_000 }), "512 it is nested too deep");
  assert.equal(error("[".repeat(MIB)), "64 it is nested too deep");
  assert.match(program.text("pullError", "[".repeat(MIB)), /^64 .*is nested too deep$/);
  assert.match(program.text("pullError", '{"a":'.repeat(MIB / 8)), /is nested too deep$/);

  assert.equal(error(`"${"x".repeat(MIB - 2)}"`), null);
  assert.equal(error(`"${"x".repeat(MIB - 1)}"`), `${MIB} it is too large`);
  assert.equal(error("[1,2,3]", { size: 6 }), "6 it is too large");
  assert.equal(error("[1,2,3]", { size: 7 }), null);

  const object = (keys: number): string => `{${Array.from({ length: keys }, (_, i) => `"${i}":0`).join(",")}}`;
  assert.equal(error(object(10_000)), null);
  assert.match(error(object(10_001))!, /an object has too many keys$/);
  assert.match(error(object(5), { keys: 4 })!, /an object has too many keys$/);
  assert.equal(error(object(5), { keys: 5 }), null);
});

test("a key that is there twice is found among few and many, wherever it is", () => {
  for (const count of [2, 3, 7, 8, 9, 31, 32, 33, 62, 63, 64, 65, 127, 500]) {
    // Of one length, alike in front and behind; of many lengths; empty too.
    const alike = Array.from({ length: count }, (_, i) => `same-front-${String(i).padStart(5, "0")}-same-back`);
    const many = Array.from({ length: count }, (_, i) => "k".repeat(i));
    for (const keys of [alike, many]) {
      const textOf = (list: string[]): string => `{${list.map((key) => `${JSON.stringify(key)}:1`).join(",")}}`;
      assert.equal(error(textOf(keys)), null, String(count));
      for (const [from, to] of [
        [0, count - 1],
        [count >> 1, count - 1],
        [0, 1],
        [count - 2, count - 1],
      ] as const) {
        if (from === to) continue;
        const twice = [...keys];
        twice[to] = keys[from]!;
        const at = textOf(twice.slice(0, to)).length - (to ? 0 : 1);
        assert.equal(error(textOf(twice)), `${at + 1} a key is there twice`, `${count}: ${from} ${to}`);
      }
    }
  }
});

test("texts of a mebibyte of every kind take time by their length, and memory that is bounded", () => {
  const texts: Record<string, string> = {
    numbers: `[${"1,".repeat(MIB / 2 - 2)}1]`,
    arrays: `[${"[],".repeat(MIB / 3 - 2)}[]]`,
    nested: `[${`${"[".repeat(60)}${"]".repeat(60)},`.repeat(MIB / 121 - 2)}1]`,
    escapes: `"${"\\u0041".repeat(MIB / 6 - 2)}"`,
    wide: `"${"日".repeat(MIB / 3 - 2)}"`,
    spaces: `[${" ".repeat(MIB - 3)}]`,
    objects: `[${'{"a":1,"b":2},'.repeat(MIB / 14 - 2)}1]`,
    keys: `{${Array.from({ length: 9_990 }, (_, i) => `"${"k".repeat(90)}${i}":1`).join(",")}}`,
    exponents: `[${"1e-300,".repeat(MIB / 7 - 2)}1]`,
  };
  for (const [name, input] of Object.entries(texts)) {
    assert.ok(input.length <= MIB, name);
    const before = performance.now();
    assert.equal(error(input), null, name);
    const took = performance.now() - before;
    // A quadratic step would take minutes.
    assert.ok(took < 2_000, `${name}: ${took} ms`);
    const begin = performance.now();
    assert.notEqual(program.bytesOrNull("parsed", input), null, name);
    assert.ok(performance.now() - begin < 5_000, name);
  }
  assert.ok(program.memory.buffer.byteLength <= 48 * MIB, `${program.memory.buffer.byteLength}`);
});

test("integers are exact to 64 bits, doubles nearest", () => {
  const values = {
    "0": [0, 0],
    "-1": [-1, null],
    "9007199254740993": ["9007199254740993", "9007199254740993"],
    "9223372036854775807": ["9223372036854775807", "9223372036854775807"],
    "9223372036854775808": [null, "9223372036854775808"],
    "-9223372036854775808": ["-9223372036854775808", null],
    "-9223372036854775809": [null, null],
    "18446744073709551615": [null, "18446744073709551615"],
    "18446744073709551616": [null, null],
    "1.0": [1, 1],
    "25e-1": [null, null],
    "250e-1": [25, 25],
    "1e19": [null, "10000000000000000000"],
    "1e400": [null, null],
  };
  const expected = Object.values(values).map((pair) => `[${pair.map(String).join(",")}]`);
  assert.equal(program.text("integers", `[${Object.keys(values).join(",")}]`), `[${expected.join(",")}]`);
  assert.equal(program.text("copied", "[ 1.10, 1e400 ,9223372036854775807]"), "[1.10,1e400,9223372036854775807]");
  assert.equal(program.text("parsed", "[1e400,0.1,1e23]"), "[null,0.1,1e+23]");
});

test("the pull reader says what an integer has to be", () => {
  const [i64, u64, safe] = [0, 1, 2];
  const cases = [
    [i64, "-9223372036854775808", "-9223372036854775808"],
    [i64, "9223372036854775808", ": must be an integer of 64 bits"],
    [i64, "1.5", ": must be an integer of 64 bits"],
    [i64, '"1"', ": must be an integer"],
    [u64, "18446744073709551615", "18446744073709551615"],
    [u64, "-1", ": must be an integer of 64 bits without sign"],
    [u64, "-0", "0"],
    [safe, "9007199254740991", "9007199254740991"],
    [safe, "-9007199254740991", "-9007199254740991"],
    [safe, "9007199254740992", ": must be an integer within ±9007199254740991"],
    [safe, "-9007199254740992", ": must be an integer within ±9007199254740991"],
    [safe, "18446744073709551615", ": must be an integer within ±9007199254740991"],
    [safe, "1e400", ": must be an integer within ±9007199254740991"],
    [safe, "0.5", ": must be an integer"],
    [safe, "1e-5", ": must be an integer"],
    [safe, "01", ": is not valid JSON: a number is malformed"],
    [safe, "1x", ": is not valid JSON: a number is malformed"],
    [safe, "1 x", ": is not valid JSON: text follows its end"],
  ] as const;
  for (const [kind, input, expected] of cases)
    assert.equal(program.text("pulledInteger", input, kind), expected, input);
});

test("members are found by key and compared as strings", () => {
  const object = JSON.stringify({
    a: "x",
    "": "empty",
    é: "日本",
    aé: "\ud83d\ude00",
    __proto: 'a"b',
    long: "y".repeat(40),
  });
  const lookup = (key: string, is: string): number => program.number("lookup", object, key, is);
  assert.equal(lookup("a", "x"), 3);
  assert.equal(lookup("a", "y"), 1);
  assert.equal(lookup("a", ""), 1);
  assert.equal(lookup("", "empty"), 3);
  assert.equal(lookup("é", "日本"), 3);
  assert.equal(lookup("é", "日木"), 1);
  assert.equal(lookup("aé", "\u{1f600}"), 3);
  assert.equal(lookup("__proto", 'a"b'), 3);
  assert.equal(lookup("long", "y".repeat(40)), 3);
  assert.equal(lookup("b", "x"), 0);
  assert.equal(lookup("A", "x"), 0);
  assert.equal(program.number("lookup", "[1]", "0", "1"), 0);
  assert.equal(program.number("lookup", "{broken", "a", "1"), 0);
});

test("JSON Pointer, with the document of RFC 6901", () => {
  const document = '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}';
  const at = (pointer: string, text = document): string | null =>
    program.bytesOrNull("pointed", text, pointer)?.toString() ?? null;
  assert.equal(at(""), document);
  assert.equal(at("/foo"), '["bar","baz"]');
  assert.equal(at("/foo/0"), '"bar"');
  assert.equal(at("/"), "0");
  for (const [pointer, found] of Object.entries({
    "/a~1b": "1",
    "/c%d": "2",
    "/e^f": "3",
    "/g|h": "4",
    "/i\\j": "5",
    '/k"l': "6",
    "/ ": "7",
    "/m~0n": "8",
  }))
    assert.equal(at(pointer), found, pointer);
  for (const none of [
    "foo",
    "/foo/2",
    "/foo/-",
    "/foo/00",
    "/foo/01",
    "/foo/+0",
    "/foo/ 0",
    "/foo/",
    "/foo/0/0",
    "/m~n",
    "/~",
  ])
    assert.equal(at(none), null, none);
  assert.equal(at("/foo/99999999999999999999"), null);
  assert.equal(at("/~01", '{"~1":1,"/":2}'), "1");
  assert.equal(at("/a/b/c", '{"a":{"b":{"c":null}}}'), "null");
  assert.equal(at("/0", '{"0":true}'), "true");
  for (const right of ["", "/", "//", "/a~0", "/~1~0"]) assert.equal(program.number("isPointer", right), 1, right);
  for (const wrong of ["a", "/~", "/~2", "/a~", "~0"]) assert.equal(program.number("isPointer", wrong), 0, wrong);
});

test(`JSON Pointer finds what it names (seed ${SEED})`, () => {
  fc.assert(
    fc.property(value, fc.array(fc.nat(), { maxLength: 6 }), (item, path) => {
      let at: unknown = item;
      let pointer = "";
      for (const step of path) {
        if (Array.isArray(at) && at.length) {
          pointer += `/${step % at.length}`;
          at = at[step % at.length];
        } else if (at instanceof Map && at.size) {
          const [key, next] = [...(at as Map<string, unknown>)][step % at.size]!;
          pointer += `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
          at = next;
        } else break;
      }
      const found = program.text(
        "pointed",
        write(item, () => 1),
        pointer,
      );
      assert.equal(
        found,
        write(at, () => 1),
      );
    }),
    { seed: SEED, numRuns: 5_000 },
  );
});

test("the writer gives JSON or nothing, whatever is called", () => {
  const right = new Set<string>();
  const calls = "{}[]ksnti";
  for (const length of [1, 2, 3, 4, 5]) {
    for (let code = 0; code < calls.length ** length; code++) {
      let script = "";
      for (let rest = code, i = 0; i < length; i++, rest = Math.floor(rest / calls.length))
        script += calls[rest % calls.length];
      const bytes = program.bytesOrNull("written", script);
      if (!bytes) continue;
      JSON.parse(bytes.toString());
      right.add(script);
    }
  }
  for (const script of ["s", "[]", "{}", "[si]", "{ks}", "{k[]}", "[{}]", "[[]t]"])
    assert.ok(right.has(script), script);
  for (const script of ["", "k", "ss", "[", "{s}", "{k}", "{kk}", "]", "{]", "[k]", "{}s", "[]]"])
    assert.ok(!right.has(script), script);
  assert.equal(program.text("written", "[s{kskn}tn[i]]"), '["s",{"k":"s","k":null},true,null,[-1]]');
  assert.equal(program.text("written", "[".repeat(64) + "]".repeat(64)), "[".repeat(64) + "]".repeat(64));
  assert.equal(program.bytesOrNull("written", "[".repeat(65) + "]".repeat(65)), null);
});

test(`strings are written as JSON.stringify does, lone surrogates as U+FFFD (seed ${SEED})`, () => {
  const unit = fc.oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0, max: 0xffff }),
    fc.constantFrom(0x22, 0x5c, 0, 0x1f, 0x20, 0x7f, 0xd83d, 0xde00, 0xd800),
  );
  const wellFormed = (units: number[]): string => Buffer.from(String.fromCharCode(...units)).toString();
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 40 }), (units) => {
      const expected = JSON.stringify(wellFormed(units));
      assert.equal(program.text("quoted", Buffer.from(String.fromCharCode(...units), "utf16le")), expected);
      assert.equal(program.text("quotedUtf8", wellFormed(units)), expected);
    }),
    { seed: SEED, numRuns: 20_000 },
  );
  assert.equal(program.text("quotedUtf8", Buffer.of(0x61, 0xff, 0x22)), '"a\ufffd\\""');
  const long = '\x01"\\é'.repeat(50_000);
  assert.equal(program.text("quotedUtf8", long), JSON.stringify(long));
});

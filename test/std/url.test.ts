import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { askGo, withoutGo, word } from "./oracles/net.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260704;
let program: StdProgram;
before(async () => {
  program = await stdProgram("url");
});

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** What the driver's `put` has written. */
function list(bytes: Buffer): Buffer[] {
  const items: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    items.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return items;
}

// EncodeSet, in its order. Each says for an ASCII character what the set makes of it.
const percent = (c: string): string => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
const unless = (kept: RegExp) => (c: string) => (kept.test(c) ? c : percent(c));
/** Node's parser strips these before it encodes anything; all sets have them. */
const stripped = (c: string): boolean => "\t\n\r".includes(c);
const setter = (part: "username" | "hash" | "search" | "pathname", scheme = "http") => {
  return (c: string): string => {
    const url = new URL(`${scheme}://host/`);
    // Between letters: an end would be trimmed or read as something else.
    url[part] = `a${c}b`;
    return /a(.*)b/s.exec(url[part])![1]!;
  };
};
const sets: readonly { name: string; encode: (c: string) => string; except?: string }[] = [
  { name: "C0Control", encode: (c) => /a(.*)b/s.exec(new URL(`x:a${c}b`).pathname)![1]!, except: "?#" },
  { name: "Fragment", encode: setter("hash") },
  { name: "Query", encode: setter("search", "x") },
  { name: "SpecialQuery", encode: setter("search") },
  // The standard has ^ in this set since 2024, Node 20 has not.
  { name: "Path", encode: setter("pathname"), except: "\\^" },
  { name: "UserInfo", encode: setter("username") },
  { name: "Component", encode: encodeURIComponent },
  { name: "Form", encode: (c) => new URLSearchParams({ a: c }).toString().slice(2) },
  { name: "Unreserved", encode: unless(/[A-Za-z0-9._~-]/) },
  { name: "PathSegment", encode: unless(/[A-Za-z0-9._~!$&'()*+,;=:@-]/) },
  { name: "PathSegments", encode: unless(/[A-Za-z0-9._~!$&'()*+,;=:@/-]/) },
  { name: "UriQuery", encode: unless(/[A-Za-z0-9._~!$&'()*+,;=:@/?-]/) },
];

sets.forEach(({ name, encode, except = "" }, set) => {
  test(`percentEncode: the set ${name}`, () => {
    for (let c = 0; c < 256; c++) {
      const text = String.fromCharCode(c);
      if (except.includes(text)) continue;
      const expected = c > 0x7f || stripped(text) ? percent(text) : encode(text);
      const context = `0x${c.toString(16)}`;
      assert.equal(program.text("encode", latin1(text), set), expected, context);
      assert.equal(program.text("encodeText", latin1(`x${text}y`), set), `x${expected}y`, context);
    }
  });
});

test("percentEncode: ^ is in the path set, \\ is not, ? and # are no C0 controls", () => {
  assert.equal(program.text("encode", "^\\", 4), "%5E\\");
  assert.equal(program.text("encode", "?#", 0), "?#");
});

const escapeUnit = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(..."09afAF%%%%") },
  fc.constantFrom("%41", "%2B", "%00", "%ff", "%E9", "%e2%82%ac", "+", "g", "G", "@", "`", "/", ":", "\xff", "\0"),
);
const escapeText = fc.string({ unit: escapeUnit, maxLength: 20 });
const decodeModel = (text: string, plus: boolean): Buffer =>
  latin1(
    (plus ? text.replaceAll("+", " ") : text).replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    ),
  );

test(`percentDecode: lenient as browsers, strict with an offset (seed ${SEED})`, () => {
  fc.assert(
    fc.property(escapeText, (text) => {
      for (const plus of [0, 1]) {
        assert.deepEqual(program.bytes("decode", latin1(text), plus), decodeModel(text, plus === 1), text);
        assert.deepEqual(program.bytes("decodeArray", latin1(text), plus), decodeModel(text, plus === 1), text);
      }
      const bad = /%(?![0-9a-f]{2})/i.exec(text.replace(/%[0-9a-f]{2}/gi, "..."))?.index;
      const length = program.number("decodeStrict", latin1(text)) | 0;
      assert.equal(length, bad === undefined ? decodeModel(text, false).length : -1 - bad, text);
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

test(`percentDecodeStrict: Go's PathUnescape gives the same verdict (seed ${SEED})`, { skip: withoutGo }, () => {
  const texts = fc.sample(escapeText, { seed: SEED, numRuns: 30_000 }).map(latin1);
  const answers = askGo(texts.map((text) => `unescape ${word(text)}`));
  texts.forEach((text, i) => {
    const right = (program.number("decodeStrict", text) | 0) >= 0;
    const decoded = right ? program.bytes("decode", text, 0).toString("hex") : null;
    assert.equal(decoded, answers[i], text.toString("latin1"));
  });
});

test("what is encoded comes back", () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, c) => c));
  sets.forEach(({ name }, set) => {
    // A set that leaves % alone is not for arbitrary bytes.
    if (!program.bytes("encode", "%", set).equals(latin1("%25"))) return;
    const encoded = program.bytes("encode", every, set);
    assert.deepEqual(program.bytes("decode", encoded, name === "Form" ? 1 : 0), every, name);
  });
});

const queryUnit = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(..."&&&===ab+%?;#") },
  fc.constantFrom("a=1", "&b=", "%26", "%3D", "%2B", "%zz", "%e2%82%ac", "%ff", "%", "%4", "%25", "/", " "),
);
const queryText = fc.string({ unit: queryUnit, maxLength: 20 });

test(`Query: the pairs of URLSearchParams, in order, duplicates included (seed ${SEED})`, () => {
  fc.assert(
    fc.property(queryText, (text) => {
      // A ? in front would be taken off.
      const params = new URLSearchParams(`&${text}`);
      const expected = [...params].flat();
      const pairs = list(program.bytes("pairs", latin1(text), 1, 0, 1000));
      assert.deepEqual(
        pairs.map((bytes) => lossy.decode(bytes)),
        expected,
        text,
      );
      for (const name of ["a", "b", "ab", "", "€", "c"]) {
        const values = list(program.bytes("valuesOf", name)).map((bytes) => lossy.decode(bytes));
        assert.deepEqual(values, params.getAll(name), `${name} of ${text}`);
      }
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

test(`QueryReader: the pairs as they stand make the query again (seed ${SEED})`, () => {
  fc.assert(
    fc.property(queryText, (text) => {
      const parts = list(program.bytes("rawPairs", latin1(text))).map((bytes) => bytes.toString("latin1"));
      const pairs: string[] = [];
      for (let i = 0; i < parts.length; i += 3) pairs.push(parts[i]! + parts[i + 2]! + parts[i + 1]!);
      assert.equal(pairs.join("&"), text.split("&").filter(Boolean).join("&"));
    }),
    { seed: SEED, numRuns: 10_000 },
  );
});

test("Query: + stays without `plus`; a strict query refuses a bad escape; the number of pairs is limited", () => {
  const pairs = (text: string, plus: number, strict: number, limit: number): string[] | null => {
    const bytes = program.bytesOrNull("pairs", text, plus, strict, limit);
    return bytes && list(bytes).map(String);
  };
  assert.deepEqual(pairs("a+b=c%2Bd+", 0, 0, 9), ["a+b", "c+d+"]);
  assert.deepEqual(pairs("a+b=c%2Bd+", 1, 1, 9), ["a b", "c+d "]);
  assert.deepEqual(pairs("a=%zz", 1, 0, 9), ["a", "%zz"]);
  assert.equal(pairs("a=1&b%4=2", 1, 1, 9), null);
  assert.equal(program.number("queryError"), (2 << 24) | 5);
  assert.equal(pairs("a=1&b=x%", 1, 1, 9), null);
  assert.equal(program.number("queryError"), (2 << 24) | 7);
  assert.deepEqual(pairs("&&a&&b&&", 1, 1, 2), ["a", "", "b", ""]);
  assert.equal(pairs("a&b&&cc=1&d", 1, 1, 2), null);
  assert.equal(program.number("queryError"), (1 << 24) | 5);
  assert.deepEqual(list(program.bytes("valuesOf", "a")), []);
  assert.equal(pairs("a", 1, 0, 0), null);
  assert.equal(pairs("a", 1, 0, -5), null);
  assert.deepEqual(pairs("", 1, 0, 0), []);
});

test("Query: ten thousand pairs, and one after another in one object", () => {
  const text = Array.from({ length: 10_000 }, (_, i) => `k${i}=v${i}`).join("&");
  assert.equal(list(program.bytes("pairs", text, 1, 1, 10_000)).length, 20_000);
  assert.deepEqual(list(program.bytes("valuesOf", "k9999")).map(String), ["v9999"]);
  assert.equal(program.bytesOrNull("pairs", text, 1, 1, 9_999), null);
  assert.deepEqual(list(program.bytes("pairs", "x=1", 1, 1, 9_999)).map(String), ["x", "1"]);
});

const targetUnit = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(..."//ab?") },
  fc.constantFrom("#", " ", "\t", "\0", "\x7f", "\x80", "\xff", "&", "%", "*"),
);

test(`RequestTarget: split at the first ?, or refused (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.string({ unit: targetUnit, maxLength: 12 }), (text) => {
      const expected = /^(\/[^?#\0-\x20\x7f]*)(\??)([^#\0-\x20\x7f]*)$/.exec(text);
      const parts = program.bytesOrNull("split", latin1(text));
      assert.deepEqual(
        parts && list(parts).map((part) => part.toString("latin1")),
        expected && [expected[1], expected[3], expected[2]],
        JSON.stringify(text),
      );
    }),
    { seed: SEED, numRuns: 10_000 },
  );
});

test("normalizePath: time grows with the length alone", () => {
  const shapes = ["/..", "/a/..", "%2e", "/%2e%2e", "%%3", "%41", "/.;", "//", "\\..", "/a/.;b", "%2f"];
  const size = 100_000;
  for (const shape of shapes) {
    const text = `/${shape.repeat(size / shape.length)}`;
    const started = performance.now();
    for (const how of [0, 1, 2, 3, 4, 7, 8, 9]) program.bytesOrNull("normalize", latin1(text), how);
    const took = performance.now() - started;
    // Quadratic it would be minutes.
    assert.ok(took < 2000, `${shape}: ${took} ms`);
  }
});

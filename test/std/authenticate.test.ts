import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { FUZZED } from "./fuzz/authenticate.js";
import { mutated } from "./mutated.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;

let program: StdProgram;
before(async () => {
  program = await stdProgram("authenticate");
});

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");
const chars = (all: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...all), minLength, maxLength });
const token = chars("aZ09!#$%&'*+-.^_`|~", 1, 5);
const quotable = chars('aZ ,=;"\\\t\xe9', 0, 6);
const token68 = fc.tuple(chars("aZ09-._~+/", 1, 6), chars("=", 0, 2)).map((parts) => parts.join(""));
const blank = fc.constantFrom("", "", " ", "\t");
const comma = fc.constantFrom(",", ", ", " ,", ",,", " , \t,");

/** A parameter, what it means and how it is written. */
const parameter = fc.oneof(
  fc.tuple(blank, token, blank).map(([a, value, b]) => ({ value, text: `${a}=${b}${value}` })),
  fc
    .tuple(blank, quotable, blank)
    .map(([a, value, b]) => ({ value, text: `${a}=${b}"${value.replace(/["\\]/g, "\\$&")}"` })),
);
/** Names are made different by a number. */
const challenge = fc.oneof(
  token.map((scheme) => ({ dump: hex(scheme), text: scheme })),
  fc.tuple(token, fc.constantFrom(" ", "  "), token68).map(([scheme, spaces, value]) => ({
    dump: `${hex(scheme)}~${hex(value)}`,
    text: `${scheme}${spaces}${value}`,
  })),
  fc
    .tuple(
      token,
      fc.constantFrom(" ", "  "),
      fc.array(fc.tuple(token, parameter, comma), { minLength: 1, maxLength: 4 }),
    )
    .map(([scheme, spaces, all]) => ({
      dump: hex(scheme) + all.map(([name, { value }], i) => `;${hex(name + i)}=${hex(value)}`).join(""),
      text:
        scheme + spaces + all.map(([name, { text }, between], i) => `${i ? between : ""}${name}${i}${text}`).join(""),
    })),
);
const field = fc.array(fc.tuple(challenge, comma), { minLength: 1, maxLength: 4 });

test("challenges are read as they were meant", () => {
  fc.assert(
    fc.property(field, (all) => {
      const text = all.map(([{ text }, between], i) => text + (i < all.length - 1 ? between : "")).join("");
      const dump = all.map(([one]) => one.dump).join(",");
      assert.equal(program.text("challenges", Buffer.from(text, "latin1")), dump, text);
    }),
    { seed: SEED, numRuns: 5000 },
  );
});

test("what is nearly a field, against the grammar of RFC 9110", () => {
  const text = mutated(
    field.map((all) => all.map(([one, between]) => one.text + between).join("")),
    'a=,"\\ \t;\x80\x7f',
  );
  const { check } = FUZZED[0]!;
  fc.assert(
    fc.property(fc.oneof(text, mutated(fc.constantFrom("Bearer abc.def==", "bearer  x"), "a= ,\tB")), (one) => {
      const bytes = Buffer.from(one, "latin1");
      check!(bytes, program.number("verdict", bytes), program);
    }),
    { seed: SEED, numRuns: 6000 },
  );
});

test("limits, and parameters that are there twice", () => {
  const params = (count: number) => `A ${Array.from({ length: count }, (_, i) => `p${i}=v`).join()}`;
  const challenges = (count: number) => Array.from({ length: count }, () => "A").join();
  for (const [text, taken] of [
    [params(64), true],
    [params(65), false],
    [challenges(64), true],
    [challenges(65), false],
    ["A a=1, A=2", false],
    ["A a=1, B a=2", true],
    [`A ${"x".repeat(65534)}`, true],
    [`A ${"x".repeat(65535)}`, false],
  ] as const) {
    assert.equal(program.bytesOrNull("challenges", text) !== null, taken, text.slice(0, 20));
  }
});

test("challenges are written so that they are read back", () => {
  const name = fc.uniqueArray(token, { maxLength: 3, selector: (text) => text.toLowerCase() });
  fc.assert(
    fc.property(
      token,
      name,
      fc.array(quotable, { minLength: 3, maxLength: 3 }),
      fc.boolean(),
      (scheme, names, values, quoted) => {
        program.number("begin", scheme);
        names.forEach((one, i) => program.number("add", one, values[i]!, Number(quoted)));
        const text = program.bytesOrNull("serialized")?.toString() ?? null;
        const used = values.slice(0, names.length);
        // A quoted string is printable ASCII here, though RFC 9110 lets recipients take more.
        const allowed = used.every((value) => (quoted ? /^[ -~]*$/ : /^[\w!#$%&'*+.^`|~-]+$/).test(value));
        assert.equal(text !== null, allowed);
        if (!text) return;
        const dump = hex(scheme) + names.map((one, i) => `;${hex(one)}=${hex(used[i]!)}`).join("");
        assert.equal(program.text("credentials", text), dump);
      },
    ),
    { seed: SEED, numRuns: 3000 },
  );
  program.number("begin", "Basic");
  program.number("addToken68", "QQ==");
  assert.equal(program.text("serialized"), "Basic QQ==");
  program.number("add", "realm", "x", 1);
  assert.equal(program.bytesOrNull("serialized"), null);
  program.number("begin", "Digest");
  program.number("add", "realm", "a", 1);
  program.number("add", "Realm", "b", 1);
  assert.equal(program.bytesOrNull("serialized"), null);
});

test("the challenge for a bearer token", () => {
  assert.equal(
    program.text("bearerError", "example", "invalid_token", "The access token expired", ""),
    'Bearer realm="example", error="invalid_token", error_description="The access token expired"',
  );
  assert.equal(program.text("bearerError", "", "", "", ""), "Bearer");
  assert.equal(
    program.text("bearerError", 'a "b"', "", "", "read write"),
    'Bearer realm="a \\"b\\"", scope="read write"',
  );
  // RFC 6750, section 3: error and error_description are %x20-21 / %x23-5B / %x5D-7E.
  for (const bad of ['a"b', "a\\b", "a\nb", "é"]) {
    assert.equal(program.bytesOrNull("bearerError", "", "", bad, ""), null);
    assert.equal(program.bytesOrNull("bearerError", "", bad, "", ""), null);
    assert.equal(program.bytesOrNull("bearerError", "", "", "", bad), null);
  }
});

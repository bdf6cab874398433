import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { mutated } from "./mutated.js";
import { isStateMember, parentModel, stateModel, stateText } from "./oracles/tracecontext.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;
const ALL = 0x7fffffff;

let program: StdProgram;
before(async () => {
  program = await stdProgram("tracecontext");
});

const chars = (all: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...all), minLength, maxLength });
const digits = (count: number) =>
  fc.oneof({ weight: 9, arbitrary: chars("0123456789abcdef", count, count) }, fc.constant("0".repeat(count)));
const traceparent = mutated(
  fc
    .tuple(
      fc.oneof(fc.constant("00"), digits(2)),
      digits(32),
      digits(16),
      digits(2),
      fc.constantFrom("", "", "-", "-x", "."),
    )
    .map(([version, trace, parent, flags, rest]) => `${version}-${trace}-${parent}-${flags}${rest}`),
  "0123456789abcdefAF-.gx \x80",
);
const key = fc.oneof(chars("az09", 1, 1), chars("a0z_-*/@", 1, 5), chars("k", 250, 260));
const value = fc.oneof(chars("aZ09 !+-<>~", 1, 8), chars("v", 120, 260));
const member = fc.tuple(key, value);
const tracestate = mutated(
  fc
    .array(fc.tuple(member, fc.constantFrom(",", ", ", " ,\t", ",,")), { maxLength: 5 })
    .map((members) => members.map(([[k, v], comma]) => `${k}=${v}${comma}`).join("")),
  "a=, \t@AZ;\x7f\x80",
);

test("traceparent, against a regular expression", () => {
  let taken = 0;
  fc.assert(
    fc.property(traceparent, (text) => {
      const bytes = Buffer.from(text, "latin1");
      const model = parentModel(text);
      assert.equal(program.bytesOrNull("parent", bytes)?.toString() ?? null, model);
      if (model) taken++;
    }),
    { seed: SEED, numRuns: 10_000 },
  );
  assert.ok(taken > 500, `${taken} taken`);
});

// The cases that the W3C's test suite sends to a service.
test("traceparent: what starts a new trace", () => {
  const good = "00-12345678901234567890123456789012-1234567890123456-01";
  const taken = (text: string) => program.bytesOrNull("parent", text) !== null;
  for (const text of [
    good,
    good.replace(/^00/, "cc"),
    `${good.replace(/^00/, "cc")}-what-the-future-will-be-like`,
    good.replace(/01$/, "ff"),
  ]) {
    assert.ok(taken(text), text);
  }
  for (const text of [
    "",
    `${good}.`,
    `${good}-what-the-future-will-be-like`,
    `${good.replace(/^00/, "cc")}.what`,
    good.replace(/^00/, "ff"),
    good.replace(/^00/, ".0"),
    good.replace(/^00/, "0"),
    good.replace(/^00/, "000"),
    good.replace(/1234567890123456-/, "0000000000000000-"),
    good.replace(/12345678901234567890123456789012/, "0".repeat(32)),
    good.replace(/12345678901234567890123456789012/, "1234567890123456789012345678901A"),
    good.replace(/01$/, "1"),
    good.replace(/01$/, "001"),
    good.replace(/01$/, ".0"),
    `${good}, ${good}`,
  ]) {
    assert.ok(!taken(text), text);
  }
});

test("a child has the trace and its randomness, a new id and its own decision", () => {
  const text = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-later";
  assert.equal(
    program.text("child", text, 0xb7ad6b7169203331n, 0),
    "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-02",
  );
});

test("tracestate, against regular expressions", () => {
  let taken = 0;
  fc.assert(
    fc.property(tracestate, (text) => {
      const bytes = Buffer.from(text, "latin1");
      const model = stateModel(text);
      assert.equal(program.number("read", bytes), Number(model !== null));
      assert.ok(program.number("verdict", bytes) < 8);
      if (!model) return;
      taken++;
      assert.equal(program.text("written", ALL), stateText(model));
    }),
    { seed: SEED, numRuns: 5000 },
  );
  assert.ok(taken > 1000, `${taken} taken`);
});

test("tracestate: 32 members, keys and values of 256 bytes, not one more", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `bar${i}=${i}`).join(",");
  for (const [text, taken] of [
    [many(32), 1],
    [many(33), 0],
    [`${many(32)},,\t, `, 1],
    [`${"z".repeat(256)}=1`, 1],
    [`${"z".repeat(257)}=1`, 0],
    [`a=${"z".repeat(256)}`, 1],
    [`a=${"z".repeat(257)}`, 0],
    ["foo=1,foo=2", 1],
    ["foo =1", 0],
    ["FOO=1", 0],
    ["foo=", 0],
    ["foo=bar=baz", 0],
    ["@foo=1", 0],
    ["foo@=1", 1],
    ["", 1],
  ] as const) {
    assert.equal(program.number("read", text), taken, text);
  }
});

test("mutations of tracestate, against a Map", () => {
  const change = fc.tuple(fc.constantFrom("set", "set", "remove"), fc.oneof(chars("ab", 1, 2), key), value);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(chars("abcdef", 1, 2), value), { maxLength: 30 }),
      fc.array(change, { maxLength: 8 }),
      (members, changes) => {
        const text = members.map((pair) => pair.join("=").trimEnd()).join(",");
        let model = stateModel(text);
        assert.equal(program.number("read", text), Number(model !== null));
        model ??= new Map();
        for (const [what, name, content] of changes) {
          if (what === "remove") assert.equal(program.number("remove", name), Number(model.delete(name)));
          else {
            const allowed = isStateMember(name, content);
            assert.equal(program.number("set", name, content), Number(allowed));
            if (!allowed) continue;
            model.delete(name);
            model = new Map([[name, content] as const, ...model].slice(0, 32));
          }
        }
        assert.equal(program.text("written", ALL), stateText(model));
        for (const [name, content] of model) assert.equal(program.text("get", name), content);
        for (const limit of [0, 100, 512])
          assert.equal(program.text("written", limit), stateText(shortened(model, limit)));
      },
    ),
    { seed: SEED, numRuns: 2000 },
  );
});

/** Section 3.3.3.1: "Entries larger than 128 characters long SHOULD be removed first. Then entries … starting from the end". */
function shortened(state: Map<string, string>, limit: number): Map<string, string> {
  const left = new Map(state);
  const newestLast = [...state].reverse();
  const long = newestLast.filter((pair) => pair.join("=").length > 128);
  for (const [name] of [...long, ...newestLast]) {
    if (stateText(left).length <= limit) break;
    left.delete(name);
  }
  return left;
}

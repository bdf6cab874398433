import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import Negotiator from "negotiator";
import { modelParts, nodeParts } from "./fuzz/mediatype.js";
import { mutated } from "./mutated.js";
import { accepted } from "./oracles/accept.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;
const NONE = 0xffffffff;

let program: StdProgram;
before(async () => {
  program = await stdProgram("mediatype");
});

const token = fc.string({ unit: fc.constantFrom(..."aAbz09!#$&'*+-.^_`|~"), minLength: 1, maxLength: 6 });
const space = fc.constantFrom("", "", " ", "\t", "\r\n");
const value = fc.oneof(
  token,
  fc
    .string({ unit: fc.constantFrom(...'ab "\\;=,\t\xe9\xff'), maxLength: 6 })
    .map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`),
);
const parameter = fc.tuple(space, token, value, space).map(([a, n, v, b]) => `;${a}${n}=${v}${b}`);
const mediaType = mutated(
  fc
    .tuple(space, token, token, fc.array(parameter, { maxLength: 4 }), space)
    .map(([a, t, s, p, b]) => `${a}${t}/${s}${p.join("")}${b}`),
  'aA0/;="\\ \t\r\n,\x7f\x80\xff\0',
);

test("media types, against whatwg-mimetype and Node", () => {
  let taken = 0;
  fc.assert(
    fc.property(mediaType, (text) => {
      const bytes = Buffer.from(text, "latin1");
      const model = modelParts(bytes);
      const node = nodeParts(bytes);
      const ours = program.bytesOrNull("parts", bytes)?.toString("latin1") ?? null;
      assert.equal(ours, model && model.map((part) => `${part}\n`).join(""));
      if (node !== undefined) assert.deepEqual(node, model);
      assert.equal(program.number("consistent", bytes), 1);
      if (model) taken++;
    }),
    { seed: SEED, numRuns: 10_000 },
  );
  assert.ok(taken > 3000, `${taken} taken`);
});

test("limits of media types", () => {
  const params = (count: number) => `a/b${Array.from({ length: count }, (_, i) => `;p${i}=v`).join("")}`;
  assert.equal(program.text("mediaType", params(64)), params(64));
  assert.equal(program.bytesOrNull("mediaType", params(65)), null);
  assert.notEqual(program.bytesOrNull("mediaType", `a/${"b".repeat(8190)}`), null);
  assert.equal(program.bytesOrNull("mediaType", `a/${"b".repeat(8191)}`), null);
});

// The table of RFC 9110, section 12.5.1.
test("the example of RFC 9110", () => {
  const field = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
  for (const [media, quality] of [
    ["text/plain;format=flowed", 1000],
    ["text/plain", 700],
    ["text/html", 300],
    ["image/jpeg", 500],
    ["text/plain;format=fixed", 400],
    ["text/html;level=3", 300],
  ] as const) {
    assert.equal(program.number("quality", field, media), quality, media);
  }
});

const type = fc.constantFrom("text", "application", "image");
const subtype = fc.constantFrom("html", "plain", "json");
const quality = fc.constantFrom("", "", ";q=0", ";q=0.5", "; q=0.123", ";q=1", ";Q=0.9", ";q=1.000", ";q=0.");
const maybeParameter = fc.constantFrom("", "", "", ";a=1", "; a=2", ';a="1"');
const range = fc.oneof(
  fc.tuple(type, subtype, maybeParameter, quality).map(([t, s, p, q]) => `${t}/${s}${p}${q}`),
  fc.tuple(type, quality).map(([t, q]) => `${t}/*${q}`),
  quality.map((q) => `*/*${q}`),
);
const acceptField = fc
  .array(fc.tuple(range, fc.constantFrom(",", ", ", " ,\t", ",,")), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.flat().join(""));
const offers = fc.uniqueArray(
  fc.tuple(type, subtype, fc.constantFrom("", "", ";a=1", ";a=2")).map(([t, s, p]) => `${t}/${s}${p}`),
  { minLength: 1, maxLength: 6 },
);

test("the choice by Accept, against negotiator", () => {
  fc.assert(
    fc.property(acceptField, offers, (accept, media) => {
      const ours = media.map((offer) => program.number("quality", accept, offer));
      const theirs = new Negotiator({ headers: { accept } }).mediaTypes(media);
      assert.deepEqual(new Set(media.filter((_, i) => ours[i]! > 0)), new Set(theirs));
      const most = Math.max(...ours);
      const best = program.number("best", accept, media.join("\n"));
      // Of equals we take the first offer, negotiator the one that comes first in the field: RFC 9110 says nothing of it.
      if (!most) assert.equal(best, NONE);
      else {
        assert.equal(best, ours.indexOf(most));
        assert.equal(ours[media.indexOf(theirs[0]!)], most);
      }
    }),
    { seed: SEED, numRuns: 5000 },
  );
});

test("malformed members of Accept are left out, whatever they are", () => {
  fc.assert(
    fc.property(mutated(acceptField, ',;=/*"\\ q01.\x80'), (text) => {
      const bytes = Buffer.from(text, "latin1");
      const model = accepted(text);
      const good = model.filter((one) => one).length;
      assert.equal(program.number("members", bytes), good * 1000 + model.length - good);
    }),
    { seed: SEED, numRuns: 5000 },
  );
  assert.equal(program.number("quality", 'text/html;q="1", a/b;q=2, c/d;q=0.1234, */x', "text/html"), 0);
  const many = (count: number) => Array.from({ length: count }, () => "a/b").join();
  assert.equal(program.number("members", many(256)), 256_000);
  assert.equal(program.number("members", many(257)), NONE);
});

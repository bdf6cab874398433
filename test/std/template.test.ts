import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { mutated } from "./mutated.js";
import { encodedBy, ENCODERS, rendered } from "./oracles/template.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;
const COMPILED = 0xffffffff;

let program: StdProgram;
before(async () => {
  program = await stdProgram("template");
});

const NAMES = ["a", "b", "header:x", "none"];
const stage = fc.oneof(
  fc.constantFrom(...ENCODERS),
  fc.string({ unit: fc.constantFrom(...'ab "é$=|'), maxLength: 4 }).map((text) => `default=${text}`),
);
const place = fc
  .tuple(fc.constantFrom(...NAMES, "c", ""), fc.array(stage, { maxLength: 2 }))
  .map((parts) => `\${${parts.flat().join("|")}}`);
const literal = fc.constantFrom("text ", "é", "$", "$$", "{", "}", "|", "/");
const template = mutated(
  fc.array(fc.oneof(place, literal), { maxLength: 6 }).map((parts) => parts.join("")),
  "${}|a=",
);
const bytes = fc.uint8Array({ maxLength: 12 });

test("templates, against a model", () => {
  let taken = 0;
  fc.assert(
    fc.property(template, bytes, fc.nat(6), (text, value, encoder) => {
      const values = { a: value, b: Buffer.from("text é \u{1f600}"), "header:x": value, none: null };
      const model = rendered(text, values, ENCODERS[encoder]!);
      assert.equal(program.number("compile", text, encoder) === COMPILED, model !== null, text);
      if (!model) return;
      taken++;
      assert.deepEqual(program.bytes("render", value, 65536), model, text);
      assert.equal(program.number("isConstant"), Number(!/(^|[^$])(\$\$)*\$\{/.test(text)));
      // Never more than the limit.
      assert.deepEqual(program.bytesOrNull("render", value, model.length), model);
      if (model.length) assert.equal(program.bytesOrNull("render", value, model.length - 1), null);
    }),
    { seed: SEED, numRuns: 8000 },
  );
  assert.ok(taken > 2000, `${taken} taken`);
});

test("encoders, against JavaScript's", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
      ),
      (value) => {
        ENCODERS.forEach((encoder, i) => {
          assert.deepEqual(program.bytes("encoded", value, i), encodedBy(encoder, value), encoder);
        });
      },
    ),
    { seed: SEED, numRuns: 5000 },
  );
  // And the other way round.
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const value = Buffer.from(text);
      assert.equal(decodeURIComponent(program.text("encoded", value, 1)), value.toString());
      assert.equal(JSON.parse(`"${program.text("encoded", value, 2)}"`), value.toString());
    }),
    { seed: SEED, numRuns: 2000 },
  );
});

test("places of errors", () => {
  for (const [text, at] of [
    ["ab${", 2],
    ["ab${a|url", 2],
    ["é${c}", 4],
    ["${a|x}", 4],
    ["${a|url|json}", 8],
    ["${a|default=1|default=2}", 14],
    ["x".repeat(65537), 65536],
    ["${a}".repeat(257), 1024],
  ] as const) {
    assert.equal(program.number("compile", text, 0), at, text.slice(0, 20));
  }
  assert.equal(program.number("compile", "${a}".repeat(256), 0), COMPILED);
});

test("a value of any size stays within the limit", () => {
  assert.equal(program.number("compile", "${a|json}${a|url}", 0), COMPILED);
  assert.equal(program.bytesOrNull("render", Buffer.alloc(1 << 20, 0xff), 65536), null);
  assert.equal(program.bytes("render", Buffer.alloc(1 << 12, 0xff), 65536).length, 3 * (1 << 12) * 2);
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260702;
let program: StdProgram;
before(async () => {
  program = await stdProgram("hex");
});

/** The bytes, or -1 - offset of the first character that cannot stand there. */
export function decodeModel(text: string): Buffer | number {
  const good = /^[0-9a-f]*/i.exec(text)![0].length;
  return good < text.length || good % 2 ? -1 - good : Buffer.from(text, "hex");
}

function agreesOn(text: string): void {
  const bytes = Buffer.from(text, "latin1");
  const expected = decodeModel(text);
  const decoded = program.bytesOrNull("decode", bytes);
  const length = program.number("decodedLength", bytes) | 0;
  const fromUnits = program.bytesOrNull("fromText", Buffer.from(text, "utf16le"));
  const errorAt = program.number("errorAt") | 0;
  if (typeof expected === "number") {
    assert.deepEqual([decoded, length, fromUnits, errorAt], [null, expected, null, -1 - expected], text);
  } else assert.deepEqual([decoded, length, fromUnits, errorAt], [expected, expected.length, expected, -1], text);
}

test("every byte and every pair of digits", () => {
  for (let a = 0; a < 256; a++) {
    agreesOn(String.fromCharCode(a));
    for (let b = 0; b < 256; b++) agreesOn(String.fromCharCode(a, b));
    const byte = Buffer.of(a);
    assert.equal(program.text("encode", byte), byte.toString("hex"));
    assert.equal(program.text("toText", byte), byte.toString("hex"));
  }
});

test("characters beyond a byte are wrong, whatever their low byte is", () => {
  for (const c of ["\u0130", "\u0161", "\uff10", "\ud800"]) {
    assert.equal(program.bytesOrNull("fromText", Buffer.from(`ab${c}1`, "utf16le")), null);
    assert.equal(program.number("errorAt"), 2);
  }
});

test(`any bytes come back, any text is read as Buffer reads it or refused (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = Buffer.from(bytes).toString("hex");
      assert.equal(program.text("encode", bytes), text);
      assert.equal(program.text("toText", bytes), text);
      agreesOn(text);
      agreesOn(text.toUpperCase());
    }),
    { seed: SEED, numRuns: 3000 },
  );
  const unit = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(..."0123456789abcdefABCDEF") },
    fc.constantFrom("g", "/", ":", "@", "`", "G", " ", "\0", "\xff"),
  );
  fc.assert(fc.property(fc.string({ unit, maxLength: 24 }), agreesOn), { seed: SEED, numRuns: 5000 });
});

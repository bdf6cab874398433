import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260612;
let program: StdProgram;
before(async () => {
  program = await stdProgram("utf8");
});

const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** decodeUtf8 and isUtf8 say what the Encoding Standard says, and so do the encoder and the strict decoder. */
function agreesOn(bytes: Uint8Array): void {
  const hex = Buffer.from(bytes).toString("hex");
  const text = lossy.decode(bytes);
  const valid = isUtf8(bytes);
  assert.equal(program.units("decode", bytes), text, hex);
  assert.equal(program.number("verdict", bytes), valid ? 1 : 0, hex);
}

function encoded(text: string): Buffer {
  return program.bytes("encode", Buffer.from(text, "utf16le"));
}

test("every input of no, one and two bytes is decoded as TextDecoder does", () => {
  agreesOn(new Uint8Array());
  for (let a = 0; a < 256; a++) {
    agreesOn(Uint8Array.of(a));
    for (let b = 0; b < 256; b++) agreesOn(Uint8Array.of(a, b));
  }
});

test("every pair of a lead byte and what can go wrong behind it", () => {
  const edges = [0x00, 0x22, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xed, 0xf4, 0xff];
  for (let lead = 0xbf; lead < 0x100; lead++) {
    for (const a of edges) for (const b of edges) for (const c of edges) agreesOn(Uint8Array.of(lead, a, b, c));
  }
});

test(`random and mutated input is decoded as TextDecoder does (seed ${SEED})`, () => {
  const bytes = fc.uint8Array({ maxLength: 24 });
  const heavy = fc
    .array(fc.oneof(fc.integer({ min: 0x80, max: 0xff }), fc.constantFrom(0x41, 0xe0, 0xed, 0xf0, 0xf4)), {
      maxLength: 16,
    })
    .map((list) => Uint8Array.from(list));
  const mutated = fc
    .tuple(
      fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
      fc.nat({ max: 3 }),
    )
    .map(([text, changes, cut]) => {
      const valid = Buffer.from(text);
      for (const [at, byte] of changes) valid[at % valid.length] = byte;
      return new Uint8Array(valid.subarray(0, Math.max(0, valid.length - cut)));
    });
  fc.assert(fc.property(fc.oneof(bytes, heavy, mutated), agreesOn), { seed: SEED, numRuns: 30_000 });
});

test("every code point survives decoding and encoding", () => {
  for (let from = 0; from < 0x110000; from += 0x1000) {
    if (from >= 0xd000 && from < 0xe000) continue;
    let text = "";
    for (let c = from; c < from + 0x1000; c++) text += String.fromCodePoint(c);
    const bytes = Buffer.from(text);
    agreesOn(bytes);
    assert.ok(encoded(text).equals(bytes), from.toString(16));
  }
});

test("a long input is decoded whole", () => {
  const text = "aé日\u{1f600}".repeat(50_000);
  agreesOn(Buffer.from(text));
  agreesOn(Buffer.concat([Buffer.from(text), Buffer.of(0xf0, 0x9f)]));
});

test("every lone surrogate is encoded as U+FFFD", () => {
  for (let unit = 0xd800; unit < 0xe000; unit++) {
    const lone = String.fromCharCode(unit);
    assert.ok(encoded(lone).equals(Buffer.from("\ufffd")), unit.toString(16));
    assert.ok(encoded(`a${lone}é`).equals(Buffer.from("a\ufffdé")), unit.toString(16));
  }
});

test(`random UTF-16 is encoded as Buffer does (seed ${SEED})`, () => {
  const unit = fc.oneof(
    fc.integer({ min: 0, max: 0xffff }),
    fc.integer({ min: 0xd800, max: 0xdfff }),
    fc.constantFrom(0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff),
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
      const text = String.fromCharCode(...units);
      assert.deepEqual(encoded(text), Buffer.from(text));
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

test("the functions over arrays do the same", () => {
  const bytes = Buffer.from("aé日\u{1f600}");
  assert.equal(program.units("fromArray", bytes), "aé日\u{1f600}");
  assert.equal(program.units("fromArray", Buffer.of(0x61, 0xff)), "a\ufffd");
  assert.equal(program.units("fromArrayStrict", bytes), "aé日\u{1f600}");
  assert.equal(program.bytesOrNull("fromArrayStrict", Buffer.of(0x61, 0xff)), null);
  assert.equal(program.units("fromArrayStrict", ""), "");
});

test("ASCII of every length, with another character at every place", () => {
  for (let length = 0; length < 40; length++) {
    const plain = "\0abcdefghijklmnopqrstuvwxyz0123456789\x7f~ ".slice(0, length);
    agreesOn(Buffer.from(plain));
    assert.ok(encoded(plain).equals(Buffer.from(plain)), String(length));
    for (let at = 0; at <= length; at++) {
      for (const other of ["é", "日", "\u{1f600}", "\u0080", "\uff41"]) {
        const text = plain.slice(0, at) + other + plain.slice(at);
        agreesOn(Buffer.from(text));
        assert.ok(encoded(text).equals(Buffer.from(text)), text);
      }
      agreesOn(Buffer.concat([Buffer.from(plain.slice(0, at)), Buffer.of(0x80), Buffer.from(plain.slice(at))]));
    }
  }
});

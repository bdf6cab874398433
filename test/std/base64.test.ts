import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { askGo, withoutGo, word } from "./oracles/net.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260703;
let program: StdProgram;
before(async () => {
  program = await stdProgram("base64");
});

const variants = [
  {
    name: "base64",
    url: 0,
    encoding: "base64",
    alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
  },
  {
    name: "base64url",
    url: 1,
    encoding: "base64url",
    alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
  },
] as const;
type Variant = (typeof variants)[number];

/** Whether the text is what Buffer makes of the bytes that it makes of the text, and all of it is text. */
function isCanonical(text: string, { encoding }: Variant): boolean {
  return Buffer.from(text, encoding).toString(encoding) === text;
}

/** Whether more characters can make the text canonical. */
function isBeginning(text: string, variant: Variant): boolean {
  const whole = text.slice(0, text.length & ~3);
  if (!/^[^=]*$/.test(whole) || !isCanonical(whole, variant)) {
    // With padding in the last group nothing may follow.
    return whole.length === text.length && isCanonical(whole, variant);
  }
  const rest = text.slice(whole.length);
  const ends = ["", "A", "AA", "AAA", ...(variant.url ? [] : ["=", "=="])];
  return ends.some((end) => isCanonical(rest + end, variant) && (variant.url || (rest + end).length % 4 === 0));
}

/** The number of bytes, or -1 - offset of the first character that cannot stand there. */
function lengthModel(text: string, variant: Variant): number {
  if (isCanonical(text, variant)) return Buffer.from(text, variant.encoding).length;
  let good = 0;
  while (good < text.length && isBeginning(text.slice(0, good + 1), variant)) good++;
  return -1 - good;
}

function agreesOn(text: string, variant: Variant): void {
  const bytes = Buffer.from(text, "latin1");
  const length = lengthModel(text, variant);
  const right = length < 0 ? null : Buffer.from(text, variant.encoding);
  assert.deepEqual(
    [
      program.number("decodedLength", bytes, variant.url) | 0,
      program.bytesOrNull("decode", bytes, variant.url),
      program.bytesOrNull("fromText", Buffer.from(text, "utf16le"), variant.url),
      program.number("errorAt") | 0,
    ],
    [length, right, right, length < 0 ? -1 - length : -1],
    `${variant.name} ${JSON.stringify(text)}`,
  );
}

for (const variant of variants) {
  const { name, url, encoding, alphabet } = variant;
  const unit = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...alphabet) },
    { weight: 2, arbitrary: fc.constantFrom("A", "=") },
    fc.constantFrom("+", "/", "-", "_", "=", " ", "\n", "\0", "\x80", "\xff", ".", "@", "[", "`", "{"),
  );
  const anyText = fc.oneof(
    fc.string({ unit, maxLength: 14 }),
    // Right but for one place.
    fc.tuple(fc.uint8Array({ maxLength: 24 }), fc.nat(), unit, fc.nat(2)).map(([bytes, where, character, kind]) => {
      const text = Buffer.from(bytes).toString(encoding);
      const at = where % (text.length + 1);
      return text.slice(0, at) + (kind ? character : "") + text.slice(kind === 2 ? at : at + 1);
    }),
  );

  test(`${name}: any bytes become what Buffer makes of them, and come back (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString(encoding);
        assert.equal(program.text("encode", bytes, url), text);
        assert.equal(program.text("toText", bytes, url), text);
        agreesOn(text, variant);
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  test(`${name}: every text of up to two characters, every character in every place of the last group`, () => {
    agreesOn("", variant);
    for (let a = 0; a < 256; a++) {
      agreesOn(String.fromCharCode(a), variant);
      for (const b of ["A", "Q", "B", "=", "\xff"]) agreesOn(String.fromCharCode(a) + b, variant);
      for (const before of ["", "TWFu"]) {
        for (const group of ["AAA", "AA=", "A==", "===", "AQQ", "ABB"]) {
          for (let at = 0; at < 4; at++) {
            agreesOn(before + group.slice(0, at) + String.fromCharCode(a) + group.slice(at), variant);
          }
        }
      }
    }
  });

  test(`${name}: any text is read or refused as the model does it (seed ${SEED})`, () => {
    fc.assert(
      fc.property(anyText, (text) => agreesOn(text, variant)),
      { seed: SEED, numRuns: 20_000 },
    );
  });

  test(`${name}: Go's strict decoder gives the same verdict (seed ${SEED})`, { skip: withoutGo }, () => {
    const texts = fc.sample(anyText, { seed: SEED, numRuns: 50_000 }).map((text) => Buffer.from(text, "latin1"));
    const answers = askGo(texts.map((text) => `${name} ${word(text)}`));
    texts.forEach((text, i) => {
      const decoded = program.bytesOrNull("decode", text, url);
      assert.equal(decoded?.toString("hex") ?? null, answers[i], JSON.stringify(text.toString("latin1")));
    });
  });

  test(`${name}: characters beyond a byte are wrong, whatever their low byte is`, () => {
    for (const c of ["\u0141", "\u013d", "\uff21", "\ud800"]) {
      assert.equal(program.bytesOrNull("fromText", Buffer.from(`TWFuT${c}Fu`, "utf16le"), url), null);
      assert.equal(program.number("errorAt"), 5);
    }
  });
}

/* Node's own conversions are the oracle: V8 rounds correctly and writes the shortest text. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260801;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/;

let program: StdProgram;
before(async () => {
  program = await stdProgram("number");
});

const view = new DataView(new ArrayBuffer(8));
function doubleOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function reads(text: string): void {
  const found = program.float("readF64", text);
  assert.ok(Object.is(found, Number(text)), `${text}: ${found} for ${Number(text)}`);
}

function writes(value: number): void {
  assert.equal(program.text("textF64", bitsOf(value)), JSON.stringify(value));
  if (Number.isFinite(value)) reads(String(value));
}

test("128 bits of every power of ten are right", () => {
  for (let q = -351; q <= 350; q++) {
    const [over, under] = q < 0 ? [1n, 10n ** BigInt(-q)] : [10n ** BigInt(q), 1n];
    const size = over.toString(2).length - under.toString(2).length;
    let bits = (over << BigInt(400 - size)) / under;
    bits >>= BigInt(bits.toString(2).length - 128);
    const found = program.bytes("bitsOfPower", q);
    assert.equal((found.readBigUInt64LE(8) << 64n) | found.readBigUInt64LE(0), bits, `10^${q}`);
  }
});

test("doubles at the borders of formats and ranges", () => {
  const values = [
    ...[0, -0, 1, -1, 0.1, 0.2, 0.3, 4.35, 100, 1e15, 123456789.125, 1e20, 1e21, 1.5e21, 999999999999999900000, 1e22],
    ...[1e23, 1e-5, 1e-6, 1e-7, 1.5e-6, 1.5e-7, 123e-20, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 2 ** 64, 5e-324],
    ...[
      1e-323,
      Number.MAX_VALUE,
      Number.MIN_VALUE,
      2.2250738585072014e-308,
      2.225073858507201e-308,
      9.5,
      1.7976931348623155e308,
    ],
    ...[2 ** 1023, 2 ** -1022, 2 ** -1074, 9007199254740993, 1.2345678901234567e-300, NaN, Infinity, -Infinity],
  ];
  values.forEach(writes);
  for (let power = -1074; power < 1024; power++) {
    for (const value of [2 ** power, 2 ** power * (1 + 2 ** -52), 2 ** power * (2 - 2 ** -52)]) writes(value);
  }
  for (let power = -330; power < 312; power++) {
    for (const head of ["1", "9", "9.999999999999999", "4.5", "8.5", "1.7976931348623157", "2.4703282292062327", "5"])
      reads(`${head}e${power}`);
  }
});

test(`random doubles are written as JSON.stringify does and read back (seed ${SEED})`, () => {
  const any = fc.bigInt(0n, (1n << 64n) - 1n).map(doubleOf);
  const short = fc.tuple(fc.integer(), fc.integer({ min: -30, max: 30 })).map(([m, e]) => Number(`${m}e${e}`));
  const integral = fc.bigInt(-(1n << 70n), 1n << 70n).map(Number);
  fc.assert(fc.property(fc.oneof(any, short, integral, fc.double()), writes), { seed: SEED, numRuns: 200_000 });
});

test(`random numbers of any length are read as Number does (seed ${SEED})`, () => {
  const digits = (most: number) =>
    fc.array(fc.constantFrom(..."00123456789"), { minLength: 1, maxLength: most }).map((d) => d.join(""));
  const whole = digits(30).map((text) => text.replace(/^0+(?=.)/, ""));
  const text = fc
    .tuple(
      fc.boolean(),
      whole,
      fc.option(digits(40), { nil: null }),
      fc.option(fc.integer({ min: -360, max: 330 }), { nil: null }),
    )
    .map(([minus, w, f, e]) => `${minus ? "-" : ""}${w}${f === null ? "" : `.${f}`}${e === null ? "" : `e${e}`}`);
  fc.assert(fc.property(text, reads), { seed: SEED, numRuns: 100_000 });
});

/** Exact decimal digits and exponent of what lies in the middle between a double and the next. */
function middle(bits: bigint): { digits: string; exponent: number } {
  const biased = Number(bits >> 52n);
  const significand = biased ? (bits & ((1n << 52n) - 1n)) | (1n << 52n) : bits;
  const scale = Math.max(biased, 1) - 1076;
  const odd = significand * 2n + 1n;
  return scale >= 0
    ? { digits: String(odd << BigInt(scale)), exponent: 0 }
    : { digits: String(odd * 5n ** BigInt(-scale)), exponent: scale };
}

test(`the middle between two doubles, and what is just beside it (seed ${SEED})`, () => {
  const max = bitsOf(Number.MAX_VALUE);
  const bits = fc.oneof(
    fc.bigInt(0n, max),
    fc.bigInt(0n, 1n << 54n), // subnormal and just above
    fc.bigInt(bitsOf(1e-5), bitsOf(1e17)),
  );
  const place = (digits: string, exponent: number, point: number): string =>
    point <= 0
      ? `${digits}e${exponent}`
      : `${digits.slice(0, point)}.${digits.slice(point) || "0"}e${exponent + digits.length - point}`;
  fc.assert(
    fc.property(bits, fc.integer({ min: 15, max: 800 }), fc.integer({ min: 0, max: 30 }), (double, cut, point) => {
      const { digits, exponent } = middle(double);
      const at = Math.min(point, digits.length);
      reads(place(digits, exponent, at));
      reads(place(`${digits}${"0".repeat(cut)}`, exponent - cut, at));
      reads(place(`${digits}${"0".repeat(cut)}1`, exponent - cut - 1, at));
      reads(place(String(BigInt(digits) - 1n) || "0", exponent, 0));
      if (cut < digits.length) {
        reads(place(digits.slice(0, cut), exponent + digits.length - cut, Math.min(at, cut)));
        reads(place(`${BigInt(digits.slice(0, cut)) + 1n}`, exponent + digits.length - cut, 0));
      }
    }),
    { seed: SEED, numRuns: 10_000 },
  );
});

test("numbers that are very long, and exponents that are", () => {
  for (const text of [
    `1${"0".repeat(400)}`,
    `0.${"0".repeat(400)}1`,
    `1${"0".repeat(300)}e-300`,
    `0.${"0".repeat(100_000)}1e100001`,
    `${"9".repeat(100_000)}e-99990`,
    `1e${"9".repeat(400)}`,
    `1e-${"9".repeat(400)}`,
    "5e-33333333333333333234", // overflowed, found by fuzzing
    `0e${"9".repeat(400)}`,
    `-0.${"0".repeat(2000)}e-5`,
    `9007199254740993.${"0".repeat(2000)}1`,
    `9007199254740993.${"0".repeat(2000)}`,
    `${"1234567890".repeat(200)}e-1990`,
  ])
    reads(text);
});

test(`integers are read to 64 bits (seed ${SEED})`, () => {
  const reference = (text: string): bigint | null => {
    const [, minus, whole, fraction = "", power = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
    const all = (whole! + fraction).replace(/^0+/, "");
    const significant = all.replace(/0+$/, "");
    if (!significant) return 0n;
    const exponent = BigInt(power) - BigInt(fraction.length) + BigInt(all.length - significant.length);
    if (exponent < 0n || exponent > 30n) return null;
    return BigInt(minus + significant) * 10n ** exponent;
  };
  const agrees = (text: string): void => {
    const value = reference(text);
    const signed = program.bigint("readI64", text);
    const signedExact = program.number("exact") === 1;
    const unsigned = BigInt.asUintN(64, program.bigint("readU64", text));
    const unsignedExact = program.number("exact") === 1;
    assert.equal(signedExact, value !== null && value === BigInt.asIntN(64, value), text);
    assert.equal(unsignedExact, value !== null && value === BigInt.asUintN(64, value), text);
    if (signedExact) assert.equal(signed, value, text);
    if (unsignedExact) assert.equal(unsigned, value, text);
  };
  const limits = [2n ** 63n, 2n ** 64n, 10n ** 19n, 10n ** 20n, 1844674407370955161n];
  for (const limit of limits)
    for (const value of [limit - 1n, limit, limit + 1n, limit * 10n, limit * 10n + 5n, limit * 10n + 6n])
      for (const text of [
        `${value}`,
        `-${value}`,
        `${value}.0`,
        `${value}.5`,
        `${value}0e-1`,
        `${value}1e-1`,
        `${value}e1`,
      ])
        agrees(text);
  for (const text of [
    "0",
    "-0",
    "0.0",
    "0e99",
    "1e0",
    "1e19",
    "1e20",
    "-1e18",
    "1.5e1",
    "1.50",
    "15e-1",
    "100e-2",
    "1e-1",
  ])
    agrees(text);
  for (const text of [`1${"0".repeat(50)}e-50`, `1.${"0".repeat(50)}`, `1.${"0".repeat(50)}1`, `${"9".repeat(40)}`])
    agrees(text);
  const any = fc
    .tuple(fc.bigInt(-(1n << 66n), 1n << 66n), fc.stringMatching(/^(?:\.\d{1,5})?(?:[eE][+-]?\d{1,2})?$/))
    .map(([value, tail]) => `${value}${tail}`);
  fc.assert(fc.property(any, agrees), { seed: SEED, numRuns: 50_000 });
  fc.assert(
    fc.property(fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), (value) => {
      assert.equal(program.text("textI64", value), String(value));
      assert.equal(program.text("textU64", BigInt.asUintN(64, value)), String(BigInt.asUintN(64, value)));
    }),
    { seed: SEED, numRuns: 20_000 },
  );
  for (const value of [0n, 9n, 10n, 99999999n, 100000000n, 4294967295n, 4294967296n, 2n ** 63n - 1n, -(2n ** 63n)])
    assert.equal(program.text("textI64", value), String(value));
  assert.equal(program.text("textU64", 2n ** 64n - 1n), String(2n ** 64n - 1n));
});

test(`the grammar is RFC 8259's (seed ${SEED})`, () => {
  const agrees = (text: string): void =>
    assert.equal(program.number("length", text), NUMBER.exec(text)?.[0].length ?? 0, text);
  for (const text of [
    "",
    "-",
    "+1",
    ".5",
    "1.",
    "01",
    "-01",
    "00",
    "1e",
    "1e+",
    "1E-",
    "0x1",
    "1.e1",
    "-.5",
    "Infinity",
    "NaN",
  ])
    assert.ok(program.number("length", text) <= (NUMBER.exec(text)?.[0].length ?? 0), text);
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("0", "1", "9", "00", "-", "+", ".", "e", "E", "x", "12", "e5", ".5"), { maxLength: 8 }),
      (parts) => {
        const text = parts.join("");
        const found = program.number("length", text);
        const [expected = "", fraction, exponent] =
          /^-?(?:0|[1-9][0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]*)?/.exec(text) ?? [];
        const broken = fraction === "." || (exponent !== undefined && !/[0-9]$/.test(exponent));
        assert.equal(found, broken ? 0 : expected.length, text);
      },
    ),
    { seed: SEED, numRuns: 50_000 },
  );
  agrees("12.5e-3,");
});

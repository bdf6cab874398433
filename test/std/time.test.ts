import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { askGo, withoutGo } from "./go.js";
import { mutated } from "./mutated.js";
import { httpDate, rfc3339 } from "./oracles/times.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;
const INVALID = -(1n << 63n);

let program: StdProgram;
before(async () => {
  program = await stdProgram("time");
});

const hex = (text: string): string => Buffer.from(text).toString("hex");
const two = (max: number, min = 0): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((n) => String(n).padStart(2, "0"));
const year = fc.oneof(fc.integer({ min: 0, max: 9999 }), fc.constantFrom(0, 4, 1600, 1900, 1970, 2000, 2024, 9999));
const fullYear = year.map((n) => String(n).padStart(4, "0"));
const clock = fc.oneof(
  fc.tuple(two(24), two(60), two(61)).map((parts) => parts.join(":")),
  fc.constantFrom("23:59:60", "00:00:00", "23:59:59"),
);
const month = fc.constantFrom(..."Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" "));
const weekday = fc.constantFrom(..."Mon Tue Wed Thu Fri Sat Sun".split(" "));
const longWeekday = fc.constantFrom(..."Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" "));
const fraction = fc.oneof(
  fc.constant(""),
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 12 }).map((digits) => `.${digits}`),
);
const offset = fc.oneof(
  fc.constantFrom("Z", "z", "-00:00"),
  fc.tuple(fc.constantFrom("+", "-"), two(25), two(60)).map(([sign, h, m]) => `${sign}${h}:${m}`),
);
const rfc3339Text = mutated(
  fc
    .tuple(fullYear, two(13), two(32), fc.constantFrom("T", "t"), clock, fraction, offset)
    .map(([y, m, d, t, time, f, o]) => `${y}-${m}-${d}${t}${time}${f}${o}`),
  "0123456789:-+.,TtZz ",
);
const httpDateText = mutated(
  fc.oneof(
    fc.tuple(weekday, two(32), month, fullYear, clock).map(([w, d, m, y, c]) => `${w}, ${d} ${m} ${y} ${c} GMT`),
    fc.tuple(longWeekday, two(32), month, two(99), clock).map(([w, d, m, y, c]) => `${w}, ${d}-${m}-${y} ${c} GMT`),
    fc
      .tuple(weekday, month, two(31, 1), clock, fullYear)
      .map(([w, m, d, c, y]) => `${w} ${m} ${d.replace(/^0/, " ")} ${c} ${y}`),
  ),
  "0123456789:-, GMTnovdu",
);
const durationText = mutated(
  fc
    .tuple(
      fc.constantFrom("", "", "-", "+"),
      fc.array(
        fc
          .tuple(
            fc.oneof(fc.nat(99).map(String), fc.bigInt({ min: 0n, max: 1n << 64n }).map(String), fc.constant("")),
            fraction,
            fc.constantFrom("ns", "us", "µs", "μs", "ms", "s", "m", "h"),
          )
          .map((parts) => parts.join("")),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([sign, parts]) => sign + parts.join("")),
  "0123456789.-+nuµmsh ",
);

const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { seed: SEED, numRuns: count });

test("RFC 3339, against Go", { skip: withoutGo() }, () => {
  const texts = sample(rfc3339Text, 10_000);
  // Go takes T and Z in capitals only and no second 60, which RFC 3339 allows ("may alternatively be lower case", 5.6; 5.7).
  const known = texts.map((text) =>
    text
      .replaceAll("t", "T")
      .replaceAll("z", "Z")
      .replace(/:60(?=[.Z+-])/, ":59"),
  );
  const answers = askGo(
    "time",
    known.map((text) => `rfc3339 ${hex(text)}`),
  );
  let taken = 0;
  texts.forEach((text, i) => {
    const ours = program.bytesOrNull("rfc3339", text)?.toString() ?? null;
    assert.equal(ours, rfc3339(text), text);
    let go: string | null = answers[i]! === "-" ? null : answers[i]!;
    if (go && /:60[.Zz+-]/.test(text)) {
      const [seconds, nanos] = go.split(" ");
      const next = Number(seconds) + 1;
      go = new Date(next * 1000).getUTCDate() === 1 && next % 86400 === 0 ? `${next} ${nanos}` : null;
    }
    // Go also takes hours of one digit, a comma for the point and offsets of 24 hours or 60 minutes (its issue 54580);
    // RFC 3339 does not: "time-hour = 2DIGIT ; 00-23", "time-minute = 2DIGIT ; 00-59", time-secfrac = "." 1*DIGIT.
    if (go && !ours) assert.match(text, /[Tt]\d:|,|[+-](24:\d\d|\d\d:60)$/);
    else assert.equal(ours, go, text);
    if (ours) taken++;
  });
  assert.ok(taken > 1000, `${taken} taken`);
});

test("HTTP dates, against Go", { skip: withoutGo() }, () => {
  const now = 1767225600;
  const texts = sample(httpDateText, 10_000);
  const answers = askGo(
    "time",
    texts.map((text) => `httpdate ${hex(text.replace(":60", ":59"))}`),
  );
  let taken = 0;
  texts.forEach((text, i) => {
    const ours = program.bigint("httpDate", text, BigInt(now));
    const model = httpDate(text, now);
    assert.equal(ours === INVALID ? null : Number(ours), model, text);
    // Go takes more: letters of any case, more than one space, days of one digit, other zones. All of it is no HTTP-date
    // (RFC 9110, section 5.6.7: "HTTP-date is case sensitive", one SP, 2DIGIT, "GMT").
    if (ours === INVALID) return;
    taken++;
    let go = Number(answers[i]);
    if (text.includes(":60")) go++;
    // Go reads the years 69 to 99 as 1969 to 1999, whatever the time is; section 5.6.7 says "more than 50 years in the future".
    const years = text.includes("-") ? Math.round((Number(ours) - go) / (365.25 * 86400)) : 0;
    assert.ok(
      years % 100 === 0 && Math.abs(Number(ours) - go - years * 365.25 * 86400) < 86400,
      `${text}: Go has ${go}`,
    );
    if (!years) assert.equal(Number(ours), go, text);
  });
  assert.ok(taken > 1000, `${taken} taken`);
});

test("years of two digits, at each end of the 50 years", () => {
  for (const now of ["2026-03-04T05:06:07Z", "2024-02-29T00:00:00Z", "1999-12-31T23:59:59Z"]) {
    const seconds = Date.parse(now) / 1000;
    const short = String((new Date(now).getUTCFullYear() + 50) % 100).padStart(2, "0");
    const dates = ["28-Feb", "29-Feb", "01-Mar", "04-Mar", "05-Mar", "31-Dec", "01-Jan"];
    for (const date of dates) {
      for (const time of ["00:00:00", "05:06:07", "05:06:08", "23:59:59"]) {
        const text = `Sunday, ${date}-${short} ${time} GMT`;
        const ours = program.bigint("httpDate", text, BigInt(seconds));
        assert.equal(ours === INVALID ? null : Number(ours), httpDate(text, seconds), `${text} at ${now}`);
      }
    }
  }
});

test("durations, against Go", { skip: withoutGo() }, () => {
  const texts = sample(durationText, 10_000);
  const answers = askGo(
    "time",
    texts.map((text) => `duration ${hex(text)}`),
  );
  let taken = 0;
  texts.forEach((text, i) => {
    const ours = program.bigint("duration", text);
    // The most negative number of 64 bits stands for an error here.
    const go = answers[i] === "-" ? INVALID : BigInt(answers[i]!);
    assert.equal(ours, go, text);
    if (ours !== INVALID) taken++;
  });
  assert.ok(taken > 1000, `${taken} taken`);
  // Go's sum wraps around to nothing here: its check for too long a duration comes after the addition.
  const twice = "9223372036854775808ns9223372036854775808ns";
  assert.deepEqual(askGo("time", [`duration ${hex(twice)}`]), ["0"]);
  assert.equal(program.bigint("duration", twice), INVALID);
});

test("what is written, against Go", { skip: withoutGo() }, () => {
  const first = -62167219200n;
  const last = 253402300799n;
  const seconds = sample(fc.bigInt({ min: first, max: last }), 2000).concat([first, last, 0n, -1n, 951782400n]);
  const nanos = sample(
    fc.oneof(
      fc.bigInt({ min: -(1n << 63n) + 1n, max: (1n << 63n) - 1n }),
      fc.bigInt({ min: -5_000_000_000n, max: 5_000_000_000n }),
      fc.nat(1000).map((n) => BigInt(n) * 1_500_000n),
    ),
    2000,
  );
  const answers = askGo("time", [
    ...seconds.flatMap((n) => [`formatrfc3339 ${n}`, `formathttpdate ${n}`]),
    ...nanos.map((n) => `formatduration ${n}`),
  ]);
  seconds.forEach((n, i) => {
    assert.equal(program.text("formatRfc3339", n, 0), answers[2 * i]);
    assert.equal(program.text("formatHttp", n), answers[2 * i + 1]);
    assert.equal(
      program.text("formatHttp", n),
      new Date(Number(n) * 1000)
        .toUTCString()
        .replace(/ -?0*(\d+) (?=\d\d:)/, (_, y: string) => ` ${y.padStart(4, "0")} `),
    );
  });
  nanos.forEach((n, i) => {
    assert.equal(program.text("formatDur", n), answers[2 * seconds.length + i]);
    assert.equal(program.bigint("duration", program.text("formatDur", n)), n);
    assert.equal(program.bigint("protoDuration", program.text("formatProto", n)), n);
  });
  for (const n of [first - 1n, last + 1n, INVALID, (1n << 63n) - 1n]) {
    assert.equal(program.text("formatRfc3339", n, 0), "");
    assert.equal(program.text("formatHttp", n), "");
  }
});

test("nanoseconds since 1970 and back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (nanos) => {
      const [seconds, rest, again] = program.text("ofNanos", nanos).split(" ").map(BigInt) as [bigint, bigint, bigint];
      assert.equal(seconds * 1_000_000_000n + rest, nanos);
      assert.ok(rest >= 0n && rest < 1_000_000_000n);
      assert.ok(again === nanos || (again === INVALID && (nanos > 0n ? nanos : -nanos) > 9_223_372_035_000_000_000n));
    }),
    { seed: SEED, numRuns: 2000, examples: [[-(1n << 63n)], [(1n << 63n) - 1n], [-1n], [0n]] },
  );
});

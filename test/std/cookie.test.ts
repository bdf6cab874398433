import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { askGo, withoutGo } from "./go.js";
import { mutated } from "./mutated.js";
import { cookiePairs } from "./oracles/cookies.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;

let program: StdProgram;
before(async () => {
  program = await stdProgram("cookie");
});

const chars = (all: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...all), minLength, maxLength });
const name = chars("abAB09!#$%&'*+-.^_`|~", 1, 8);
const octets = chars("abAB09!#$%&'()*+-./:<=>?@[]^_`{|}~", 0, 8);
const value = fc.oneof(
  octets,
  octets,
  octets.map((text) => `"${text}"`),
);
const field = mutated(
  fc
    .array(fc.tuple(name, value, fc.constantFrom("; ", ";", ";;", " ;\t")), { maxLength: 5 })
    .map((all) => all.map(([n, v, separator]) => `${n}=${v}${separator}`).join("")),
  'ab;= \t",\\\x80\x7f\x01',
);

const unhex = (text: string): string => Buffer.from(text, "hex").toString("latin1");
const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");

/**
 * Our pairs by net/http's rules, which are others: it takes a pair without = for a name (browsers send a value so: RFC 6265bis,
 * section 5.6, "the name string is empty, and the value string is the value of name-value-pair"), removes space around names and quotes
 * around values, takes spaces and commas in values, and drops what then is malformed.
 */
function asGo(pairs: string): string {
  return pairs
    .split(";")
    .filter((pair) => pair)
    .flatMap((pair) => {
      const [, before, sign, after] = /^([0-9a-f]*)([=~])([0-9a-f]*)!?$/.exec(pair)!;
      const key = (sign === "~" ? unhex(after!) : unhex(before!)).replace(/^[ \t]+|[ \t]+$/g, "");
      const text = (sign === "~" ? "" : unhex(after!)).replace(/^"(.*)"$/s, "$1");
      const good = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key) && /^[\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*$/.test(text);
      return good ? [`${hex(key)}=${hex(text)}`] : [];
    })
    .join(";");
}

test("reading cookies, against Go and a model", { skip: withoutGo() }, () => {
  const fields = fc.sample(field, { seed: SEED, numRuns: 15_000 });
  const answers = askGo(
    "cookie",
    fields.map((text) => `read ${hex(text)}`),
  );
  let pairs = 0;
  fields.forEach((text, i) => {
    const bytes = Buffer.from(text, "latin1");
    const ours = program.text("pairs", bytes);
    assert.equal(ours, cookiePairs(text), text);
    assert.equal(asGo(ours), answers[i], text);
    const count = program.number("verdict", bytes);
    assert.notEqual(count, 0xffff, text);
    pairs += count;
  });
  assert.ok(pairs > 20_000, `${pairs} pairs`);
});

test("the first cookie of a name counts", () => {
  assert.equal(program.text("get", "a=1; b=2; a=3", "a"), "1");
  assert.equal(program.text("get", "a=; a=3", "a"), "");
  assert.equal(program.bytesOrNull("get", "a=1; A=2; a =3", "b"), null);
});

const path = chars("/abAZ09-._~!$&'()*+,=:@% ", 0, 10).map((text) => `/${text.trimEnd()}`);
const label = fc.tuple(chars("abz09", 1, 3), chars("az09-", 0, 3), chars("abz09", 1, 1)).map((parts) => parts.join(""));
const domain = fc
  .tuple(fc.constantFrom("", "."), fc.array(label, { minLength: 1, maxLength: 3 }))
  // With a letter: Go leaves out a domain without one that is no IP address.
  .map(([dot, all]) => `${dot}${all.join(".")}.test`);
const setCookie = fc.record({
  Name: name,
  Value: octets,
  Path: fc.oneof(fc.constant(""), path),
  Domain: fc.oneof(fc.constant(""), domain),
  Expires: fc.option(fc.integer({ min: 0, max: 253402300799 })),
  MaxAge: fc.option(fc.integer({ min: 0, max: 100_000_000 })),
  HttpOnly: fc.boolean(),
  SameSite: fc.integer({ min: 0, max: 3 }),
  Partitioned: fc.boolean(),
});

const NOT_SET = -(1n << 63n);

interface SetCookie {
  Name: string;
  Value: string;
  Path: string;
  Domain: string;
  Expires: number | null;
  MaxAge: number | null;
  Secure: boolean;
  HttpOnly: boolean;
  SameSite: number;
  Partitioned: boolean;
}

function written(cookie: SetCookie): string | null {
  program.number("begin", cookie.Name, cookie.Value);
  program.number("scope", cookie.Path, cookie.Domain);
  const optional = (n: number | null) => (n === null ? NOT_SET : BigInt(n));
  program.number("life", optional(cookie.Expires), optional(cookie.MaxAge));
  const flags = Number(cookie.Secure) | (Number(cookie.HttpOnly) << 1) | (Number(cookie.Partitioned) << 2);
  return program.bytesOrNull("finish", flags, cookie.SameSite)?.toString() ?? null;
}

test("writing cookies, against Go", { skip: withoutGo() }, () => {
  const cookies = fc
    .sample(setCookie, { seed: SEED, numRuns: 4000 })
    .map((cookie) => ({ ...cookie, Secure: cookie.Partitioned || cookie.SameSite === 3 }));
  const answers = askGo(
    "cookie",
    cookies.map((cookie) => `write ${JSON.stringify(cookie)}`),
  );
  cookies.forEach((cookie, i) => assert.equal(written(cookie), answers[i], JSON.stringify(cookie)));
});

test("what a browser would refuse or misread is not written", () => {
  const good: SetCookie = {
    ...{ Name: "__Host-a", Value: "b", Path: "/", Domain: "", Expires: 0, MaxAge: -5 },
    ...{ Secure: true, HttpOnly: true, SameSite: 3, Partitioned: true },
  };
  assert.equal(
    written(good),
    "__Host-a=b; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned",
  );
  for (const change of [
    { Name: "" },
    { Name: "a b" },
    { Name: "é" },
    { Value: "a;b" },
    { Value: "a b" },
    { Value: "a,b" },
    { Value: 'a"b' },
    { Value: '"' },
    { Value: "a\r\nset-cookie: x=y" },
    { Value: "é" },
    { Value: "x".repeat(4089) },
    { Path: "/a" },
    { Path: "a", Name: "a" },
    { Path: "/;secure", Name: "a" },
    { Path: "/ ", Name: "a" },
    { Path: `/${"x".repeat(1024)}`, Name: "a" },
    { Domain: "example.com" },
    { Domain: "a..b", Name: "a" },
    { Domain: "-a", Name: "a" },
    { Domain: "a;b", Name: "a" },
    { Domain: ".", Name: "a" },
    { Domain: "..a", Name: "a" },
    { Expires: 253402300800 },
    { Secure: false },
    { Secure: false, Name: "a" },
    { Secure: false, SameSite: 0, Name: "a" },
    { Secure: false, SameSite: 0, Partitioned: false },
    { Secure: false, SameSite: 0, Partitioned: false, Name: "__SECURE-a" },
  ]) {
    assert.equal(written({ ...good, ...change }), null, JSON.stringify(change));
  }
  assert.notEqual(written({ ...good, Value: "x".repeat(4088) }), null);
  assert.equal(program.text("deleting", "a"), "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0");
});

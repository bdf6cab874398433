import assert from "node:assert/strict";
import { test } from "node:test";
import { Exchange, type ExchangeParts } from "./exchange.js";
import { Lines } from "./headers.js";
import type { Expected } from "./types.js";

const parts: ExchangeParts = {
  input: { method: "POST", path: "/a", headers: { "x-a": ["1", "2"] }, body: "sent" },
  status: 403,
  headers: new Lines([
    ["content-type", "application/json"],
    ["x-b", "one"],
    ["x-b", "two"],
  ]),
  body: Buffer.from('{"error":"denied"}'),
  trailers: new Lines([["x-t", "end"]]),
  upstream: {
    method: "POST",
    path: "/b",
    authority: "example.test",
    headers: new Lines([["x-c", "3"]]),
    body: Buffer.from("changed"),
    trailers: new Lines([]),
  },
  logs: [
    { level: "info", message: "request /a" },
    { level: "warn", message: "denied by rule 7" },
  ],
  hostLogs: [{ level: "error", message: "Function: proxy_on_log failed" }],
};
const exchange = new Exchange(parts);

const WHOLE = `> POST /a
> host: example.test
> x-a: 1
> x-a: 2
>
> sent
The upstream got:
| POST /b
| host: example.test
| x-c: 3
|
| changed
< 403
< content-type: application/json
< x-b: one
< x-b: two
<
< {"error":"denied"}
<
< x-t: end
The filter logged:
  [info] request /a
  [warn] denied by rule 7
The host logged:
  [error] Function: proxy_on_log failed`;

test("what is as expected passes", () => {
  const all: Expected = {
    status: 403,
    headers: { "X-B": "one, two", "x-missing": null, "content-type": /^application/ },
    body: /denied/g,
    json: { error: "denied" },
    trailers: { "x-t": "end" },
    upstream: { method: "POST", path: /^\/b$/, authority: "example.test", headers: { "x-c": "3" }, body: "changed" },
    logs: ["request", /rule \d/],
  };
  exchange.expect(all);
  exchange.expect(all);
  exchange.expect({});
  exchange.expect({ body: Buffer.from('{"error":"denied"}') });
  new Exchange({ ...parts, upstream: null }).expect({ upstream: null });
});

const wrong: [Expected, string][] = [
  [{ status: 200 }, "status: expected 200, got 403"],
  [{ headers: { "x-b": "one" } }, 'header x-b: expected "one", got "one, two"'],
  [{ headers: { "x-b": null } }, 'header x-b: expected none, got "one, two"'],
  [{ headers: { "x-none": /a/ } }, "header x-none: expected /a/, not there"],
  [{ body: "denied" }, 'body: expected "denied", got "{\\"error\\":\\"denied\\"}"'],
  [{ body: new Uint8Array(2) }, "body: expected 2 bytes, got 18 others"],
  [{ json: { error: "other" } }, 'body: expected {"error":"other"}, got {"error":"denied"}'],
  [{ trailers: { "x-t": "start" } }, 'trailer x-t: expected "start", got "end"'],
  [{ upstream: null }, "upstream: expected no request, got one"],
  [{ upstream: { path: "/a" } }, 'upstream path: expected "/a", got "/b"'],
  [{ upstream: { json: 1 } }, 'upstream body: expected JSON, got "changed"'],
  [{ logs: [/rule/, "request"] }, 'log: expected "request" behind the lines before it, not there'],
];
for (const [expected, line] of wrong) {
  test(`shown with the whole exchange: ${line}`, () => {
    assert.throws(
      () => exchange.expect(expected),
      (error: Error) => error instanceof assert.AssertionError && error.message === `${line}\n\n${WHOLE}`,
    );
  });
}

test("long and binary bodies are shown in part", () => {
  const shown = (body: Uint8Array): string => new Exchange({ ...parts, body }).toString().split("\n< \n")[0]!;
  const long = shown(Buffer.from("é".repeat(10_000)));
  assert.match(long, /é… \(20000 bytes\)/);
  assert.ok(!long.includes("\ufffd"));
  assert.match(shown(Buffer.from([0, 1, 2, 0xff])), /< 000102ff \(4 bytes\)/);
});

test("what is expected wrongly is an error, and never green", () => {
  const exchange = new Exchange(parts);
  for (const [wrong, message] of [
    [{ statsu: 500 }, /expect: statsu is not known; there are status,/],
    [{ upstream: { pth: "/x" } }, /expect: upstream\.pth is not known/],
    [{ headers: { "content-length": 1 } }, /expect: the header content-length is compared with a text/],
    [{ headers: { server: undefined } }, /expect: the header server is compared with a text/],
  ] as const)
    assert.throws(() => exchange.expect(wrong as never), message);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Subject, type Line } from "./support.js";

/** A generator that gives the same numbers for a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

test("HD-35: random messages and rules never trap", async () => {
  const next = random(20261126);
  const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
  const bytes = (): string =>
    Array.from({ length: next(12) }, () =>
      String.fromCharCode(pick([0x21, 0x24, 0x2f, 0x2e, 0x25, 0x41, 0x7b, 0x80, 0xff, 0x2c, 0x3b, 0x3d, 0x26, 0x3f])),
    ).join("");
  const name = (): string => pick(["x-a", "X-A", "x-b", "cookie", "via", "accept", "x-c", "user-agent"]);
  const selector = (): string =>
    pick([
      "header:x-a",
      "query:a",
      "cookie:a",
      "path",
      "path[1]",
      "path[9]",
      "query",
      "method",
      "host",
      "ip",
      "ip/24",
      "claim:a.b",
      "group",
      "sni",
      "env:A",
      "property:a.b",
      "cel:request.path",
    ]);
  const value = (): string =>
    bytes() +
    "${" +
    selector() +
    pick(["", "|none", "|url", "|base64", "|sf", "|header", "|default=" + "x"]) +
    "}" +
    bytes();
  const text = (): string =>
    value()
      .replaceAll(/[^\x21-\x7e]/g, "")
      .replace(/^\$|\$$/g, "");
  const regex = (): string => pick([".", "a*", "^", "$", "(a)|b", "[^/]+", "\\b", "(?P<n>.)(.)?", "[\\x80-\\xff]"]);
  const op = (): object =>
    pick([
      () => ({ op: pick(["set", "add", "append", "setIfAbsent"]), name: pick(["x-a", "x-b", "x-c"]), value: text() }),
      () => ({ op: "remove", name: name() }),
      () => ({ op: "removeMatching", regex: regex() }),
      () => ({ op: pick(["rename", "copy"]), name: "x-a", to: "x-b" }),
      () => ({ op: "dedupe", name: name(), keep: pick(["first", "last", "unique"]) }),
      () => ({ op: "regexReplace", name: name(), regex: regex(), replacement: pick(["", "$0$0", "x"]) }),
    ])();
  const path = (): object =>
    pick([
      () => ({ replace: "/" + text() }),
      () => ({ prefix: "/", with: "/" + text() }),
      () => ({ regex: regex(), replacement: pick(["", "$0$0", "/"]) }),
      () => ({ template: "/{a}/{b=**}", to: "/{b}/{a}" }),
    ])();
  const query = (): object =>
    pick([
      () => ({ op: pick(["set", "add", "setIfAbsent"]), name: "a", value: text() }),
      () => ({ op: "remove", name: "a" }),
      () => ({ op: "rename", name: "a", to: "b&" }),
    ])();
  const list = (make: () => object, most: number): object[] => Array.from({ length: next(most + 1) }, make);
  const subject = await Subject.start();
  let taken = 0;
  let refused = 0;
  try {
    for (let round = 0; round < 150; round++) {
      const config = {
        request: list(op, 6),
        response: list(op, 6),
        requestTrailers: list(op, 3),
        responseTrailers: list(op, 3),
        path: list(path, 2),
        query: list(query, 3),
        host: next(4) ? [] : [{ replace: text() }],
      };
      try {
        await subject.proxy.reconfigure(config);
        taken++;
      } catch (error) {
        assert.match((error as Error).message, /^configuration refused: \$/);
        refused++;
        continue;
      }
      const lines = (): Line[] =>
        Array.from({ length: next(6) }, () => [pick(["x-a", "x-b", "cookie"]), bytes()] as const);
      for (let i = 0; i < 4; i++) {
        subject.answer = { headers: lines(), body: "b", trailers: lines() };
        const sent = "/" + bytes().replaceAll(/[^\x21-\x7e]/g, "");
        const response = await subject.proxy.request({
          method: "POST",
          path: sent,
          headers: lines(),
          body: "b",
          trailers: lines(),
        });
        assert.ok([200, 400].includes(response.status), response.toString());
        for (const headers of [response.headers, response.trailers, response.upstream?.headers ?? []]) {
          for (const [, line] of headers) assert.doesNotMatch(line, /[\0\r\n]/);
        }
      }
    }
  } finally {
    await subject.close();
  }
  assert.ok(taken > 60, `${taken} taken, ${refused} refused`);
});

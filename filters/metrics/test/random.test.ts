import assert from "node:assert/strict";
import { test } from "node:test";
import { start } from "./support.js";

/** A generator that gives the same numbers for a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const SELECTORS = [
  "header:x-a",
  "response:x-a",
  "query:a",
  "cookie:a",
  "path",
  "path[2]",
  "query",
  "target",
  "method",
  "host",
  "status",
  "ip",
  "ip/24",
  "identity",
  "claim:a.b",
  "property:response.code",
  "property:request.duration",
  "cel:response.code",
  "env:A",
  "body:/a",
  "body:/a/0",
  "body:/a~1b/c",
];
const LABELS = [
  "method",
  "protocol",
  "scheme",
  "route",
  "virtualHost",
  "cluster",
  "code",
  "codeClass",
  "grpcStatus",
  "responseFlags",
  "reporter",
  "securityPolicy",
  "sourcePrincipal",
  "destinationPrincipal",
];
const VALUES = [
  "duration",
  "backendDuration",
  "requestBytes",
  "responseBytes",
  "requestBodyBytes",
  "responseBodyBytes",
];

test("TM-23: random messages and configurations never trap", { timeout: 120_000 }, async () => {
  const next = random(20261127);
  const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
  const bytes = (): string =>
    Array.from({ length: next(20) }, () =>
      String.fromCharCode(pick([0x22, 0x3b, 0x3d, 0x2e, 0x41, 0x30, 0x7c, 0x80, 0xff, 0x20])),
    )
      .join("")
      .trim();
  const json = (depth = 0): unknown => {
    const inner = (): unknown => json(depth + 1);
    const lists =
      depth < 4 ? [() => [inner(), inner(), inner()], () => ({ a: inner(), "a/b": inner(), c: inner() })] : [];
    return pick([bytes, () => next(1e6), () => true, () => null, () => "x".repeat(next(6000)), ...lists])();
  };
  const body = (): string => {
    const text = JSON.stringify({ a: json(), "a/b": json() });
    return pick([text, text, text.slice(next(text.length)), text.replaceAll("a", "a/b"), `${text}${text}`]);
  };
  const label = (): unknown => (next(2) ? { field: pick(LABELS) } : `a\${${pick(SELECTORS)}|default=b}c`);
  const labels = (): object => Object.fromEntries(Array.from({ length: next(5) }, (_, i) => [`l${i}`, label()]));
  const metric = (_: unknown, i: number): object => ({
    name: `m${i}`,
    type: pick(["counter", "gauge", "histogram"]),
    value: next(2) ? { field: pick(VALUES) } : { sel: pick(SELECTORS) },
    labels: labels(),
    ...(next(3) ? {} : { match: { sel: pick(SELECTORS), [pick(["exact", "prefix", "contains"])]: "a" } }),
  });
  let answer: object = {};
  await using proxy = await start({ upstream: () => answer });
  for (let round = 0; round < 40; round++) {
    await proxy.reconfigure({
      presets: ["red", "otel", "istio"].filter(() => next(2)),
      routes: ["/{a}", "/b/{c=**}"].slice(next(3)),
      labels: next(2) ? {} : { all: label() },
      metrics: Array.from({ length: next(6) }, metric),
      maxSeries: 1 + next(40),
      ...(next(3) ? {} : { maxBodyBytes: pick([1, 100, 1048576]) }),
    });
    for (let i = 0; i < 8; i++) {
      const status = pick([200, 204, 304, 404, 500]);
      const empty = status === 204 || status === 304;
      answer = pick([
        {
          status,
          headers: [
            ["x-a", bytes()],
            ["x-a", String(next(1000))],
          ],
          ...(empty ? {} : { body: "x".repeat(next(3000)) }),
        },
        { reset: true },
        { headers: { "content-type": "application/grpc" }, body: "", trailers: { "grpc-status": String(next(20)) } },
      ]);
      const method = pick(["GET", "POST", "HEAD", "ODD"]);
      const input = {
        method,
        path: pick(["/", "/a", "/b/c/d", "/a?a=%0a&a=1"]),
        headers: [
          ["x-a", bytes()] as const,
          ["cookie", "a=1"] as const,
          ["content-type", pick(["application/json", "a/b+JSON; c=d", "text/plain"])] as const,
        ],
        ...(method === "POST" ? { body: body() } : {}),
      };
      const response = await proxy.request(input);
      assert.ok(response.status >= 200);
    }
  }
  const failures = proxy.logs().filter(({ level }) => level === "critical");
  assert.deepEqual(failures, []);
});

/* Times of sdk/std/pattern beside Go's regexp: node --import tsx test/std/pattern-speed.ts */

import { fileURLToPath } from "node:url";
import { GoRegexp } from "./pattern-oracle.js";
import { compileStd, StdProgram } from "./program.js";

const log = (lines: number): string =>
  Array.from(
    { length: lines },
    (_, i) => `10.0.${i % 256}.7 - "GET /static/app-${i}.js HTTP/1.1" 200 ${i * 37}\n`,
  ).join("");
const token =
  "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwiYWRtaW4iOnRydWV9.TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ";

/** Kind, pattern, text. */
const CASES: readonly (readonly [string, string, string])[] = [
  ["literal prefix, field", "Bearer ([A-Za-z0-9._-]+)", `Bearer ${token}`],
  [
    "literal prefix, in a query",
    "token=([^&]+)",
    `/callback?state=af0ifjsldkj&scope=openid&token=${token.slice(0, 40)}&x=1`,
  ],
  ["literal prefix, 4 KiB", "GET /admin/([a-z]+)", log(80) + '"GET /admin/users HTTP/1.1"'],
  ["literal prefix, 64 KiB without it", "POST /admin/([a-z]+)", log(1300)],
  ["literal prefix, 64 KiB, often begun", "GET /static/app-([0-9]+)\\.css", log(1300)],
  ["literal prefix, 64 KiB, never begun", "zone=([a-z]+)", log(1300)],
  ["literal, 64 KiB without it", "no-such-literal", log(1300)],
  ["anchored path", "^/api/v[0-9]+/users/([a-z0-9-]+)$", "/api/v12/users/jane-doe-42"],
  ["anchored path, no match", "^/api/v[0-9]+/users/([a-z0-9-]+)$", "/api/v12/orders/jane-doe-42"],
  ["path with several groups", "^/([^/]+)/([^/]+)/items/([0-9]+)(?:\\.(json|xml))?$", "/tenant-a/shop/items/4711.json"],
  [
    "class-heavy, user agent",
    "(?i)(googlebot|bingbot|yandex|baiduspider|crawler|spider|slurp)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  ],
  ["class-heavy, e-mail in 4 KiB", "[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}", log(80) + "jane.doe@example.test"],
  ["address", "([0-9]{1,3}\\.){3}[0-9]{1,3}", "client=10.1.22.254; proto=https"],
  ["no end in sight, 1 KiB", "([^ ]+) (.*)", log(20).replaceAll("\n", " ")],
  [
    "UUID",
    "^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    "123e4567-e89b-42d3-a456-426614174000",
  ],
  ["SQL, 1 KiB body", "(?i)\\b(union\\s+select|insert\\s+into|drop\\s+table)\\b", log(20)],
  ["(a+)+$, 1 KiB", "(a+)+$", `${"a".repeat(1023)}b`],
  ["(a+)+$, 64 KiB", "(a+)+$", `${"a".repeat(65535)}b`],
  ["not ASCII, 1 KiB", "ж[а-я]+щ", "Съешь же ещё этих мягких французских булок, да выпей чаю. ".repeat(10)],
];

export interface Speed {
  readonly kind: string;
  readonly pattern: string;
  readonly bytes: number;
  /** Nanoseconds of matches and capture, here and in Go. */
  readonly matches: number;
  readonly capture: number;
  readonly goMatches: number;
  readonly goCapture: number;
}

export async function speeds(oracle: GoRegexp): Promise<Speed[]> {
  // As a filter is built: with the runtime that has no shadow stack.
  const options = ["-O3", "--shrinkLevel=1", "--runtime=minimal", "--exportStart=_start"];
  const files = ["test/std/drivers/pattern.ts", "test/std/drivers/io.ts"];
  const program = new StdProgram(new WebAssembly.Module((await compileStd(files, options)) as BufferSource));
  const parts = CASES.flatMap(([, pattern, text]) => [pattern, text]).flatMap((text) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(Buffer.byteLength(text));
    return [size, Buffer.from(text)];
  });
  const lines = oracle.run(["bench"], Buffer.concat(parts)).toString().trim().split("\n");
  return CASES.map(([kind, pattern, text], i) => {
    const bytes = Buffer.from(text);
    const [goMatches, goCapture] = lines[i]!.split(" ").map(Number);
    program.number("compile", pattern);
    const at = program.reserve(bytes.length);
    new Uint8Array(program.memory.buffer).set(bytes, at);
    const times = (name: string): number => {
      const call = program.export(name);
      let n = 1;
      let best = Infinity;
      for (let round = 0; round < 60;) {
        const start = process.hrtime.bigint();
        call(at, bytes.length, n);
        const took = Number(process.hrtime.bigint() - start);
        if (took < 2e6) {
          n *= 2;
          continue;
        }
        best = Math.min(best, took / n);
        round++;
      }
      return best;
    };
    return {
      ...{ kind, pattern, bytes: bytes.length, goMatches: goMatches!, goCapture: goCapture! },
      ...{ matches: times("matchesTimes"), capture: times("captureTimes") },
    };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  using oracle = new GoRegexp();
  for (const { kind, bytes, matches, capture, goMatches, goCapture } of await speeds(oracle)) {
    const cell = (here: number, go: number): string =>
      `${here.toFixed(0).padStart(8)} ns, Go ${go.toFixed(0).padStart(8)} ns, ${(go / here).toFixed(2).padStart(6)} × Go`;
    process.stdout.write(
      `${kind.padEnd(36)} ${String(bytes).padStart(6)} B  matches ${cell(matches, goMatches)}  capture ${cell(capture, goCapture)}\n`,
    );
  }
}

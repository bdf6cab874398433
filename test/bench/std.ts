/* `npm run bench -- std`: functions of sdk/std beside the obvious alternative, in one run. Figures, no judgement. */

import { execFile } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compileStd, StdProgram } from "../std/program.js";
import { GoRegexp } from "../std/pattern-oracle.js";
import { claims } from "./std-claims.js";
import { cryptoRows } from "./std-crypto.js";
import { sizes, type Size } from "./std-sizes.js";
import { compare, ROUNDS, TURN_MS, turnOf, type Contender, type Row } from "./turns.js";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL(".", import.meta.url));
/** Go has many turns of its own in each. */
const GO_ROUNDS = 4;

/** Times of one pattern on texts of n, 2 n and 4 n bytes. */
export interface Growth {
  readonly pattern: string;
  readonly points: readonly (readonly [bytes: number, nanoseconds: number])[];
}

export interface StdReport {
  readonly claimsBytes: number;
  readonly rows: readonly Row[];
  readonly growth: Growth;
  readonly sizes: readonly Size[];
}

export async function benchStd(say: (line: string) => void): Promise<StdReport> {
  say("compiling");
  const options = ["-O3", "--shrinkLevel=1", "--exportStart=_start"];
  const compiled = async (driver: string): Promise<StdProgram> => {
    const wasm = await compileStd([`test/std/drivers/${driver}.ts`, "test/std/drivers/io.ts"], options);
    return new StdProgram(new WebAssembly.Module(wasm as BufferSource));
  };
  const std = await compiled("speed");
  const pattern = await compiled("pattern");
  const jsonAs = new StdProgram(new WebAssembly.Module((await buildJsonAs(say)) as BufferSource));

  const rows: Row[] = [];
  const beside = (
    what: string,
    text: string,
    ours: Contender,
    other: Contender,
    target: number | null = null,
  ): void => {
    const bytes = Buffer.from(text);
    const [ourTurn, otherTurn] = [ours, other].map(({ program, name }) => turnOf(program, name, bytes));
    rows.push({ what, ours: ours.title, other: other.title, target, ...compare(ourTurn!, otherTurn!, ROUNDS) });
    say(`${what}, beside ${other.title}: ${rows.at(-1)!.ratio.toFixed(2)}`);
  };
  const parse = { program: std, name: "parse", title: "`JsonDocument.parse`" };
  const other = (name: string, title: string): Contender => ({ program: jsonAs, name, title });
  const json = `claims of ${number(Buffer.byteLength(claims))} bytes`;
  beside(`${json} into dynamic values`, claims, parse, other("parse", "json-as: decode, `JSON.parse<JSON.Obj>`"), 1);
  beside(
    `${json}, text that is decoded already`,
    claims,
    parse,
    other("parseDecoded", "json-as: `JSON.parse<JSON.Obj>`"),
  );
  beside(
    `${json} and one of them read`,
    claims,
    { program: std, name: "readOne", title: "`get`, `text`" },
    other("readOne", "json-as: `get`"),
  );
  beside(
    `${json} and all of them read`,
    claims,
    { program: std, name: "readAll", title: "`at`, `keyText`, `text`, `f64`" },
    other("readAll", "json-as: `get`, `at`"),
  );
  const builtIn = (name: string, title: string): Contender => ({ program: std, name, title });
  for (const [size, target] of [
    [4096, 2],
    [512, null],
    [32, null],
  ] as const) {
    const text = "GET /static/app.js?v=1 HTTP/1.1; ".repeat(200).slice(0, size);
    beside(
      `decode ${number(size)} bytes of ASCII`,
      text,
      { program: std, name: "decode", title: "`decodeUtf8`" },
      builtIn("decodeBuiltIn", "`String.UTF8.decode`"),
      target,
    );
    if (size === 512) continue;
    beside(
      `encode ${number(size)} characters of ASCII`,
      text,
      { program: std, name: "encode", title: "`encodeUtf8`" },
      builtIn("encodeBuiltIn", "`String.UTF8.encode`"),
    );
  }

  rows.push(...cryptoRows(await compiled("speed-crypto"), say));

  using go = new GoRegexp();
  for (const [what, source, text] of PATTERNS) {
    pattern.number("compile", source);
    const turn = turnOf(pattern, "matchesTimes", Buffer.from(text));
    const goTurn = (): number => goTime(go, source, text);
    rows.push({
      what,
      ours: "`Pattern.matches`",
      other: "Go's `regexp`, native",
      target: 0.25,
      ...compare(turn, goTurn, GO_ROUNDS),
    });
    say(`${what}: ${rows.at(-1)!.ratio.toFixed(2)}`);
  }
  pattern.number("compile", "(a+)+$");
  const turns = [16384, 32768, 65536].map(
    (n) => [n, turnOf(pattern, "matchesTimes", Buffer.from(`${"a".repeat(n - 1)}b`))] as const,
  );
  const least = turns.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) turns.forEach(([, turn], i) => (least[i] = Math.min(least[i]!, turn())));
  say("sizes");
  return {
    claimsBytes: Buffer.byteLength(claims),
    rows,
    growth: { pattern: "(a+)+$", points: turns.map(([n], i) => [n, least[i]!]) },
    sizes: await sizes(),
  };
}

const PATTERNS: readonly (readonly [what: string, pattern: string, text: string])[] = [
  [
    "pattern with a literal prefix, a short value",
    "Bearer ([A-Za-z0-9._-]+)",
    `Bearer ${"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ"}`,
  ],
  [
    "pattern with a literal prefix, 64 KiB without it",
    "POST /admin/([a-z]+)",
    Array.from({ length: 1300 }, (_, i) => `10.0.${i % 256}.7 - "GET /static/app-${i}.js HTTP/1.1" 200\n`).join(""),
  ],
];

/** Nanoseconds of one Match in Go, the best of its own rounds. */
function goTime(go: GoRegexp, pattern: string, text: string): number {
  const parts = [pattern, text].flatMap((part) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(Buffer.byteLength(part));
    return [size, Buffer.from(part)];
  });
  return Number(go.run(["bench"], Buffer.concat(parts)).toString().split(" ")[0]);
}

/** json-as as npm has it, with the compiler that this repository has. */
async function buildJsonAs(say: (line: string) => void): Promise<Uint8Array> {
  const sources = join(HERE, "peers/json-as");
  const dir = join(HERE, ".cache/json-as");
  const lock = readFileSync(join(sources, "package-lock.json"), "utf8");
  const installed = join(dir, "node_modules/.installed");
  if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
    say("json-as: npm ci into test/bench/.cache");
    rmSync(dir, { recursive: true, force: true });
    cpSync(sources, dir, { recursive: true });
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: dir });
    writeFileSync(installed, lock);
  }
  cpSync(join(sources, "assembly"), join(dir, "assembly"), { recursive: true });
  const args = [
    "assembly/claims.ts",
    "-o",
    "claims.wasm",
    "-O3",
    "--exportStart",
    "_start",
    "--transform",
    "json-as/transform",
  ];
  await run(process.execPath, ["node_modules/assemblyscript/bin/asc", ...args], { cwd: dir });
  return readFileSync(join(dir, "claims.wasm"));
}

function number(n: number): string {
  return n.toLocaleString("en-US");
}

/** Markdown. */
export function stdTables({ rows, growth, sizes }: StdReport): string {
  const ns = (n: number): string => (n < 1000 ? n.toFixed(1) : number(Math.round(n)));
  const line = ({ what, ours, other, ourTime, otherTime, ratio, target }: Row): string =>
    `| ${what} | ${ours} | ${other} | ${ns(ourTime)} | ${ns(otherTime)} | ${ratio.toFixed(2)} | ${target === null ? "" : `≥ ${target}`} |`;
  const [first] = growth.points;
  const points = growth.points.map(
    ([n, time]) => `| ${number(n)} | ${ns(time)} | ${(time / first![1]).toFixed(2)} | ${(n / first![0]).toFixed(0)} |`,
  );
  return `### Speed

In Node's V8, outside Envoy, AssemblyScript's own runtime. Contenders take turns of ${TURN_MS} ms, ${ROUNDS} rounds; the time is that of the
best turn, the ratio is how many times as fast ours is. The claims are those of an access token (test/bench/std-claims.ts).
json-as 1.6.0 leaves nested values as text until they are read, and does not look for malformed UTF-8 or keys that are
there twice.

| what | ours | beside | ours, ns | beside, ns | ratio | target |
|---|---|---|---|---|---|---|
${rows.map(line).join("\n")}

\`${growth.pattern}\` on letters \`a\` with a \`b\` behind them, where engines that backtrack take exponential time:

| bytes | ns | times the first | a linear one |
|---|---|---|---|
${points.join("\n")}

### Size

A module that makes strings and byte arrays and uses one function or class, less the same without it: -O3, shrink level 1,
runtime \`minimal\`.

| feature | bytes |
|---|---|
${sizes.map(({ feature, bytes }) => `| ${feature} | ${number(bytes)} |`).join("\n")}
`;
}

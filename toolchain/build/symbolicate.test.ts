import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { buildIdOf, shipped } from "./build-id.js";
import { build } from "./index.js";
import { symbolicate, Symbolicator, Twin, twinOf } from "./symbolicate.js";
import { makeProject, SMALLEST } from "./testdata/project.js";
import { readFunctions, readWasm } from "./wasm.js";

const SEED = 20261125;
const START = "Proxy-Wasm plugin in-VM backtrace:";

let dir = "";
let twin: Twin;
/** Offset of the first byte that belongs to the line that sets the header. */
let offset = 0;
const LINE = SMALLEST.split("\n").findIndex((line) => line.includes("headers.set")) + 1;

before(async () => {
  dir = makeProject({});
  const { wasm } = await build(dir);
  twin = twinOf(wasm)!;
  const size = readFileSync(wasm).length;
  while (offset < size && twin.place(offset)?.line !== LINE) offset++;
  assert.ok(offset < size);
});

const hex = (value: number): string => `0x${value.toString(16)}`;
const find = (id: string | null): Twin | null => (id === twin.buildId ? twin : null);

test("a shipped module names its callbacks by the id of its code, and is what its manifest says", () => {
  const wasm = readFileSync(join(dir, "build/filter.wasm"));
  const { customSections, exports } = readWasm(wasm);
  assert.deepEqual(
    customSections.map(({ name, end }) => [name, end]),
    [["name", wasm.length]],
  );
  const named = readFunctions(wasm).filter(({ name }) => name !== "");
  assert.deepEqual(new Set(named.map(({ name }) => name)), new Set([`build:${twin.buildId}`]));
  const callbacks = exports.filter(({ name }) => /^(proxy_on_.*|_initialize)$/.test(name));
  assert.deepEqual(named.map(({ index }) => index).sort(), [...new Set(callbacks.map(({ index }) => index))].sort());
  const debug = readFileSync(join(dir, "build/filter.debug.wasm"));
  assert.equal(buildIdOf(debug), twin.buildId);
  assert.equal(buildIdOf(wasm), twin.buildId);
  assert.deepEqual(shipped(debug), new Uint8Array(wasm));
  assert.deepEqual(shipped(wasm), new Uint8Array(wasm));
  const manifest = JSON.parse(readFileSync(join(dir, "build/manifest.json"), "utf8")) as { digest: string };
  assert.equal(manifest.digest, twin.digest);
});

describe("backtraces", () => {
  const frames = (): [string, string] => [
    `  0:  ${hex(offset)} - unknown(function index:21)`,
    `  1:  ${hex(offset)} - build:${twin.buildId}`,
  ];
  const place = (): string => `assembly/index.ts:${LINE}:`;

  test("as Envoy prints them", () => {
    const [first, second] = frames();
    const text = symbolicate(`before\nFunction: f failed: x\n${START}\n${first}\n${second}\nbehind`, find);
    const lines = text.split("\n");
    assert.deepEqual(lines.slice(0, 3), ["before", "Function: f failed: x", START]);
    assert.ok(lines[3]!.startsWith(`${first}: ${place()}`), text);
    assert.ok(lines[4]!.startsWith(`${second}: ${place()}`), text);
    assert.ok(lines[5]!.startsWith(place()), text);
    assert.equal(lines[6], `${String(LINE).padStart(5)} | ${SMALLEST.split("\n")[LINE - 1]}`);
    assert.match(lines[7]!, /^ {6}\| +\^$/);
    assert.equal(lines.at(-1), "behind");
  });

  test("with a log collector's words before each line, and with CR behind it", () => {
    const stamp = "2026-11-25T20:02:54.103Z stderr F ";
    const log = [START, ...frames(), "other"].map((line) => `${stamp}${line}\r`).join("\n");
    const text = symbolicate(log, find);
    assert.equal(text.split(place()).length - 1, 3, text);
  });

  test("escaped within a JSON log", () => {
    const log = JSON.stringify({ msg: ["failed", START, ...frames()].join("\n") });
    assert.equal(symbolicate(log, find).split(place()).length - 1, 3);
  });

  test("several in one log, the last without anything behind it", () => {
    const block = [START, ...frames()].join("\n");
    assert.equal(symbolicate(`${block}\n${block}\nx\n${block}`, find).split(place()).length - 1, 9);
  });

  test("of another build stay as they are", () => {
    const log = [START, `  0:  ${hex(offset)} - build:000000000000`, "x"].join("\n");
    assert.equal(symbolicate(log, find), log);
  });

  test("frames outside of a backtrace stay as they are", () => {
    const log = frames().join("\n");
    assert.equal(
      symbolicate(log, () => twin),
      log,
    );
  });

  test(`offsets that are nowhere have no place (seed ${SEED})`, () => {
    const functions = readFunctions(readFileSync(join(dir, "build/filter.debug.wasm")));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (at) => {
        const found = twin.place(at);
        const inside = functions.some(({ start, end }) => at >= start && at < end);
        if (!inside) assert.equal(found, null);
      }),
      { seed: SEED },
    );
    for (let at = 0; at < functions.at(-1)!.end + 10; at++) twin.place(at);
  });

  test(`any text passes, with all its lines (seed ${SEED})`, () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(START, "\\n", "  1:  0x12 - a", "0:  0xffffffff - b", `2:  0x1c - build:`, "9999:  0x1 - c"),
      fc.nat().map((at) => `  0:  ${hex(at % 5000)} - build:${twin.buildId}`),
    );
    fc.assert(
      fc.property(fc.array(fc.array(piece).map((parts) => parts.join(""))), (lines) => {
        const symbolicator = new Symbolicator(() => twin);
        const out = [...lines.flatMap((line) => symbolicator.line(line)), ...symbolicator.flush()].join("\n");
        for (const line of lines.filter((each) => !each.includes("\\n"))) assert.ok(out.includes(line.trimEnd()));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test("a hostile line takes no time", () => {
    const started = performance.now();
    const long = `${"1: ".repeat(500_000)}${"7".repeat(500_000)}`;
    symbolicate(`${START}\n${long}\n${START}\n${"1".repeat(1990)}\n`, () => twin);
    assert.ok(performance.now() - started < 2000);
  });
});

test("what is no twin is said", () => {
  assert.throws(() => Twin.read(join(dir, "build/none.wasm")), /There is no .*none\.wasm; build the filter again/);
  const broken = makeProject({ "a.wasm": "no wasm", "a.wasm.map": "{}", "b.wasm": "", "b.wasm.map": "no json" });
  assert.throws(() => Twin.read(join(broken, "a.wasm")), /is not a WebAssembly file; build the filter again/);
  writeFileSync(join(broken, "b.wasm"), readFileSync(join(dir, "build/filter.debug.wasm")));
  assert.throws(() => Twin.read(join(broken, "b.wasm")), /is no source map/);
  assert.equal(twinOf(join(broken, "a.wasm")), null);
});

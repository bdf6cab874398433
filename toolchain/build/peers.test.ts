import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { format, resolveConfig } from "prettier";
import { packageRoot } from "./package-root.js";
import { abiTable, peers, strays } from "./peers.js";

const read = (path: string): string => readFileSync(join(packageRoot, path), "utf8");
const rows = peers();

/** What the SDK will have beside what it has. */
const PLANNED = ["HttpCall", "HttpCallHandler", "GrpcCall", "GrpcCallHandler", "GrpcStream", "TcpFilter"];

const index = read("sdk/index.ts");
const isPublic = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(index);
const sources = readdirSync(join(packageRoot, "sdk"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => read(`sdk/${file}`));

/** Names of ours in a row: `Class`, `Class.member`, `namespace.function`. */
function oursOf(text: string | null): string[] {
  return text === null || text.includes(" the ") ? [] : (text.match(/\b[A-Za-z]+(\.\w+)?(?=\(\)|,|$| …|\))/g) ?? []);
}

test("docs/abi.md is made of the tables (else run node --import tsx scripts/abi-table.mjs)", async () => {
  const file = join(packageRoot, "docs/abi.md");
  const made = await format(abiTable(), { ...(await resolveConfig(file)), parser: "markdown" });
  assert.equal(readFileSync(file, "utf8"), made);
});

test("each entry of the ABI's table has a row, and no row is of anything else", () => {
  assert.deepEqual(strays(), []);
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
  for (const { name, ours, why } of rows) assert.notEqual(ours === null, why === undefined, name);
});

test("what a row says of ours is in the SDK", () => {
  const globals = ["Date", "crypto", "console"];
  let checked = 0;
  for (const { name, ours, kind } of rows) {
    // What the SDK does by itself has no name for filters.
    if (ours?.startsWith("(") && ours.includes(" ")) continue;
    for (const word of oursOf(ours)) {
      const [owner, member] = word.split(".") as [string, string | undefined];
      if (globals.includes(owner)) continue;
      if (!isPublic(owner)) {
        assert.ok(PLANNED.includes(owner), `${name}: ${owner} is not exported by sdk/index.ts`);
        continue;
      }
      const source = sources.find((text) =>
        new RegExp(`export (abstract class|class|namespace) ${owner}\\b`).test(text),
      );
      assert.ok(source, `${name}: ${owner}`);
      if (member) {
        assert.match(
          source,
          new RegExp(`(^|\\s)(get |export function |readonly |abstract )?${member}\\b *[(:<]`, "m"),
          `${name}: ${word}`,
        );
      }
      checked++;
    }
    assert.ok(kind === "wasi" || ours === null || oursOf(ours).length || ours.startsWith("("), name);
  }
  assert.ok(checked > 40, `${checked} names`);
});

test("a host function is offered exactly when the SDK imports it, and a callback when it exports it", () => {
  const imported = new Set(
    [...read("sdk/abi/hostcalls.ts").matchAll(/export declare function (\w+)/g)].map(([, n]) => n!),
  );
  const exported = new Set([...read("sdk/runtime/exports.ts").matchAll(/^export function (\w+)/gm)].map(([, n]) => n!));
  for (const { name, kind, ours } of rows) {
    const planned = oursOf(ours).some(
      (word) => PLANNED.includes(word.split(".")[0]!) && !isPublic(word.split(".")[0]!),
    );
    // Made by the compiler.
    if (planned || name === "_initialize") continue;
    assert.equal((kind === "export" ? exported : imported).has(name), ours !== null, name);
  }
});

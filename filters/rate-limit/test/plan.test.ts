import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PLAN } from "./plan.js";

const here = fileURLToPath(new URL(".", import.meta.url));
/** Traps are made by a filter of its own, what other threads do by a host of its own. */
const BESIDE = ["rate-limit-reload", "rate-limit-host"].map((name) =>
  fileURLToPath(new URL(`../../../test/library/${name}.test.ts`, import.meta.url)),
);

test("every line of the plan has a test, and every number is in the plan", () => {
  const sources = readdirSync(here)
    .filter((name) => name.endsWith(".test.ts") && name !== "plan.test.ts")
    .map((name) => readFileSync(here + name, "utf8"))
    .concat(BESIDE.map((path) => readFileSync(path, "utf8")));
  const used = new Set(sources.flatMap((source) => [...source.matchAll(/["'`](RL-\d+)\b/g)].map((match) => match[1]!)));
  assert.deepEqual(
    Object.keys(PLAN).filter((id) => !used.has(id)),
    [],
    "lines without a test",
  );
  assert.deepEqual(
    [...used].filter((id) => !(id in PLAN)),
    [],
    "numbers without a line",
  );
});

/* The test plan of each library filter: every line has a test, in the filter's folder or, where one needs more than
 * meshwasm/testing, here; and every number of a test is in the plan. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const filters = join(import.meta.dirname, "../../filters");
const sourcesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
const shared = sourcesIn(import.meta.dirname);
const names = readdirSync(filters).filter((name) => existsSync(join(filters, name, "filter.yaml")));
assert.ok(names.length >= 4);

for (const name of names) {
  test(`the plan of ${name}`, async () => {
    const folder = join(filters, name, "test");
    const { PLAN } = (await import(join(folder, "plan.ts"))) as { PLAN: Readonly<Record<string, string>> };
    const ids = Object.keys(PLAN);
    const prefix = ids[0]!.replace(/\d+$/, "");
    const pattern = new RegExp(`["'\`](${prefix}\\d+)\\b`, "g");
    const sources = [...sourcesIn(folder), ...shared];
    const used = new Set(sources.flatMap((source) => [...source.matchAll(pattern)].map((match) => match[1]!)));
    assert.deepEqual(
      ids.filter((id) => !used.has(id)),
      [],
      "lines without a test",
    );
    assert.deepEqual(
      [...used].filter((id) => !(id in PLAN)),
      [],
      "numbers without a line",
    );
  });
}

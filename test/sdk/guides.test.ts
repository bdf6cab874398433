import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { packageRoot } from "../../toolchain/build/package-root.js";
import { check } from "../../toolchain/build/check.js";
import { moduleOf } from "./program.js";

/** Whole filters in a guide: other blocks are parts of one. */
function filtersOf(text: string): string[] {
  return (
    [...text.matchAll(/^```ts\n(.*?)^```$/gms)]
      .map(([, block]) => block!)
      // Those with a configuration of their own are built with it: test/config/guide.test.ts.
      .filter((block) => /from "meshwasm\/sdk"/.test(block) && /^register\w+Filter</m.test(block))
      .filter((block) => !block.includes(`from "./config"`))
  );
}

const guides = readdirSync(join(packageRoot, "docs"))
  .filter((file) => file.endsWith(".md"))
  .map((file) => ({ file, filters: filtersOf(readFileSync(join(packageRoot, "docs", file), "utf8")) }))
  .filter(({ filters }) => filters.length);

describe("the filters in the guides", () => {
  it("are there", () => {
    for (const file of ["shared-state.md", "metrics.md", "properties.md", "foreign.md"]) {
      assert.ok(
        guides.some((guide) => guide.file === file),
        file,
      );
    }
  });
  for (const { file, filters } of guides) {
    filters.forEach((source, i) => {
      it(`docs/${file}, ${i + 1} of ${filters.length}`, async () => {
        assert.deepEqual(check(await moduleOf({ "assembly/index.ts": source, "asconfig.json": "{}" })), []);
      });
    });
  }
});

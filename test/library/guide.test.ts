/* docs/adding-a-filter.md, as it stands. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createProxy } from "../../toolchain/hosts/index.js";

const root = join(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "docs/adding-a-filter.md"), "utf8");
const block = (language: string): string => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(guide)![1]!;

test("the filter of the guide does what it says", async () => {
  // Inside the package, so that what it shares with other filters is found by its name.
  const dir = mkdtempSync(join(import.meta.dirname, "guide-"));
  try {
    mkdirSync(join(dir, "assembly"));
    writeFileSync(join(dir, "filter.yaml"), "name: greeting\n");
    writeFileSync(join(dir, "asconfig.json"), '{ "extends": "meshwasm/asconfig.json" }\n');
    writeFileSync(join(dir, "config.schema.json"), block("json"));
    writeFileSync(join(dir, "assembly/index.ts"), block("ts"));
    const config = { match: { sel: "path", prefix: "/a" }, value: "hello ${query:name}" };
    await using proxy = await createProxy({ host: "emulator", filter: dir, config });
    const greeting = async (path: string) => (await proxy.request({ path })).headers.get("x-greeting");
    assert.equal(await greeting("/a?name=ann"), "hello ann");
    assert.equal(await greeting("/b?name=ann"), null);
    await proxy.reconfigure({ ...config, mode: "off" });
    assert.equal(await greeting("/a?name=ann"), null);
    await assert.rejects(
      proxy.reconfigure({ value: "${nothing}" }),
      /configuration refused: \$\.value: \$\{…\} is not/,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

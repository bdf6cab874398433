import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("every file of sdk/std has its spec beside it", () => {
  const files = readdirSync(`${root}/sdk/std`);
  const subjects = files.filter((file) => !file.endsWith(".spec.ts"));
  assert.deepEqual(
    subjects.filter((file) => !files.includes(file.replace(/\.ts$/, ".spec.ts"))),
    [],
  );
});

test("the specs of sdk/std pass in AssemblyScript (npm run test:std)", () => {
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", "test:std"], { cwd: root, encoding: "utf8" });
  const output = stdout + stderr;
  assert.equal(status, 0, output);
  const [, passed, all] = /\[Tests\]: (\d+) \/ (\d+)/.exec(output.replace(/\x1b\[\d+m/g, "")) ?? [];
  assert.equal(passed, all, output);
  assert.ok(Number(all) > 0, output);
});

/* docs/configuration.md, as it stands: its filter is built, its configuration is validated, its change is compared. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { makeProject } from "../../toolchain/build/testdata/project.js";
import { createProxy } from "../../toolchain/hosts/index.js";
import { meshwasm, root } from "../e2e/support.js";

const guide = readFileSync(join(root, "docs/configuration.md"), "utf8");
const block = (language: string, holding: string): string => {
  const blocks = [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text!);
  const found = blocks.find((text) => text.includes(holding));
  assert.ok(found, `${language}: ${holding}`);
  return found;
};
const schema = block("json", "$defs");
let dir: string;

before(() => {
  dir = makeProject({
    "filter.yaml": "name: guide\n",
    "config.schema.json": schema,
    "assembly/index.ts": block("ts", "registerHttpFilter"),
    "config.yaml": block("yaml", "rules:"),
    "README.md": `# Guide\n\n${block("html", "meshwasm:config")}\nend\n`,
  });
});

test("the filter does what it says", async () => {
  const config = {
    retryAfter: "1m",
    rules: [
      { path: "^/admin", then: { type: "deny", status: 451 } },
      { path: "/open", then: { type: "allow" } },
    ],
  };
  await using proxy = await createProxy({ filter: dir, config });
  const denied = await proxy.request({ path: "/admin" });
  assert.deepEqual([denied.status, Buffer.from(denied.body).toString()], [451, "again in 60 seconds\n"]);
  assert.equal((await proxy.request({ path: "/open" })).status, 200);
  await proxy.reconfigure({ ...config, mode: "shadow" });
  assert.equal((await proxy.request({ path: "/admin" })).status, 200);
});

test("validate says what the guide shows, with exit code 3", async () => {
  const shown = block("console", "meshwasm validate").split("\n").slice(1).join("\n");
  const result = await meshwasm(["validate", ".", "--config", "config.yaml"], { cwd: dir });
  assert.equal(result.stdout, shown);
  assert.equal(result.code, 3);
  writeFileSync(join(dir, "good.json"), '{"rules":[{"path":"","then":{"type":"allow"}}]}');
  const good = await meshwasm(["validate", dir, "--config", "good.json", "--json"], { cwd: dir });
  assert.deepEqual(JSON.parse(good.stdout), { file: "good.json", valid: true, errors: [], environment: [] });
  assert.equal(good.code, 0);
});

test("diff says what the guide shows, with exit code 3", async () => {
  const next = JSON.parse(schema) as { properties: Record<string, object>; $defs: { Rule: object } };
  next.properties["mode"] = { enum: ["enforce", "shadow", "off"], default: "shadow" };
  next.properties["log"] = { type: "boolean" };
  const text = JSON.stringify(next).replace('"maximum":599', '"maximum":499');
  writeFileSync(join(dir, "old.json"), schema);
  writeFileSync(join(dir, "new.json"), text);
  const result = await meshwasm(["diff", "old.json", "new.json"], { cwd: dir });
  const shown = block("console", "meshwasm diff").split("\n").slice(1).join("\n");
  assert.deepEqual(result.stdout.split("\n").slice(2).sort(), shown.split("\n").sort());
  assert.equal(result.code, 3);
  assert.equal((await meshwasm(["diff", "old.json", "old.json"], { cwd: dir })).code, 0);
});

test("the README has a row for each option, and config writes what an editor completes", async () => {
  const readme = readFileSync(join(dir, "README.md"), "utf8");
  for (const option of ["mode", "retryAfter", "rules", "rules[].path", "rules[].then", "rules[].then.status"])
    assert.ok(readme.includes(`| \`${option}\``), option);
  assert.match(readme, /integer from 400 to 599/);
  const written = await meshwasm(["config", ".", "-o", "start.yaml"], { cwd: dir });
  assert.equal(written.code, 0, written.stderr);
  const start = readFileSync(join(dir, "start.yaml"), "utf8");
  assert.match(start, /^# yaml-language-server: \$schema=\.\/start\.schema\.json\n/);
  assert.match(start, /^# What a match does\.\n# mode: enforce\n/m);
  assert.equal(readFileSync(join(dir, "start.schema.json"), "utf8"), schema);
  const again = await meshwasm(["config", ".", "-o", "start.yaml"], { cwd: dir });
  assert.equal(again.code, 1);
  assert.match(again.stderr, /is there already/);
});

test("the examples have a configuration that they take", async () => {
  const examples = readdirSync(join(root, "examples"));
  assert.ok(examples.length >= 5);
  for (const name of examples) {
    const at = join(root, "examples", name);
    // One that writes no filter runs those of the library: each with the file that its script gives it.
    const own = join(at, "config.schema.json");
    const { scripts } = JSON.parse(readFileSync(join(at, "package.json"), "utf8")) as { scripts: { proxy?: string } };
    const run = /meshwasm run (\S+) --config (\S+)/.exec(scripts.proxy ?? "");
    const before = [...(scripts.proxy ?? "").matchAll(/--before ([^\s=]+)=(\S+)/g)];
    const pairs = existsSync(own) ? [[own, "config.yaml"]] : [run!, ...before].map((match) => match.slice(1, 3));
    for (const [subject, file] of pairs) {
      const result = await meshwasm(["validate", subject!, "--config", join(at, file!)]);
      assert.equal(result.code, 0, result.stdout + result.stderr);
    }
  }
});

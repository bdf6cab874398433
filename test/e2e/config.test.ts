/* Configurations through the command line, with images as people have them. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freshFolder, makeProject, meshwasm, root, startRegistry, succeeded, type Running } from "./support.js";

const folder = freshFolder();
const work = folder.path;
const project = join(work, "project");
let registry: Running;
let host = "";
const run = (...args: string[]) => meshwasm(args, { cwd: work });
const write = (name: string, text: string): string => {
  writeFileSync(join(work, name), text);
  return name;
};
const schema = (properties: object): string =>
  JSON.stringify({ type: "object", additionalProperties: false, properties });

before(async () => {
  await makeProject(project);
  ({ host, running: registry } = await startRegistry(join(work, "registry")));
  succeeded(await run("publish", project, `${host}/filter:1`));
});
after(async () => {
  await registry?.stop();
  folder.remove();
});

test("an image, a module and a folder give one verdict; the first two need no source", async () => {
  const bad = write("bad.yaml", "greeting: hi\nblokedPath: /x\n");
  const good = write("good.yaml", "greeting: hi\n");
  const wasm = join(project, "build/filter.wasm");
  for (const target of [project, `${host}/filter:1`, join(project, "config.schema.json")]) {
    const refused = await run("validate", target, "--config", bad);
    assert.equal(refused.code, 3, refused.stderr);
    assert.equal(refused.stdout, 'bad.yaml:2:1: $: unknown key "blokedPath"; did you mean "blockedPath"?\n');
    const taken = await run("validate", target, "--config", good);
    assert.equal(taken.code, 0, taken.stderr);
    assert.equal(taken.stdout, "good.yaml: ok\n");
  }
  const module = await run("validate", wasm, "--config", bad, "--json");
  assert.equal(module.code, 3);
  const { valid, errors } = JSON.parse(module.stdout) as { valid: boolean; errors: Record<string, unknown>[] };
  assert.equal(valid, false);
  assert.deepEqual(errors, [
    { line: 1, column: 1, path: "$", reason: 'unknown key "blokedPath"', suggestion: null, by: "filter" },
  ]);
  assert.equal((await run("validate", wasm, "--config", good)).code, 0);
});

test("what cannot be told is no verdict: exit code 1", async () => {
  const good = write("good.json", "{}");
  for (const [args, message] of [
    [["validate", project, "--config", "gone.yaml"], /there is no such file/],
    [["validate", "gone.wasm", "--config", good], /there is no such file or folder/],
    [["validate", `${host}/gone:1`, "--config", good], /gone/],
    [["validate", write("no.schema.json", "{"), "--config", good], /not valid JSON/],
    [["validate", project, "--config", write("bad.yaml", "a: [")], /bad\.yaml:\d+:\d+: /],
    [["config", join(project, "build/filter.wasm"), "-o", "x.yaml"], /has no config\.schema\.json/],
  ] as const) {
    const result = await run(...args);
    assert.equal(result.code, 1, result.stdout + result.stderr);
    assert.match(result.stderr, message);
  }
  assert.equal((await run("validate", project)).code, 2);
});

test("the next version breaks configurations: exit code 3, and the reasons", async () => {
  const file = join(project, "config.schema.json");
  const before = readFileSync(file, "utf8");
  writeFileSync(file, before.replace('"type": "string",', '"type": "string",\n      "minLength": 1,'));
  succeeded(await run("publish", project, `${host}/filter:2`));
  writeFileSync(file, before);
  const result = await run("diff", `${host}/filter:1`, `${host}/filter:2`);
  assert.equal(result.code, 3, result.stderr);
  assert.match(result.stdout, /^config breaks {2}\$\.greeting: fewer than 1 characters are refused$/m);
  assert.match(result.stderr, /refuses configurations that were taken before \(1 change\)/);
  const back = await run("diff", `${host}/filter:2`, project, "--json");
  assert.equal(back.code, 0, back.stderr);
  assert.deepEqual((JSON.parse(back.stdout) as { config: unknown }).config, []);
});

test("an image of another SDK, whose schema says more than ours can: the module is asked, nothing fails", async () => {
  const wasm = join(project, "build/filter.wasm");
  const foreign = write("foreign.json", '{"type":"object","patternProperties":{"\\u001b[31mx":{}}}');
  succeeded(await run("publish", wasm, `${host}/foreign:1`, "--schema", foreign));
  const good = write("good.json", '{"greeting":"x"}');
  const taken = await run("validate", `${host}/foreign:1`, "--config", good);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stderr, /the schema cannot be read, so the module alone is asked/);
  assert.equal((await run("validate", `${host}/foreign:1`, "--config", write("bad.json", '{"x":1}'))).code, 3);
  const diff = await run("diff", `${host}/foreign:1`, `${host}/filter:1`);
  assert.equal(diff.code, 0, diff.stderr);
  assert.match(diff.stderr, /configurations cannot be compared/);
  // Names of a schema are printed, not obeyed.
  const odd = [schema({ "a\u001b[31m": { type: "string" } }), schema({})].map((text, i) => write(`odd${i}.json`, text));
  const shown = await run("diff", odd[0]!, odd[1]!);
  assert.equal(shown.code, 3);
  assert.ok(!shown.stdout.includes("\u001b") && shown.stdout.includes("is no longer known"), shown.stdout);
});

test("a configuration to begin with is taken as it is, and an editor finds its schema", async () => {
  succeeded(await run("config", `${host}/filter:1`, "-o", "mesh/start.yaml"));
  assert.ok(existsSync(join(work, "mesh/start.schema.json")));
  assert.match(
    readFileSync(join(work, "mesh/start.yaml"), "utf8"),
    /^# yaml-language-server: \$schema=\.\/start\.schema\.json\n/,
  );
  assert.equal((await run("validate", `${host}/filter:1`, "--config", "mesh/start.yaml")).code, 0);
  // A project has both already.
  assert.equal((await run("validate", project, "--config", join(project, "config.yaml"))).code, 0);
  assert.match(readFileSync(join(project, "config.yaml"), "utf8"), /\$schema=\.\/config\.schema\.json\n/);
  assert.match((await run("config", root, "-o", "y.yaml")).stderr, /not a filter project/);
});

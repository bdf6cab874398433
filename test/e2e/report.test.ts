import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freshFolder, makeProject, meshwasm, succeeded } from "./support.js";

const folder = freshFolder();
const project = join(folder.path, "project");
before(async () => {
  await makeProject(project);
  succeeded(await meshwasm(["build", project]));
});
after(() => folder.remove());

async function run(name: string, text: string) {
  const file = join(project, "test", name);
  writeFileSync(file, text);
  try {
    return await meshwasm(["test", project], { timeoutMs: 240_000 });
  } finally {
    rmSync(file);
  }
}

test("a failing assertion of node:test shows the whole exchange, once", async () => {
  const result = await run(
    "fails.test.ts",
    `import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProxy } from "meshwasm/testing";
describe("outer", () => {
  it("plain", async () => {
    await using proxy = await createProxy({ config: { greeting: "shown" } });
    const response = await proxy.request({ path: "/plain", headers: { "x-a": "1" } });
    assert.equal(response.status, 201);
  });
  it("expect", async () => {
    await using proxy = await createProxy();
    (await proxy.request({ path: "/expect" })).expect({ status: 201 });
  });
  it("no exchange", () => assert.equal(1, 2, "alone"));
});
`,
  );
  assert.equal(result.code, 1, result.stdout);
  const parts = result.stdout.split(/^ *not ok \d+ - /m);
  const plain = result.stdout;
  assert.match(plain, /200 !== 201[^]*> GET \/plain[^]*x-a: 1[^]*The upstream got:[^]*< 200[^]*< x-hello: shown/);
  assert.equal(plain.split("> GET /plain").length - 1, 1, plain);
  assert.equal(plain.split("> GET /expect").length - 1, 1, plain);
  const alone = parts.find((part) => part.startsWith("no exchange"));
  assert.ok(alone !== undefined && !alone.includes("> GET"), alone);
});

test("case files are run, and a mistake in one is told before anything runs", async () => {
  const good = await run(
    "good.case.yaml",
    "name: greets\nconfig: { greeting: hi }\nrequest: {}\nexpected: { headers: { x-hello: hi } }\n",
  );
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /ok 1 - greets \(test\/good\.case\.yaml:1\)/);
  const failing = await run("bad.case.yaml", "name: greets\nrequest: {}\nexpected: { status: 404 }\n");
  assert.equal(failing.code, 1);
  assert.match(failing.stdout, /test\/bad\.case\.yaml:1: status: expected 404, got 200[^]*> GET \//);
  const wrong = await run("wrong.case.yaml", "request: {}\nexpcted: {}\n");
  assert.equal(wrong.code, 1);
  assert.equal(wrong.stdout, "");
  assert.match(wrong.stderr, /^meshwasm: \S*wrong\.case\.yaml:2:1: unknown key "expcted"; there are [^\n]*\n$/);
});

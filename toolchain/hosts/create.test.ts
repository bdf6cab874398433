import assert from "node:assert/strict";
import { test } from "node:test";
import { createProxy } from "./create.js";
import { compileProbe } from "./emulator/testdata/compile.js";

test("a .wasm file is used as it is, under its own name", async () => {
  await using proxy = await createProxy({
    filter: await compileProbe(),
    host: "emulator",
    config: "reqh prop|plugin_name",
  });
  assert.equal(proxy.host, "emulator");
  const { status } = await proxy.request();
  assert.equal(status, 200);
  assert.ok(proxy.logs().some((l) => l.message === "  prop|plugin_name -> 0 6 [filter]"));
});

test("a wrong host or filter is said in a line", async () => {
  await assert.rejects(createProxy({ host: "nginx" as "envoy" }), /no host "nginx"/);
  await assert.rejects(createProxy({ filter: "./no-such-folder", host: "emulator" }), /no-such-folder/);
});

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

test("wrong options are said in a line, before anything is built", async () => {
  const wrong = (options: object): Promise<unknown> => createProxy({ filter: "./no-such-folder", ...options });
  await assert.rejects(wrong({ downstream: "h2" }), /downstream is "h2"; use one of http1, http2/);
  await assert.rejects(wrong({ failurePolicy: "OPEN" }), /failurePolicy is "OPEN"; use one of FAIL_RELOAD/);
  await assert.rejects(wrong({ logLevel: "warning" }), /logLevel/);
  await assert.rejects(wrong({ protocol: "udp" }), /protocol/);
  for (const concurrency of [0, 1.5, 17]) await assert.rejects(wrong({ concurrency }), /from 1 to 16/);
  await assert.rejects(wrong({ patch: (b: object) => b, host: "emulator" }), /needing\(test, \["envoy"\]\)/);
});

test("a wrong host or filter is said in a line", async () => {
  await assert.rejects(createProxy({ host: "nginx" as "envoy" }), /no host "nginx"/);
  await assert.rejects(createProxy({ filter: "./no-such-folder", host: "emulator" }), /no-such-folder/);
});

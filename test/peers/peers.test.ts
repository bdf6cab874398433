/* Filters written with the Rust and Go SDKs behave alike on the emulator and on Envoy. */

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { createProxy, type HostName, type ProxyOptions } from "../../toolchain/hosts/index.js";
import { buildGo, buildRust } from "./build.js";

const SDKS = [
  { name: "Rust's proxy-wasm", build: buildRust },
  { name: "proxy-wasm-go-sdk", build: buildGo },
] as const;

for (const sdk of SDKS) {
  describe(sdk.name, () => {
    let filter: string;
    before(() => {
      filter = sdk.build();
    });
    for (const host of ["emulator", "envoy"] as const) describe(host, () => behaviour(host, () => filter));
  });
}

function behaviour(host: HostName, module: () => string): void {
  const start = (options: ProxyOptions = {}) => createProxy({ host, filter: module(), config: "hi", ...options });

  test("headers, metrics, shared data and the log", async () => {
    await using proxy = await start({ vmConfig: "of the VM" });
    const first = await proxy.request({ path: "/a?b=c", headers: { "x-remove": "1" } });
    first.expect({
      status: 200,
      headers: { "x-greeting": "hi" },
      upstream: { headers: { "x-path": "/a?b=c", "x-count": "1", "x-remove": null } },
    });
    const second = await proxy.request({ headers: { "x-count": "0" } });
    assert.deepEqual(second.upstream!.headers.all("x-count"), ["0", "2"]);
    assert.equal((await proxy.metrics()).counter("peer.requests"), 2);
    const logs = proxy.logs().map(({ message }) => message);
    // Envoy's main thread and its worker have a VM each, and each logs its start.
    assert.ok(logs.filter((line) => line === "vm of the VM").length >= 1, logs.join("\n"));
    assert.equal(logs.filter((line) => line === "code 200").length, 2);
  });

  test("a local reply", async () => {
    await using proxy = await start();
    const denied = await proxy.request({ path: "/deny" });
    denied.expect({ status: 403, headers: { "x-denied": "yes", "x-greeting": "hi" }, upstream: null });
    assert.equal(denied.text(), "denied and more");
  });

  test("bodies", async () => {
    await using proxy = await start({ upstream: ({ body }) => ({ body }) });
    const answer = await proxy.request({ method: "POST", body: "some text" });
    assert.equal(Buffer.from(answer.upstream!.body).toString(), "SOME TEXT");
    assert.equal(answer.text(), "SOME TEXT and more");
  });

  test("callouts: an answer, a connection that is refused, a cluster that is not there", async () => {
    await using proxy = await start({ clusters: { auth: ({ path }) => ({ status: 201, body: `of ${path}` }) } });
    (await proxy.request({ path: "/call" })).expect({ upstream: { headers: { "x-auth": "201 of /check" } } });
    await proxy.cluster("auth", { refuses: true });
    const refused = await proxy.request({ path: "/call" });
    assert.match(refused.upstream!.headers.get("x-auth")!, /^503 /);
    await using alone = await start();
    (await alone.request({ path: "/call" })).expect({ upstream: { headers: { "x-auth": null } } });
  });

  test("a queue and ticks", async () => {
    await using proxy = await start();
    await proxy.request({ path: "/queue" });
    await proxy.tick();
    await proxy.tick();
    assert.ok(((await proxy.metrics()).counter("peer.ticks") ?? 0) >= 1);
    assert.ok(proxy.logs().some(({ message }) => message === "queue item"));
  });

  test("a configuration that is refused", async () => {
    await assert.rejects(start({ config: "refuse" }), /configur/i);
    await using proxy = await start();
    await assert.rejects(proxy.reconfigure("refuse"));
    (await proxy.request()).expect({ headers: { "x-greeting": "hi" } });
    await proxy.reconfigure("ho");
    (await proxy.request()).expect({ headers: { "x-greeting": "ho" } });
  });

  test("a trap fails closed, and the next VM serves", async () => {
    await using proxy = await start();
    assert.equal((await proxy.request({ path: "/trap" })).status, 503);
    await proxy.advance(2500);
    assert.equal((await proxy.request()).status, 200);
  });
}

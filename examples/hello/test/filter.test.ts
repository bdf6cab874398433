import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createProxy, type Proxy } from "meshwasm/testing";

// The same tests run on the emulator (npm test) and on a real Envoy (npm test -- --host envoy).
describe("hello", () => {
  let proxy: Proxy;

  before(async () => {
    proxy = await createProxy({ config: { greeting: "hi", blockedPath: "/private" } });
  });
  after(() => proxy.close());

  it("adds its header to the response", async () => {
    const response = await proxy.request({ path: "/" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-hello"), "hi");
  });

  it("answers a blocked path itself", async () => {
    const response = await proxy.request({ path: "/private" });
    assert.equal(response.status, 403);
    assert.equal(response.text(), "blocked\n");
    assert.equal(response.upstream, null);
  });

  it("takes the defaults of the schema", async () => {
    await using unconfigured = await createProxy();
    assert.equal((await unconfigured.request()).headers.get("x-hello"), "world");
  });

  it("refuses a misspelt key", async () => {
    await assert.rejects(createProxy({ config: { greting: "hi" } }), /unknown key "greting"/);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createProxy, type Proxy, type UpstreamHandler } from "meshwasm/testing";

/** The authorization service: knows one token. */
const service: UpstreamHandler = (request) =>
  request.headers.get("authorization") === "Bearer good"
    ? { status: 200, headers: { "x-auth-user": `ann ${request.path} ${request.headers.get("x-original-path")}` } }
    : { status: 401 };

// The same tests run on the emulator (npm test) and on a real Envoy (npm test -- --host envoy).
describe("callout-auth", () => {
  let proxy: Proxy;

  before(async () => {
    proxy = await createProxy({ config: { cluster: "auth", timeoutMilliseconds: 200 }, clusters: { auth: service } });
  });
  after(() => proxy.close());

  it("lets a request on that the service allows, and says who it is", async () => {
    const response = await proxy.request({
      method: "POST",
      path: "/orders",
      headers: { authorization: "Bearer good", "x-auth-user": "root" },
      body: "one",
    });
    response.expect({ status: 200, upstream: { headers: { "x-auth-user": "ann /check /orders" }, body: "one" } });
  });

  it("denies what the service denies", async () => {
    const response = await proxy.request({ headers: { authorization: "Bearer bad" } });
    response.expect({ status: 403, body: "not allowed\n", upstream: null });
  });

  it("asks nobody about a request without credentials", async () => {
    (await proxy.request({ headers: { "x-auth-user": "root" } })).expect({ status: 401, upstream: null });
  });

  it("denies when the service is slow, down or gone, unless told otherwise", async () => {
    const headers = { authorization: "Bearer good" };
    await proxy.cluster("auth", () => new Promise(() => {}));
    assert.equal((await proxy.request({ headers })).status, 503);
    await proxy.cluster("auth", { refuses: true });
    assert.equal((await proxy.request({ headers })).status, 503);
    await proxy.cluster("auth", service);
    await proxy.reconfigure({ cluster: "missing" });
    assert.equal((await proxy.request({ headers })).status, 503);
    await proxy.reconfigure({ cluster: "missing", allowOnFailure: true });
    (await proxy.request({ headers })).expect({ status: 200, upstream: { headers: { "x-auth-user": null } } });
  });
});

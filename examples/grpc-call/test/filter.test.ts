import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createProxy, type GrpcHandler, type Proxy } from "meshwasm/testing";

/** The quota service: each client may take twice. TakeRequest's client is its first field, TakeResponse has two. */
function quota(): GrpcHandler {
  const taken = new Map<string, number>();
  return async (call) => {
    assert.equal(`${call.service}/${call.method}`, "quota.v1.Quota/Take");
    for await (const message of call.messages) {
      const client = Buffer.from(message.subarray(2, 2 + message[1]!)).toString();
      const count = (taken.get(client) ?? 0) + 1;
      taken.set(client, count);
      if (client === "broken") return call.send(Uint8Array.of(0x08, 0xff));
      if (count > 2) return call.finish({ status: 8, message: "come back later" });
      call.send(Uint8Array.of(0x08, 1, 0x10, 2 - count));
    }
  };
}

// The same tests run on the emulator (npm test) and on a real Envoy (npm test -- --host envoy).
describe("grpc-call", () => {
  let proxy: Proxy;

  before(async () => {
    proxy = await createProxy({ config: { cluster: "quota" }, clusters: { quota: { grpc: quota() } } });
  });
  after(() => proxy.close());

  const request = (client: string) => proxy.request({ headers: { "x-api-key": client } });

  it("lets a client on until its quota is used up", async () => {
    (await request("ann")).expect({ status: 200, upstream: { headers: { "x-quota-remaining": "1" } } });
    (await request("ann")).expect({ status: 200, upstream: { headers: { "x-quota-remaining": "0" } } });
    (await request("ann")).expect({ status: 429, headers: { "retry-after": "1" }, upstream: null });
    (await request("bob")).expect({ status: 200 });
  });

  it("takes no answer that is malformed", async () => {
    (await request("broken")).expect({ status: 429, upstream: null });
  });

  it("lets everybody on when the service is down", async () => {
    await proxy.cluster("quota", { refuses: true });
    (await request("ann")).expect({ status: 200, upstream: { headers: { "x-quota-remaining": null } } });
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createProxy, type Proxy } from "meshwasm/testing";

const match = { sel: "path", prefix: "/admin" };

// The same tests run on the emulator (npm test) and on a real Envoy (npm test -- --host envoy).
for (const downstream of ["http1", "http2"] as const) {
  describe(`{{name}} over ${downstream}`, () => {
    let proxy: Proxy;

    before(async () => {
      proxy = await createProxy({ downstream, config: { match } });
    });
    after(() => proxy.close());

    it("T-1: refuses what matches, and repeats nothing of it", async () => {
      const response = await proxy.request({ path: "/admin?<script>" });
      assert.equal(response.status, 403);
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      assert.equal(response.upstream, null);
      assert.doesNotMatch(response.text(), /script/);
    });

    it("T-2: passes all others unchanged", async () => {
      const response = await proxy.request({ path: "/", headers: { "x-a": "1" } });
      assert.equal(response.status, 200);
      assert.equal(response.upstream?.headers.get("x-a"), "1");
    });

    it("T-3: shadow refuses nothing and counts; off does neither", async () => {
      const metric = "meshwasm_{{metric}}_refused.mode=.=shadow;.;";
      const count = async (): Promise<number> => (await proxy.metrics()).counter(metric) ?? 0;
      await proxy.reconfigure({ mode: "shadow", match });
      const before = await count();
      assert.equal((await proxy.request({ path: "/admin" })).status, 200);
      assert.equal(await count(), before + 1);
      await proxy.reconfigure({ mode: "off", match });
      assert.equal((await proxy.request({ path: "/admin" })).status, 200);
      assert.equal(await count(), before + 1);
      await proxy.reconfigure({ match });
    });

    it("T-4: a gRPC call gets a gRPC status", async () => {
      const response = await proxy.request({
        method: "POST",
        path: "/admin.Service/Call",
        headers: { "content-type": "application/grpc", te: "trailers" },
      });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("grpc-status"), "7");
    });

    for (const [config, reason] of [
      [{}, /\$: required key "match" is missing/],
      [{ match: { sel: "nothing", exact: "a" } }, /\$\.match.*sel/],
      [{ match: { sel: "path" } }, /\$\.match/],
      [{ match, mod: "off" }, /unknown key "mod"/],
    ] as const) {
      it(`T-5: refuses ${JSON.stringify(config)}`, async () => {
        await assert.rejects(proxy.reconfigure(config), reason);
      });
    }
  });
}

it("T-6: conditions can be combined", async () => {
  const all = [match, { not: { sel: "ip", cidr: ["10.0.0.0/8"] } }, { sel: "header:user-agent", regex: "(?i)bot" }];
  const proxy = await createProxy({ config: { match: { all } } });
  const status = async (path: string, agent: string): Promise<number> =>
    (await proxy.request({ path, headers: { "user-agent": agent } })).status;
  assert.deepEqual([await status("/admin", "SomeBot"), await status("/admin", "a"), await status("/", "Bot")], [403, 200, 200]);
  await proxy.close();
});

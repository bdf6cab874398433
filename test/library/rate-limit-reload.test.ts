/* rate-limit after a trap in its VM: what was counted is still counted, and requests that the lost VM held are not. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createProxy, type Proxy, type UpstreamResponse } from "../../toolchain/hosts/index.js";

const filter = fileURLToPath(new URL("rate-limit-reload", import.meta.url));

for (const host of ["emulator", "envoy"] as const) {
  for (const downstream of ["http1", "http2"] as const)
    describe(`after a trap, on ${host}, ${downstream}`, () => {
      const start = (limit: object, upstream: () => UpstreamResponse | Promise<UpstreamResponse>): Promise<Proxy> =>
        createProxy({
          host,
          downstream,
          filter,
          vmId: "one",
          config: { limits: [{ name: "main", ...limit }] },
          plugins: [{ filter, rootId: "trap", vmId: "one" }],
          upstream,
        });
      const trap = async (proxy: Proxy): Promise<void> => {
        const { status } = await proxy.request({ path: "/trap", headers: { "x-trap": "1" } });
        assert.ok([429, 503].includes(status), String(status));
      };
      const status = async (proxy: Proxy): Promise<number> => (await proxy.request()).status;

      test("RL-24: counts are still there", async () => {
        await using proxy = await start({ requests: 5, per: "744h" }, () => ({}));
        for (let i = 0; i < 3; i++) assert.equal(await status(proxy), 200);
        await trap(proxy);
        let found = 503;
        for (let tries = 0; tries < 40 && found === 503; tries++) {
          await proxy.advance(250);
          found = await status(proxy);
        }
        const all = [found, await status(proxy), await status(proxy)];
        // The request that trapped was counted before, or not.
        assert.ok(all.filter((each) => each === 200).length <= 2, all.join());
        assert.equal(all.at(-1), 429);
      });

      test("RL-24: concurrency: what the lost VM held does not count", async () => {
        const release: (() => void)[] = [];
        let holds = true;
        const upstream = (): UpstreamResponse | Promise<UpstreamResponse> =>
          holds ? new Promise((resolve) => release.push(() => resolve({}))) : {};
        await using proxy = await start({ algorithm: "concurrency", requests: 3 }, upstream);
        const held = [proxy.request(), proxy.request()].map((each) => each.catch(() => null));
        while (release.length < 2) await proxy.advance(20);
        holds = false;
        assert.equal(await status(proxy), 200, "the third");
        await trap(proxy);
        // Signs of life are a second apart, and after five without one a VM is gone.
        let passes = 0;
        for (let tries = 0; tries < 60 && passes < 3; tries++) {
          await proxy.advance(250);
          holds = true;
          const before = release.length;
          const more = [proxy.request(), proxy.request(), proxy.request()];
          // Held all three at the same time, or one is refused meanwhile.
          for (let wait = 0; wait < 20 && release.length < before + 3; wait++)
            await new Promise((resolve) => setTimeout(resolve, 20));
          holds = false;
          for (const go of release.splice(before)) go();
          const done = await Promise.all(more.map(async (each) => (await each.catch(() => null))?.status ?? 0));
          passes = done.filter((each) => each === 200).length;
        }
        assert.equal(passes, 3);
        for (const go of release.splice(0)) go();
        await Promise.all(held);
      });
    });
}

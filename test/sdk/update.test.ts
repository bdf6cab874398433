import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createProxy } from "../../toolchain/hosts/index.js";

const filter = fileURLToPath(new URL("../../examples/hello", import.meta.url));

for (const host of ["emulator", "envoy"] as const) {
  describe(`configuration updates on ${host}`, () => {
    it("a stream in flight keeps the configuration that it began with", async () => {
      let arrived = () => {};
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      await using proxy = await createProxy({
        filter,
        host,
        config: { greeting: "old" },
        upstream: async ({ path }) => {
          if (path === "/slow") {
            arrived();
            await held;
          }
          return {};
        },
      });
      const there = new Promise<void>((resolve) => (arrived = resolve));
      const slow = proxy.request({ path: "/slow" });
      await there;
      await proxy.reconfigure({ greeting: "new" });
      assert.equal((await proxy.request({ path: "/fast" })).headers.get("x-hello"), "new");
      release();
      assert.equal((await slow).headers.get("x-hello"), "old");
      assert.equal((await proxy.request({ path: "/fast" })).headers.get("x-hello"), "new");
    });

    it("a refused update leaves the old configuration in place", async () => {
      await using proxy = await createProxy({ filter, host, config: { greeting: "old" } });
      await assert.rejects(proxy.reconfigure({ greeting: 1 }), /\$\.greeting: must be a string/);
      assert.equal((await proxy.request()).headers.get("x-hello"), "old");
    });

    it("refuses what the schema does not allow, with path and reason", async () => {
      for (const [config, reason] of [
        [{ greting: "x" }, '$: unknown key "greting"'],
        [{ greeting: true }, "$.greeting: must be a string"],
        ['{"greeting":"a","greeting":"b"}', '$: duplicate key "greeting"'],
        ["[]", "$: must be an object"],
        ["{", "$: is not valid JSON: it ends too early"],
        ['{"greeting":"\\ud800"}', "$.greeting: is not valid JSON: bad escape"],
        [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), "$: is not valid JSON: not UTF-8"],
      ] as const) {
        await assert.rejects(createProxy({ filter, host, config }), (error: Error) => {
          assert.ok(
            error.message.includes(`configuration refused: ${reason}`),
            `${JSON.stringify(config)}: ${error.message}`,
          );
          return true;
        });
      }
    });
  });
}

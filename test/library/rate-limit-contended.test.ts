/* rate-limit when other threads are always faster: its module with a store in which somebody else writes a table between each
 * read and write of it. All the rest is the host's own. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compile } from "../../toolchain/build/compile.js";
import { createProxy, labelled } from "../../toolchain/hosts/index.js";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
after(() => rmSync(folder, { recursive: true }));
const filter = join(folder, "rate-limit.wasm");

before(async () => {
  const source = readFileSync(join(root, "sdk/shared.ts"), "utf8");
  const head = "setIf(key: string, value: Uint8Array, cas: u32): Status {";
  assert.ok(source.includes(head));
  const other = `${head}
    if (key.startsWith("contended")) {
      const stands = this.get(key);
      if (stands !== null) this.set(key, stands);
    }`;
  const { wasm } = await compile(join(root, "filters/rate-limit"), {
    replace: { "sdk/shared.ts": source.replace(head, other) },
  });
  writeFileSync(filter, wasm);
});

const limits = [
  { name: "contended", match: { sel: "path", prefix: "/contended" }, requests: 3, per: "12m" },
  { name: "calm", match: { sel: "path", prefix: "/calm" }, requests: 3, per: "12m" },
];

for (const host of ["emulator", "envoy"] as const) {
  for (const downstream of ["http1", "http2"] as const) {
    test(`RL-30: others are always faster, on ${host}, ${downstream}`, async () => {
      for (const onError of ["deny", "allow"]) {
        await using proxy = await createProxy({ host, downstream, filter, config: { limits, onError } });
        // Nobody else can be faster where nothing stands yet.
        assert.equal((await proxy.request({ path: "/contended" })).status, 200);
        for (let i = 0; i < 3; i++) {
          const answer = await proxy.request({ path: "/contended" });
          assert.equal(answer.status, onError === "deny" ? 503 : 200);
          if (onError === "deny") assert.equal((JSON.parse(answer.text()) as { status: number }).status, 503);
        }
        for (const status of [200, 200, 200, 429])
          assert.equal((await proxy.request({ path: "/calm" })).status, status, "another limit is none the worse");
        const metrics = await proxy.metrics();
        const at = (name: string, labels: Record<string, string>): number =>
          metrics.counter(labelled(`meshwasm_rate_limit_${name}`, labels)) ?? 0;
        assert.equal(at("error", { limit: "contended", reason: "contended" }), 3);
        assert.equal(at("denied", { limit: "contended" }), onError === "deny" ? 3 : 0);
        assert.equal(at("allowed", { limit: "calm" }), 3);
      }
    });
  }
}

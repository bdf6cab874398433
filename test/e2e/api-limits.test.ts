/* examples/api-limits: jwt-auth and rate-limit in one Envoy by `meshwasm run`, consumers that are told apart by a claim. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root, startMeshwasm, type Running } from "./support.js";

const example = join(root, "examples/api-limits");
interface Called {
  statuses: Record<string, number>;
  limit: string | null;
  retryAfter: string | null;
}
const { call, tokenOf } = (await import(`${example}/consumers.js`)) as {
  call: (proxy: string, sub: string, plan: string, count: number) => Promise<Called>;
  tokenOf: (sub: string, plan: string) => string;
};
let proxy: Running;
let address = "";
let admin = "";

before(async () => {
  const file = (name: string): string => join(example, name);
  const before = `jwt-auth=${file("auth.yaml")}`;
  proxy = startMeshwasm(["run", "rate-limit", "--config", file("limits.yaml"), "--before", before], {
    timeoutMs: 300_000,
  });
  address = (await proxy.until(/^(http:\/\/\S+)$/m))[1]!;
  admin = (await proxy.until(/admin (http:\/\/[^;\s]+)/))[1]!;
});
after(async () => {
  proxy?.child.kill("SIGINT");
  await proxy?.finished.catch(() => {});
});

test("each consumer has its own limit, by the claims of its token", async () => {
  assert.equal((await fetch(`${address}/orders`)).status, 401);
  for (const name of ["alice", "bob"]) {
    const { statuses, limit, retryAfter } = await call(address, name, "free", 8);
    assert.deepEqual(statuses, { 200: 5, 429: 3 }, name);
    assert.match(limit!, /^"free";r=0;t=1[12]$/);
    assert.match(retryAfter!, /^1[12]$/);
  }
  const carol = await call(address, "carol", "pro", 8);
  assert.deepEqual(carol.statuses, { 200: 8 });
  assert.match(carol.limit!, /^"pro";r=1[2-9];t=[01]$/);
  // A header does not make it another consumer.
  const headers = { authorization: `Bearer ${tokenOf("alice", "free")}`, "x-consumer": "bob", "x-sub": "zoe" };
  assert.equal((await fetch(`${address}/orders`, { headers })).status, 429);
});

test("the dashboard's metrics are those that Envoy has", async () => {
  const page = readFileSync(join(example, "README.md"), "utf8");
  const names = new Set(page.match(/\bmeshwasm_\w+/g));
  assert.ok(names.size >= 5);
  const shown = await (await fetch(`${admin}/stats/prometheus`)).text();
  // No counter is there before its first event.
  const quiet = new Set(["meshwasm_rate_limit_shadow_denied", "meshwasm_rate_limit_error"]);
  for (const name of names)
    assert.ok(quiet.has(name) || shown.includes(name), `${name} is not in\n${shown.slice(0, 300)}`);
});

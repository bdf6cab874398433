import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProxy, labelled, type Proxy } from "meshwasm/testing";

const statuses = async (proxy: Proxy, count: number): Promise<number[]> => {
  const responses = await Promise.all(Array.from({ length: count }, () => proxy.request()));
  return responses.map((response) => response.status).sort();
};

// The same tests run on the emulator (npm test) and on a real Envoy (npm test -- --host envoy).
describe("shared-state", () => {
  it("counts the requests of all workers together", async () => {
    await using proxy = await createProxy({ config: { limit: 10 }, concurrency: 2 });
    assert.deepEqual(await statuses(proxy, 15), [...Array<number>(10).fill(200), ...Array<number>(5).fill(429)]);
    const metrics = await proxy.metrics();
    assert.equal(metrics.counter(labelled("quota_requests", { result: "allowed" })), 10);
    assert.equal(metrics.counter(labelled("quota_requests", { result: "refused" })), 5);
  });

  it("says how many are left, and begins anew with the next window", async () => {
    await using proxy = await createProxy({ config: { limit: 2, windowMs: 1000 } });
    assert.equal((await proxy.request()).headers.get("x-quota-remaining"), "1");
    assert.equal((await proxy.request()).headers.get("x-quota-remaining"), "0");
    assert.equal((await proxy.request()).status, 429);
    await proxy.advance(1000);
    assert.equal((await proxy.request()).headers.get("x-quota-remaining"), "1");
  });

  it("one VM hears of what others have refused", async () => {
    await using proxy = await createProxy({ config: { limit: 0 }, concurrency: 2 });
    await statuses(proxy, 4);
    await proxy.tick();
    const refused = proxy.logs().flatMap(({ message }) => /^refused (\d+)$/.exec(message)?.[1] ?? []);
    assert.equal(
      refused.reduce((sum, count) => sum + Number(count), 0),
      4,
    );
  });

  it("one VM of all reports", async () => {
    await using proxy = await createProxy({ config: { limit: 5 }, concurrency: 2, logLevel: "debug" });
    await proxy.request();
    await proxy.tick();
    await proxy.tick();
    const reports = proxy.logs().filter(({ message }) => message === "this window: 1");
    assert.ok(reports.length >= 1 && reports.length <= 3, `${reports.length} reports`);
  });

  it("keeps its count when the configuration changes", async () => {
    await using proxy = await createProxy({ config: { limit: 2 } });
    await proxy.request();
    await proxy.reconfigure({ limit: 3 });
    assert.equal((await proxy.request()).headers.get("x-quota-remaining"), "1");
  });

  it("refuses a window of no time", async () => {
    await assert.rejects(createProxy({ config: { windowMs: 0 } }), /windowMs 1 or more/);
  });
});

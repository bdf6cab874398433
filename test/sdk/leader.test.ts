import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, it } from "node:test";
import { build } from "../../toolchain/build/index.js";
import type { Proxy } from "../../toolchain/hosts/index.js";
import { ask, eventually, filter, messages, startState } from "./state.js";

const LEASE_MS = 300;

before(() => build(filter));

/** Lines by which VMs say that they have begun or ceased to lead. */
const terms = (proxy: Proxy): string[] => messages(proxy).filter((line) => /^(leads|led|obeys) ?/.test(line));
const leads = (proxy: Proxy): number => terms(proxy).filter((line) => line.startsWith("leads ")).length;
/** Nanoseconds that a line ends with. */
const at = (line: string): bigint => BigInt(line.split(" ").at(-1)!);

/** Has the leader do something; its line and that of its successor. */
async function order(proxy: Proxy, what: string): Promise<{ old: string; next: string }> {
  const before = leads(proxy);
  // The worker whose VM died before answers 503 until it has a new one.
  const headers = { "x-a": what, "x-b": "order" };
  while ((await proxy.request({ path: "/raw/set", headers })).status !== 200) await sleep(100);
  await eventually(`a successor after ${what}`, () => leads(proxy) > before);
  const old = terms(proxy).findLast((line) => line.startsWith(`obeys ${what}`))!;
  return { old, next: terms(proxy).findLast((line) => line.startsWith("leads "))! };
}

describe("leader", () => {
  it("of five VMs one leads, for as long as it is there", async () => {
    await using proxy = await startState({ concurrency: 4 });
    await eventually("a leader", () => leads(proxy) > 0);
    await sleep(LEASE_MS * 4);
    assert.equal(leads(proxy), 1, terms(proxy).join("; "));
    // The job is done by it alone: about as often as one VM ticks.
    const before = Number((await ask(proxy, "own/get", "", "ticks")).split(" ")[1]);
    await sleep(1000);
    const done = Number((await ask(proxy, "own/get", "", "ticks")).split(" ")[1]) - before;
    assert.ok(done > 5 && done <= 24, `${done} ticks of 50 ms in a second`);
  });

  it("when its VM has died, another takes over after the lease", async () => {
    await using proxy = await startState({ concurrency: 4 });
    await eventually("a leader", () => leads(proxy) > 0);
    for (let round = 0; round < 2; round++) {
      const { old, next } = await order(proxy, "die");
      const gap = Number((at(next) - at(old)) / 1_000_000n);
      // It was renewed right before.
      assert.ok(gap >= LEASE_MS - 60, `taken over ${gap} ms after the last renewal`);
    }
    assert.equal(leads(proxy), 3, terms(proxy).join("; "));
  });

  it("when it resigns, another takes over at once", async () => {
    await using proxy = await startState({ concurrency: 4 });
    await eventually("a leader", () => leads(proxy) > 0);
    const { old, next } = await order(proxy, "resign");
    assert.ok(Number((at(next) - at(old)) / 1_000_000n) < LEASE_MS - 100, "sooner than the lease ends");
  });

  it("one that was stuck for longer than its lease no longer leads", async () => {
    await using proxy = await startState({ concurrency: 4 });
    await eventually("a leader", () => leads(proxy) > 0);
    const { old, next } = await order(proxy, "sleep");
    assert.ok(at(next) > at(old));
    await sleep(LEASE_MS * 2);
    assert.equal(leads(proxy), 2, terms(proxy).join("; "));
  });

  it("an update of the configuration hands over, and no two lead after it", async () => {
    await using proxy = await startState({ concurrency: 2 });
    await eventually("a leader", () => leads(proxy) > 0);
    await proxy.reconfigure("{ }");
    await eventually("a new leader", () => leads(proxy) > 1);
    const before = leads(proxy);
    await sleep(LEASE_MS * 3);
    assert.equal(leads(proxy), before, terms(proxy).join("; "));
  });

  it("whatever another writer has put where the lease is, it is taken over", async () => {
    await using proxy = await startState();
    await eventually("a leader", () => leads(proxy) > 0);
    const leading = () => 2 * leads(proxy) - terms(proxy).length;
    for (const value of ["", "x", "y".repeat(19), "y".repeat(20), "\xff".repeat(20), "z".repeat(50_000)]) {
      await ask(proxy, "own/set", value, "leader");
      await sleep(150);
      assert.equal(leading(), 1, `${value.slice(0, 20)}: ${terms(proxy).join("; ")}`);
    }
  });
});

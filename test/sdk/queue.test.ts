import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { build } from "../../toolchain/build/index.js";
import { ask, eventually, filter, messages, startState } from "./state.js";

/** Items that one callback gets in the test's filter. */
const PER_CALLBACK = 16;

before(() => build(filter));

/** What the filter's wake-ups have taken out, in order. */
function taken(lines: readonly string[]): { counts: number[]; items: string[] } {
  const wakeUps = lines.flatMap((line) => /^took (\d+) of \d+: (.*) $/.exec(line) ?? []);
  const counts: number[] = [];
  const items: string[] = [];
  for (let i = 0; i < wakeUps.length; i += 3) {
    counts.push(Number(wakeUps[i + 1]));
    items.push(...wakeUps[i + 2]!.split(" "));
  }
  return { counts, items };
}

describe("shared queues", () => {
  it("a flood of 5,000 items is taken out in order, no callback taking more than its share", async () => {
    await using proxy = await startState();
    assert.equal(await ask(proxy, "enqueue", "i", "5000"), "0");
    await eventually("all items", () => taken(messages(proxy)).items.length === 5000);
    const { counts, items } = taken(messages(proxy));
    assert.deepEqual(
      items,
      Array.from({ length: 5000 }, (_, i) => `i${i}`),
    );
    assert.ok(Math.max(...counts) <= PER_CALLBACK, `${Math.max(...counts)} items in one callback`);
  });

  it("four threads put in, one takes out, and nothing is lost or doubled", async () => {
    await using proxy = await startState({ concurrency: 4 });
    await Promise.all(Array.from({ length: 20 }, (_, i) => ask(proxy, "enqueue", `${i}-`, "50")));
    await eventually("all items", () => taken(messages(proxy)).items.length === 1000);
    const { items } = taken(messages(proxy));
    assert.equal(new Set(items).size, 1000);
    // Of each sender in the order it has sent.
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(
        items.filter((item) => item.startsWith(`${i}-`)),
        Array.from({ length: 50 }, (_, n) => `${i}-${n}`),
      );
    }
  });

  it("after an update of the configuration the new plugin is woken", async () => {
    await using proxy = await startState();
    await proxy.reconfigure("{ }");
    await ask(proxy, "enqueue", "new", "1");
    await eventually("the item", () => taken(messages(proxy)).items.includes("new0"));
  });

  it("an item that the module has no room for is an error, and the next one comes", async () => {
    await using proxy = await startState();
    assert.equal(await ask(proxy, "large", "", "1000000"), "0 1000000 0");
    assert.equal(await ask(proxy, "large", "", `${65 * 1024 * 1024}`), "0 null 6");
    assert.equal(await ask(proxy, "large", "", "10"), "0 10 0");
  });

  it("a queue that nobody has registered is not found", async () => {
    await using proxy = await startState();
    assert.equal(await ask(proxy, "raw-queue", "nobody", ""), "1 1");
  });
});

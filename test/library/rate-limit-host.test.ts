/* The module on a host that is scripted here: other writers at the worst moment, time, and whatever stands in shared data. */

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { one } from "../../filters/rate-limit/test/support.js";
import { build } from "../../toolchain/build/index.js";
import { RateLimitHost } from "./rate-limit-host.js";
import { randomRequests } from "./rate-limit-random.js";

const TIMED = ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"] as const;
let module: WebAssembly.Module;
before(async () => {
  const { wasm } = await build(join(import.meta.dirname, "../../filters/rate-limit"));
  module = new WebAssembly.Module(readFileSync(wasm));
});

describe("on a scripted host", () => {
  test("RL-04: the clock is set back, or what stands in shared data is from the future", () => {
    for (const algorithm of TIMED) {
      const host = new RateLimitHost(module, one({ algorithm, per: "10s" }));
      const passes = (): number => [1, 2, 3, 4, 5].filter(() => host.passes()).length;
      assert.equal(passes(), 3, algorithm);
      // The system's clock is set back by a day, and forward: the limit does not notice.
      for (const step of [-86_400_000_000_000n, 172_800_000_000_000n]) {
        host.realtime += step;
        assert.equal(passes(), 0, `${algorithm}: nothing is given anew`);
        host.advance(21_000);
        assert.equal(passes(), 3, `${algorithm}: and time goes on`);
      }
      // Another writer: all bits set, where a time or a count is.
      host.shared.forEach((item, key) => {
        if (key.includes("main")) item.value = Buffer.from(item.value.map((byte, i) => (i >= 32 ? 0xff : byte)));
      });
      host.passes();
      host.advance(41_000);
      assert.equal(passes(), 3, `${algorithm}: over after two windows at most`);
    }
  });

  test("RL-30: others are always faster: refused or let through, counted as an error", () => {
    for (const onError of ["deny", "allow"]) {
      const host = new RateLimitHost(module, one({}, { onError }));
      assert.equal(host.passes(), true);
      host.interferes = Infinity;
      const calls = host.sets;
      assert.equal(host.passes(), onError === "allow");
      assert.equal(host.sets - calls, 32, "it ends");
      assert.equal(host.counters.get("meshwasm_rate_limit_error.limit=.=main;.;reason=.=contended;.;"), 1);
      // Some are faster: it is counted all the same, once.
      host.interferes = 20;
      assert.equal(host.passes(), true);
      host.interferes = 0;
      assert.deepEqual([host.passes(), host.passes()], [true, false]);
    }
  });

  test("RL-30: shared data fails", () => {
    for (const onError of ["deny", "allow"]) {
      for (const status of [10, 12, 6]) {
        for (const which of ["get", "set"] as const) {
          const host = new RateLimitHost(module, one({}, { onError }));
          host.fails = { which, status };
          assert.equal(host.passes(), onError === "allow", `${which} ${status}`);
          host.fails = null;
          assert.equal(host.passes(), true);
        }
      }
    }
  });

  test("RL-30: two threads make the first count at the same time", () => {
    const host = new RateLimitHost(module, one({ requests: 2 }));
    host.createsFirst = true;
    assert.equal(host.passes(), true);
    assert.deepEqual([host.passes(), host.passes()], [true, false]);
  });

  test("RL-10: whatever stands in shared data, nothing traps, and it is counted", () => {
    for (const algorithm of [...TIMED, "concurrency"]) {
      const host = new RateLimitHost(module, one({ algorithm, requests: 3 }));
      for (const bytes of [[], [1, 2, 3], Array.from({ length: 528 }, (_, i) => i & 255), new Array(5000).fill(255)]) {
        host.passes();
        host.shared.forEach((item, key) => {
          if (key.includes("main")) item.value = Buffer.from(bytes);
        });
        assert.equal([1, 2, 3, 4, 5].filter(() => host.passes()).length, 3, algorithm);
        host.endAll();
      }
    }
  });

  test("RL-09: unique keys take no more memory than the table", () => {
    const maxKeys = 600;
    const host = new RateLimitHost(module, one({ key: ["header:x-key"], maxKeys, per: "1s" }, { headers: "none" }));
    let half = 0;
    for (let i = 0; i < 200_000; i++) {
      if (i === 100_000) half = host.size;
      if (i % 50 === 0) host.advance(1);
      host.passes([["x-key", `key-${i}`]]);
    }
    // One more for those without room, and what all share.
    const tables = maxKeys / 6 + 1;
    assert.ok(host.shared.size <= tables + 2, `${host.shared.size} entries`);
    const bytes = [...host.shared.values()].reduce((sum, { value }) => sum + value.length, 0);
    assert.ok(bytes <= (tables + 2) * 600, `${bytes} bytes`);
    assert.equal(host.size, half, "linear memory");
  });

  test("RL-10: with as many keys as maxKeys, few find no room", () => {
    const maxKeys = 20_000;
    const host = new RateLimitHost(module, one({ key: ["header:x-key"], maxKeys }, { headers: "none" }));
    for (let i = 0; i < maxKeys; i++) host.passes([["x-key", `key-${i}`]]);
    const without = host.counters.get("meshwasm_rate_limit_error.limit=.=main;.;reason=.=no_room;.;") ?? 0;
    assert.ok(without <= maxKeys / 1000, `${without} of ${maxKeys}`);
  });

  test("RL-33: random requests and configurations never trap", () => {
    const requests = randomRequests(module, 20261127, 45_000);
    assert.ok(requests >= 45_000);
  });
});

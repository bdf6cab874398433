import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { labelled, type UpstreamResponse } from "meshwasm/testing";
import { DOWNSTREAM, one, passed, start, statuses } from "./support.js";

const ALLOWED = 60;
const WORKERS = [1, 2, 4, 8];
const count = (all: readonly number[], status: number): number => all.filter((each) => each === status).length;

describe("exactness", () => {
  for (const [concurrency, downstream] of WORKERS.flatMap((count) =>
    DOWNSTREAM.map((each) => [count, each] as const),
  )) {
    for (const algorithm of ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"]) {
      test(`RL-01: ${algorithm}, ${concurrency} workers, ${downstream}`, async () => {
        // Nothing comes back in the time of the test.
        const limit = { algorithm, requests: ALLOWED, per: "744h", key: ["header:x-key"] };
        await using proxy = await start({ concurrency, downstream, config: one(limit, { headers: "none" }) });
        const inputs = Array.from({ length: 4 * ALLOWED }, (_, i) => ({ headers: { "x-key": i % 2 ? "a" : "b" } }));
        const all = await statuses(proxy, inputs, 16);
        const passes = count(all, 200);
        // One value is right; a worker may be one off.
        const few = 2 * (ALLOWED - 1);
        const many = 2 * (ALLOWED + (concurrency > 1 ? concurrency : 0));
        assert.ok(passes >= few && passes <= many, `${passes} of ${2 * ALLOWED} passed`);
        assert.equal(passes, 2 * ALLOWED);
        assert.equal(count(all, 429), inputs.length - passes);
        const metrics = await proxy.metrics();
        assert.equal(metrics.counter(labelled("meshwasm_rate_limit_allowed", { limit: "main" })), passes);
      });
    }
  }

  for (const downstream of DOWNSTREAM) {
    for (const concurrency of [1, 4]) {
      test(`RL-23: concurrency: as many at once, ${concurrency} workers, ${downstream}`, async () => {
        const release: (() => void)[] = [];
        const upstream = (): Promise<UpstreamResponse> => new Promise((resolve) => release.push(() => resolve({})));
        const config = one({ algorithm: "concurrency", requests: 5, key: ["header:x-key"] });
        await using proxy = await start({ downstream, concurrency, config, upstream });
        for (let round = 0; round < 3; round++) {
          const first = Array.from({ length: 12 }, () => proxy.request({ headers: { "x-key": "a" } }));
          let refused = 0;
          await Promise.all(
            first.map(async (each) => {
              if ((await each).status !== 429) return;
              // The others are answered when all that are refused have been.
              if (++refused === 7) for (const go of release.splice(0)) go();
            }),
          );
          assert.equal(refused, 7);
        }
      });
    }
  }

  for (const downstream of DOWNSTREAM) {
    test(`RL-23: concurrency: not any more when they are over, however they end, ${downstream}`, async () => {
      let answer: UpstreamResponse = {};
      const config = one({ algorithm: "concurrency", requests: 2 });
      await using proxy = await start({ downstream, config, upstream: () => answer });
      for (const each of [
        {},
        { reset: true },
        { body: "x".repeat(100_000) },
        { status: 204 },
        { body: "x", trailers: { "x-t": "1" } },
        { status: 503 },
      ] as UpstreamResponse[]) {
        answer = each;
        for (let i = 0; i < 6; i++)
          assert.notEqual((await proxy.request()).status, 429, JSON.stringify(each).slice(0, 40));
      }
      answer = {};
      assert.equal(await passed(proxy, 5), 5);
    });

    test(`RL-23: a client that goes away, ${downstream}`, async () => {
      const config = one({ algorithm: "concurrency", requests: 1 });
      let answers = false;
      await using proxy = await start({
        downstream,
        config,
        upstream: () => (answers ? {} : new Promise<UpstreamResponse>(() => {})),
      });
      const control = new AbortController();
      const gone = proxy.request({ signal: control.signal }).then(
        () => assert.fail("answered"),
        () => {},
      );
      let status = 0;
      for (let tries = 0; tries < 100 && status !== 429; tries++) {
        const probe = new AbortController();
        setTimeout(() => probe.abort(), 300);
        status = await proxy.request({ signal: probe.signal }).then(
          (response) => response.status,
          () => 0,
        );
      }
      assert.equal(status, 429, "it is counted");
      answers = true;
      control.abort();
      await gone;
      for (let tries = 0; tries < 50 && status !== 200; tries++) {
        await proxy.advance(50);
        status = (await proxy.request()).status;
      }
      assert.equal(status, 200);
    });
  }
});

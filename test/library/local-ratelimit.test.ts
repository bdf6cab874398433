import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBuckets } from "./local-ratelimit.js";

test("rate-limit's token bucket admits what Envoy's local_ratelimit admits", { timeout: 120_000 }, async () => {
  const outcome = await compareBuckets(20261127, 640, () => {});
  assert.equal(outcome.requests, 640);
  assert.ok(outcome.bothAllow > 60 && outcome.bothDeny > 60, JSON.stringify(outcome));
  // The two look at the clock one after the other: a token can become whole in between.
  assert.ok(outcome.farthest <= 1, JSON.stringify(outcome));
  assert.ok(outcome.apart <= outcome.requests / 20, JSON.stringify(outcome));
});

test("a difference would show", { timeout: 120_000 }, async () => {
  const spoil = (limit: object): object => ({ ...limit, requests: (limit as { requests: number }).requests + 3 });
  const outcome = await compareBuckets(1, 320, () => {}, spoil);
  assert.ok(outcome.farthest > 1, JSON.stringify(outcome));
});

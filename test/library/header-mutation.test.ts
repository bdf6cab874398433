import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "./header-mutation.js";

test("header-rewrite does what Envoy's header_mutation does", { timeout: 120_000 }, async () => {
  const outcome = await compare(20261126, 12, 50, () => {});
  assert.equal(outcome.requests, 600);
  // Each part of what is compared was there.
  assert.ok(outcome.overHttp2 > 50 && outcome.withTrailers > 100);
  for (const name of ["set", "add", "setIfAbsent", "remove", "removeMatching", "set if there", "query set"])
    assert.ok((outcome.operations.get(name) ?? 0) > 0, name);
  assert.deepEqual(outcome.differences, []);
});

test("a difference would show", { timeout: 120_000 }, async () => {
  const response = [{ op: "add", name: "x-spoilt", value: "1" }];
  const outcome = await compare(
    1,
    1,
    5,
    () => {},
    (ours) => ({ ...ours, response }),
  );
  assert.equal(outcome.differences.length, 5);
  assert.match(outcome.differences[0]!, /answer\.headers\.x-spoilt native undefined, ours \["1"\]/);
});

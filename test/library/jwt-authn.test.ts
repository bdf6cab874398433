import assert from "node:assert/strict";
import { test } from "node:test";
import { compareTokens, STRICTER } from "./jwt-authn.js";

test(
  "jwt-auth takes no token that Envoy's jwt_authn refuses, and refuses more for known reasons only",
  { timeout: 180_000 },
  async () => {
    const outcome = await compareTokens(20261126, 800, () => {});
    assert.equal(outcome.tokens, 800);
    assert.deepEqual(outcome.wrong, []);
    assert.deepEqual(outcome.headers, []);
    assert.ok(outcome.rows.size > 30);
    for (const kind of Object.keys(STRICTER)) assert.ok(outcome.rows.has(kind), kind);
    assert.ok((outcome.rows.get("valid")?.bothAllow ?? 0) > 10);
  },
);

test("a difference would show", { timeout: 180_000 }, async () => {
  const outcome = await compareTokens(
    1,
    60,
    () => {},
    (config) => ({
      ...config,
      rules: [{ require: { none: true } }],
    }),
  );
  assert.ok(outcome.wrong.length > 20);
});

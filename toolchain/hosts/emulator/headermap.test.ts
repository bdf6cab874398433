import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderMap, parsePairs, serialisePairs } from "./headermap.js";

test("pairs survive, and anything not exact is no pairs", () => {
  const lines = [
    ["a", "1"],
    ["\xff", ""],
    ["", "x\0y"],
  ] as const;
  assert.deepEqual(parsePairs(serialisePairs(lines)), lines);
  assert.deepEqual(parsePairs(`${serialisePairs(lines)}x`), []);
  assert.deepEqual(parsePairs(serialisePairs(lines).slice(0, -1)), []);
  assert.deepEqual(parsePairs(serialisePairs(Array.from({ length: 1025 }, () => ["a", "b"] as const))), []);
  assert.deepEqual(parsePairs(serialisePairs([["a", "b".repeat(1 << 20)]])), []);
});

test("a map is Envoy's, not a plain one", () => {
  const map = new HeaderMap("request", [
    [":path", "/"],
    ["X-A", "1"],
    ["via", "a"],
    ["x-a", "2"],
  ]);
  map.add("VIA", "b");
  map.set("Host", "h");
  map.set("x-a", "3");
  assert.deepEqual(map.lines(), [
    [":path", "/"],
    [":authority", "h"],
    ["via", "a,b"],
    ["x-a", "3"],
  ]);
  assert.equal(map.get("host"), "h");
});

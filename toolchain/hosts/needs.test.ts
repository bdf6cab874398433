import assert from "node:assert/strict";
import { test } from "node:test";
import { createProxy } from "./create.js";
import { lacking, needing, NeedsError, type RunnerTest } from "./needs.js";
import type { Need } from "./types.js";

/** A runner that only notes what it is asked for. */
function runner(): { test: RunnerTest & { only: string }; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const note =
    (kind: string) =>
    (name: string, ...rest: unknown[]) =>
      calls.push([kind, name, ...rest]);
  return { test: Object.assign(note("run"), { skip: note("skip"), only: "kept" }), calls };
}

test("a test that needs what the host has is the runner's own", () => {
  const { test: own } = runner();
  assert.equal(needing(own, ["clock"], "emulator"), own);
  assert.equal(needing(own, ["envoy"], "envoy"), own);
  assert.equal(needing(own, [], "envoy"), own);
});

test("elsewhere it is skipped by the runner, with the reason in its name", () => {
  const { test: own, calls } = runner();
  const body = (): void => {};
  const wrapped = needing(own, ["clock"], "envoy");
  (wrapped as unknown as typeof test)("a bucket fills", body);
  assert.equal(wrapped.only, "kept");
  const reason = "not run on Envoy: it needs a clock that the test moves, and Envoy's is the real one";
  assert.deepEqual(calls, [["skip", `a bucket fills (${reason})`, body]]);
  assert.match(lacking(["envoy"], "emulator")!, /not run on the emulator: it needs what only a real Envoy has/);
});

test("a need that nobody knows is an error, not a test that never runs", () => {
  assert.throws(() => needing(runner().test, ["clocks" as Need], "envoy"), /no need "clocks"/);
});

test("createProxy on a host that lacks it says how to write the test", async () => {
  await assert.rejects(createProxy({ host: "envoy", needs: ["clock"] }), (error: Error) => {
    assert.ok(error instanceof NeedsError);
    assert.match(error.message, /not run on Envoy: .*; write it as needing\(test, \["clock"\]\)/);
    return true;
  });
});

needing(test, ["clock"])("node:test takes what needing() gives", () => {
  assert.equal(lacking(["clock"]), null);
});

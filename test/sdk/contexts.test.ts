import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import type { Host } from "../../toolchain/build/testdata/host.js";
import { hostOf } from "./program.js";

const SEED = 20260614;
const ROOT = 1;

let host: Host;
before(async () => {
  host = await hostOf("streams");
  host.call("proxy_on_context_create", ROOT, 0);
});

/** The first two fields of what a stream logs of itself: `id:kept`. */
function kept(id: number): string | undefined {
  host.call("proxy_on_response_trailers", id, 0);
  return host.takeTexts()[0]?.split(",")[0];
}
function count(): number {
  host.call("proxy_on_tick", ROOT);
  return Number(host.takeTexts()[0]!.split(" ")[0]);
}
function create(id: number): void {
  host.call("proxy_on_context_create", id, ROOT);
}
function keep(id: number, value: number): void {
  host.call("proxy_on_request_body", id, value, 0);
}
function remove(id: number): void {
  host.call("proxy_on_delete", id);
}

test(`random creations and deletions leave what a Map would (seed ${SEED})`, () => {
  const id = fc.oneof(
    fc.integer({ min: 2, max: 80 }),
    fc.integer({ min: 1, max: 40 }).map((n) => n * 64), // all in one slot, whatever the capacity up to 64
    fc.integer({ min: 1, max: 40 }).map((n) => n * 4096 + 63), // at the end of the table
    fc.integer({ min: 0xffffff00, max: 0xffffffff }),
  );
  const step = fc.record({ id, act: fc.constantFrom("create", "create", "delete", "keep", "read"), value: fc.nat() });
  let largest = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500, size: "max" }), (steps) => {
      const model = new Map<number, string>();
      for (const { id, act, value } of steps) {
        if (act === "create") {
          create(id);
          model.set(id, "");
        } else if (act === "delete") {
          remove(id);
          model.delete(id);
        } else if (act === "keep" && model.has(id)) {
          keep(id, value);
          model.set(id, String(value));
        }
        const expected = model.has(id) ? `${id}:${model.get(id)}` : undefined;
        assert.equal(kept(id), expected);
        largest = Math.max(largest, model.size);
      }
      for (const [id, value] of model) assert.equal(kept(id), `${id}:${value}`);
      assert.equal(count(), model.size + 1);
      for (const id of model.keys()) remove(id);
      assert.equal(count(), 1);
    }),
    { seed: SEED, numRuns: 100 },
  );
  assert.ok(largest > 100, `the table grew (${largest})`);
});

test("ids in sequence, as a host hands them out, with 5000 streams at a time", () => {
  const window = 5000;
  for (let id = 2; id < 30_000; id++) {
    create(id);
    keep(id, id * 3);
    if (id >= window + 2) {
      assert.equal(kept(id - window), `${id - window}:${(id - window) * 3}`);
      remove(id - window);
      assert.equal(kept(id - window), undefined);
    }
  }
  assert.equal(count(), window + 1);
  for (let id = 30_000 - window; id < 30_000; id++) {
    assert.equal(kept(id), `${id}:${id * 3}`);
    remove(id);
  }
  assert.equal(count(), 1);
});

test("a stream that is not there is answered with 500, and deleting it changes nothing", () => {
  host.replies.length = 0;
  assert.equal(host.call("proxy_on_request_headers", 77, 0, 1), 1);
  assert.deepEqual(host.replies, [{ status: 500, body: "" }]);
  remove(77);
  remove(0);
  create(78);
  host.call("proxy_on_context_create", 79, 12345); // a parent that is not there
  assert.equal(count(), 2);
  assert.equal(kept(78), "78:");
  assert.equal(kept(79), undefined);
  remove(78);
});

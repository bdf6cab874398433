import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../toolchain/build/testdata/host.js";
import { headerPairs, moduleOf, sourceOf } from "./program.js";

const ROOT = 1;
const MIB = 1024 * 1024;
const MALLOC_CAP = 64 * MIB;
const INVALID_MEMORY_ACCESS = 6;

const compiled = moduleOf({ "assembly/index.ts": sourceOf("streams") });

async function start(): Promise<Host> {
  const host = new Host(await compiled);
  host.call("proxy_on_context_create", ROOT, 0);
  return host;
}

/** What a stream logs that has kept `value`. */
function whole(id: number, value: number): string {
  const links = `${value}a,${value}b,true`;
  const table = [0, 1, 2, 3, 4].map((i) => `${value}-${i}`).join(",");
  return `${id}:${value},${links},${table},true,${value}s,${(value & 0xff) * 100}`;
}
function readBack(host: Host, id: number): string {
  host.call("proxy_on_response_trailers", id, 0);
  return host.takeTexts()[0]!;
}

test("200,000 streams leave the memory as it was after half of them", async () => {
  const host = await start();
  let half = 0;
  for (let round = 0; round < 200_000; round++) {
    const id = round + 2;
    host.call("proxy_on_context_create", id, ROOT);
    host.call("proxy_on_request_body", id, round, 0);
    if (round % 1000 === 0) assert.equal(readBack(host, id), whole(id, round));
    host.call("proxy_on_delete", id);
    if (round === 100_000) half = host.memory.buffer.byteLength;
  }
  assert.equal(host.memory.buffer.byteLength, half);
  assert.ok(half <= 4 * MIB, `${half} bytes`);
});

test("what only a stream or its plugin holds survives collections, and what none holds does not", async () => {
  const host = await start();
  const streams = 60;
  for (let i = 0; i < streams; i++) {
    host.call("proxy_on_context_create", i + 2, ROOT);
    host.call("proxy_on_request_body", i + 2, i, 1);
  }
  const settled: number[] = [];
  for (let round = 1; round <= 400; round++) {
    // Above the 256 KiB that are let lie, so that each of these callbacks ends with a collection.
    const someone = (round % streams) + 2;
    host.call("proxy_on_response_body", someone, 600, 0);
    host.call("proxy_on_request_body", someone, round * streams + someone - 2, 0);
    for (let i = 0; i < streams; i += 7) {
      const value = lastValue(i, round, streams);
      assert.equal(readBack(host, i + 2), whole(i + 2, value), `round ${round}`);
    }
    host.call("proxy_on_tick", ROOT);
    assert.equal(host.takeTexts()[0], `${streams + 1} ${streams}`);
    settled.push(host.memory.buffer.byteLength);
  }
  // 240 MiB of garbage in all.
  assert.equal(settled.at(-1), settled[200]);
  assert.ok(settled.at(-1)! <= 8 * MIB, `${settled.at(-1)} bytes`);
});

/** The value that stream `i` was last given by the rounds up to `round`. */
function lastValue(i: number, round: number, streams: number): number {
  let last = i;
  for (let r = 1; r <= round; r++) if (r % streams === i) last = r * streams + i;
  return last;
}

test("one callback may leave far more garbage than is let lie", async () => {
  const host = await start();
  host.call("proxy_on_context_create", 2, ROOT);
  host.call("proxy_on_request_body", 2, 5, 0);
  host.call("proxy_on_response_body", 2, 20_000, 0);
  const size = host.memory.buffer.byteLength;
  for (let i = 0; i < 20; i++) {
    host.call("proxy_on_response_body", 2, 19_000, 0);
    assert.equal(readBack(host, 2), whole(2, 5));
  }
  assert.equal(host.memory.buffer.byteLength, size);
});

test("malloc gives 0 above its cap, for one piece and for all together", async () => {
  const host = await start();
  for (const size of [MALLOC_CAP + 1, 2 ** 31, 2 ** 32 - 5, 2 ** 32 - 1])
    assert.equal(host.call("malloc", size), 0, `${size}`);
  assert.notEqual(host.call("malloc", 40 * MIB), 0);
  assert.equal(host.call("malloc", 40 * MIB), 0);
  assert.notEqual(host.call("malloc", 24 * MIB), 0);
  assert.equal(host.call("malloc", 1), 0);
});

test("headers too large for the cap are an error value, and the filter goes on", async () => {
  const host = await start();
  host.call("proxy_on_context_create", 2, ROOT);
  const read = (size: number): string => {
    host.pairs = headerPairs([
      [":path", "/"],
      ["x-test", "v".repeat(size)],
    ]);
    assert.equal(host.call("proxy_on_request_headers", 2, 2, 1), 0);
    return host.takeTexts().at(-1)!;
  };
  assert.equal(read(MALLOC_CAP), `status ${INVALID_MEMORY_ACCESS}`);
  assert.equal(read(3), "3");
  for (let i = 0; i < 10; i++) assert.equal(read(8 * MIB), `${8 * MIB}`, "what was handed over is given back");
  assert.equal(read(MALLOC_CAP), `status ${INVALID_MEMORY_ACCESS}`);
  host.pairs = headerPairs([[":path", "/"]]);
  host.call("proxy_on_request_headers", 2, 1, 1);
  assert.deepEqual(host.takeTexts(), ["status 1"], "no such line is something else");
});

test("a configuration too large for the cap is refused", async () => {
  const host = await start();
  assert.equal(host.configure(ROOT, new Uint8Array(MALLOC_CAP + 1)), "$: is larger than 4 MiB");
  assert.equal(host.configure(ROOT, Buffer.from("{}")), null);
  assert.equal(host.configure(ROOT, Buffer.from('{"a":1}')), '$: unknown key "a"');
});

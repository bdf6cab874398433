import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { limited } from "./fuel.js";
import { createEmulatorProxy, type EmulatorProxy } from "./host.js";
import { compile, compileProbe } from "./testdata/compile.js";
import { Wasm } from "./webassembly.js";

/** A filter that does by path what no filter should. */
const SOURCE = `
@external("env", "proxy_log") declare function log(l: u32, p: usize, n: usize): u32;
@external("env", "proxy_get_header_map_value") declare function get(m: u32, k: usize, n: usize, p: usize, l: usize): u32;
@external("env", "proxy_set_shared_data") declare function share(k: usize, kn: usize, v: usize, vn: usize, c: u32): u32;
@external("env", "proxy_register_shared_queue") declare function queue(n: usize, nn: usize, r: usize): u32;
@external("env", "proxy_enqueue_shared_queue") declare function enqueue(i: u32, p: usize, n: usize): u32;
@external("env", "proxy_send_local_response")
declare function reply(c: u32, d: usize, dn: usize, b: usize, bn: usize, h: usize, hn: usize, g: i32): u32;
const ret = memory.data(16);
let loops = false;
let many: u64 = 0;
export function proxy_abi_version_0_2_1(): void {}
export function malloc(n: usize): usize {
  while (loops) many++;
  return heap.alloc(n);
}
function tree(depth: i32): void {
  if (depth == 0) return;
  tree(depth - 1);
  tree(depth - 1);
}
export function proxy_on_request_headers(ctx: u32, n: u32, eos: u32): u32 {
  const k = String.UTF8.encode(":path");
  get(0, changetype<usize>(k), 5, ret, ret + 4);
  const path = String.UTF8.decodeUnsafe(load<u32>(ret), load<u32>(ret + 4));
  if (path == "/spin") while (true) many++;
  if (path == "/tree") tree(64);
  if (path == "/calls") while (true) get(0, ret, 0, ret, ret + 4);
  if (path == "/fill") while (true) memory.fill(ret, 0, 1 << 15);
  if (path == "/malloc") {
    loops = true;
    get(0, changetype<usize>(k), 5, ret, ret + 4);
  }
  if (path == "/eat") while (true) heap.alloc(1 << 20);
  if (path == "/log") while (true) log(2, 0, 50000);
  if (path == "/share") for (let i = 0; ; i++) { store<u32>(ret, i); share(ret, 4, 0, 60000, 0); }
  if (path == "/queue") { queue(0, 0, ret); while (true) enqueue(load<u32>(ret), 0, 60000); }
  if (path == "/long") { for (let i = 0; i < 300000000; i++) many += i; reply(200, 0, 0, 0, 0, 0, 0, -1); }
  return 0;
}
`;

let module = "";
before(async () => {
  module = await compile(SOURCE, "--initialMemory", "2", "-O1");
});

function proxyWith(limits: { callMs?: number; memoryMiB?: number }): Promise<EmulatorProxy> {
  return createEmulatorProxy({ module, name: "filter", limits });
}

for (const path of ["/spin", "/tree", "/calls", "/fill", "/malloc"]) {
  test(`a callback that does not end ends the request, not the runner: ${path}`, async () => {
    await using proxy = await proxyWith({ callMs: 300 });
    const began = performance.now();
    const where = path === "/malloc" ? "malloc" : path === "/tree" ? "tree" : "proxy_on_request_headers";
    await assert.rejects(proxy.request({ path }), (error: Error) => {
      assert.match(error.message, /^The filter did not return from proxy_on_request_headers within 0\.3 s/);
      assert.match(error.message, new RegExp(`0:  0x[0-9a-f]+ - filter/${where}\\n`));
      return true;
    });
    assert.ok(performance.now() - began < 5000);
    // The VM is over, and a new one is made as after any trap: not within the back-off, which a slow machine may outlast.
    const next = (await proxy.request({ path: "/" })).status;
    if (performance.now() - began < 900) assert.equal(next, 503);
    await proxy.advance(1500);
    assert.equal((await proxy.request({ path: "/" })).status, 200);
  });
}

test("a callback that takes long and ends is let be", async () => {
  await using proxy = await proxyWith({});
  const response = await proxy.request({ path: "/long" });
  assert.equal(response.status, 200);
  assert.equal(response.upstream, null);
});

test("a module that eats memory traps at the limit, as on Envoy, and the log says so", async () => {
  await using proxy = await proxyWith({ memoryMiB: 32 });
  const failed = await proxy.request({ path: "/eat" });
  assert.equal(failed.status, 503);
  assert.match(String(failed), /The module's memory has reached its limit of 32 MiB\./);
});

for (const path of ["/log", "/share", "/queue"]) {
  test(`what the host keeps for a module is bounded: ${path}`, async () => {
    await using proxy = await proxyWith({});
    await assert.rejects(proxy.request({ path }), /made the host keep more than 256 MiB/);
  });
}

test("a loop in the start of a module is ended as well", async () => {
  const source =
    "export function proxy_abi_version_0_2_1(): void {} export function malloc(n: usize): usize { return 0; }\n" +
    "let n: u64 = 0; while (true) n++;";
  const spins = await compile(source, "--exportStart", "_initialize");
  await assert.rejects(
    createEmulatorProxy({ module: spins, name: "x", limits: { callMs: 300 } }),
    /did not return from _initialize within 0\.3 s/,
  );
});

test("positions in the code are told as they are in the module's file", async () => {
  const bytes = new Uint8Array(readFileSync(await compileProbe()));
  const made = limited(bytes, 1 << 30)!;
  let last = -1;
  let same = 0;
  for (let at = 0; at < made.bytes.length; at++) {
    const was = made.original(at);
    assert.ok(was >= last);
    if (was < bytes.length && bytes[was] === made.bytes[at]) same++;
    last = was;
  }
  assert.ok(same > bytes.length * 0.95);
  // The function that has a position in the old module has it in the new one.
  assert.ok(Wasm.Module.exports(new Wasm.Module(made.bytes)).length > 20);
});

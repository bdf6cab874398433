import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { CALLBACKS, HOST_FUNCTIONS } from "../../toolchain/build/abi.js";
import { build } from "../../toolchain/build/index.js";
import { readWasm, type WasmModule } from "../../toolchain/build/wasm.js";
import { Bench, project, TAIL, until, type Scenarios } from "./abi/bench.js";
import { CALLS, callsProject, TCP, tcpProject } from "./abi/calls.js";
import { STATE } from "./abi/state.js";

const source = (path: string): string => readFileSync(new URL(`../../sdk/${path}`, import.meta.url), "utf8");

/** What the SDK declares and exports, read from its source: one test each, so that a missing one fails. */
const declared = [...source("abi/hostcalls.ts").matchAll(/^export declare function (\w+)/gm)].map((match) => match[1]!);
const exported = [...source("runtime/exports.ts").matchAll(/^export function (\w+)/gm)].map((match) => match[1]!);
const MARKER = "proxy_abi_version_0_2_1";

const LINE = { headers: { "x-line": ["a", "b"] } };
const POST = { method: "POST", body: "hello", trailers: TAIL };

/** What each host function does to a request, or each callback sees of it. */
const SCENARIOS: Scenarios = {
  ...STATE,
  ...CALLS,
  ...TCP,

  async proxy_log(bench) {
    const { lines } = await bench.send("proxy_log");
    assert.deepEqual(lines[0], { level: "warn", message: "logged" });
  },

  async proxy_get_log_level(bench) {
    const { logs } = await bench.send("proxy_get_log_level");
    assert.equal(logs[0], "true false");
  },

  async proxy_set_tick_period_milliseconds(bench) {
    await using proxy = await bench.start();
    const { logs } = await bench.send("proxy_set_tick_period_milliseconds", {}, proxy);
    assert.equal(logs[0], "0");
    await until(() => proxy.logs().some((line) => line.message === "ticked"));
  },

  async proxy_get_property(bench) {
    // The SDK asks for the root_id when the module holds several filters.
    await using other = await bench.start("first", { rootId: "other" });
    assert.equal((await bench.send("", {}, other)).response.headers.get("x-filter"), "other");
    assert.equal((await bench.send("")).response.headers.get("x-filter"), "abi");
  },

  async proxy_continue_stream(bench) {
    const { response, logs } = await bench.send("proxy_continue_stream", POST);
    assert.equal(logs[0], "resume 0");
    assert.equal(Buffer.from(response.upstream!.body).toString(), "hello");
  },

  async proxy_close_stream(bench) {
    await assert.rejects(bench.send("proxy_close_stream"), /closed the connection without an answer/);
  },

  async proxy_send_local_response(bench) {
    const { response } = await bench.send("proxy_send_local_response");
    assert.equal(response.status, 418);
    assert.equal(response.text(), "teapot\n");
    assert.equal(response.upstream, null);
  },

  async proxy_set_effective_context(bench) {
    const { logs } = await bench.send("proxy_set_effective_context");
    assert.equal(logs[0], "0 0 2");
  },

  async proxy_done(bench) {
    await using proxy = await bench.start("waits");
    await bench.send("", {}, proxy);
    await proxy.reconfigure({ mark: "next" });
    const answers: string[] = [];
    // The old plugin is over once each thread has let it go.
    for (let tries = 0; tries < 100 && answers.at(-1) !== "0"; tries++) {
      answers.push((await bench.send("proxy_done", {}, proxy)).logs.find((line) => /^(\d+|gone)$/.test(line))!);
    }
    assert.equal(answers.at(-1), "0");
    assert.equal((await bench.send("proxy_done", {}, proxy)).logs[0], "gone");
  },

  async proxy_get_buffer_bytes(bench) {
    const { logs } = await bench.send("proxy_get_buffer_bytes", POST);
    assert.equal(logs[0], "hello");
  },

  async proxy_get_buffer_status(bench) {
    // Only at trailers the SDK has to ask how much is there.
    const { logs } = await bench.send("proxy_get_buffer_status", POST);
    assert.equal(logs[0], "5");
  },

  async proxy_set_buffer_bytes(bench) {
    const { response } = await bench.send("proxy_set_buffer_bytes", POST);
    assert.equal(Buffer.from(response.upstream!.body).toString(), "HELLO");
  },

  async proxy_get_header_map_pairs(bench) {
    const { logs } = await bench.send("proxy_get_header_map_pairs", LINE);
    assert.equal(logs[0], "a|b");
  },

  async proxy_add_header_map_value(bench) {
    const { response } = await bench.send("proxy_add_header_map_value", LINE);
    assert.deepEqual(response.upstream?.headers.all("x-line"), ["a", "b", "added"]);
  },

  async proxy_replace_header_map_value(bench) {
    const { response } = await bench.send("proxy_replace_header_map_value", LINE);
    assert.deepEqual(response.upstream?.headers.all("x-line"), ["replaced"]);
  },

  async proxy_remove_header_map_value(bench) {
    const { response } = await bench.send("proxy_remove_header_map_value", LINE);
    assert.deepEqual(response.upstream?.headers.all("x-line"), []);
  },

  async clock_time_get(bench) {
    const { logs } = await bench.send("clock_time_get");
    assert.ok(Math.abs(Number(logs[0]) - Date.now()) < 60_000, logs[0]);
  },

  async random_get(bench) {
    const { logs: one } = await bench.send("random_get");
    const { logs: two } = await bench.send("random_get");
    assert.match(one[0]!, /^\d+( \d+){7}$/);
    assert.notEqual(one[0], two[0]);
  },

  async [MARKER](bench) {
    // Without the marker of 0.2.1 the host does not link proxy_get_log_level, and with none it loads nothing.
    await bench.proxy();
  },

  async malloc(bench) {
    // What the host returns is allocated in the module.
    const long = "x".repeat(50_000);
    const { logs } = await bench.send("malloc", { headers: { "x-line": ["a", long] } });
    assert.equal(logs[0], `a|${long}`);
  },

  async proxy_on_context_create(bench) {
    // Each stream has an object of its own, and the plugin that was current when it began.
    const { logs } = await bench.send("proxy_on_context_create");
    const { logs: next } = await bench.send("proxy_on_context_create");
    assert.match(logs[0]!, /^requestHeaders end; .*done$/);
    assert.equal(next[0], logs[0]);
  },

  async proxy_on_configure(bench) {
    await using proxy = await bench.start("configured");
    assert.equal((await bench.send("", {}, proxy)).response.headers.get("x-mark"), "configured");
    await assert.rejects(bench.start("refused"));
  },

  async proxy_on_tick(bench) {
    await using proxy = await bench.start();
    await bench.send("proxy_on_tick", {}, proxy);
    await until(() => proxy.logs().some((line) => line.message === "ticked"));
  },

  proxy_on_request_headers: (bench) => shows(bench, "proxy_on_request_headers", "requestHeaders more; "),
  proxy_on_request_body: (bench) => shows(bench, "proxy_on_request_body", "requestBody hello; "),
  proxy_on_request_trailers: (bench) => shows(bench, "proxy_on_request_trailers", "requestTrailers end; "),
  proxy_on_response_headers: (bench) => shows(bench, "proxy_on_response_headers", "responseHeaders more; "),
  proxy_on_response_body: (bench) => shows(bench, "proxy_on_response_body", "responseBody from upstream; "),
  proxy_on_response_trailers: (bench) => shows(bench, "proxy_on_response_trailers", "responseTrailers end; "),
  proxy_on_log: (bench) => shows(bench, "proxy_on_log", "log /proxy_on_log; done"),
  proxy_on_done: (bench) => shows(bench, "proxy_on_done", "; done"),

  async proxy_on_delete(bench) {
    // Streams that are over are no longer in the table.
    const counts: string[] = [];
    for (let i = 0; i < 5; i++) counts.push((await bench.send("proxy_on_delete")).logs[0]!);
    assert.match(counts[0]!, /^\d+$/);
    assert.deepEqual(new Set(counts).size, 1, counts.join(" "));
  },
};

async function shows(bench: Bench, name: string, what: string): Promise<void> {
  const { logs } = await bench.send(name, POST);
  const seen = logs.find((line) => line.endsWith("done"))!;
  assert.equal(seen.split(what).length, 2, `${what}once in: ${seen}`);
}

/** The filter that shows a function or callback. */
const projectOf = (name: string): string =>
  Object.hasOwn(CALLS, name) ? callsProject : Object.hasOwn(TCP, name) ? tcpProject : project;

const modules = new Map<string, WasmModule>();
before(async () => {
  for (const dir of [project, callsProject, tcpProject]) {
    const { wasm } = await build(dir);
    modules.set(dir, readWasm(new Uint8Array(readFileSync(wasm))));
  }
});

describe("the list", () => {
  it("is read from the SDK, and every name is in the host's table", () => {
    assert.ok(declared.length > 10 && exported.length > 10);
    for (const name of declared)
      assert.ok(
        HOST_FUNCTIONS.some((f) => f.name === name),
        name,
      );
    for (const name of exported) assert.ok(name === MARKER || Object.hasOwn(CALLBACKS, name), name);
  });

  it("has no scenario too many", () => {
    const names = [...declared, ...exported];
    for (const name of Object.keys(SCENARIOS)) assert.ok(names.includes(name), name);
  });
});

for (const host of ["emulator", "envoy"] as const) {
  const bench = new Bench(host);

  describe(`host functions on ${host}`, () => {
    for (const name of declared) {
      it(name, async () => {
        assert.ok(Object.hasOwn(SCENARIOS, name), `${name} has no scenario: add one`);
        const from = HOST_FUNCTIONS.find((f) => f.name === name)?.module === "env" ? "env" : "wasi_snapshot_preview1";
        assert.ok(
          modules
            .get(projectOf(name))!
            .imports.some((each) => each.module === from && each.name === name && each.kind === "func"),
          `the module imports ${from}.${name}`,
        );
        await SCENARIOS[name]!(bench);
      });
    }
  });

  describe(`callbacks on ${host}`, () => {
    after(() => bench.close());
    for (const name of exported) {
      it(name, async () => {
        assert.ok(Object.hasOwn(SCENARIOS, name), `${name} has no scenario: add one`);
        assert.ok(
          modules.get(projectOf(name))!.exports.some((each) => each.name === name && each.kind === "func"),
          `the module exports ${name}`,
        );
        await SCENARIOS[name]!(bench);
      });
    }
  });
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import type { HostOptions } from "../types.js";
import { EmulatorError } from "./errors.js";
import { createEmulatorProxy, type EmulatorProxy } from "./host.js";
import { compile, compileProbe } from "./testdata/compile.js";
import { optionsOf, play, type Exchange, type Scenario } from "./testdata/transcript.js";

let module = "";
before(async () => {
  module = await compileProbe();
});

function proxyWith(program: string | undefined, more: Partial<HostOptions> = {}): Promise<EmulatorProxy> {
  return createEmulatorProxy({ ...more, config: program, module, name: "filter" });
}

function json(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`./testdata/${name}`, import.meta.url), "utf8"));
}

test("does what Envoy 1.40.0 was recorded to do", async () => {
  const { main } = json("scenarios.json") as { main: Scenario };
  const recorded = json("envoy-1.40.0.json") as { start: string[]; exchanges: Exchange[] };
  await using proxy = await createEmulatorProxy({
    ...optionsOf(main),
    module,
    name: "filter",
    allowOnHeadersStopIteration: true,
  });
  const played = await play(proxy, main);
  assert.deepEqual(played.start, recorded.start);
  for (const [i, exchange] of played.exchanges.entries()) {
    assert.deepEqual(exchange, recorded.exchanges[i], `exchange ${i}: ${exchange.request}`);
  }
  assert.equal(played.exchanges.length, recorded.exchanges.length);
});

test("a refused configuration rejects with what the filter logged", async () => {
  await assert.rejects(proxyWith("configure log|4|no%20good\nconfigure return|0"), {
    name: "EmulatorError",
    message: "no good",
  });
  await assert.rejects(proxyWith("configure return|0"), /gave no reason/);
  await assert.rejects(
    proxyWith("configure trap"),
    /^EmulatorError: Function: proxy_on_configure failed: .* - filter\/run/,
  );
});

test("no configuration is size 0", async () => {
  await using proxy = await proxyWith(undefined);
  assert.ok(proxy.logs().some((l) => l.message === "configure 0"));
});

test("streams in flight keep their root over a reconfiguration", async () => {
  let arrived = (): void => {};
  let release = (): void => {};
  const there = new Promise<void>((resolve) => (arrived = resolve));
  const gate = new Promise<void>((resolve) => (release = resolve));
  await using proxy = await proxyWith("create log|2|first", {
    upstream: async ({ path }) => {
      if (path === "/slow") {
        arrived();
        await gate;
      }
      return { body: path };
    },
  });
  const slow = proxy.request({ path: "/slow" });
  await there;
  await proxy.reconfigure("create log|2|second");
  assert.equal((await proxy.request({ path: "/fast" })).text(), "/fast");
  await assert.rejects(proxy.reconfigure("configure log|4|bad\nconfigure return|0"), { message: "bad" });
  const mark = proxy.logs().length;
  release();
  assert.equal((await slow).text(), "/slow");
  // The stream ends, and with it the root that it was the last of.
  const ends = proxy
    .logs()
    .slice(mark)
    .map((l) => l.message);
  assert.deepEqual(ends.slice(-5), ["log", "done", "delete", "done", "delete"]);
  assert.equal((await proxy.request({ path: "/later" })).status, 200);
});

test("a trap costs its request a 503, and the next one gets a new VM", async () => {
  await using proxy = await proxyWith("reqh@/q trap\nresh@/s trap\nresb@/b trap");
  for (const path of ["/q", "/s"]) {
    const failed = await proxy.request({ path });
    assert.deepEqual([failed.status, failed.text(), failed.headers.get("server")], [503, "", "envoy"]);
    // It is the host that says so, as Envoy's own log does: the exchange shows it, the filter's log does not have it.
    assert.match(
      String(failed),
      /\[error\] Function: proxy_on_re\w+_headers failed: Uncaught RuntimeError: unreachable/,
    );
    assert.ok(!proxy.logs().some(({ message }) => message.startsWith("Function:")));
    // As Envoy does, not sooner than a while after the last load.
    assert.equal((await proxy.request({ path: "/" })).status, 503);
    await proxy.advance(1500);
    assert.equal((await proxy.request({ path: "/" })).status, 200);
  }
  await assert.rejects(proxy.request({ path: "/b" }), /in the middle of the answer 200/);
  await proxy.advance(1500);
  const grpc = await proxy.request({ path: "/q", method: "POST", headers: { "content-type": "application/grpc" } });
  assert.deepEqual([grpc.status, grpc.headers.get("grpc-status")], [200, "14"]);
});

test("what would crash Envoy fails the test by name", async () => {
  await using proxy = await proxyWith(
    [
      "resh@/twice reply|401||a||-1\nresh@/twice reply|402||b||-1\nreqh@/grpc grpccall|empty|s|m|||0",
      // Envoy 1.40 survives these at times.
      "reqh@/resets close|0\nreqh@/resets close|0\nreqh@/reset-reply close|0\nreqh@/reset-reply reply|401||a||-1",
      "resh@/reply-reset reply|401||a||-1\nresh@/reply-reset close|0",
    ].join("\n"),
  );
  for (const path of ["/resets", "/reset-reply", "/reply-reset"])
    await assert.rejects(proxy.request({ path }), /reset or answered again in one callback crashes Envoy/, path);
  await assert.rejects(proxy.request({ path: "/twice" }), /crash Envoy/);
  await assert.rejects(proxy.request({ path: "/grpc" }), /"empty" names no target, which crashes Envoy/);
  const start = await compile(
    '@external("env", "proxy_log") declare function l(a: u32, b: usize, c: usize): u32; l(2, 0, 0); export function proxy_abi_version_0_2_1(): void {} export function malloc(n: usize): usize { return 0; }',
  );
  await assert.rejects(
    createEmulatorProxy({ module: start, name: "x" }),
    /start section calls proxy_log, which crashes Envoy/,
  );
});

test("host functions are out of reach while the module starts", async () => {
  const source =
    '@external("env", "proxy_done") declare function d(): u32; d(); export function proxy_abi_version_0_2_1(): void {} export function malloc(n: usize): usize { return 0; }';
  const early = await compile(source, "--exportStart", "_initialize");
  await assert.rejects(
    createEmulatorProxy({ module: early, name: "x" }),
    /Function: _initialize failed: Uncaught Error: restricted_callback/,
  );
});

test("errors are for people", async () => {
  await assert.rejects(createEmulatorProxy({ module: "none.wasm", name: "x" }), (e: EmulatorError) => e.expected);
  const proxy = await proxyWith("");
  await proxy.close();
  await proxy.close();
  await assert.rejects(proxy.request(), /closed/);
});

test("an upstream handler's error reaches the test, and the stream still ends", async () => {
  await using proxy = await proxyWith("", {
    upstream: () => {
      throw new Error("mine");
    },
  });
  await assert.rejects(proxy.request(), { message: "mine" });
  assert.equal(proxy.logs().at(-1)?.message, "delete");
});

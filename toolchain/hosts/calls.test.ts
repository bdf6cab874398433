import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createProxy } from "./create.js";
import { compileTestFilter } from "./envoy/testdata/compile.js";
import type { GrpcCall, HostName, Proxy, ProxyOptions } from "./types.js";

const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
let filter = "";
before(async () => {
  filter = await compileTestFilter(directory, "calls");
});
after(() => rmSync(directory, { recursive: true, force: true }));

const HOSTS: readonly HostName[] = ["emulator", "envoy"];

for (const host of HOSTS) {
  const start = (options: ProxyOptions = {}): Promise<Proxy> => createProxy({ filter, host, ...options });

  describe(`clusters on ${host}`, () => {
    let proxy: Proxy;
    const grpcCalls: { service: string; method: string; meta: string | null; messages: string[] }[] = [];

    async function serveGrpc(call: GrpcCall): Promise<void> {
      const messages: string[] = [];
      for await (const message of call.messages) messages.push(Buffer.from(message).toString());
      const { service, method } = call;
      grpcCalls.push({ service, method, meta: call.metadata.get("x-meta"), messages });
      switch (method) {
        case "Unary":
          call.sendMetadata({ "x-initial": "first" });
          call.send(Buffer.from(`got ${messages.join(",")}`));
          return call.finish({ trailers: { "x-trailing": "last" } });
        case "Stream":
          call.sendMetadata({ "x-initial": "first" });
          for (const message of messages) call.send(Buffer.from(`re:${message}`));
          return call.finish({ status: 9, message: "100 % é", trailers: { "x-trailing": "last" } });
        case "Denied":
          return call.finish({ status: 7, message: "no" });
        case "Truncated":
          call.sendRaw(Buffer.from([0, 0, 0, 0, 9, 1]));
          return call.finish();
        case "Reset":
          return call.reset();
        case "Plain":
          return call.send(Buffer.from("without finish"));
        case "Large":
          return call.send(Buffer.alloc(300_000, "l"));
        default:
          return new Promise(() => {});
      }
    }

    before(async () => {
      proxy = await start({
        clusters: {
          auth: async (request) => {
            if (request.path === "/slow") return { delay: 3000 };
            if (request.path === "/soon") return { delay: 100, body: "soon" };
            if (request.path === "/reset") return { reset: true };
            if (request.path === "/never") return new Promise(() => {});
            if (request.path === "/large") return { body: "l".repeat(700_000) };
            return {
              status: 201,
              headers: { "x-extra": `${request.method} ${request.authority} ${request.headers.get("x-a")}` },
              body: `${request.path} ${Buffer.from(request.body).toString()}`,
            };
          },
          rpc: { grpc: serveGrpc },
          down: { refuses: true },
          empty: { hosts: false },
        },
      });
    });
    after(() => proxy.close());

    const call = (cluster: string, path: string, more: Record<string, string> = {}) =>
      proxy.request({ path: "/call", headers: { "x-cluster": cluster, "x-path": path, ...more } });

    test("an HTTP cluster gets the call and its answer comes back", async () => {
      const response = await call("auth", "/check?a=b", { "x-method": "POST", "x-body": "hello" });
      response.expect({
        status: 200,
        headers: { "x-call": "201", "x-extra": "POST callout.test 1" },
        body: "/check?a=b hello",
        upstream: null,
      });
    });

    test("an answer may be late, and large", async () => {
      (await call("auth", "/soon")).expect({ headers: { "x-call": "200" }, body: "soon" });
      assert.equal((await call("auth", "/large")).body.length, 700_000);
    });

    test("a call that times out is answered with 504, one that never gets an answer too", async () => {
      (await call("auth", "/slow", { "x-timeout": "50" })).expect({ headers: { "x-call": "504" } });
      (await call("auth", "/never", { "x-timeout": "50" })).expect({ headers: { "x-call": "504" } });
    });

    test("a closed and a refused connection are answered with 503", async () => {
      (await call("auth", "/reset")).expect({ headers: { "x-call": "503" } });
      (await call("down", "/")).expect({ headers: { "x-call": "503" } });
    });

    test("a cluster without hosts and an unknown one fail at once", async () => {
      (await call("empty", "/")).expect({ status: 500, headers: { "x-call": "10" } });
      (await call("unknown", "/")).expect({ status: 500, headers: { "x-call": "2" } });
    });

    const grpc = (path: "/grpc" | "/grpc-stream", method: string, cluster = "rpc") =>
      proxy.request({ path, headers: { "x-cluster": cluster, "x-method": method, "x-body": "ping" } });

    test("a unary gRPC call", async () => {
      grpcCalls.length = 0;
      (await grpc("/grpc", "Unary")).expect({
        status: 200,
        headers: { "x-grpc": "0" },
        body: /message:got ping;$/,
      });
      assert.deepEqual(grpcCalls, [{ service: "test.Service", method: "Unary", meta: "one", messages: ["ping"] }]);
      (await grpc("/grpc", "Plain")).expect({ body: /message:without finish;$/ });
      assert.ok((await grpc("/grpc", "Large")).body.length >= 300_000);
    });

    test("a unary gRPC call that fails", async () => {
      (await grpc("/grpc", "Denied")).expect({ headers: { "x-grpc": "7", "x-message": /^no/ } });
      assert.notEqual((await grpc("/grpc", "Truncated")).headers.get("x-grpc"), "0");
      assert.notEqual((await grpc("/grpc", "Reset")).headers.get("x-grpc"), "0");
      assert.notEqual((await grpc("/grpc", "Never")).headers.get("x-grpc"), "0");
      assert.notEqual((await grpc("/grpc", "Unary", "down")).headers.get("x-grpc"), "0");
    });

    test("a gRPC stream: messages both ways, both metadata, the status and its message", async () => {
      grpcCalls.length = 0;
      (await grpc("/grpc-stream", "Stream")).expect({
        // Envoy hands the message on as it is in the trailer, and says behind it who gave it.
        headers: { "x-grpc": "9", "x-message": "100 %25 %C3%A9{via_upstream}" },
        body: "initial:first;message:re:ping;message:re:ping;trailing:last;",
      });
      assert.deepEqual(grpcCalls[0]?.messages, ["ping", "ping"]);
    });

    test("a cluster gets another handler, goes down, and comes back", async () => {
      await proxy.cluster("auth", () => ({ status: 202 }));
      (await call("auth", "/")).expect({ headers: { "x-call": "202" } });
      await proxy.cluster("auth", { refuses: true });
      (await call("auth", "/")).expect({ headers: { "x-call": "503" } });
      await proxy.cluster("auth", () => ({ status: 203 }));
      (await call("auth", "/")).expect({ headers: { "x-call": "203" } });
      await proxy.cluster("down", () => ({ status: 204 }));
      (await call("down", "/")).expect({ headers: { "x-call": "204" } });
      await proxy.cluster("rpc", { grpc: (rpc) => rpc.finish({ status: 16 }) });
      (await grpc("/grpc", "Unary")).expect({ headers: { "x-grpc": "16" } });
    });

    test("what cannot be is said", async () => {
      await assert.rejects(
        proxy.cluster("nobody", () => ({})),
        /no cluster "nobody"/,
      );
      await assert.rejects(
        proxy.cluster("rpc", () => ({})),
        /"rpc" was made as a gRPC server/,
      );
      await assert.rejects(
        proxy.cluster("empty", () => ({})),
        /"empty" was made as no host/,
      );
      await assert.rejects(start({ clusters: { upstream: () => ({}) } }), /the proxy's own/);
    });

    test("what a handler throws reaches the request that waits", async () => {
      await proxy.cluster("auth", () => assert.fail("not this one"));
      await assert.rejects(call("auth", "/"), /cluster "auth" failed: not this one/);
      await proxy.cluster("rpc", { grpc: () => assert.fail("nor this one") });
      await assert.rejects(grpc("/grpc", "Unary"), /cluster "rpc" failed: nor this one/);
    });
  });

  test(`close() throws what no request has told, and ends handlers that never answer, on ${host}`, async () => {
    let asked = (): void => {};
    const called = new Promise<void>((resolve) => (asked = resolve));
    const proxy = await start({
      upstream: () => {
        asked();
        return new Promise(() => {});
      },
    });
    const request = assert.rejects(proxy.request({ path: "/upstream" }));
    await called;
    await proxy.close();
    await request;
  });

  test(`a request that the client gives up, on ${host}`, async () => {
    await using proxy = await start();
    const reason = new Error("given up");
    const controller = new AbortController();
    const request = proxy.request({ path: "/hang", signal: controller.signal });
    await sleep(50);
    controller.abort(reason);
    await assert.rejects(request, reason);
    await assert.rejects(proxy.request({ path: "/hang", timeout: 50 }), /No answer within 0.05 s[^]*> GET \/hang/);
  });

  test(`metrics by name, on ${host}`, async () => {
    await using proxy = await start({ concurrency: 2 });
    const sent = [0, 3, 7, 1234, 1239, 250_000];
    for (const value of sent) await proxy.request({ path: "/record", headers: { "x-value": String(value) } });
    const metrics = await proxy.metrics();
    assert.equal(metrics.counter("calls.requests"), sent.length);
    assert.equal(metrics.gauge("calls.last"), 250_000);
    assert.equal(metrics.counter("calls.last"), null);
    assert.equal(metrics.gauge("calls.unknown"), null);
    assert.deepEqual(metrics.histogram("calls.sizes"), {
      count: 6,
      bins: [
        { from: 0, width: 0, count: 1 },
        { from: 3, width: 0.1, count: 1 },
        { from: 7, width: 0.1, count: 1 },
        { from: 1200, width: 100, count: 2 },
        { from: 250_000, width: 10_000, count: 1 },
      ],
    });
    assert.deepEqual(metrics.toJSON().counters, { "calls.requests": 6, "calls.ticks": 0 });
  });

  test(`tick() waits for the next tick of every VM, on ${host}`, async () => {
    await using proxy = await start({ config: "tick 100", concurrency: 2 });
    for (let i = 0; i < 3; i++) {
      const before = (await proxy.metrics()).counter("calls.ticks")!;
      await proxy.tick();
      const ticked = (await proxy.metrics()).counter("calls.ticks")! - before;
      assert.ok(ticked >= 3, `${ticked} ticks`);
      assert.ok(proxy.logs().filter((line) => line.message.startsWith("tick ")).length >= 3 * (i + 1));
    }
    assert.ok(proxy.logs().every((line) => line.message.startsWith("tick ") && line.level === "info"));
  });

  test(`advance() lets time pass, on ${host}`, async () => {
    await using proxy = await start({ config: "tick 50" });
    const ticks = async (): Promise<number> => (await proxy.metrics()).counter("calls.ticks")!;
    const before = await ticks();
    await proxy.advance(500);
    assert.ok((await ticks()) - before >= 10);
    if (host === "envoy") await assert.rejects(proxy.advance(5001), /needs "clock"/);
    await assert.rejects(proxy.advance(-1), /-1/);
  });

  test(`environment, VM id, VM configuration, name and root id, on ${host}`, async () => {
    await using proxy = await start({
      env: { REGION: "eu", EMPTY: "" },
      vmId: "vm-1",
      vmConfig: { limit: 3 },
      name: "named",
      rootId: "root",
    });
    const response = await proxy.request({ path: "/settings" });
    response.expect({ status: 200, headers: { "x-vm": '{"limit":3}' } });
    const [identity, environment] = response.text().split("\n");
    assert.equal(identity, "vm-1 named root");
    assert.deepEqual(environment!.split(";").filter(Boolean).sort(), ["EMPTY=", "REGION=eu"]);
  });

  test(`capability restrictions, on ${host}`, async () => {
    const capabilities = [
      ...["proxy_on_vm_start", "proxy_on_configure", "proxy_on_request_headers", "proxy_get_header_map_value"],
      ...["proxy_send_local_response", "proxy_define_metric", "proxy_get_buffer_bytes"],
    ];
    const clusters = { auth: () => ({}) };
    await using proxy = await start({ capabilities, clusters });
    const response = await proxy.request({ path: "/call", headers: { "x-cluster": "auth", "x-path": "/" } });
    response.expect({ status: 500, headers: { "x-call": "10" } });
    await using free = await start({ clusters });
    (await free.request({ path: "/call", headers: { "x-cluster": "auth", "x-path": "/" } })).expect({
      headers: { "x-call": "200" },
    });
  });
}

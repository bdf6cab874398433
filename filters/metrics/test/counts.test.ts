import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { labelled } from "meshwasm/testing";
import { counted, DOWNSTREAM, recorded, start, within } from "./support.js";

const own = (labels: object, more: object = {}) => ({ metrics: [{ name: "n", type: "counter", labels, ...more }] });

for (const downstream of DOWNSTREAM) {
  describe(downstream, () => {
    test("TM-1: a value that looks like another label stays a value", async () => {
      await using proxy = await start({
        downstream,
        config: own({ a: "${header:x-a}", b: "${header:x-b|default=none}" }),
      });
      await proxy.request({ headers: { "x-a": "a;.;b=.=x;.;" } });
      assert.equal(await counted(proxy, "n", { a: "a_._b_._x_._", b: "none" }), 1);
      assert.deepEqual(Object.keys((await proxy.metrics()).toJSON().counters).length, 1);
    });

    test("TM-2: line breaks and quotes in a value reach no exposition format", async () => {
      await using proxy = await start({ downstream, config: own({ a: "${query:a|url}${query:a}" }) });
      await proxy.request({ path: "/?a=%0A%22%5C%7D%00" });
      const [name] = Object.keys((await proxy.metrics()).toJSON().counters);
      assert.match(name ?? "", /^n\.a=\.=[A-Za-z0-9_%-]*;\.;$/);
    });

    test("TM-3: values beyond the bound are counted together", async () => {
      await using proxy = await start({ downstream, config: { ...own({ a: "${header:x-a}" }), maxSeries: 5 } });
      for (let i = 0; i < 30; i++) await proxy.request({ headers: { "x-a": `v${i}` } });
      assert.equal(await counted(proxy, "n", { a: "other" }, 25), 25);
      const { counters } = (await proxy.metrics()).toJSON();
      assert.equal(Object.keys(counters).length, 6);
      assert.equal(
        Object.values(counters).reduce((a, b) => a + b),
        30,
      );
    });

    test("TM-4: histograms: milliseconds and bytes", async () => {
      const metrics = [
        "duration",
        "backendDuration",
        "requestBytes",
        "responseBytes",
        "requestBodyBytes",
        "responseBodyBytes",
      ].map((field) => ({ name: field, type: "histogram", value: { field } }));
      await using proxy = await start({
        downstream,
        config: { metrics },
        upstream: () => ({ body: "x".repeat(5000), delay: 120 }),
      });
      await proxy.request({ method: "POST", body: "y".repeat(1000) });
      assert.ok(within(await recorded(proxy, "duration"), 100, 3000));
      assert.ok(within(await recorded(proxy, "backendDuration"), 80, 3000));
      assert.ok(within(await recorded(proxy, "requestBodyBytes"), 950, 1050));
      assert.ok(within(await recorded(proxy, "responseBodyBytes"), 4800, 5300));
      assert.ok(within(await recorded(proxy, "requestBytes"), 1040, 3000));
      assert.ok(within(await recorded(proxy, "responseBytes"), 5000, 8000));
    });

    test("TM-8: gRPC status from trailers, and from headers when there are no trailers", async () => {
      const labels = { status: { field: "grpcStatus" }, code: { field: "code" } };
      let answer: object = {};
      await using proxy = await start({ downstream, config: own(labels), upstream: () => answer });
      const headers = { "content-type": "application/grpc", te: "trailers" };
      const call = { method: "POST", path: "/s.S/M", headers };
      answer = { headers: { "content-type": "application/grpc" }, body: "", trailers: { "grpc-status": "14" } };
      await proxy.request(call);
      answer = { headers: { "content-type": "application/grpc", "grpc-status": "5" } };
      await proxy.request(call);
      answer = { status: 404 };
      await proxy.request({ path: "/" });
      assert.equal(await counted(proxy, "n", { code: "200", status: "14" }), 1);
      assert.equal(await counted(proxy, "n", { code: "200", status: "5" }), 1);
      assert.equal(await counted(proxy, "n", { code: "404", status: "none" }), 1);
    });

    test("TM-24: a value of the request's JSON body: labels, conditions and amounts", async () => {
      const config = {
        maxBodyBytes: 2000,
        metrics: [
          {
            name: "calls",
            type: "counter",
            labels: { model: "${body:/model|default=none}", tag: "${body:/tags/0|default=-}" },
          },
          { name: "streamed", type: "counter", match: { sel: "body:/stream", exact: "true" } },
          { name: "tokens", type: "counter", value: { sel: "body:/limits/max~1tokens" } },
          { name: "tagged", type: "counter", match: { sel: "body:/tags", in: ["b"] } },
        ],
      };
      await using proxy = await start({ downstream, config, upstream: () => ({ status: 200 }) });
      const json = { "content-type": "application/json; charset=utf-8" };
      const send = (body: unknown, headers: Record<string, string> = json, more: object = {}) =>
        proxy.request({
          method: "POST",
          headers,
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
          ...more,
        });
      const whole = { model: "a-1", stream: true, limits: { "max/tokens": 120 }, tags: ["x", "b"], more: null };
      const { upstream } = await send(whole);
      assert.deepEqual(JSON.parse(Buffer.from(upstream!.body).toString()), whole);
      await send(
        { ...whole, stream: false, tags: [] },
        { "content-type": "APPLICATION/vnd.x+json" },
        { trailers: { "x-t": "1" } },
      );
      // Nothing is found in these, and they go through as they are.
      const large = { model: "a-1", pad: "x".repeat(3000) };
      assert.equal((await send(large)).upstream?.body.length, JSON.stringify(large).length);
      await send(whole, { "content-type": "text/plain" });
      await send(whole, {});
      await send('{"model": "a-1"');
      await send('{"model": "a-1", "model": "b"}');
      await send({ model: { name: "a-1" } });
      // More than is kept of a body.
      await send({ tags: Array.from({ length: 101 }, () => "b") });
      await send(undefined);
      assert.equal(await counted(proxy, "calls", { model: "a-1", tag: "x" }), 1);
      assert.equal(await counted(proxy, "calls", { model: "a-1", tag: "-" }), 1);
      assert.equal(await counted(proxy, "calls", { model: "none", tag: "-" }, 7), 7);
      assert.equal(await counted(proxy, "calls", { model: "none", tag: "b" }), 1);
      assert.equal(await counted(proxy, "streamed"), 1);
      assert.equal(await counted(proxy, "tokens", {}, 240), 240);
      assert.equal(await counted(proxy, "tagged"), 1);
    });

    test("TM-12: sizes with content-length and chunked", async () => {
      const metrics = [{ name: "sent", type: "counter", value: { field: "responseBodyBytes" } }];
      let answer: object = {};
      await using proxy = await start({ downstream, config: { metrics }, upstream: () => answer });
      answer = { body: "x".repeat(700), headers: { "content-length": "700" } };
      await proxy.request();
      assert.equal(await counted(proxy, "sent", {}, 700), 700);
      answer = { body: "x".repeat(300), trailers: { "x-t": "1" } };
      await proxy.request();
      assert.equal(await counted(proxy, "sent", {}, 1000), 1000);
    });

    test("TM-14: routes by template, Envoy's route name without any", async () => {
      const config = {
        ...own({ route: { field: "route" } }),
        routes: ["/users/{id}", "/files/{rest=**}", "/users/me"],
      };
      await using proxy = await start({ downstream, config });
      for (const path of ["/users/7?x=/files/1", "/users/me", "/files/a/b", "/users/7/8", "/", "/users/"])
        await proxy.request({ path });
      assert.equal(await counted(proxy, "n", { route: "/users/*" }, 2), 2);
      assert.equal(await counted(proxy, "n", { route: "/files/**" }), 1);
      assert.equal(await counted(proxy, "n", { route: "other" }, 3), 3);
    });

    test("TM-15: own metrics by selector, under conditions", async () => {
      const metrics = [
        { name: "cost", type: "counter", value: { sel: "response:x-cost" }, labels: { who: "${header:x-who}" } },
        { name: "last", type: "gauge", value: { sel: "response:x-cost" } },
        {
          name: "bad",
          type: "counter",
          match: {
            all: [
              { sel: "status", gt: 399 },
              { sel: "path", prefix: "/a" },
            ],
          },
        },
      ];
      let answer: object = {};
      await using proxy = await start({ downstream, config: { metrics }, upstream: () => answer });
      for (const cost of ["2", "3.9", "-1", "x", "", "1e400", "99999999999999999999"]) {
        answer = { headers: { "x-cost": cost } };
        await proxy.request({ headers: { "x-who": "me" } });
      }
      assert.equal(await counted(proxy, "cost", { who: "me" }, 5), 5);
      assert.equal((await proxy.metrics()).gauge("last"), 3);
      for (const [status, path] of [
        [500, "/a"],
        [500, "/b"],
        [200, "/a"],
        [404, "/ab"],
      ] as const) {
        answer = { status };
        await proxy.request({ path });
      }
      assert.equal(await counted(proxy, "bad", {}, 2), 2);
    });

    test("TM-16: nothing is changed; shadow counts, off does not", async () => {
      await using proxy = await start({
        downstream,
        config: own({}),
        upstream: () => ({ status: 201, headers: { "x-a": "1" } }),
      });
      const before = await proxy.request({ headers: { "x-q": "1" } });
      assert.equal(before.upstream?.headers.get("x-q"), "1");
      assert.deepEqual([before.status, before.headers.get("x-a")], [201, "1"]);
      assert.equal(await counted(proxy, "n"), 1);
      await proxy.reconfigure({ ...own({}), mode: "shadow" });
      await proxy.request();
      assert.equal(await counted(proxy, "n", {}, 2), 2);
      await proxy.reconfigure({ ...own({}), mode: "off" });
      await proxy.request();
      await proxy.reconfigure({ ...own({}), match: { sel: "path", prefix: "/counted" } });
      await proxy.request();
      await proxy.request({ path: "/counted" });
      assert.equal(await counted(proxy, "n", {}, 3), 3);
    });
  });
}

test("TM-15: by CEL", async () => {
  const metrics = [
    {
      name: "size",
      type: "counter",
      value: { sel: "cel:size(request.path)" },
      labels: { even: "${cel:size(request.path) % 2 == 0}" },
    },
  ];
  await using proxy = await start({ config: { metrics } });
  await proxy.request({ path: "/abc" });
  await proxy.request({ path: "/ab" });
  assert.equal(await counted(proxy, "size", { even: "true" }), 4);
  assert.equal(await counted(proxy, "size", { even: "false" }), 3);
});

test("TM-22: where the host has no CEL, a configuration with CEL is refused and others are not", async () => {
  const without = ["proxy_call_foreign_function"];
  const { hostCalls, callbacks } = await import("meshwasm").then(async ({ inspect }) => {
    const { readFileSync } = await import("node:fs");
    const { buildIfStale } = await import("meshwasm");
    const { filter } = await import("./support.js");
    return inspect(readFileSync((await buildIfStale(filter)).wasm));
  });
  const capabilities = [...hostCalls, ...callbacks].filter((name) => !without.includes(name));
  await using proxy = await start({ capabilities, config: own({}) });
  await proxy.request();
  assert.equal(await counted(proxy, "n"), 1);
  const config = own({ a: "${cel:request.path}" });
  await assert.rejects(start({ capabilities, config }), /\$\.metrics\[0\]\.labels\.a: .*has no CEL/);
});

test("TM-21: requests that are not over", async () => {
  let go: () => void = () => {};
  const wait = new Promise<void>((resolve) => (go = resolve));
  const held = { upstream: async () => (await wait, {}) };
  await using proxy = await start({ config: { presets: ["otel"] }, ...held });
  const name = labelled("http_server_active_requests", { http_request_method: "GET", url_scheme: "http" });
  const active = async (): Promise<number | null> => (await proxy.metrics()).gauge(name);
  const requests = [proxy.request(), proxy.request()];
  for (let tries = 0; tries < 100 && (await active()) !== 2; tries++) await new Promise((r) => setTimeout(r, 20));
  assert.equal(await active(), 2);
  go();
  await Promise.all(requests);
  for (let tries = 0; tries < 100 && (await active()) !== 0; tries++) await new Promise((r) => setTimeout(r, 20));
  assert.equal(await active(), 0);
});

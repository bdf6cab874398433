import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { labelled, type Proxy, type RequestInput, type UpstreamHandler } from "meshwasm/testing";
import { DOWNSTREAM, field, one, passed, start, statuses } from "./support.js";

const TIMED = ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"] as const;
const key = (value: string): RequestInput => ({ headers: { "x-key": value } });

for (const downstream of DOWNSTREAM) {
  describe(`limits over ${downstream}`, () => {
    for (const algorithm of TIMED) {
      test(`RL-02: the edge of a burst, ${algorithm}`, async () => {
        const config = one({ algorithm, key: ["header:x-key"] });
        await using proxy = await start({ downstream, config });
        assert.equal(await passed(proxy, 5, key("a")), 3);
        assert.equal(await passed(proxy, 5, key("b")), 3);
        assert.equal(await passed(proxy, 2, key("a")), 0);
        const metrics = await proxy.metrics();
        assert.equal(metrics.counter(labelled("meshwasm_rate_limit_allowed", { limit: "main" })), 6);
        assert.equal(metrics.counter(labelled("meshwasm_rate_limit_denied", { limit: "main" })), 6);
      });
    }

    test("RL-05: a cost over the burst never passes", async () => {
      for (const algorithm of [...TIMED, "concurrency"]) {
        await using proxy = await start({ downstream, config: one({ algorithm, cost: 4 }) });
        const refused = await proxy.request();
        assert.equal(refused.status, 429, algorithm);
        assert.equal(field(refused, "retry-after"), null, "never");
      }
    });

    test("RL-06: a cost of 0 only looks", async () => {
      for (const algorithm of [...TIMED, "concurrency"]) {
        const cost = { selector: "header:x-cost", min: 0 };
        await using proxy = await start({ downstream, config: one({ algorithm, cost }) });
        const send = (cost: number) => proxy.request({ headers: { "x-cost": `${cost}` } });
        for (let i = 0; i < 5; i++) {
          const looked = await send(0);
          assert.deepEqual([looked.status, /r=(\d+)/.exec(field(looked, "ratelimit")!)![1]], [200, "3"], algorithm);
        }
        assert.match(field(await send(2), "ratelimit")!, /r=1/);
        if (algorithm === "concurrency") continue;
        assert.equal((await send(2)).status, 429);
        assert.match(field(await send(0), "ratelimit")!, /r=1/);
      }
    });

    test("RL-07: no key: with all others that have none, or not counted", async () => {
      for (const [whenAbsent, expected] of [
        ["shared", 3],
        ["skip", 5],
      ] as const) {
        const config = one({ key: ["header:x-key", "header:x-other"], whenAbsent });
        await using proxy = await start({ downstream, config });
        assert.equal(await passed(proxy, 5), expected);
        assert.equal(await passed(proxy, 5, { headers: { "x-key": "a", "x-other": "b" } }), 3);
      }
    });

    test("RL-08: an empty key is not an absent one", async () => {
      await using proxy = await start({ downstream, config: one({ key: ["query:k"] }) });
      assert.equal(await passed(proxy, 5, { path: "/?k=" }), 3);
      assert.equal(await passed(proxy, 5, { path: "/" }), 3);
      assert.equal(await passed(proxy, 5, { path: "/?k=&k=" }), 3);
    });

    test("RL-11: a key's header in several lines, in any order", async () => {
      await using proxy = await start({ downstream, config: one({ key: ["header:x-key"] }) });
      const lines = (...values: string[]): RequestInput => ({
        headers: values.map((value) => ["x-key", value] as const),
      });
      assert.equal(await passed(proxy, 5, lines("a")), 3);
      // What stands in front does not make it the key of somebody else, nor what stands behind.
      assert.equal(await passed(proxy, 5, lines("a", "b")), 3);
      assert.equal(await passed(proxy, 5, lines("b", "a")), 3);
      assert.equal(await passed(proxy, 1, lines("a")), 0);
    });

    test("RL-14: letters in another case are another key; header names are not", async () => {
      await using proxy = await start({ downstream, config: one({ key: ["header:X-Key"] }) });
      assert.equal(await passed(proxy, 5, { headers: { "x-key": "a" } }), 3);
      assert.equal(await passed(proxy, 1, { headers: { "X-KEY": "a" } }), 0);
      assert.equal(await passed(proxy, 5, { headers: { "x-key": "A" } }), 3);
    });

    test("RL-17: gRPC: status 8, counted as any other request", async () => {
      await using proxy = await start({ downstream, config: one({ requests: 1 }) });
      const input = { method: "POST", headers: { "content-type": "application/grpc" } };
      assert.equal((await proxy.request(input)).upstream !== null, true);
      const refused = await proxy.request(input);
      assert.deepEqual([refused.status, refused.headers.get("grpc-status")], [200, "8"]);
    });

    test("RL-18: Retry-After is not earlier than t, jitter is added", async () => {
      for (const jitter of ["0s", "30s"]) {
        await using proxy = await start({ downstream, config: one({ requests: 1, per: "90s" }, { jitter }) });
        await proxy.request();
        const found = new Set<number>();
        for (let i = 0; i < 20; i++) {
          const refused = await proxy.request();
          const t = Number(/t=(\d+)/.exec(field(refused, "ratelimit")!)![1]);
          const after = Number(field(refused, "retry-after"));
          assert.ok(t >= 85 && t <= 90, `t=${t}`);
          assert.ok(after >= t && after <= t + (jitter === "0s" ? 0 : 30), `${after} and t=${t}`);
          found.add(after - t);
        }
        if (jitter !== "0s") assert.ok(found.size > 3);
      }
      await using silent = await start({ downstream, config: one({ requests: 1 }, { retryAfter: false }) });
      await silent.request();
      assert.equal(field(await silent.request(), "retry-after"), null);
    });

    test("RL-20: shadow counts, and changes nothing", async () => {
      for (const config of [one({}, { mode: "shadow" }), one({ shadow: true })]) {
        await using proxy = await start({ downstream, config });
        for (let i = 0; i < 5; i++) {
          const { status, headers } = await proxy.request();
          assert.deepEqual([status, headers.has("ratelimit"), headers.has("ratelimit-policy")], [200, false, false]);
        }
        const metrics = await proxy.metrics();
        assert.equal(metrics.counter(labelled("meshwasm_rate_limit_shadow_denied", { limit: "main" })), 2);
        assert.equal(metrics.counter(labelled("meshwasm_rate_limit_allowed", { limit: "main" })), 3);
        assert.equal(metrics.counter(labelled("meshwasm_rate_limit_denied", { limit: "main" })) ?? 0, 0);
      }
      await using off = await start({ downstream, config: one({}, { mode: "off" }) });
      assert.equal(await passed(off, 5), 5);
    });

    test("RL-36: labels of the configuration on the counts", async () => {
      const metrics = { labels: { tenant: "${header:x-tenant|default=none}", where: "edge" } };
      const config = one({ requests: 1, key: ["header:x-tenant"], maxKeys: 1, overflow: "deny" }, { metrics });
      await using proxy = await start({ downstream, config });
      for (const tenant of ["a", "a", null, null, null])
        await proxy.request(tenant === null ? {} : { headers: { "x-tenant": tenant } });
      const found = await proxy.metrics();
      const at = (name: string, tenant: string): number | null =>
        found.counter(labelled(`meshwasm_rate_limit_${name}`, { limit: "main", tenant, where: "edge" }));
      assert.deepEqual([at("allowed", "a"), at("denied", "a")], [1, 1]);
      assert.deepEqual([at("allowed", "none"), at("denied", "none")], [1, 2]);
      await proxy.reconfigure(one({ requests: 1 }, { metrics: { labels: { where: "edge" } }, mode: "shadow" }));
      for (let i = 0; i < 3; i++) await proxy.request();
      const shadow = labelled("meshwasm_rate_limit_shadow_denied", { limit: "main", where: "edge" });
      assert.ok(((await proxy.metrics()).counter(shadow) ?? 0) >= 2);
      for (const name of ["limit", "reason", "my_limit", "le"])
        await assert.rejects(
          proxy.reconfigure(one({}, { metrics: { labels: { [name]: "a" } } })),
          new RegExp(`\\$\\.metrics\\.labels\\.${name}: `),
        );
    });

    test("RL-21: a cost that the response tells", async () => {
      for (const algorithm of TIMED) {
        const config = one({ algorithm, requests: 10, cost: { response: "x-tokens" } });
        let tokens: string | null = "4";
        await using proxy = await start({
          downstream,
          config,
          upstream: () => (tokens === null ? {} : { headers: { "x-tokens": tokens } }),
        });
        // 4, 8, 12: the third passes, since there is something left.
        assert.equal(await passed(proxy, 5), 3, algorithm);
        await proxy.reconfigure(one({ name: "other", algorithm, requests: 10, cost: { response: "x-tokens" } }));
        tokens = null;
        assert.equal(await passed(proxy, 12), 10, `${algorithm}: 1 when nothing is told`);
        for (const [odd, expected] of [
          ["-5", 10],
          ["x", 10],
          ["0", 12],
          ["1.5", 5],
          ["1e99", 1],
        ] as const) {
          tokens = odd;
          await proxy.reconfigure(
            one({ name: `n${odd.replace("-", "m")}`, algorithm, requests: 10, cost: { response: "x-tokens" } }),
          );
          assert.equal(await passed(proxy, 12), expected, `${algorithm} ${odd}`);
        }
      }
    });

    test("RL-26: RateLimit and RateLimit-Policy, X-RateLimit, none", async () => {
      const limits = [
        { name: "a", requests: 5, per: "1m" },
        { name: "b", algorithm: "fixedWindow", requests: 100, per: "744h" },
        { name: "c", algorithm: "concurrency", requests: 7 },
        { name: "hidden", requests: 9, per: "1s", shadow: true },
      ];
      await using ietf = await start({ downstream, config: { limits } });
      const first = await ietf.request();
      assert.equal(
        field(first, "ratelimit-policy"),
        '"a";q=5;w=60, "b";q=100;w=2678400, "c";q=7;qu="concurrent-requests"',
      );
      assert.match(field(first, "ratelimit")!, /^"a";r=4;t=12, "b";r=99;t=\d+, "c";r=6$/);
      for (let i = 0; i < 4; i++) await ietf.request();
      const refused = await ietf.request();
      assert.equal(refused.status, 429);
      assert.match(field(refused, "ratelimit")!, /^"a";r=0;t=(11|12)$/);
      assert.equal(field(refused, "ratelimit-policy"), '"a";q=5;w=60');
      assert.equal(field(refused, "content-type"), "application/problem+json");
      assert.deepEqual(JSON.parse(refused.text()), {
        type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "violated-policies": ["a"],
        title: "Too Many Requests",
        status: 429,
      });
      await using legacy = await start({ downstream, config: { limits, headers: "x-ratelimit" } });
      const old = await legacy.request();
      const names = ["limit", "remaining", "reset"];
      assert.deepEqual(
        names.map((name) => field(old, `x-ratelimit-${name}`)),
        ["5", "4", "12"],
      );
      assert.equal(field(old, "ratelimit"), null);
      await using none = await start({ downstream, config: { limits, headers: "none" } });
      const silent = await none.request();
      assert.ok(![...silent.headers].some(([name]) => name.includes("ratelimit")));
    });

    test("RL-27: several limits: a refused request counts nowhere", async () => {
      for (const algorithm of [...TIMED, "concurrency"]) {
        const per = algorithm === "concurrency" ? {} : { per: "12m" };
        const limits = [
          { name: "wide", algorithm, requests: 4, ...per },
          { name: "narrow", algorithm: "gcra", key: ["header:x-key"], requests: 1, per: "12m" },
        ];
        await using proxy = await start({ downstream, config: { limits } });
        assert.equal(await passed(proxy, 10, key("a")), 1, algorithm);
        assert.equal(await passed(proxy, 1, key("b")), 1, algorithm);
        const left = field(await proxy.request(key("c")), "ratelimit")!;
        assert.match(left, algorithm === "concurrency" ? /"wide";r=3/ : /"wide";r=1/, algorithm);
      }
    });

    test("RL-28: exempt requests are neither limited nor counted", async () => {
      const exempt = [
        { sel: "path", exact: "/health" },
        { sel: "header:x-key", exact: "friend" },
      ];
      await using proxy = await start({ downstream, config: one({}, { exempt }) });
      for (let i = 0; i < 6; i++) {
        const { status, headers } = await proxy.request({ path: "/health" });
        assert.deepEqual([status, headers.has("ratelimit")], [200, false]);
      }
      assert.equal(await passed(proxy, 6, key("friend")), 6);
      assert.equal(await passed(proxy, 6), 3);
    });

    test("RL-34: status, body and headers of one's own; HEAD", async () => {
      const deny = { status: 503, body: "later", headers: { "x-why": "busy", "content-type": "text/plain" } };
      await using proxy = await start({ downstream, config: one({ requests: 1 }, { deny }) });
      await proxy.request();
      const refused = await proxy.request();
      assert.deepEqual(
        [refused.status, refused.text(), field(refused, "x-why"), field(refused, "content-type")],
        [503, "later", "busy", "text/plain"],
      );
      assert.ok(field(refused, "retry-after"));
      const head = await proxy.request({ method: "HEAD" });
      assert.deepEqual([head.status, head.text()], [503, ""]);
    });
  });
}

/** Lets time pass to a time after the first wait, whatever was done meanwhile. */
function waiting(proxy: Proxy): { until: (milliseconds: number) => Promise<void> } {
  let now = 0;
  let began = 0;
  return {
    until: async (milliseconds) => {
      if (milliseconds > 0) began ||= performance.now();
      // On Envoy time goes on by itself, and one wait is 5 seconds at most.
      for (;;) {
        if (proxy.host === "envoy") now = performance.now() - began;
        const step = Math.ceil(Math.min(milliseconds - now, 5000));
        if (step <= 0) return;
        await proxy.advance(step);
        now += step;
      }
    },
  };
}

for (const downstream of DOWNSTREAM) {
  describe(`limits and time over ${downstream}`, () => {
    for (const algorithm of TIMED) {
      test(`RL-03: refilled when idle, ${algorithm}`, async () => {
        await using proxy = await start({ downstream, config: one({ algorithm, per: "1s" }) });
        const burst = async (): Promise<number> => {
          const all = await statuses(
            proxy,
            Array.from({ length: 8 }, () => ({})),
            8,
          );
          return all.filter((status) => status === 200).length;
        };
        // On Envoy a fixed window may end meanwhile.
        const first = await burst();
        assert.ok(first >= 3 && first <= (proxy.host === "envoy" ? 6 : 3), `${first}`);
        await proxy.advance(2100);
        const second = await burst();
        assert.ok(second >= 3 && second <= (proxy.host === "envoy" ? 6 : 3), `${second}`);
      });
    }

    test("RL-22: the rows of throttled's TestRateLimit", async () => {
      // now ms, volume, remaining, reset s, retry s, limited: github.com/throttled/throttled v2.15.0, rate_test.go.
      const rows: readonly (readonly [number, number, number, number, number | null, boolean])[] = [
        [0, 6, 5, 0, null, true],
        [0, 1, 4, 1, null, false],
        [0, 1, 3, 2, null, false],
        [0, 1, 2, 3, null, false],
        [0, 1, 1, 4, null, false],
        [0, 1, 0, 5, null, false],
        [0, 1, 0, 5, 1, true],
        [3000, 1, 2, 3, null, false],
        [3100, 1, 1, 3.9, null, false],
        [4000, 1, 1, 4, null, false],
        [8000, 1, 4, 1, null, false],
        [9500, 1, 4, 1, null, false],
        [9500, 0, 4, 1, null, false],
        [9500, 2, 2, 3, null, false],
        [9500, 5, 2, 3, 3, true],
        [15000, 6, 5, 0, null, true],
      ];
      const play = async (algorithm: string): Promise<void> => {
        const cost = { selector: "header:x-volume", min: 0 };
        const limit = { algorithm, requests: 1, per: "1s", burst: 5, cost };
        await using proxy = await start({ downstream, config: one(limit, { headers: "x-ratelimit" }) });
        const wait = waiting(proxy);
        for (const [index, [at, volume, remaining, reset, retry, limited]] of rows.entries()) {
          await wait.until(at);
          const answer = await proxy.request({ headers: { "x-volume": `${volume}` } });
          assert.deepEqual(
            [
              answer.status === 429,
              field(answer, "x-ratelimit-limit"),
              field(answer, "x-ratelimit-remaining"),
              field(answer, "x-ratelimit-reset"),
              field(answer, "retry-after"),
            ],
            [limited, "5", `${remaining}`, `${Math.ceil(reset)}`, retry === null ? null : `${retry}`],
            `${algorithm}, row ${index}`,
          );
        }
      };
      await Promise.all(["gcra", "tokenBucket"].map(play));
    });

    test("RL-35: the windows: fixed and sliding, at their edges", async () => {
      const limit = { requests: 10, per: "4s" };
      {
        await using proxy = await start({
          downstream,
          config: one({ algorithm: "fixedWindow", ...limit }),
        });
        const t = Number(/t=(\d+)/.exec(field(await proxy.request(), "ratelimit")!)![1]);
        // To the beginning of the next window.
        await proxy.advance(t * 1000 + 5);
        // The window began up to a second ago: t is rounded up.
        assert.equal(await passed(proxy, 15), 10);
        const left = Number(/t=(\d+)/.exec(field(await proxy.request(), "ratelimit")!)![1]);
        await proxy.advance((left - 1) * 1000 - 100);
        assert.equal(await passed(proxy, 1), 0);
        await proxy.advance(1_100);
        assert.equal(await passed(proxy, 15), 10);
      }
      {
        await using proxy = await start({
          downstream,
          config: one({ algorithm: "slidingWindow", ...limit }),
        });
        await proxy.request();
        const t = Number(/t=(\d+)/.exec(field(await proxy.request(), "ratelimit")!)![1]);
        // All of it has gone when two windows have.
        await waiting(proxy).until(t * 1000 + 1000);
        assert.equal(await passed(proxy, 15), 10);
        const refused = await proxy.request();
        const after = Number(field(refused, "retry-after"));
        // It is rounded up: a second and a half before is too early for sure.
        const early = Math.max(0, after * 1000 - 1500);
        await proxy.advance(early);
        assert.equal(await passed(proxy, 1), 0, "before Retry-After");
        await proxy.advance(after * 1000 - early);
        assert.equal(await passed(proxy, 1), 1, "at Retry-After");
      }
    });

    test("RL-15: a new configuration keeps the counts; another name begins anew", async () => {
      await using proxy = await start({ downstream, config: one({ key: ["header:x-key"] }) });
      assert.equal(await passed(proxy, 2, key("a")), 2);
      await proxy.reconfigure(one({ key: ["header:x-key"], requests: 4 }));
      const more = await passed(proxy, 5, key("a"));
      assert.ok(more >= 1 && more <= 2, `${more}`);
      assert.equal(await passed(proxy, 5, key("a")), 0);
      await proxy.reconfigure(one({ name: "next", key: ["header:x-key"] }));
      assert.equal(await passed(proxy, 5, key("a")), 3);
    });

    test("RL-19: counted once when Envoy tries again", async () => {
      let tries = 0;
      await using proxy = await start({
        downstream,
        config: one(),
        upstream: () => (++tries < 3 ? { status: 503 } : {}),
        route: { retries: 3 },
      });
      const retried = await proxy.request();
      assert.deepEqual([retried.status, tries], [200, 3]);
      assert.match(field(retried, "ratelimit")!, /r=2/);
    });

    test("RL-19: counted once when Envoy redirects it", async () => {
      const limits = [
        { name: "all", requests: 10, per: "12m" },
        { name: "second", match: { sel: "path", exact: "/second" }, requests: 10, per: "12m" },
        {
          name: "third",
          match: { sel: "path", exact: "/third" },
          requests: 10,
          per: "12m",
          algorithm: "slidingWindow",
        },
        { name: "busy", algorithm: "concurrency", requests: 10 },
      ];
      const next: Record<string, string> = { "/first": "/second", "/second": "/third" };
      const upstream: UpstreamHandler = ({ path }) =>
        next[path] ? { status: 302, headers: { location: `http://example.test${next[path]}` } } : {};
      await using proxy = await start({ downstream, config: { limits }, upstream, route: { internalRedirects: 3 } });
      for (let i = 1; i <= 3; i++) {
        const redirected = await proxy.request({ path: "/first" });
        assert.deepEqual([redirected.status, redirected.upstream?.path], [200, "/third"]);
        const left = field(redirected, "ratelimit")!.replaceAll(/;t=\d+/g, "");
        assert.equal(left, `"all";r=${10 - i}, "third";r=${10 - i}, "busy";r=9`);
      }
      const metrics = await proxy.metrics();
      for (const limit of ["all", "second", "third"])
        assert.equal(metrics.counter(labelled("meshwasm_rate_limit_allowed", { limit })), 3, limit);
      // What comes behind them is counted again.
      assert.match(field(await proxy.request({ path: "/x" }), "ratelimit")!, /"all";r=6/);
    });

    test("RL-31: the scope worker", async () => {
      for (const algorithm of TIMED) {
        await using proxy = await start({
          downstream,
          config: one({ algorithm, scope: "worker", key: ["header:x-key"] }),
        });
        assert.equal(await passed(proxy, 6, key("a")), 3);
        assert.equal(await passed(proxy, 6, key("b")), 3);
      }
    });
  });
}

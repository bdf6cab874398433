import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { needing, type EnvoyObject, type ProxyOptions } from "meshwasm/testing";
import { Subject } from "./support.js";

const set = (name: string, value: string, when?: unknown) => ({ op: "set", name, value, ...(when ? { when } : {}) });
const identity = fileURLToPath(new URL("identity", import.meta.url));
const hello = fileURLToPath(new URL("../../../examples/hello", import.meta.url));
const onEnvoy = needing(test, ["envoy"]);
const FILTERS = "type.googleapis.com/envoy.extensions.filters.http";

async function using(options: ProxyOptions, run: (subject: Subject) => Promise<void>): Promise<void> {
  const subject = await Subject.start(options);
  try {
    await run(subject);
  } finally {
    await subject.close();
  }
}

/** Changes the connection manager's routes. */
function withRoutes(change: (virtualHost: EnvoyObject) => void): (bootstrap: EnvoyObject) => EnvoyObject {
  return (bootstrap) => {
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      const hosts = (value as { virtual_hosts?: EnvoyObject[] }).virtual_hosts;
      if (hosts?.length) change(hosts[0]!);
      else Object.values(value).forEach(visit);
    };
    visit(bootstrap);
    return bootstrap;
  };
}

for (const position of ["before", "after"] as const) {
  // Envoy asks no Wasm filter about the answer to a request that it has not shown it.
  const changed = position === "after";
  test(`HD-15: local replies of a filter ${changed ? "behind are" : "in front are not"} changed`, () =>
    using(
      {
        plugins: [{ filter: hello, config: { greeting: "hi", blockedPath: "/private" }, position }],
        config: { response: [set("x-status", "${status}"), set("x-path", "<${path}>")] },
      },
      async ({ proxy }) => {
        const blocked = await proxy.request({ path: "/private" });
        assert.equal(blocked.upstream, null);
        assert.equal(blocked.status, 403);
        assert.equal(blocked.headers.get("x-status"), changed ? "403" : null);
        assert.equal(blocked.headers.get("x-path"), changed ? "</private>" : null);
        const other = await proxy.request({ path: "/open" });
        assert.equal(other.headers.get("x-path"), "</open>");
      },
    ));
}

test("HD-15: the filter's own refusal is changed, too, and is a gRPC status for gRPC", () =>
  using({ config: { path: [{ replace: "${header:x-a|none}" }], response: [set("x-b", "1")] } }, async ({ proxy }) => {
    const refused = await proxy.request({ headers: { "x-a": "no path" } });
    assert.equal(refused.status, 400);
    assert.equal(refused.headers.get("x-b"), "1");
    assert.ok(!refused.text().includes("no path"));
    const call = { method: "POST", headers: { "x-a": "no path", "content-type": "application/grpc" } };
    const grpc = await proxy.request(call);
    assert.equal(grpc.status, 200);
    assert.equal(grpc.headers.get("grpc-status"), "3");
  }));

onEnvoy("HD-15: answers of Envoy's own filters and of its router are changed", () =>
  using(
    {
      config: { response: [set("x-a", "${status}"), { op: "remove", name: "x-gone" }] },
      nativeFilters: {
        after: [
          {
            name: "fault",
            typed_config: {
              "@type": `${FILTERS}.fault.v3.HTTPFault`,
              abort: { http_status: 418, percentage: { numerator: 100 } },
              headers: [{ name: "x-fault", exact_match: "1" }],
            },
          },
        ],
      },
    },
    async (subject) => {
      const fault = await subject.proxy.request({ headers: { "x-fault": "1" } });
      assert.equal(fault.status, 418);
      assert.equal(fault.headers.get("x-a"), "418");
      subject.answer = { reset: true };
      const reset = await subject.proxy.request({});
      assert.equal(reset.status, 503);
      assert.equal(reset.headers.get("x-a"), "503");
    },
  ),
);

onEnvoy("HD-18: an internal redirect and a retry get the same result again", () =>
  using(
    {
      config: {
        request: [set("x-set", "1"), { op: "remove", name: "x-gone" }, { op: "setIfAbsent", name: "x-if", value: "1" }],
        path: [{ prefix: "/public", with: "/internal" }],
        originalPath: "x-original-path",
      },
      patch: withRoutes((host) => {
        const [route] = host["routes"] as { route: EnvoyObject }[];
        route!.route["internal_redirect_policy"] = { max_internal_redirects: 1 };
        route!.route["retry_policy"] = { retry_on: "5xx", num_retries: 1 };
      }),
    },
    async (subject) => {
      const { proxy } = subject;
      let answers: object[] = [];
      Object.defineProperty(subject, "answer", { get: () => answers.shift() ?? {} });
      answers = [{ status: 302, headers: { location: "http://example.test/public/b" } }, {}];
      const redirected = await proxy.request({ path: "/public/a", headers: { "x-gone": "1" } });
      assert.equal(redirected.status, 200);
      assert.equal(redirected.upstream?.path, "/internal/b");
      answers = [{ status: 500 }, {}];
      const retried = await proxy.request({ path: "/public/c", headers: { "x-gone": "1" } });
      assert.equal(retried.status, 200);
      assert.equal(retried.upstream?.path, "/internal/c");
      for (const { upstream } of [redirected, retried]) {
        assert.deepEqual(upstream?.headers.all("x-set"), ["1"]);
        assert.deepEqual(upstream?.headers.all("x-if"), ["1"]);
        assert.equal(upstream?.headers.has("x-gone"), false);
      }
    },
  ),
);

onEnvoy("HD-19: the route is chosen by what rules have made, and only once", () =>
  using(
    {
      config: {
        request: [set("x-version", "2", { sel: "cookie:beta", exact: "1" }), set("x-route", "${route}")],
        path: [
          { prefix: "/a", with: "/b" },
          { prefix: "/c", with: "/a" },
        ],
        response: [set("x-route", "${route}"), set("x-vhost", "${virtualHost}")],
      },
      patch: withRoutes((host) => {
        const [route] = host["routes"] as EnvoyObject[];
        const direct = (name: string, match: EnvoyObject): EnvoyObject => ({
          name,
          match,
          direct_response: { status: 200, body: { inline_string: name } },
        });
        host["routes"] = [
          direct("v2", { prefix: "/", headers: [{ name: "x-version", string_match: { exact: "2" } }] }),
          direct("a", { prefix: "/a" }),
          direct("b", { prefix: "/b" }),
          { ...route, name: "rest" },
        ];
      }),
    },
    async ({ proxy }) => {
      for (const [path, cookie, name] of [
        ["/a/x", "", "b"],
        ["/c/x", "", "a"],
        ["/b", "", "b"],
        ["/a", "beta=1", "v2"],
        ["/z", "", "rest"],
      ] as const) {
        const response = await proxy.request({ path, headers: cookie ? { cookie } : {} });
        assert.equal(response.headers.get("x-route"), name, path);
        assert.equal(response.headers.get("x-vhost"), "all");
        if (name !== "rest") assert.equal(response.text(), name);
        // A rule sees the route that was there when it ran: that of the request as it came.
        else assert.equal(response.upstream?.headers.get("x-route"), "rest");
      }
    },
  ),
);

test("HD-26: selectors of an identity that another filter has found", () =>
  using(
    {
      plugins: [{ filter: identity, position: "before" }],
      config: {
        request: [
          set("x-identity", "${identity}"),
          set("x-group", "${group}"),
          set("x-sub", "${claim:sub}"),
          set("x-n", "${claim:n} ${claim:ok}"),
          set("x-list", "${claim:a.b}"),
          set("x-none", "${claim:a.c}${claim:a}"),
          set("x-line", "${claim:line}"),
          set("x-admin", "1", { sel: "group", exact: "admin" }),
        ],
        response: [set("x-identity", "${identity}")],
      },
    },
    async (subject) => {
      const response = await subject.proxy.request({ headers: { "x-identity": "root" } });
      const headers = response.upstream!.headers;
      assert.deepEqual(headers.all("x-identity"), ["ann"]);
      assert.equal(headers.get("x-group"), "admin, staff");
      assert.equal(headers.get("x-sub"), "ann");
      assert.equal(headers.get("x-n"), "7 true");
      assert.equal(headers.get("x-list"), "x, y, 1");
      assert.equal(headers.get("x-none"), "");
      assert.equal(headers.get("x-line"), "1  set-cookie: e=1");
      assert.equal(headers.get("x-admin"), "1");
      assert.equal(response.headers.get("x-identity"), "ann");
    },
  ));

onEnvoy("HD-26: dynamic metadata", () =>
  using(
    {
      config: { request: [set("x-m", "${metadata:envoy.lb/canary}")] },
      nativeFilters: {
        before: [
          {
            name: "set_metadata",
            typed_config: {
              "@type": `${FILTERS}.set_metadata.v3.Config`,
              metadata: [{ metadata_namespace: "envoy.lb", value: { canary: "yes" } }],
            },
          },
        ],
      },
    },
    async ({ proxy }) => {
      const { upstream } = await proxy.request({});
      assert.equal(upstream?.headers.get("x-m"), "yes");
    },
  ),
);

const RULES = {
  request: [set("x-a", "1", { sel: "header:x-hit", present: true })],
  path: [{ replace: "${header:x-path|none}", when: { sel: "header:x-path", present: true } }],
  host: [{ replace: "other.test", when: { sel: "header:x-hit", present: true } }],
  originalPath: "x-original-path",
  response: [set("x-b", "1")],
};
const COUNTER = (result: string) => `meshwasm_header_rewrite_messages.result=.=${result};.;`;

test("HD-28: shadow changes nothing and counts; off does neither", () =>
  using({ config: { ...RULES, mode: "shadow" }, logLevel: "debug" }, async ({ proxy }) => {
    const headers = { "x-hit": "1", "x-a": "client", "x-original-path": "client" };
    const input = { headers, path: "/p?q" };
    for (const mode of ["shadow", "off"]) {
      await proxy.reconfigure({ ...RULES, mode });
      for (const more of [{}, { "x-path": "no path" }] as Record<string, string>[]) {
        const response = await proxy.request({ ...input, headers: { ...headers, ...more } });
        assert.equal(response.status, 200);
        assert.equal(response.upstream?.path, "/p?q");
        assert.equal(response.upstream?.authority, "example.test");
        assert.deepEqual(response.upstream?.headers.all("x-a"), ["client"]);
        assert.deepEqual(response.upstream?.headers.all("x-original-path"), ["client"]);
        assert.equal(response.headers.has("x-b"), false);
      }
    }
    const metrics = await proxy.metrics();
    // A request and two responses; the other request would have been refused.
    assert.equal(metrics.counter(COUNTER("shadow")), 3);
    assert.equal(metrics.counter(COUNTER("refused")), 1);
    assert.equal(metrics.counter(COUNTER("changed")), null);
    const logged = proxy.logs().map(({ message }) => message);
    assert.ok(logged.includes("shadow: $.request[0] would act"), logged.join("\n"));
    assert.ok(!logged.join("\n").includes("client"));
  }));

test("HD-32: messages are counted", () =>
  using({ config: RULES }, async ({ proxy }) => {
    await proxy.request({});
    await proxy.request({ headers: { "x-hit": "1" } });
    await proxy.request({ headers: { "x-path": "no path" } });
    const metrics = await proxy.metrics();
    // Three responses and a request.
    assert.equal(metrics.counter(COUNTER("changed")), 4);
    assert.equal(metrics.counter(COUNTER("refused")), 1);
    assert.equal(metrics.counter(COUNTER("shadow")), null);
  }));

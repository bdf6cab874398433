import assert from "node:assert/strict";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { labelled, needing, statsTags, type EnvoyObject, type UpstreamResponse } from "meshwasm/testing";
import { counted, DOWNSTREAM, recorded, start, within } from "./support.js";
import { admin, compareCounters } from "./traffic.js";

const hello = fileURLToPath(new URL("../../../examples/hello", import.meta.url));
const onEnvoy = needing(test, ["envoy"]);
const own = (labels: object) => ({
  metrics: [
    { name: "n", type: "counter", labels },
    { name: "d", type: "histogram", value: { field: "duration" } },
  ],
});
const FLAGS = { flags: { field: "responseFlags" }, code: { field: "code" } };

for (const downstream of DOWNSTREAM) {
  test(`TM-6, TM-11: a request that the client resets is counted, with duration and flag (${downstream})`, async () => {
    await using proxy = await start({ downstream, config: own(FLAGS), upstream: () => ({ delay: 4000 }) });
    const control = new AbortController();
    const request = proxy.request({ signal: control.signal });
    setTimeout(() => control.abort(new Error("given up")), 150);
    await assert.rejects(request, /given up/);
    await recorded(proxy, "d");
    const { counters } = (await proxy.metrics()).toJSON();
    // Envoy 1.40 tells a reset of HTTP/2 (DR) from a lost connection (DC).
    assert.match(Object.keys(counters).join(), /^n\.code=\.=0;\.;flags=\.=(DC|DR);\.;$/);
    if (proxy.host === "envoy") assert.ok(within(await recorded(proxy, "d"), 100, 3000));
  });

  test(`TM-9: what an earlier filter answers is counted (${downstream})`, async () => {
    const blocker = { filter: hello, config: { blockedPath: "/private" }, position: "before" } as const;
    await using proxy = await start({ downstream, config: own(FLAGS), plugins: [blocker] });
    assert.equal((await proxy.request({ path: "/private" })).status, 403);
    await proxy.request();
    assert.equal(await counted(proxy, "n", { code: "403", flags: "-" }), 1);
    assert.equal(await counted(proxy, "n", { code: "200", flags: "-" }), 1);
  });

  test(`TM-11: an upstream that resets (${downstream})`, async () => {
    await using proxy = await start({ downstream, config: own(FLAGS), upstream: () => ({ reset: true }) });
    await proxy.request();
    await recorded(proxy, "d");
    assert.equal(await counted(proxy, "n", { code: "503", flags: "UC" }), 1);
  });
}

test("TM-10: counts go on when the module is configured again", async () => {
  await using proxy = await start({ config: own({}) });
  for (let i = 0; i < 3; i++) {
    await proxy.request();
    await proxy.reconfigure({ ...own({}), maxSeries: 10 + i });
  }
  assert.equal(await counted(proxy, "n", {}, 3), 3);
});

/** Sends requests to another server. */
function upstreamAt(port: number): (bootstrap: EnvoyObject) => EnvoyObject {
  return (bootstrap) => {
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      const { name, load_assignment } = value as { name?: string; load_assignment?: unknown };
      if (name === "upstream" && load_assignment) {
        const text = JSON.stringify(load_assignment).replace(/"port_value":\d+/g, `"port_value":${port}`);
        (value as { load_assignment: unknown }).load_assignment = JSON.parse(text);
      } else Object.values(value).forEach(visit);
    };
    visit(bootstrap);
    return bootstrap;
  };
}

onEnvoy("TM-5: the duration of a response that streams is that of the whole", async () => {
  const server = http.createServer((_req, res) => {
    res.write("one");
    setTimeout(() => res.end("two"), 300);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await using proxy = await start({ config: own({}), patch: upstreamAt(port) });
    assert.equal((await proxy.request()).text(), "onetwo");
    assert.ok(within(await recorded(proxy, "d"), 250, 3000));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

onEnvoy("TM-7: a request that times out is counted (408)", async () => {
  const patch = (bootstrap: EnvoyObject): EnvoyObject =>
    JSON.parse(
      JSON.stringify(bootstrap).replace('"stat_prefix"', '"request_timeout":"0.3s","stat_prefix"'),
    ) as EnvoyObject;
  await using proxy = await start({ config: own(FLAGS), patch });
  const { host, port } = await listener(proxy);
  const status = await new Promise<number>((resolve, reject) => {
    const request = http.request({
      host,
      port,
      method: "POST",
      headers: { host: "example.test", "content-length": "10" },
    });
    request.on("response", (response) => resolve(response.statusCode ?? 0)).on("error", reject);
    request.write("1");
  });
  assert.equal(status, 408);
  await recorded(proxy, "d");
  assert.match(Object.keys((await proxy.metrics()).toJSON().counters).join(), /code=\.=408/);
});

async function listener(proxy: Awaited<ReturnType<typeof start>>): Promise<{ host: string; port: number }> {
  const { body } = await admin(proxy, "/listeners?format=json");
  const { listener_statuses } = JSON.parse(body) as {
    listener_statuses: { local_address: { socket_address: { address: string; port_value: number } } }[];
  };
  const { address, port_value } = listener_statuses[0]!.local_address.socket_address;
  return { host: address, port: port_value };
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The text format of Prometheus, strictly. */
function parsePrometheus(text: string): Sample[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*",?)*)\} (\S+)$/.exec(
        line,
      );
      assert.ok(match, `no line of Prometheus: ${line}`);
      const labels = [...match[2]!.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)].map((m) => [
        m[1]!,
        m[2]!,
      ]);
      return { name: match[1]!, labels: Object.fromEntries(labels) as Record<string, string>, value: Number(match[3]) };
    });
}

onEnvoy("TM-17: Prometheus reads it: names, labels, values", async () => {
  const patch = (bootstrap: EnvoyObject): EnvoyObject => ({
    ...bootstrap,
    stats_config: { stats_tags: statsTags("verb", "endpoint", "http_code", "tenant") },
  });
  const config = {
    presets: ["red"],
    routes: ["/users/{id}"],
    labels: { tenant: "${header:x-tenant|default=none}" },
  };
  let answer: UpstreamResponse = {};
  await using proxy = await start({ config, patch, upstream: () => answer });
  for (const [status, tenant] of [
    [200, 'a"b\n'.trim()],
    [500, "c;.;code=.=7;.;"],
  ] as const) {
    answer = { status };
    await proxy.request({ path: "/users/1", headers: { "x-tenant": tenant } });
  }
  await recorded(proxy, "x", {}, 0);
  let samples: Sample[] = [];
  for (let tries = 0; tries < 40 && samples.filter(({ name }) => name === "meshwasm_requests").length < 2; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    samples = parsePrometheus((await admin(proxy, "/stats/prometheus?filter=meshwasm_")).body);
  }
  const of = (name: string): Sample[] => samples.filter((sample) => sample.name === name);
  assert.deepEqual(
    of("meshwasm_requests").map(({ labels, value }) => ({ ...labels, value })),
    [
      { endpoint: "/users/*", http_code: "200", tenant: "a_b", verb: "GET", value: 1 },
      { endpoint: "/users/*", http_code: "500", tenant: "c_._code_._7_._", verb: "GET", value: 1 },
    ],
  );
  assert.deepEqual(
    of("meshwasm_errors").map(({ labels }) => labels["http_code"]),
    ["500"],
  );
  const counts = of("meshwasm_request_duration_milliseconds_count");
  assert.equal(
    counts.reduce((sum, { value }) => sum + value, 0),
    2,
  );
  assert.ok(of("meshwasm_request_duration_milliseconds_bucket").some(({ labels }) => labels["le"] === "+Inf"));
});

for (const downstream of DOWNSTREAM) {
  onEnvoy(`TM-18: Envoy's own counters say the same (${downstream})`, async () => {
    let next = 0;
    const { ours, envoys, kinds } = await compareCounters(downstream, 48, (n) => next++ % n, hello);
    assert.ok(Object.keys(kinds).length >= 12);
    assert.deepEqual(ours, envoys);
    assert.ok(ours["reset"]! > 0 && ours["5xx"]! > 0);
  });
}

test("TM-13: the presets: names and labels", async () => {
  await using proxy = await start({ config: { presets: ["red", "otel", "istio"] } });
  await proxy.request();
  const method = { http_request_method: "GET", url_scheme: "http" };
  const otel = {
    ...method,
    http_response_status_code: "200",
    http_route: "unknown",
    network_protocol_version: "1.1",
    error_type: "none",
  };
  assert.equal((await recorded(proxy, "http_server_request_duration_milliseconds", otel))?.count, 1);
  for (const name of ["http_server_request_body_size_bytes", "http_server_response_body_size_bytes"])
    assert.equal((await recorded(proxy, name, otel))?.count, 1, name);
  assert.equal(await counted(proxy, "meshwasm_requests", { verb: "GET", endpoint: "unknown", http_code: "200" }), 1);
  assert.equal(
    (await recorded(proxy, "meshwasm_request_duration_milliseconds", { verb: "GET", endpoint: "unknown" }))?.count,
    1,
  );
  const peer = (side: string): Record<string, string> => ({
    [`${side}_workload`]: "unknown",
    [`${side}_workload_namespace`]: "unknown",
    [`${side}_principal`]: "unknown",
    [`${side}_app`]: "unknown",
    [`${side}_version`]: "unknown",
  });
  const unknown = (...names: string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, "unknown"]));
  const istio = {
    reporter: "destination",
    ...peer("source"),
    ...unknown("source_canonical_service", "source_canonical_revision"),
    ...peer("destination"),
    ...unknown(
      "destination_service",
      "destination_service_name",
      "destination_service_namespace",
      "destination_canonical_service",
    ),
    destination_canonical_revision: "latest",
    request_protocol: "http",
    response_code: "200",
    grpc_response_status: "",
    response_flags: "-",
    connection_security_policy: "none",
  };
  assert.deepEqual(
    Object.keys((await proxy.metrics()).toJSON().counters).filter((name) => name.startsWith("istio_")),
    [labelled("istio_requests_total", istio)],
  );
  for (const name of ["istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"])
    assert.equal((await recorded(proxy, name, istio))?.count, 1, name);
});

onEnvoy("TM-13: Istio's labels from the node's metadata and the cluster's name", async () => {
  const patch = (bootstrap: EnvoyObject): EnvoyObject => {
    const metadata = {
      WORKLOAD_NAME: "web-v1",
      NAMESPACE: "shop",
      LABELS: { app: "web", version: "v1", "service.istio.io/canonical-name": "web" },
    };
    return { ...bootstrap, node: { ...(bootstrap["node"] as object | undefined), id: "n", cluster: "c", metadata } };
  };
  await using proxy = await start({ config: { presets: ["istio"] }, patch });
  await proxy.request();
  await recorded(proxy, "x", {}, 0);
  for (let tries = 0; tries < 40; tries++) {
    const [name] = Object.keys((await proxy.metrics()).toJSON().counters).filter((each) => each.startsWith("istio_"));
    if (name) {
      for (const part of [
        "destination_workload=.=web-v1;",
        "destination_workload_namespace=.=shop;",
        "destination_app=.=web;",
        "destination_version=.=v1;",
        "destination_canonical_service=.=web;",
      ])
        assert.ok(name.includes(part), name);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("nothing was counted");
});

onEnvoy("TM-9: a request that Envoy refuses while it reads it is counted, and logs nothing", async () => {
  const config = {
    metrics: [{ name: "n", type: "counter", labels: { a: "${header:x-a|default=none}", s: "${status|default=none}" } }],
  };
  await using proxy = await start({ config });
  const { host, port } = await listener(proxy);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = net.connect(port, host, () => socket.write("BREW / HTTP/1.1\r\nhost: a\r\n\r\n"));
    let text = "";
    socket.setEncoding("latin1").on("data", (data: string) => (text += data));
    socket.on("end", () => resolve(text)).on("error", reject);
  });
  assert.match(answer, /^HTTP\/1.1 400 /);
  await proxy.request({ headers: { "x-a": "1" } });
  assert.equal(await counted(proxy, "n", { a: "1", s: "200" }), 1);
  assert.deepEqual(
    proxy.logs().filter(({ level }) => level === "error"),
    [],
  );
});

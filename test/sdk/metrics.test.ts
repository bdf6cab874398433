import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { build } from "../../toolchain/build/index.js";
import type { EnvoyProxy } from "../../toolchain/hosts/envoy/index.js";
import { labelled, statsTags, type Proxy } from "../../toolchain/hosts/index.js";
import { ask, filter, startState } from "./state.js";

before(() => build(filter));

/** Series that the filter's counter may have. */
const MAX_SERIES = 10;

const counter = (path: string, code: string): string => labelled("state_requests", { path, code });

/** Prometheus lines of a metric, as a scraper gets them. */
async function scraped(proxy: Proxy, name: string): Promise<string[]> {
  const { body } = await (proxy as EnvoyProxy).admin("/stats/prometheus");
  return body.split("\n").filter((line) => line.startsWith(name));
}

const withTags = (...labels: string[]) =>
  startState({ patch: (bootstrap) => ({ ...bootstrap, stats_config: { stats_tags: statsTags(...labels) } }) });

describe("metrics", () => {
  it("each label is one of Prometheus, where the bootstrap or Istio extracts it", async () => {
    await using proxy = await withTags("path", "code");
    for (const [path, code] of [
      ["/a", "200"],
      ["/a", "200"],
      ["/a", "404"],
      ["/b.c/d", "200"],
      ["", "200"],
    ]) {
      assert.equal(await ask(proxy, "count", path, code), "0");
    }
    assert.deepEqual((await scraped(proxy, "state_requests")).sort(), [
      'state_requests{path="",code="200"} 1',
      'state_requests{path="/a",code="200"} 2',
      'state_requests{path="/a",code="404"} 1',
      'state_requests{path="/b.c/d",code="200"} 1',
    ]);
  });

  it("a value can neither become another label nor break a line of the scrape", async () => {
    await using proxy = await withTags("path", "code");
    const hostile = ["a;.;code=.=5", '"} 1', "\\", "é\xff", "a=.=b;.;path=.=c", "x|y:z#w,v", " ", ";.;"];
    for (const value of hostile) await ask(proxy, "count", value, "1");
    const lines = await scraped(proxy, "state_requests");
    for (const line of lines) assert.match(line, /^state_requests\{path="[\w\-./+~%*@!?&$()]*",code="1"\} [12]$/);
    const total = lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    assert.equal(total, hostile.length);
    const metrics = await proxy.metrics();
    assert.equal(metrics.counter(counter("a;.;code=.=5", "1")), 1);
    assert.equal(metrics.counter(counter('"} 1', "1")), 1);
  });

  it("has no more series than it may, and counts the rest together", async () => {
    await using proxy = await startState();
    for (let i = 0; i < 25; i++) await ask(proxy, "count", `p${i}`, "1");
    // Those that are there still count for themselves.
    await ask(proxy, "count", "p3", "1");
    const { counters } = (await proxy.metrics()).toJSON();
    const series = Object.entries(counters).filter(([name]) => name.startsWith("state_requests"));
    assert.equal(series.length, MAX_SERIES + 1);
    assert.equal(counters[counter("p3", "1")], 2);
    assert.equal(counters[counter("other", "other")], 25 - MAX_SERIES);
    assert.equal(await ask(proxy, "overflowed"), `${25 - MAX_SERIES}`);
  });

  it("values that differ only after 128 characters are one series", async () => {
    await using proxy = await startState();
    await ask(proxy, "count", `${"v".repeat(128)}1`, "1");
    await ask(proxy, "count", `${"v".repeat(128)}2`, "1");
    await ask(proxy, "count", `${"v".repeat(60_000)}`, "1");
    assert.equal((await proxy.metrics()).counter(counter("v".repeat(128), "1")), 3);
  });

  it("cleans names and label names, and takes four labels", async () => {
    await using proxy = await startState();
    assert.equal(await ask(proxy, "gauge", "1", "2"), "5 2 0");
    const name = labelled("state gauge", { "a-b": "1", c: "2", d: "x".repeat(200), e: "" });
    assert.equal(name, `state_gauge.a_b=.=1;.;c=.=2;.;d=.=${"x".repeat(128)};.;e=.=;.;`);
    assert.equal((await proxy.metrics()).gauge(name), 5);
  });

  it("histograms with labels are distributions of their own", async () => {
    await using proxy = await withTags("kind");
    for (const [kind, value] of [
      ["in", "1"],
      ["in", "30"],
      ["out", "700"],
    ] as const)
      await ask(proxy, "size", kind, value);
    const metrics = await proxy.metrics();
    assert.equal(metrics.histogram(labelled("state.sizes", { kind: "in" }))?.count, 2);
    assert.equal(metrics.histogram(labelled("state.sizes", { kind: "out" }))?.count, 1);
    const buckets = await scraped(proxy, "state_sizes_bucket");
    assert.ok(buckets.includes('state_sizes_bucket{kind="in",le="25"} 1'), buckets.join("\n"));
    assert.ok(buckets.includes('state_sizes_bucket{kind="out",le="1000"} 1'), buckets.join("\n"));
  });

  it("changes of metrics that are there allocate nothing", async () => {
    await using proxy = await startState();
    const bytes = Number(await ask(proxy, "allocates"));
    // The object that says how much it is, and no byte for 3,000 changes.
    assert.ok(bytes < 100, `${bytes} bytes`);
  });

  it("all VMs and all configurations count in one, and one name can be of three types", async () => {
    await using proxy = await startState({ concurrency: 3 });
    await Promise.all(Array.from({ length: 30 }, () => ask(proxy, "count", "a", "b")));
    await proxy.reconfigure("{ }");
    await ask(proxy, "count", "a", "b");
    assert.equal((await proxy.metrics()).counter(counter("a", "b")), 31);
    assert.equal(await ask(proxy, "type"), "000");
    const metrics = await proxy.metrics();
    assert.equal(metrics.counter("state_same"), 1);
    assert.equal(metrics.gauge("state_same"), 2);
    assert.equal(metrics.histogram("state_same")?.count, 1);
  });

  it("where the host lets nothing be defined, each call says so", async () => {
    const all = ["proxy_log", "proxy_get_log_level", "proxy_get_header_map_pairs", "proxy_send_local_response"];
    const callbacks = ["proxy_on_context_create", "proxy_on_configure", "proxy_on_request_headers", "proxy_on_delete"];
    await using proxy = await startState({ capabilities: [...all, ...callbacks, "proxy_get_property"] });
    assert.equal(await ask(proxy, "count", "a", "b"), "10");
    assert.equal(await ask(proxy, "count", "a", "b"), "10");
    assert.equal(await ask(proxy, "own/get", "", "k"), "10 null 0");
    assert.equal(await ask(proxy, "enqueue", "a", "1"), "10");
  });
});

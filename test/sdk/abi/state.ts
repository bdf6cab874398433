/* Shared data, queues, metrics, properties, foreign functions, environment, DNS. */

import assert from "node:assert/strict";
import { until, type Bench, type Scenarios } from "./bench.js";

/** The first line that the scenario's request has logged. */
async function first(bench: Bench, path: string): Promise<string> {
  return (await bench.send(path)).logs[0]!;
}

/** The queue's wake-up comes on its own, on the thread that has registered it last. */
async function woken(bench: Bench, path: string): Promise<void> {
  await using proxy = await bench.start();
  await bench.send(path, {}, proxy);
  await until(() => proxy.logs().some((line) => line.message === "woken by own: one,two"));
}

async function resolved(bench: Bench, path: string): Promise<void> {
  await using proxy = await bench.start();
  const { logs } = await bench.send(path, {}, proxy);
  assert.match(logs[0]!, /^asked [1-9]\d*$/);
  await until(() => proxy.logs().some((line) => line.message === "resolved 127.0.0.1 0"));
  // Envoy answers inside the call; the filter gets it after the callback.
  const lines = proxy.logs().map((line) => line.message);
  assert.ok(lines.indexOf("resolved 127.0.0.1 0") > lines.indexOf(logs[0]!));
}

export const STATE: Scenarios = {
  async proxy_set_property(bench) {
    assert.equal(await first(bench, "proxy_set_property"), "0 value 2");
  },

  async proxy_get_shared_data(bench) {
    assert.equal(await first(bench, "proxy_get_shared_data"), "none 1, 0 value");
  },

  async proxy_set_shared_data(bench) {
    // Overwritten, refused by number, created once.
    assert.equal(await first(bench, "proxy_set_shared_data"), "0 0 8 b, 0 8");
  },

  async proxy_register_shared_queue(bench) {
    assert.match(await first(bench, "proxy_register_shared_queue"), /^0 [1-9]\d*$/);
  },

  async proxy_resolve_shared_queue(bench) {
    assert.equal(await first(bench, "proxy_resolve_shared_queue"), "1 0 same");
  },

  async proxy_enqueue_shared_queue(bench) {
    assert.equal(await first(bench, "proxy_enqueue_shared_queue"), "0 0 one two 7");
  },

  async proxy_dequeue_shared_queue(bench) {
    assert.equal(await first(bench, "proxy_dequeue_shared_queue"), "7 1");
  },

  proxy_on_queue_ready: (bench) => woken(bench, "proxy_on_queue_ready"),

  async proxy_define_metric(bench) {
    const proxy = await bench.proxy();
    assert.equal((await proxy.metrics()).counter("abi_defined"), null);
    assert.equal(await first(bench, "proxy_define_metric"), "0");
    assert.equal((await proxy.metrics()).counter("abi_defined"), 0);
  },

  async proxy_increment_metric(bench) {
    const proxy = await bench.proxy();
    await bench.send("proxy_increment_metric");
    const metrics = await proxy.metrics();
    assert.equal(metrics.counter("abi_counter"), 4);
    assert.equal(metrics.gauge("abi_gauge"), 7);
  },

  async proxy_record_metric(bench) {
    const proxy = await bench.proxy();
    await bench.send("proxy_record_metric");
    assert.equal((await proxy.metrics()).gauge("abi_recorded"), 12);
    assert.equal((await proxy.metrics()).histogram("abi_histogram")?.count, 2);
  },

  async proxy_get_metric(bench) {
    assert.equal(await first(bench, "proxy_get_metric"), "5 9");
  },

  async proxy_call_foreign_function(bench) {
    assert.equal(await first(bench, "proxy_call_foreign_function"), "0 hello, hello 1");
  },

  async environ_sizes_get(bench) {
    assert.equal(await first(bench, "environ_sizes_get"), "");
    await using proxy = await bench.start("first", { env: { ONE: "1", TWO: "two=2" } });
    // Envoy keeps them in no order.
    const names = (await bench.send("environ_sizes_get", {}, proxy)).logs[0]!.split(",");
    assert.deepEqual(names.sort(), ["ONE", "TWO"]);
  },

  async environ_get(bench) {
    await using proxy = await bench.start("first", { env: { ONE: "1", TWO: "two=2", EMPTY: "", LIGHT: "é" } });
    assert.equal((await bench.send("environ_get", {}, proxy)).logs[0], "1|two=2||é|none");
  },

  envoy_resolve_dns: (bench) => resolved(bench, "envoy_resolve_dns"),
  envoy_on_resolve_dns: (bench) => resolved(bench, "envoy_on_resolve_dns"),
};

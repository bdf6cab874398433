/* What a filter of shared state, metrics and DNS asks of its host, counted: how often, and in which order. */

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { HOST_FUNCTIONS } from "../../toolchain/build/abi.js";
import { moduleOf } from "./program.js";

const SOURCE = `
import { Counter, DnsAnswer, env, Gauge, Histogram, Labelled, log, NoConfig, Plugin, property, registerHttpFilter, HttpFilter, SharedData } from "meshwasm/sdk";
class P extends Plugin<NoConfig> {
  private plain: Counter = new Counter("plain");
  private gauge: Gauge = new Gauge("gauge");
  private histogram: Histogram = new Histogram("histogram");
  private labelled: Labelled<Counter> = new Labelled<Counter>("labelled", ["a", "b"]);
  private shared: SharedData = new SharedData("x");
  onTick(): void {
    this.plain.increment();
    this.plain.increment(0);
    this.gauge.set(0);
    this.gauge.add(0);
    this.gauge.add(-1);
    this.histogram.record(0);
    this.labelled.of("x", "y").increment();
    this.labelled.of("x", "y").increment(0);
  }
  onQueueReady(id: u32): void {
    if (id == 1) this.shared.get("k");
    if (id == 2) env.get("A");
    if (id == 3) property.request.path();
    if (id == 4) log.info(this.resolveDns("a.test").toString());
  }
  onResolveDns(token: u32, answer: DnsAnswer): void {
    log.info("answer " + token.toString());
    // As long as there are answers that ask again.
    if (token >= 90) this.resolveDns("again.test");
  }
}
class F extends HttpFilter<P> {}
registerHttpFilter<F, P, NoConfig>();
`;

const ROOT = 1;
const OK = 0;

/** A host that writes down what it is asked. */
class Counting {
  calls: string[] = [];
  logs: string[] = [];
  /** Answers a DNS query within the call. */
  atOnce = false;
  token = 0;
  private readonly exports: Readonly<Record<string, (...values: number[]) => number>>;
  private readonly memory: WebAssembly.Memory;

  constructor(wasm: Uint8Array) {
    const module = new WebAssembly.Module(wasm as BufferSource);
    const functions = Object.fromEntries(
      HOST_FUNCTIONS.map(({ name }) => [
        name,
        (...values: number[]) => {
          if (name === "proxy_log") this.logs.push(this.text(values[1]!, values[2]!));
          else if (name !== "proxy_get_log_level") this.calls.push(name);
          if (name === "proxy_define_metric") this.number(values[3]!, this.calls.length);
          if (name === "envoy_resolve_dns") {
            this.number(values[2]!, ++this.token);
            if (this.atOnce) this.call("envoy_on_resolve_dns", ROOT, this.token, 0);
          }
          return OK;
        },
      ]),
    );
    const instance = new WebAssembly.Instance(module, { env: functions, wasi_snapshot_preview1: functions });
    this.exports = instance.exports as never;
    this.memory = instance.exports["memory"] as WebAssembly.Memory;
    this.exports["_initialize"]!();
    this.call("proxy_on_context_create", ROOT, 0);
  }

  call(name: string, ...values: number[]): number {
    return this.exports[name]!(...values);
  }

  /** Host functions that a callback has called. */
  during(name: string, ...values: number[]): string[] {
    this.calls = [];
    this.call(name, ...values);
    return this.calls;
  }

  private number(at: number, value: number): void {
    new DataView(this.memory.buffer).setUint32(at, value, true);
  }

  private text(at: number, length: number): string {
    return Buffer.from(this.memory.buffer, at, length).toString();
  }
}

let wasm: Uint8Array;
before(async () => {
  wasm = await moduleOf({ "assembly/index.ts": SOURCE });
});

describe("host calls", () => {
  const CHANGES = [
    "proxy_increment_metric",
    "proxy_record_metric",
    "proxy_increment_metric",
    "proxy_record_metric",
    "proxy_increment_metric",
  ];

  it("nothing is asked while the module and its objects are made", () => {
    const host = new Counting(wasm);
    assert.deepEqual(host.calls, []);
  });

  it("a metric is defined at its first use; then a change is one call, and one of 0 none", () => {
    const host = new Counting(wasm);
    assert.deepEqual(
      host.during("proxy_on_tick", ROOT),
      CHANGES.flatMap((name, i) => (i === 2 ? [name] : ["proxy_define_metric", name])),
    );
    assert.deepEqual(host.during("proxy_on_tick", ROOT), CHANGES);
    assert.deepEqual(host.during("proxy_on_tick", ROOT), CHANGES);
  });

  it("the plugin of the next configuration knows the numbers of its metrics", () => {
    const host = new Counting(wasm);
    host.call("proxy_on_tick", ROOT);
    host.call("proxy_on_context_create", 9, 0);
    assert.deepEqual(host.during("proxy_on_tick", 9), CHANGES);
  });

  it("the plugin's name is asked for once, the environment once, a property each time", () => {
    const host = new Counting(wasm);
    assert.deepEqual(host.during("proxy_on_queue_ready", ROOT, 1), ["proxy_get_property", "proxy_get_shared_data"]);
    assert.deepEqual(host.during("proxy_on_queue_ready", ROOT, 1), ["proxy_get_shared_data"]);
    assert.deepEqual(host.during("proxy_on_queue_ready", ROOT, 2), ["environ_sizes_get", "environ_get"]);
    assert.deepEqual(host.during("proxy_on_queue_ready", ROOT, 2), []);
    assert.deepEqual(host.during("proxy_on_queue_ready", ROOT, 3), ["proxy_get_property"]);
    assert.deepEqual(host.during("proxy_on_queue_ready", ROOT, 3), ["proxy_get_property"]);
  });
});

describe("DNS", () => {
  it("an answer that comes within the call waits for the callback's end", () => {
    const host = new Counting(wasm);
    host.atOnce = true;
    assert.deepEqual(host.during("proxy_on_queue_ready", ROOT, 4), [
      "envoy_resolve_dns",
      "proxy_set_effective_context",
    ]);
    assert.deepEqual(host.logs, ["1", "answer 1"]);
  });

  it("answers that ask again and are answered at once do not run for ever", () => {
    const host = new Counting(wasm);
    host.atOnce = true;
    host.token = 89;
    host.call("proxy_on_queue_ready", ROOT, 4);
    // What waits when a callback ends, and 64 that come up meanwhile; the rest goes on with the next one.
    assert.equal(host.logs.length, 1 + 65);
    host.call("proxy_on_queue_ready", ROOT, 9);
    assert.equal(host.logs.length, 1 + 130);
    assert.equal(host.logs.at(-1), "answer 219");
  });

  it("a plugin with a query in flight ends when it is answered: Envoy would answer it in freed memory", () => {
    const host = new Counting(wasm);
    host.call("proxy_on_queue_ready", ROOT, 4);
    host.call("proxy_on_queue_ready", ROOT, 4);
    assert.equal(host.call("proxy_on_done", ROOT), 0);
    assert.deepEqual(host.during("envoy_on_resolve_dns", ROOT, 2, 0), []);
    assert.deepEqual(host.during("envoy_on_resolve_dns", ROOT, 1, 0), ["proxy_done"]);
    assert.deepEqual(host.logs, ["1", "2", "answer 2", "answer 1"]);
    // Whoever answers again finds nobody.
    assert.deepEqual(host.during("envoy_on_resolve_dns", ROOT, 1, 0), []);
    host.call("proxy_on_delete", ROOT);
  });

  it("one without ends at once", () => {
    const host = new Counting(wasm);
    assert.equal(host.call("proxy_on_done", ROOT), 1);
  });
});

import http from "node:http";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PLAN } from "../../filters/metrics/test/plan.js";
import { admin, compareCounters } from "../../filters/metrics/test/traffic.js";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig, findEnvoy } from "../../toolchain/hosts/envoy/index.js";
import { createProxy } from "../../toolchain/hosts/index.js";
import { measure, type Plan } from "../bench/measure.js";
import { startEnvoy } from "../bench/proxy.js";
import { prepareRows, type Row } from "../bench/rows.js";
import { median, randomFrom } from "../bench/stats.js";
import { WORKLOADS } from "../bench/workloads.js";
import type { Section } from "./main.js";

const COMPARED = 3000;
const DISTINCT = 1_000_000;
const MAX_SERIES = 2000;
const CONNECTIONS = 16;
const COST: Plan = { rounds: 10, requests: 6000, passes: 6, connections: 2, batch: 8, warmUp: 5000, maxSeconds: 150 };
const folder = (path: string): string => join(import.meta.dirname, "../..", path);

/** metrics beside Envoy's own counters, with a million values of a label, and what it costs. */
export const metrics: Section = {
  name: "metrics",
  title: "metrics",
  async run() {
    const seed = 1 + Math.floor(Math.random() * 999_999_999);
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    say(`seed ${seed}`);
    const { wasm } = await build(folder("filters/metrics"));
    const hello = folder("examples/hello");
    const random = randomFrom(seed);
    const pick = (below: number): number => Math.floor(random() * below);
    const number = (value: number): string => value.toLocaleString("en-US");
    const rows: string[] = [];
    const kinds = new Set<string>();
    for (const downstream of ["http1", "http2"] as const) {
      const found = await compareCounters(downstream, COMPARED, pick, hello);
      say(`${downstream}: ${JSON.stringify(found)}`);
      for (const kind of Object.keys(found.kinds)) kinds.add(kind);
      for (const [name, value] of Object.entries(found.ours)) {
        if (value !== found.envoys[name]) throw new Error(`${downstream}: ${JSON.stringify(found)}`);
        const own = name === "reset" ? "downstream_rq_rx_reset" : `downstream_rq_${name}`;
        rows.push(`| ${downstream} | \`${own}\` | ${number(found.envoys[name])} | ${number(value)} |`);
      }
    }
    const series = await distinct(wasm, say);
    const cost = await costs(wasm, seed, say);
    return `Seed ${seed}. ${number(2 * COMPARED)} requests of ${kinds.size} kinds (${[...kinds].sort().join(", ")}): what the filter has
counted, by labels, and what Envoy's connection manager has.

| client | counter of Envoy | Envoy | ours |
| --- | --- | --- | --- |
${rows.join("\n")}

${number(DISTINCT)} requests, each with another value in a label, \`maxSeries\` ${number(MAX_SERIES)}: Envoy has ${number(series.count)} series of the
metric; they have counted ${number(series.sum)}. The Envoy process grew by ${number(series.growth)} KiB after the first ${number(series.from)} requests.

The filter's test plan has ${Object.keys(PLAN).length} lines (TM-1 to TM-${Object.keys(PLAN).length}); its tests fail for a line without a test. The module has
${number(statSync(wasm).size)} bytes.

Envoy's CPU time per request over no filter, in µs, median and minimum of ${cost.rounds} interleaved rounds:

| presets | |
| --- | --- |
${cost.rows.join("\n")}
`;
  },
};

async function distinct(
  wasm: string,
  say: (line: string) => void,
): Promise<{ count: number; sum: number; growth: number; from: number }> {
  const config = { maxSeries: MAX_SERIES, metrics: [{ name: "n", type: "counter", labels: { a: "${header:x-a}" } }] };
  await using proxy = await createProxy({ filter: wasm, host: "envoy", config, upstream: () => ({}) });
  const { body } = await admin(proxy, "/listeners?format=json");
  const address = (
    JSON.parse(body) as {
      listener_statuses: { local_address: { socket_address: { address: string; port_value: number } } }[];
    }
  ).listener_statuses[0]!.local_address.socket_address;
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const ask = (value: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { host: "example.test", "x-a": `v${value}` };
      http
        .get({ host: address.address, port: address.port_value, agent, headers }, (response) => {
          response.resume().on("end", resolve).on("error", reject);
        })
        .on("error", reject);
    });
  let next = 0;
  let resident = 0;
  const from = 10 * MAX_SERIES;
  const memory = async (): Promise<number> =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${await pidOf()}/status`, "utf8"))![1]);
  const pidOf = async (): Promise<number> => (proxy as unknown as { pid: number }).pid;
  const worker = async (until: number): Promise<void> => {
    while (next < until) {
      if (next % 100_000 === 0) say(`${next} values`);
      await ask(next++);
    }
  };
  const all = (until: number): Promise<unknown> =>
    Promise.all(Array.from({ length: CONNECTIONS }, () => worker(until)));
  await all(from);
  resident = await memory();
  await all(DISTINCT);
  const growth = (await memory()) - resident;
  agent.destroy();
  const { counters } = (await proxy.metrics()).toJSON();
  const values = Object.entries(counters).filter(([name]) => name.startsWith("n."));
  const sum = values.reduce((total, [, value]) => total + value, 0);
  if (values.length !== MAX_SERIES + 1 || sum !== DISTINCT) throw new Error(`${values.length} series, ${sum} requests`);
  return { count: values.length, sum, growth, from };
}

async function costs(
  wasm: string,
  seed: number,
  say: (line: string) => void,
): Promise<{ rounds: number; rows: string[] }> {
  const { rows } = await prepareRows([], say);
  const PRESETS = { a: ["red"], b: ["red", "otel", "istio"] } as const;
  const filter = (id: "a" | "b"): envoyConfig.JsonObject =>
    envoyConfig.staticFilter({
      name: "metrics",
      vmId: id,
      code: { file: wasm },
      config: new TextEncoder().encode(JSON.stringify({ presets: PRESETS[id] })),
      failurePolicy: "FAIL_CLOSED",
    });
  const ours: Row = { id: "meshwasm", filters: { a: [filter("a")], b: [filter("b")] }, bytes: null };
  const envoy = await findEnvoy({ onProgress: say });
  const { process: proxy, targets } = await startEnvoy(envoy.path, [...rows, ours], WORKLOADS);
  try {
    const samples = await measure(proxy.pid, targets, COST, randomFrom(seed), (round) => say(`round ${round}`));
    return {
      rounds: samples.none.length,
      rows: WORKLOADS.map(({ id }) => {
        const values = samples.over.get(id)!.get("meshwasm")!;
        return `| ${PRESETS[id].join(", ")} | ${median(values).toFixed(2)}, ${Math.min(...values).toFixed(2)} |`;
      }),
    };
  } finally {
    await proxy.stop();
  }
}

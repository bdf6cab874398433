import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PLAN } from "../../filters/rate-limit/test/plan.js";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig, EnvoyProcess, findEnvoy, workDirectory } from "../../toolchain/hosts/envoy/index.js";
import { createProxy } from "../../toolchain/hosts/index.js";
import { cpuTimeOf } from "../bench/cpu.js";
import { Load, type Line } from "../bench/load.js";
import { measure, type Plan } from "../bench/measure.js";
import { buildRateFloor } from "../bench/peers.js";
import { startEnvoy } from "../bench/proxy.js";
import type { Row } from "../bench/rows.js";
import { median, randomFrom } from "../bench/stats.js";
import { LOAD_PATH, requestTo, WORKLOADS, type Workload } from "../bench/workloads.js";
import { compareBuckets } from "../library/local-ratelimit.js";
import { randomRequests } from "../library/rate-limit-random.js";
import type { Section } from "./main.js";

const ALLOWED = 500;
const WORKERS = [1, 2, 4, 8];
const ALGORITHMS = ["gcra", "tokenBucket", "slidingWindow", "fixedWindow", "concurrency"] as const;
const KEYS = 10_000;
const DISTINCT = 1_000_000;
const RANDOM = 1_000_000;
const COST: Plan = { rounds: 12, requests: 6000, passes: 6, connections: 2, batch: 8, warmUp: 20_000, maxSeconds: 200 };
const CONTENTION = { rounds: 8, requests: 20_000, connections: 8, batch: 8 };
const NATIVE = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
const number = (value: number): string => value.toLocaleString("en-US");

/** rate-limit: how exact it is, beside Envoy's own filter, how much memory it takes, and what it costs. */
export const rateLimit: Section = {
  name: "rate-limit",
  title: "rate-limit",
  async run() {
    const seed = 1 + Math.floor(Math.random() * 999_999_999);
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    say(`seed ${seed}`);
    const { wasm } = await build(join(import.meta.dirname, "../../filters/rate-limit"));
    const exact = await exactness(say);
    const beside = await compareBuckets(seed, 6000, say);
    if (beside.farthest > 1) throw new Error(`rate-limit and local_ratelimit are ${beside.farthest} apart`);
    const random = randomRequests(new WebAssembly.Module(readFileSync(wasm)), seed, RANDOM);
    say(`${random} random requests`);
    say("memory");
    const memory = await distinct(wasm, say);
    const cost = await costs(wasm, seed, say);
    const contended = await contention(wasm, seed, say);
    return `Seed ${seed}. The filter's test plan has ${Object.keys(PLAN).length} lines (RL-01 to RL-${Object.keys(PLAN).length}); its tests fail for a line without a test. The module has
${number(statSync(wasm).size)} bytes.

Exactness on Envoy: ${number(ALLOWED)} are allowed and nothing comes back meanwhile, ${number(3 * ALLOWED)} requests, 32 at a time over connections of their own
(\`concurrency\`: 50 at once, 150 requests that are held open).

| admitted less allowed | ${WORKERS.map((count) => `${count} ${count === 1 ? "worker" : "workers"}`).join(" | ")} |
| --- | ${WORKERS.map(() => "---").join(" | ")} |
${exact.join("\n")}

Beside Envoy's own \`local_ratelimit\` (\`tokenBucket\`): ${number(beside.requests)} requests at random times to ${beside.limits} pairs of listeners with the same bucket:
${number(beside.bothAllow)} both admit, ${number(beside.bothDeny)} both refuse, ${number(beside.apart)} differ (a token became whole between the two looks at the clock); never more than
${beside.farthest} token apart.

${number(random)} requests of no sense under random configurations, with time that jumps and shared data that others damage, on a scripted
host: no trap, and nothing that splits a message.

Memory: ${number(DISTINCT)} requests, each with a key of its own, \`maxKeys\` ${number(KEYS)}, one worker. The Envoy process had ${number(memory.before)} KiB after the first
${number(memory.first)} keys and ${number(memory.after)} KiB after the last.

Envoy's CPU time per request over no filter, in µs, median and minimum of ${cost.rounds} interleaved rounds, ${number(KEYS)} keys by turns. \`local_ratelimit\` has one
bucket. The floor is a module by hand with the same callbacks that reads the headers and the clock, reads and writes one value of shared
data for the key, and counts (test/bench/peers/floor/assembly/rate.ts).

| | \`local_ratelimit\` | the floor | \`rate-limit\` | ours / floor |
| --- | --- | --- | --- | --- |
${cost.rows.join("\n")}

One key, all workers on it: CPU time per request of the whole process, in µs, median and minimum of ${CONTENTION.rounds} rounds; requests that
were counted in the end, by the counters.

| workers | without the filter | with it | admitted |
| --- | --- | --- | --- |
${contended.join("\n")}
`;
  },
};

async function exactness(say: (line: string) => void): Promise<string[]> {
  const filter = join(import.meta.dirname, "../../filters/rate-limit");
  const rows: string[] = [];
  for (const algorithm of ALGORITHMS) {
    const cells: string[] = [];
    for (const concurrency of WORKERS) {
      const held = algorithm === "concurrency";
      const allowed = held ? 50 : ALLOWED;
      const limit = { name: "main", algorithm, requests: allowed, ...(held ? {} : { per: "744h" }) };
      const release: (() => void)[] = [];
      let answered = 0;
      await using proxy = await createProxy({
        host: "envoy",
        filter,
        concurrency,
        config: { limits: [limit] },
        upstream: () => (held ? new Promise((resolve) => release.push(() => resolve({}))) : {}),
      });
      let passes = 0;
      const ask = async (): Promise<void> => {
        const { status } = await proxy.request();
        if (status === 200) passes++;
        else if (status !== 429) throw new Error(`${algorithm}: status ${status}`);
        answered++;
      };
      if (held) {
        const all = Array.from({ length: 150 }, ask);
        // The others are answered when no more refusals come.
        for (let last = -1, still = 0; still < 20; still = answered === last ? still + 1 : 0) {
          last = answered;
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
        const admitted = release.length;
        for (const go of release.splice(0)) go();
        await Promise.all(all);
        if (admitted !== passes) throw new Error(`${admitted} were held and ${passes} passed`);
      } else {
        let left = 3 * ALLOWED;
        await Promise.all(
          Array.from({ length: 32 }, async () => {
            while (left-- > 0) await ask();
          }),
        );
      }
      const off = passes - allowed;
      if (off > concurrency || off < -1)
        throw new Error(`${algorithm}, ${concurrency} workers: ${passes} of ${allowed}`);
      cells.push(String(off));
      say(`${algorithm}, ${concurrency} workers: ${passes} of ${allowed}`);
    }
    rows.push(`| \`${algorithm}\` | ${cells.join(" | ")} |`);
  }
  return rows;
}

const withKey = (key: string): readonly Line[] => [...requestTo(LOAD_PATH), ["x-key", key]];

/** `vmId`: a store of its own. */
function ours(wasm: string, vmId: string, limit: object, more: object = {}): envoyConfig.JsonObject {
  const limits = [{ name: "main", requests: 1_000_000, per: "1s", ...limit }];
  return envoyConfig.staticFilter({
    name: "rate-limit",
    vmId,
    code: { file: wasm },
    config: new TextEncoder().encode(JSON.stringify({ limits, headers: "none", ...more })),
    failurePolicy: "FAIL_CLOSED",
  });
}

const workload = (id: Workload["id"], requests: Workload["requests"]): Workload => ({
  ...WORKLOADS.find((each) => each.id === id)!,
  sets: [],
  adds: null,
  removes: null,
  requests: requests!,
});

async function distinct(
  wasm: string,
  say: (line: string) => void,
): Promise<{ first: number; before: number; after: number }> {
  const row: Row = {
    id: "meshwasm",
    filters: { a: [ours(wasm, "memory", { key: ["header:x-key"], maxKeys: KEYS, per: "1s" })], b: [] },
    bytes: null,
  };
  const envoy = await findEnvoy({ onProgress: say });
  const { process: proxy, targets } = await startEnvoy(envoy.path, [row], [workload("a", undefined)]);
  const resident = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${proxy.pid}/status`, "utf8"))![1]);
  try {
    const step = 50_000;
    let before = 0;
    for (let done = 0; done < DISTINCT; done += step) {
      const requests = Array.from({ length: step }, (_, i) => withKey(`key-${done + i}`));
      const load = await Load.connect(targets[0]!.address, requests, 2, 8);
      await load.run(step);
      load.close();
      if (!before) before = resident();
      if (done % 200_000 === 0) say(`${done + step} keys: ${resident()} KiB`);
    }
    return { first: step, before, after: resident() };
  } finally {
    await proxy.stop();
  }
}

async function costs(
  wasm: string,
  seed: number,
  say: (line: string) => void,
): Promise<{ rounds: number; rows: string[] }> {
  const native: envoyConfig.JsonObject = {
    name: "local_ratelimit",
    typed_config: {
      "@type": NATIVE,
      stat_prefix: "native",
      token_bucket: { max_tokens: 1_000_000_000, tokens_per_fill: 1_000_000_000, fill_interval: "1s" },
      filter_enabled: { default_value: { numerator: 100, denominator: "HUNDRED" } },
      filter_enforced: { default_value: { numerator: 100, denominator: "HUNDRED" } },
    },
  };
  const floor = envoyConfig.staticFilter({
    name: "floor",
    vmId: "rate-floor",
    code: { file: await buildRateFloor() },
    config: null,
    failurePolicy: "FAIL_CLOSED",
  });
  const requests = Array.from({ length: KEYS }, (_, i) => withKey(`key-${KEYS + i}`));
  const key = ["header:x-key"];
  const rows: Row[] = [
    { id: "none", filters: { a: [], b: [] }, bytes: null },
    { id: "native", filters: { a: [native], b: [native] }, bytes: null },
    { id: "floor", filters: { a: [floor], b: [floor] }, bytes: null },
    {
      id: "meshwasm",
      filters: {
        a: [ours(wasm, "cost-a", { key, maxKeys: KEYS })],
        b: [ours(wasm, "cost-b", { key, maxKeys: KEYS }, { headers: "ietf" })],
      },
      bytes: null,
    },
  ];
  const envoy = await findEnvoy({ onProgress: say });
  const workloads = [workload("a", requests), workload("b", requests)];
  const { process: proxy, targets } = await startEnvoy(envoy.path, rows, workloads);
  try {
    const samples = await measure(proxy.pid, targets, COST, randomFrom(seed), (round) => say(`round ${round}`));
    return {
      rounds: samples.none.length,
      rows: (["a", "b"] as const).map((id) => {
        const cell = (row: Row["id"]): readonly number[] => samples.over.get(id)!.get(row)!;
        const text = (values: readonly number[]): string =>
          `${median(values).toFixed(2)}, ${Math.min(...values).toFixed(2)}`;
        const ratio = (median(cell("meshwasm")) / median(cell("floor"))).toFixed(2);
        const name = id === "a" ? "`headers: none`" : "with RateLimit fields";
        return `| ${name} | ${text(cell("native"))} | ${text(cell("floor"))} | ${text(cell("meshwasm"))} | ${ratio} |`;
      }),
    };
  } finally {
    await proxy.stop();
  }
}

/** One key under load by several workers. */
async function contention(wasm: string, seed: number, say: (line: string) => void): Promise<string[]> {
  const envoy = await findEnvoy({ onProgress: say });
  const rows: string[] = [];
  const upstreamless = (name: string, filters: envoyConfig.JsonObject[]): envoyConfig.JsonObject => {
    const listener = envoyConfig.listener({ filters }) as { name?: string };
    const text = JSON.stringify({ ...listener, name });
    // Envoy answers by itself.
    return JSON.parse(
      text.replace(/"route":\{"cluster":"[^"]*"[^}]*\}/g, '"direct_response":{"status":200}'),
    ) as envoyConfig.JsonObject;
  };
  for (const workers of [1, 4]) {
    const name = `one-${workers}-${seed}`;
    const proxy = await EnvoyProcess.start({
      envoy: envoy.path,
      directory: workDirectory(),
      concurrency: workers,
      bootstrap: envoyConfig.bootstrap({
        listeners: [
          upstreamless("without", []),
          upstreamless("with", [ours(wasm, name, { requests: 1_000_000_000, per: "744h" })]),
        ],
        clusters: [envoyConfig.cluster({ name: envoyConfig.UPSTREAM_CLUSTER, host: "127.0.0.1", port: 9 })],
      }),
    });
    try {
      const times: Record<"without" | "with", number[]> = { without: [], with: [] };
      let sent = 0;
      for (let round = 0; round < CONTENTION.rounds; round++) {
        for (const which of ["without", "with"] as const) {
          const address = await proxy.listenerAddress(which);
          const load = await Load.connect(address, [withKey("one")], CONTENTION.connections, CONTENTION.batch);
          await load.run(2000);
          const time = await cpuTimeOf(proxy.pid, () => load.run(CONTENTION.requests));
          load.close();
          times[which].push(time / CONTENTION.requests / 1000);
          if (which === "with") sent += CONTENTION.requests + 2000;
        }
      }
      const { body: stats } = await proxy.get("/stats?filter=meshwasm_rate_limit_allowed&format=json");
      const [counter] = (JSON.parse(stats) as { stats: { value: number }[] }).stats;
      const text = (values: readonly number[]): string =>
        `${median(values).toFixed(2)}, ${Math.min(...values).toFixed(2)}`;
      rows.push(
        `| ${workers} | ${text(times.without)} | ${text(times.with)} | ${number(counter?.value ?? 0)} of ${number(sent)} |`,
      );
      say(rows.at(-1)!);
    } finally {
      await proxy.stop();
    }
  }
  return rows;
}

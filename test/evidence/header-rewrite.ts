import { statSync } from "node:fs";
import { join } from "node:path";
import { PLAN } from "../../filters/header-rewrite/test/plan.js";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig, findEnvoy } from "../../toolchain/hosts/envoy/index.js";
import { measure, type Plan } from "../bench/measure.js";
import { fault, startEnvoy } from "../bench/proxy.js";
import { prepareRows, type Row } from "../bench/rows.js";
import { median, randomFrom } from "../bench/stats.js";
import { COPIED, WORKLOADS, type WorkloadId } from "../bench/workloads.js";
import { compare } from "../library/header-mutation.js";
import type { Section } from "./main.js";

const SETS = 60;
const PER_SET = 100;
const COST: Plan = { rounds: 10, requests: 6000, passes: 6, connections: 2, batch: 8, warmUp: 5000, maxSeconds: 150 };

/** What the bench's workloads do, as rules. */
const CONFIGS: Readonly<Record<WorkloadId, object>> = {
  a: {
    request: [{ op: "set", name: "x-bench-tenant", value: "${header:x-tenant}" }],
    response: [
      { op: "add", name: "x-bench-added", value: "1" },
      { op: "remove", name: "x-bench-removed" },
    ],
  },
  b: {
    request: COPIED.map(([name, from]) => ({
      op: "set",
      name,
      value: from === ":path" ? "${target}" : `\${header:${from}}`,
    })),
  },
};

/** header-rewrite beside Envoy's own filter: what both do, and what both cost. */
export const headerRewrite: Section = {
  name: "header-rewrite",
  title: "header-rewrite",
  async run() {
    const seed = 1 + Math.floor(Math.random() * 999_999_999);
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    say(`seed ${seed}`);
    const outcome = await compare(seed, SETS, PER_SET, say);
    if (outcome.differences.length) throw new Error(outcome.differences.join("\n"));
    const operations = [...outcome.operations].sort(([a], [b]) => (a < b ? -1 : 1));
    const { wasm } = await build(join(import.meta.dirname, "../../filters/header-rewrite"));
    const cost = await costs(wasm, seed, say);
    const number = (value: number): string => value.toLocaleString("en-US");
    return `Seed ${seed}. ${number(outcome.rules)} generated sets of rules, each in a listener with Envoy's own \`header_mutation\` and in one with
\`header-rewrite\`, in one Envoy; ${number(outcome.requests)} requests to both (${number(outcome.overHttp2)} over HTTP/2, ${number(outcome.withTrailers)} with trailers both ways).
What the upstream got and what the client got was the same each time: ${outcome.differences.length} differences. Queries have no escapes
there: \`header_mutation\` sends them decoded.

| operation | rules |
| --- | --- |
${operations.map(([name, count]) => `| ${name} | ${number(count)} |`).join("\n")}

The filter's test plan has ${Object.keys(PLAN).length} lines (HD-1 to HD-${Object.keys(PLAN).length}); its tests fail for a line without a test. The module
has ${number(statSync(wasm).size)} bytes.

Envoy's CPU time per request over no filter, in µs, median and minimum of ${cost.rounds} interleaved rounds:

| workload | \`header_mutation\` | \`header-rewrite\` |
| --- | --- | --- |
${cost.rows.join("\n")}
`;
  },
};

async function costs(
  wasm: string,
  seed: number,
  say: (line: string) => void,
): Promise<{ rounds: number; rows: string[] }> {
  const { rows } = await prepareRows(["native"], say);
  const filter = (workload: WorkloadId): envoyConfig.JsonObject =>
    envoyConfig.staticFilter({
      name: "header-rewrite",
      vmId: workload,
      code: { file: wasm },
      config: new TextEncoder().encode(JSON.stringify(CONFIGS[workload])),
      failurePolicy: "FAIL_CLOSED",
    });
  const ours: Row = { id: "meshwasm", filters: { a: [filter("a")], b: [filter("b")] }, bytes: null };
  const envoy = await findEnvoy({ onProgress: say });
  const { process: proxy, targets } = await startEnvoy(envoy.path, [...rows, ours], WORKLOADS);
  try {
    for (const target of targets) {
      const reason = await fault(target);
      if (reason !== null) throw new Error(`${target.row.id}, workload ${target.workload.id}: ${reason}`);
    }
    const samples = await measure(proxy.pid, targets, COST, randomFrom(seed), (round) => say(`round ${round}`));
    const cell = (id: WorkloadId, row: "native" | "meshwasm"): string => {
      const values = samples.over.get(id)!.get(row)!;
      return `${median(values).toFixed(2)}, ${Math.min(...values).toFixed(2)}`;
    };
    return {
      rounds: samples.none.length,
      rows: WORKLOADS.map(({ id, text }) => `| ${text} | ${cell(id, "native")} | ${cell(id, "meshwasm")} |`),
    };
  } finally {
    await proxy.stop();
  }
}

/* `npm run bench`: what a filter costs in a real Envoy, beside its peers. Prints figures, judges none: the exit code is 0
 * when targets are missed. See README.md. */

import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { findEnvoy, EnvoyError } from "../../toolchain/hosts/envoy/index.js";
import { canMeasure } from "./cpu.js";
import { LEAST_ROUNDS, measure } from "./measure.js";
import { fault, refusal, startEnvoy } from "./proxy.js";
import { reportOf, tables } from "./report.js";
import { helloSizes, prepareRows, ROW_TITLES, type RowId, type Rows } from "./rows.js";
import { randomFrom } from "./stats.js";
import { benchStd, stdTables } from "./std.js";
import { WORKLOADS } from "./workloads.js";

const USAGE = `npm run bench -- std
  functions of sdk/std beside their alternatives, outside Envoy

npm run bench -- [options]
  --rounds N        rounds (default 16)
  --requests N      requests per row and round (default 10000)
  --passes N        slices that these are split into (default 40)
  --connections N   HTTP/2 connections (default 2)
  --batch N         requests that are sent together over a connection (default 8)
  --warm-up N       requests per row before the first round (default 5000)
  --max-seconds N   no round begins later, once there are ${LEAST_ROUNDS} (default 300)
  --seed N          of the random order
  --workload ID     a or b; default both
  --rows LIST       e.g. floor,meshwasm,rust; default all
  --envoy-path FILE, --envoy-version V
  --json            the report as JSON instead of tables
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "16" },
    requests: { type: "string", default: "10000" },
    passes: { type: "string", default: "40" },
    connections: { type: "string", default: "2" },
    batch: { type: "string", default: "8" },
    "warm-up": { type: "string", default: "5000" },
    "max-seconds": { type: "string", default: "300" },
    seed: { type: "string", default: String(1 + Math.floor(Math.random() * 999_999)) },
    workload: { type: "string" },
    rows: { type: "string" },
    "envoy-path": { type: "string" },
    "envoy-version": { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function count(name: keyof typeof values): number {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} must be a whole number above 0`);
  return number;
}

/** Starts Envoy with all rows; peers that it refuses become missing ones. */
async function start(envoy: string, all: Rows, workloads: typeof WORKLOADS) {
  const missing = new Map(all.missing);
  try {
    return { ...(await startEnvoy(envoy, all.rows, workloads)), rows: all };
  } catch (error) {
    if (!(error instanceof EnvoyError)) throw error;
    for (const row of all.rows) {
      const reason = await refusal(envoy, row, workloads);
      if (reason !== null) missing.set(row.id, `Envoy refuses it (${reason})`);
    }
    if (missing.size === all.missing.size || missing.has("meshwasm") || missing.has("none")) throw error;
    const rows: Rows = { rows: all.rows.filter(({ id }) => !missing.has(id)), missing };
    return { ...(await startEnvoy(envoy, rows.rows, workloads)), rows };
  }
}

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(USAGE);
  if (positionals.length) {
    if (positionals[0] !== "std" || positionals.length > 1)
      throw new Error(`there is no bench ${positionals.join(" ")}`);
    const report = await benchStd(say);
    return void process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : stdTables(report));
  }
  const wanted = (values.rows?.split(",") ?? Object.keys(ROW_TITLES)) as RowId[];
  const unknown = wanted.find((row) => !(row in ROW_TITLES));
  if (unknown !== undefined)
    throw new Error(`--rows: there is no ${unknown}; known are ${Object.keys(ROW_TITLES).join(", ")}`);
  const workloads = WORKLOADS.filter(({ id }) => values.workload === undefined || values.workload === id);
  if (workloads.length === 0) throw new Error("--workload must be a or b");
  const plan = {
    rounds: count("rounds"),
    requests: count("requests"),
    passes: count("passes"),
    connections: count("connections"),
    batch: count("batch"),
    warmUp: count("warm-up"),
    maxSeconds: count("max-seconds"),
  };
  const seed = count("seed");
  if (!canMeasure())
    throw new Error("CPU time per thread is read from /proc/<pid>/task/<tid>/schedstat; run this on Linux");
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, load: loadavg()[0]! };
  const envoy = await findEnvoy({ path: values["envoy-path"], version: values["envoy-version"], onProgress: say });
  const prepared = await prepareRows(wanted, say);
  const hello = await helloSizes();
  for (const [row, reason] of prepared.missing) say(`${ROW_TITLES[row]}: ${reason}`);

  const { process: proxy, targets, rows } = await start(envoy.path, prepared, workloads);
  const check = async (when: string): Promise<void> => {
    for (const target of targets) {
      const reason = await fault(target);
      if (reason === null) continue;
      const { row, workload } = target;
      throw new Error(`${ROW_TITLES[row.id]} does not do workload ${workload.id.toUpperCase()} ${when}: ${reason}`);
    }
  };
  try {
    await check("before the measurement");
    say(`seed ${seed}; warming up ${targets.length} listeners`);
    const begin = performance.now();
    const samples = await measure(proxy.pid, targets, plan, randomFrom(seed), (round) =>
      say(`round ${round} of ${plan.rounds}, ${Math.round((performance.now() - begin) / 1000)} s`),
    );
    await check("after the measurement");
    const report = reportOf({ envoy: envoy.version, machine, seed, plan, hello }, rows, samples);
    process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : tables(report));
  } finally {
    await proxy.stop();
  }
}

try {
  await main();
} catch (error) {
  say(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}

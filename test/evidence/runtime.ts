import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, type CompileOptions } from "../../toolchain/build/compile.js";
import { withoutSections } from "../../toolchain/build/wasm.js";
import { config as envoyConfig, findEnvoy } from "../../toolchain/hosts/envoy/index.js";
import { measure, type Plan } from "../bench/measure.js";
import { fault, startEnvoy } from "../bench/proxy.js";
import type { Row, RowId } from "../bench/rows.js";
import { median, randomFrom } from "../bench/stats.js";
import { requestTo, LOAD_PATH, WORKLOADS, type WorkloadId } from "../bench/workloads.js";
import { Fault, FuzzHost, NOTHING } from "../fuzz/host.js";
import { serialise } from "../fuzz/inputs.js";
import type { Section } from "./main.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const PLAN: Plan = {
  rounds: 10,
  requests: 6000,
  passes: 6,
  connections: 2,
  batch: 8,
  warmUp: 5000,
  maxSeconds: 150,
};
const STREAMS = 200_000;
/** Of the bench's row names, the one that stands for the other collector here. */
const OTHER = "incremental" as RowId;

type Modules = Readonly<Record<WorkloadId, string>>;

/** Our collector between callbacks against the compiler's incremental one, for the filters of the bench. */
export const runtime: Section = {
  name: "runtime",
  title: "The garbage collector: ours against `incremental`",
  async run() {
    const work = mkdtempSync(join(tmpdir(), "meshwasm-runtime-"));
    try {
      const ours = await modules(work, "ours", {});
      const other = await modules(work, "incremental", incremental());
      const rows = [row("none", null), row("meshwasm", ours), row(OTHER, other)];
      const seed = 1 + Math.floor(Math.random() * 999_999);
      const cpu = await cpuTimes(rows, seed);
      const lines = WORKLOADS.map(({ id, text }) => {
        const [a, b] = [cpu.get(id)!.ours, cpu.get(id)!.other];
        const sizes = [statSync(ours[id]).size, statSync(other[id]).size] as const;
        const memory = [peak(ours[id]), peak(other[id])] as const;
        return [
          `| ${id.toUpperCase()}: ${text} | CPU per request over no filter, median, µs | ${a.median.toFixed(2)} | ${b.median.toFixed(2)} | ${ratio(a.median, b.median)} |`,
          `| | the same, minimum | ${a.minimum.toFixed(2)} | ${b.minimum.toFixed(2)} | ${ratio(a.minimum, b.minimum)} |`,
          `| | module, bytes | ${sizes[0]} | ${sizes[1]} | ${ratio(...sizes)} |`,
          `| | linear memory after ${STREAMS.toLocaleString("en-US")} streams, KiB | ${memory[0] / 1024} | ${memory[1] / 1024} | ${ratio(...memory)} |`,
        ].join("\n");
      });
      return `Envoy's CPU time in ${cpu.get("a")!.rounds} interleaved rounds of ${PLAN.requests} requests (seed ${seed}).

| workload | | ours | \`incremental\` | ours / \`incremental\` |
|---|---|---|---|---|
${lines.join("\n")}
`;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};

function ratio(a: number, b: number): string {
  return (a / b).toFixed(2);
}

/** The same SDK on the compiler's collector, which keeps a shadow stack; contexts are pinned while they live. */
function incremental(): CompileOptions {
  const contexts = readFileSync(join(root, "sdk/runtime/contexts.ts"), "utf8");
  const pinned = contexts
    .replace(/(export function addContext[^{]*\{\n)/, "$1  // @ts-ignore\n  __pin(object);\n")
    .replace("  used--;\n", "  // @ts-ignore\n  __unpin(load<usize>(hole, 4));\n  used--;\n");
  if (pinned.match(/__(un)?pin\(/g)?.length !== 2)
    throw new Error("sdk/runtime/contexts.ts is not what this section knows");
  const collector = `export function collectGarbage(): void {}
export function managedBytes(): usize { return 0; }
export function liveBytes(): usize { return 0; }
`;
  return {
    runtime: "incremental",
    replace: { "sdk/runtime/contexts.ts": pinned, "sdk/runtime/gc.ts": collector },
  };
}

async function modules(work: string, name: string, options: CompileOptions): Promise<Modules> {
  const make = async (id: WorkloadId): Promise<string> => {
    const { wasm } = await compile(join(root, "test/bench/filters", id), options);
    const file = join(work, `${name}-${id}.wasm`);
    writeFileSync(file, withoutSections(wasm, ["name", "sourceMappingURL"]));
    return file;
  };
  return { a: await make("a"), b: await make("b") };
}

function row(id: RowId, files: Modules | null): Row {
  const filters = (workload: WorkloadId): envoyConfig.JsonObject[] =>
    files === null
      ? []
      : [
          envoyConfig.staticFilter({
            name: "runtime",
            vmId: `${id}-${workload}`,
            code: { file: files[workload] },
            config: null,
            failurePolicy: "FAIL_CLOSED",
          }),
        ];
  return { id, filters: { a: filters("a"), b: filters("b") }, bytes: null };
}

interface Figures {
  readonly median: number;
  readonly minimum: number;
}

async function cpuTimes(
  rows: readonly Row[],
  seed: number,
): Promise<Map<WorkloadId, { rounds: number; ours: Figures; other: Figures }>> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const envoy = await findEnvoy({ onProgress: say });
  const { process: proxy, targets } = await startEnvoy(envoy.path, rows, WORKLOADS);
  try {
    for (const target of targets) {
      const reason = await fault(target);
      if (reason !== null) throw new Error(`${target.row.id}, workload ${target.workload.id}: ${reason}`);
    }
    const samples = await measure(proxy.pid, targets, PLAN, randomFrom(seed), (round) => say(`round ${round}`));
    return new Map(
      WORKLOADS.map(({ id }) => {
        const over = (name: RowId): Figures => {
          const values = samples.over.get(id)!.get(name)!;
          return { median: median(values), minimum: Math.min(...values) };
        };
        return [id, { rounds: samples.none.length, ours: over("meshwasm"), other: over(OTHER) }];
      }),
    );
  } finally {
    await proxy.stop();
  }
}

/** Bytes of linear memory after many streams, in this process. */
function peak(file: string): number {
  const host = new FuzzHost(readFileSync(file));
  const bytes = serialise(requestTo(LOAD_PATH).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));
  host.maps[0] = host.maps[2] = { ...NOTHING, bytes, fault: Fault.None };
  host.call["proxy_on_context_create"]?.(1, 0);
  for (let id = 2; id < STREAMS + 2; id++) {
    host.call["proxy_on_context_create"]?.(id, 1);
    host.call["proxy_on_request_headers"]?.(id, 12, 1);
    host.call["proxy_on_response_headers"]?.(id, 4, 1);
    host.call["proxy_on_done"]?.(id);
    host.call["proxy_on_delete"]?.(id);
  }
  return host.size;
}

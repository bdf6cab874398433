/* From samples to figures, and figures to text. */

import { ROW_TITLES, type RowId, type Rows } from "./rows.js";
import type { Plan, Samples } from "./measure.js";
import { median } from "./stats.js";
import { WORKLOADS, type WorkloadId } from "./workloads.js";

/** What a row costs over "no filter" of the same round; microseconds of CPU time per request. */
export interface Figure {
  readonly row: RowId;
  readonly median: number;
  readonly minimum: number;
  /** Ratios of the medians. */
  readonly toFloor: number | null;
  readonly toRust: number | null;
  readonly toProxyRuntime: number | null;
  /** Size of the module in bytes. */
  readonly bytes: number | null;
}

export interface Target {
  readonly text: string;
  readonly limit: number;
  /** null: a row that it needs is missing. */
  readonly value: number | null;
  readonly met: boolean | null;
}

export interface Report {
  readonly envoy: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    /** Load average over a minute before the measurement: others that computed too. */
    readonly load: number;
  };
  readonly seed: number;
  readonly plan: Plan;
  /** Rounds that were measured. */
  readonly rounds: number;
  /** CPU time per request without any filter, microseconds. */
  readonly noFilter: { readonly median: number; readonly minimum: number };
  readonly workloads: readonly {
    readonly id: WorkloadId;
    readonly text: string;
    readonly rows: readonly Figure[];
    /** Microseconds over "no filter", one per round. */
    readonly samples: Readonly<Partial<Record<RowId, readonly number[]>>>;
  }[];
  readonly missing: Readonly<Partial<Record<RowId, string>>>;
  readonly hello: { readonly plain: number; readonly config: number };
  readonly targets: readonly Target[];
}

/** Upper limits that meshwasm sets itself: ratio to a row. */
const RATIOS: readonly { workload: WorkloadId; to: RowId; limit: number }[] = [
  // The same filter: one that sees all lines of the header, as `get` does.
  { workload: "a", to: "floor-lines", limit: 1.1 },
  { workload: "a", to: "rust-lines", limit: 0.85 },
  // Filters that see the first line alone.
  { workload: "a", to: "floor", limit: 1.1 },
  { workload: "a", to: "rust", limit: 0.85 },
  { workload: "a", to: "proxy-runtime", limit: 0.5 },
  { workload: "b", to: "rust", limit: 0.6 },
];
const HELLO_BYTES = { plain: 6000, config: 12000 };

type Run = Pick<Report, "envoy" | "machine" | "seed" | "plan" | "hello">;

export function reportOf(run: Run, { rows, missing }: Rows, { none, over }: Samples): Report {
  const workloads = WORKLOADS.filter(({ id }) => over.has(id)).map(({ id, text }) => {
    const measured = over.get(id)!;
    const mid = (row: RowId): number | null => (measured.has(row) ? median(measured.get(row)!) : null);
    const ratio = (row: RowId, to: RowId): number | null => {
      const [value, base] = [mid(row), mid(to)];
      return value === null || base === null || base <= 0 ? null : value / base;
    };
    const figures = rows
      .filter((row) => measured.has(row.id))
      .map((row): Figure => ({
        row: row.id,
        median: mid(row.id)!,
        minimum: Math.min(...measured.get(row.id)!),
        toFloor: ratio(row.id, "floor"),
        toRust: ratio(row.id, "rust"),
        toProxyRuntime: ratio(row.id, "proxy-runtime"),
        bytes: row.bytes?.[id] ?? null,
      }));
    return { id, text, rows: figures, samples: Object.fromEntries(measured), ratio };
  });
  const targets: Target[] = [];
  for (const { workload, to, limit } of RATIOS) {
    const value = workloads.find(({ id }) => id === workload)?.ratio("meshwasm", to) ?? null;
    const text = `workload ${workload.toUpperCase()}: meshwasm / ${ROW_TITLES[to].replace(/^the same/, "by hand")}`;
    targets.push({ text, limit, value, met: value === null ? null : value <= limit });
  }
  for (const [key, text] of [
    ["plain", "without"],
    ["config", "with"],
  ] as const) {
    const value = run.hello[key];
    targets.push({
      text: `hello module ${text} config, bytes`,
      limit: HELLO_BYTES[key],
      value,
      met: value <= HELLO_BYTES[key],
    });
  }
  return {
    ...run,
    rounds: none.length,
    noFilter: { median: median(none), minimum: Math.min(...none) },
    workloads: workloads.map(({ ratio: _, ...rest }) => rest),
    missing: Object.fromEntries(missing),
    targets,
  };
}

/** The report as text. */
export function tables(report: Report): string {
  const { plan } = report;
  const out: string[] = [
    `Envoy ${report.envoy}, 1 worker; ${report.rounds} rounds of ${plan.requests} requests per row in ${plan.passes} slices`,
    `in random order (seed ${report.seed}), HTTP/2 over ${plan.connections} connections, ${plan.batch} requests at a time`,
    `${report.machine.cores} cores of ${report.machine.cpu}, load average ${report.machine.load.toFixed(1)} before the start`,
    'CPU time of the Envoy process per request over "no filter" of the same round, microseconds',
  ];
  for (const { id, text, rows } of report.workloads) {
    out.push("", `Workload ${id.toUpperCase()}: ${text}`);
    const lines = rows.map((row) => [
      ROW_TITLES[row.row],
      row.median.toFixed(2),
      row.minimum.toFixed(2),
      ratioText(row.toFloor),
      ratioText(row.toRust),
      ratioText(row.toProxyRuntime),
      row.bytes === null ? "" : String(row.bytes),
    ]);
    const absent = Object.keys(report.missing).map((row) => [ROW_TITLES[row as RowId], "not measured"]);
    const { noFilter } = report;
    const none = ["no filter (the whole request)", noFilter.median.toFixed(2), noFilter.minimum.toFixed(2)];
    const head = ["", "median", "minimum", "x floor", "x Rust", "x proxy-runtime", "module bytes"];
    out.push(...aligned([head, none, ...lines, ...absent]));
  }
  for (const [row, reason] of Object.entries(report.missing)) out.push("", `${ROW_TITLES[row as RowId]}: ${reason}`);
  out.push("", "Targets");
  const targets = report.targets.map(({ text, limit, value, met }) => [
    text,
    value === null ? "not measured" : Number.isInteger(value) ? String(value) : value.toFixed(2),
    `<= ${limit}`,
    met === null ? "" : met ? "met" : "MISSED",
  ]);
  out.push(...aligned(targets));
  return `${out.join("\n")}\n`;
}

function ratioText(value: number | null): string {
  return value === null ? "" : value.toFixed(2);
}

/** First column to the left, the others to the right; the first line has all columns. */
function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

import type { Histogram, Metrics } from "../types.js";
import type { EnvoyProcess } from "./process.js";

const PREFIX = "wasmcustom.";
const FILTER = "filter=%5Ewasmcustom%5C.";
const DROPPED = "server.dropped_stat_flushes";

interface Stat {
  readonly name: string;
  readonly value: number | string;
}

interface StoredHistogram {
  readonly name: string;
  readonly totals?: readonly { readonly lower_bound: number; readonly width: number; readonly count: number }[];
}

interface StatsAnswer {
  readonly stats: readonly (Stat | { readonly histograms: { readonly details?: readonly StoredHistogram[] } })[];
}

/** What filters have counted, as Envoy's admin interface tells it. */
class ReadMetrics implements Metrics {
  constructor(
    private readonly counters: ReadonlyMap<string, number>,
    private readonly gauges: ReadonlyMap<string, number>,
    private readonly histograms: ReadonlyMap<string, Histogram>,
  ) {}

  counter(name: string): number | null {
    return this.counters.get(name) ?? null;
  }

  gauge(name: string): number | null {
    return this.gauges.get(name) ?? null;
  }

  histogram(name: string): Histogram | null {
    return this.histograms.get(name) ?? null;
  }

  toJSON(): ReturnType<Metrics["toJSON"]> {
    return {
      counters: Object.fromEntries(this.counters),
      gauges: Object.fromEntries(this.gauges),
      histograms: Object.fromEntries(this.histograms),
    };
  }
}

async function stats(envoy: EnvoyProcess, query: string): Promise<StatsAnswer> {
  const { body } = await envoy.get(`/stats?format=json&${query}`);
  return JSON.parse(body) as StatsAnswer;
}

/**
 * Waits until what the workers have recorded in histograms is merged. Each request for statistics starts a merge
 * (stats_flush_on_admin) unless one is going on, and that is counted: of two requests without a new count, the merge
 * of the first was over before the second.
 */
async function flush(envoy: EnvoyProcess): Promise<void> {
  let merged = 0;
  let before = -1;
  while (merged < 2) {
    const answer = await stats(envoy, `filter=%5E${DROPPED}$`);
    const dropped = answer.stats.reduce((sum, each) => sum + ("value" in each ? Number(each.value) : 0), 0);
    merged = dropped === before ? merged + 1 : 0;
    before = dropped;
  }
}

async function values(envoy: EnvoyProcess, type: "Counters" | "Gauges"): Promise<Map<string, number>> {
  const answer = await stats(envoy, `type=${type}&${FILTER}`);
  return new Map(
    answer.stats.flatMap((each) => ("value" in each ? [[each.name.slice(PREFIX.length), Number(each.value)]] : [])),
  );
}

export async function readMetrics(envoy: EnvoyProcess): Promise<Metrics> {
  await flush(envoy);
  const answer = await stats(envoy, `type=Histograms&histogram_buckets=detailed&${FILTER}`);
  const histograms = new Map<string, Histogram>();
  for (const each of answer.stats) {
    for (const { name, totals = [] } of "histograms" in each ? (each.histograms.details ?? []) : []) {
      const bins = totals.map((bin) => ({ from: bin.lower_bound, width: bin.width, count: bin.count }));
      histograms.set(name.slice(PREFIX.length), { count: bins.reduce((sum, bin) => sum + bin.count, 0), bins });
    }
  }
  return new ReadMetrics(await values(envoy, "Counters"), await values(envoy, "Gauges"), histograms);
}

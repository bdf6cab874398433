import { isUtf8 } from "node:buffer";
import type { Histogram, Metrics } from "../types.js";
import { MetricType, Status } from "./abi.js";
import type { HostCall, Vm, WideHostCall } from "./vm.js";

/** What counts under one name, on all threads together. */
class Stat {
  value = 0n;
}

/** As Envoy's histograms do it: two significant digits of a value make its bin. */
class Bins {
  readonly counts = new Map<number, number>();
  count = 0;

  record(value: bigint): void {
    // Envoy's histograms are signed.
    const v = Number(BigInt.asIntN(64, value));
    let from = v;
    // Powers of ten below one are not exact.
    if (Math.abs(v) >= 100) {
      const step = 10 ** (Math.floor(Math.log10(Math.abs(v))) - 1);
      from = Math.trunc(v / step) * step;
    }
    this.counts.set(from, (this.counts.get(from) ?? 0) + 1);
    this.count++;
  }

  toHistogram(): Histogram {
    const bins = [...this.counts].sort(([a], [b]) => a - b);
    return {
      count: this.count,
      bins: bins.map(([from, count]) => ({ from, width: widthOf(from), count })),
    };
  }
}

function widthOf(from: number): number {
  if (from === 0) return 0;
  const size = Math.abs(from);
  return size < 10 ? 0.1 : 10 ** (Math.floor(Math.log10(size)) - 1);
}

/** All stats that the filters have defined. */
export class MetricStore {
  readonly #counters = new Map<string, Stat>();
  readonly #gauges = new Map<string, Stat>();
  readonly #histograms = new Map<string, Bins>();

  counter(name: string): Stat {
    return found(this.#counters, name, () => new Stat());
  }

  gauge(name: string): Stat {
    return found(this.#gauges, name, () => new Stat());
  }

  histogram(name: string): Bins {
    return found(this.#histograms, name, () => new Bins());
  }

  snapshot(): Metrics {
    // A name of nothing is one that no interface of Envoy's shows.
    const named = <T>(all: ReadonlyMap<string, T>): [string, T][] =>
      [...all].filter(([name]) => name !== "").sort(([a], [b]) => (a < b ? -1 : 1));
    const values = (stats: ReadonlyMap<string, Stat>): Record<string, number> =>
      Object.fromEntries(named(stats).map(([name, { value }]) => [text(name), Number(value)]));
    const counters = values(this.#counters);
    const gauges = values(this.#gauges);
    const histograms = Object.fromEntries(
      named(this.#histograms).map(([name, bins]) => [text(name), bins.toHistogram()]),
    );
    const of = <T>(all: Record<string, T>, name: string): T | null => (Object.hasOwn(all, name) ? all[name]! : null);
    return {
      counter: (name) => of(counters, name),
      gauge: (name) => of(gauges, name),
      histogram: (name) => of(histograms, name),
      toJSON: () => ({ counters, gauges, histograms }),
    };
  }
}

function found<T>(all: Map<string, T>, name: string, make: () => T): T {
  let stat = all.get(name);
  if (stat === undefined) all.set(name, (stat = make()));
  return stat;
}

/** As Envoy's admin interface shows a name: UTF-8, else one character for each byte. */
function text(name: string): string {
  const bytes = Buffer.from(name, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : name;
}

/** The ids that one VM has been given: a new one at each definition, with the kind in the low two bits. */
export class VmMetrics {
  readonly #next = [0, 1, 2];
  readonly #stats = new Map<number, Stat>();
  readonly #histograms = new Map<number, Bins>();

  constructor(private readonly store: MetricStore) {}

  /** null: there is no such kind. */
  define(kind: number, given: string): number | null {
    const id = this.#next[kind];
    if (id === undefined) return null;
    this.#next[kind] = id + 4;
    // Envoy's names have no dots at their end.
    const name = given.replace(/\.+$/, "");
    if (kind === MetricType.Histogram) this.#histograms.set(id + 4, this.store.histogram(name));
    else this.#stats.set(id + 4, kind === MetricType.Counter ? this.store.counter(name) : this.store.gauge(name));
    return id + 4;
  }

  increment(id: number, delta: bigint): number {
    if ((id & 3) > MetricType.Gauge) return Status.BadArgument;
    const stat = this.#stats.get(id);
    if (stat === undefined) return Status.NotFound;
    const by = BigInt.asIntN(64, delta);
    if ((id & 3) === MetricType.Counter && by <= 0n) return Status.BadArgument;
    stat.value = BigInt.asUintN(64, stat.value + by);
    return Status.Ok;
  }

  record(id: number, value: bigint): number {
    const histogram = this.#histograms.get(id);
    const stat = this.#stats.get(id);
    if (histogram !== undefined) histogram.record(value);
    else if (stat === undefined) return Status.NotFound;
    else stat.value = (id & 3) === MetricType.Counter ? BigInt.asUintN(64, stat.value + value) : value;
    return Status.Ok;
  }

  get(id: number): bigint | number {
    if ((id & 3) > MetricType.Gauge) return Status.BadArgument;
    return this.#stats.get(id)?.value ?? Status.NotFound;
  }
}

export const METRIC_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_define_metric(vm: Vm, kind = 0, ptr = 0, len = 0, ret = 0) {
    const name = vm.read(ptr, len);
    if (name === null) return Status.InvalidMemoryAccess;
    const id = vm.metrics.define(kind, name);
    if (id === null) return Status.BadArgument;
    return vm.writeU32(ret, id) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_get_metric(vm: Vm, id = 0, ret = 0) {
    const value = vm.metrics.get(id);
    if (typeof value === "number") return value;
    return vm.writeU64(ret, value) ? Status.Ok : Status.InvalidMemoryAccess;
  },
};

export const WIDE_METRIC_CALLS: Readonly<Record<string, WideHostCall>> = {
  proxy_increment_metric: (vm, id, delta) => vm.metrics.increment(id, delta),
  proxy_record_metric: (vm, id, value) => vm.metrics.record(id, value),
};

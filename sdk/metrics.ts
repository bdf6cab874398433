/* Counters, gauges and histograms. A metric is defined at its first use, since nothing that runs while the module or an
 * object is made may call the host; from then on a change is one host call. Statistics live as long as the process and are
 * one for all its VMs. */

import { MetricType, Status } from "./abi/enums";
import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "./abi/hostcalls";
import { clearReturn, putString, retPtr, returnedU64, roomFor, scratchFor } from "./runtime/memory";

/** Names that are remembered with their numbers; the host makes a new number for each definition and keeps it for ever. */
const MAX_REMEMBERED: i32 = 4096;
/** UTF-16 units of a label's value that tell two series apart; the rest is cut off. */
const MAX_VALUE: i32 = 128;

class Known {
  /** Numbers of all metrics of this VM: plugins come and go with each configuration. */
  // @ts-ignore: decorator
  @lazy static numbers: Map<string, u32> = new Map();
}

/** Characters of names and of labels as bits: all below 64 and, in the second number, above; others become "_". */
const NAME_LOW: u64 = 0x03ff400000000000;
const LABEL_LOW: u64 = 0x03ff000000000000;
const NAME_HIGH: u64 = 0x07fffffe87fffffe;
// Without those that end or separate something in stat names, statsd lines or Prometheus text: = ; : | # , " \ space.
const VALUE_LOW: u64 = 0x83ffef7200000000;
const VALUE_HIGH: u64 = 0x47fffffe87ffffff;

/** What all three have: a name, which the host shows behind "wasmcustom.". Characters other than A-Z a-z 0-9 _ . become _. */
export abstract class Metric {
  /** The host's number, 0 before the first use. */
  protected id: u32 = 0;
  /** Why the host did not define it. */
  private refused: Status = Status.Ok;

  constructor(
    readonly name: string,
    /** For Labelled: what follows the name. */
    private labels: string = "",
  ) {}

  /** Defines the metric; 0 when the host refuses, for ever then. */
  protected define(type: MetricType): u32 {
    if (this.refused != Status.Ok) return 0;
    const name = cleaned(this.name, NAME_LOW, NAME_HIGH) + this.labels;
    const key = "cgh".charAt(type) + name;
    const numbers = Known.numbers;
    if (numbers.has(key)) return (this.id = numbers.get(key));
    const ptr = scratchFor(roomFor(name));
    clearReturn();
    const status: Status = proxy_define_metric(type, ptr, putString(ptr, name), retPtr());
    const id = load<u32>(retPtr());
    if (status != Status.Ok) {
      this.refused = status;
      return 0;
    }
    if (numbers.size < MAX_REMEMBERED) numbers.set(key, id);
    return (this.id = id);
  }

  protected get refusal(): Status {
    return this.refused == Status.Ok ? Status.InternalFailure : this.refused;
  }

  /** The value now; 0 when there is none. */
  protected read(id: u32): u64 {
    clearReturn();
    return id && proxy_get_metric(id, retPtr()) == Status.Ok ? returnedU64() : 0;
  }
}

/** A number that only grows. */
export class Counter extends Metric {
  /** Adds `by`; 0 costs nothing. */
  increment(by: u64 = 1): Status {
    if (!by) return Status.Ok;
    const id = this.id || this.define(MetricType.Counter);
    return id ? <Status>proxy_increment_metric(id, <i64>by) : this.refusal;
  }

  get value(): u64 {
    return this.read(this.id || this.define(MetricType.Counter));
  }
}

/** A number that goes up and down. Of several VMs that set it the last one wins: to add up over VMs, use `add`. */
export class Gauge extends Metric {
  set(value: u64): Status {
    const id = this.id || this.define(MetricType.Gauge);
    return id ? <Status>proxy_record_metric(id, value) : this.refusal;
  }

  /** Adds or takes away; below 0 the host wraps around to 2^64 - 1. 0 costs nothing. */
  add(delta: i64): Status {
    if (!delta) return Status.Ok;
    // The host negates it.
    if (delta == i64.MIN_VALUE) return Status.BadArgument;
    const id = this.id || this.define(MetricType.Gauge);
    return id ? <Status>proxy_increment_metric(id, delta) : this.refusal;
  }

  get value(): u64 {
    return this.read(this.id || this.define(MetricType.Gauge));
  }
}

/** A distribution. Envoy's default buckets suit milliseconds. The host does not give values back. */
export class Histogram extends Metric {
  record(value: u64): Status {
    const id = this.id || this.define(MetricType.Histogram);
    return id ? <Status>proxy_record_metric(id, value) : this.refusal;
  }
}

/** One combination of label values. */
class Series<T> {
  next: Series<T> | null = null;

  constructor(
    readonly hash: u32,
    readonly values: StaticArray<string>,
    readonly metric: T,
  ) {}
}

/** How many series several Labelled may make together. */
export class SeriesBudget {
  constructor(public left: i32) {}
}

/**
 * Metrics of one name that differ in the values of their labels:
 *
 *     requests = new Labelled<Counter>("meshwasm_auth_requests", ["result"]);
 *     requests.of("denied").increment();
 *
 * The ABI has no labels, so they stand in the name, as Istio's do: `meshwasm_auth_requests.result=.=denied;.;`. Envoy makes
 * Prometheus labels of them by a stats_tags entry for each, which Istio writes for those in `extraStatTags`:
 * `{"tag_name": "result", "regex": "(result=\\.=(.*?);\\.;)"}`.
 */
export class Labelled<T extends Metric> {
  /** How often `of` has given the series `other`, because there were `maxSeries` others. */
  overflowed: u64 = 0;
  private buckets: StaticArray<Series<T> | null>;
  private series: i32 = 0;
  private other: T | null = null;

  /**
   * `maxSeries`: combinations of values that this VM makes, since neither the host nor Prometheus ever forgets one. Further
   * ones are counted together, with each label "other".
   */
  constructor(
    readonly name: string,
    private labels: string[],
    private maxSeries: i32 = 100,
    private budget: SeriesBudget | null = null,
  ) {
    this.buckets = new StaticArray<Series<T> | null>(16);
  }

  /**
   * The metric of these values, one for each label in order, of four labels at most; see `ofAll` for more. Two values that
   * only differ after 128 characters are one.
   */
  of(first: string, second: string = "", third: string = "", fourth: string = ""): T {
    const labels = this.labels.length;
    let hash = hashOf(first, 0x811c9dc5);
    if (labels > 1) hash = hashOf(second, hash);
    if (labels > 2) hash = hashOf(third, hash);
    if (labels > 3) hash = hashOf(fourth, hash);
    let at = this.buckets[hash & (this.buckets.length - 1)];
    while (at) {
      if (at.hash == hash && areValues(at.values, labels, first, second, third, fourth)) return at.metric;
      at = at.next;
    }
    const values: StaticArray<string> = [cut(first), cut(second), cut(third), cut(fourth)];
    return this.add(hash, values);
  }

  /** The same for any number of labels; one value for each, or there is no metric of its own. */
  ofAll(values: StaticArray<string>): T {
    const labels = this.labels.length;
    if (values.length != labels) return this.overflow();
    let hash: u32 = 0x811c9dc5;
    for (let i = 0; i < labels; i++) hash = hashOf(values[i], hash);
    let at = this.buckets[hash & (this.buckets.length - 1)];
    while (at) {
      if (at.hash == hash && areAllValues(at.values, values)) return at.metric;
      at = at.next;
    }
    const kept = new StaticArray<string>(labels);
    for (let i = 0; i < labels; i++) kept[i] = cut(values[i]);
    return this.add(hash, kept);
  }

  private add(hash: u32, values: StaticArray<string>): T {
    const budget = this.budget;
    if (this.series >= this.maxSeries || (budget && budget.left <= 0)) return this.overflow();
    if (budget) budget.left--;
    const metric = this.make(values);
    if (this.series >= this.buckets.length) this.grow();
    this.series++;
    const made = new Series<T>(hash, values, metric);
    const bucket = hash & (this.buckets.length - 1);
    made.next = this.buckets[bucket];
    this.buckets[bucket] = made;
    return metric;
  }

  private overflow(): T {
    this.overflowed++;
    let other = this.other;
    if (!other) {
      const values = new StaticArray<string>(max(this.labels.length, 4));
      for (let i = 0; i < values.length; i++) values[i] = "other";
      other = this.make(values);
      this.other = other;
    }
    return other;
  }

  private make(values: StaticArray<string>): T {
    let labels = this.labels.length ? "." : "";
    for (let i = 0; i < min(this.labels.length, values.length); i++) {
      const value = cleaned(values[i], VALUE_LOW, VALUE_HIGH);
      labels += cleaned(this.labels[i], LABEL_LOW, NAME_HIGH) + "=.=" + value + ";.;";
    }
    return instantiate<T>(this.name, labels);
  }

  private grow(): void {
    const old = this.buckets;
    const buckets = new StaticArray<Series<T> | null>(old.length << 1);
    for (let i = 0; i < old.length; i++) {
      for (let at = old[i]; at;) {
        const next = at.next;
        const bucket = at.hash & (buckets.length - 1);
        at.next = buckets[bucket];
        buckets[bucket] = at;
        at = next;
      }
    }
    this.buckets = buckets;
  }
}

/** FNV-1a over what counts of a value. */
function hashOf(value: string, hash: u32): u32 {
  const text = changetype<usize>(value);
  const length = min(value.length, MAX_VALUE);
  for (let i = 0; i < length; i++) hash = (hash ^ (<u32>load<u16>(text + ((<usize>i) << 1)))) * 0x01000193;
  // So that "a" and "b" are not "ab" and "".
  return (hash ^ 0x10000) * 0x01000193;
}

function areValues(kept: StaticArray<string>, count: i32, a: string, b: string, c: string, d: string): bool {
  return (
    isValue(kept[0], a) &&
    (count < 2 || isValue(kept[1], b)) &&
    (count < 3 || isValue(kept[2], c)) &&
    (count < 4 || isValue(kept[3], d))
  );
}

function areAllValues(kept: StaticArray<string>, values: StaticArray<string>): bool {
  for (let i = 0; i < values.length; i++) if (!isValue(kept[i], values[i])) return false;
  return true;
}

function isValue(kept: string, value: string): bool {
  const length = min(value.length, MAX_VALUE);
  return (
    kept.length == length && !memory.compare(changetype<usize>(kept), changetype<usize>(value), (<usize>length) << 1)
  );
}

function cut(value: string): string {
  return value.length > MAX_VALUE ? value.substring(0, MAX_VALUE) : value;
}

/** Each character that is not in the set as "_". */
function cleaned(text: string, low: u64, high: u64): string {
  const units = new Array<i32>(text.length);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isIn = c < 0x80 && ((c < 64 ? low : high) >> (c & 63)) & 1;
    units[i] = isIn ? c : 0x5f;
  }
  return String.fromCharCodes(units);
}

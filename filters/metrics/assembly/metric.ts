/* One metric of a configuration or of a preset, and what is recorded in it. */

import { Check, Exchange, Phase, Selector, Selectors } from "meshwasm/filters/common";
import { Counter, Gauge, Histogram, Labelled, SeriesBudget } from "meshwasm/sdk";
import { scanNumber, scannedF64 } from "meshwasm/sdk/std/number";
import { MetricType, Value, ValueField, ValueKind } from "./config";
import { Facts } from "./facts";
import { LabelSource } from "./label";

/** Above it a double is no exact number of anything. */
const MOST_VALUE: f64 = 9007199254740991;

/** What is added or recorded. */
export class Amount {
  /** Why the last one was refused. */
  static reason: string = "";

  constructor(
    private field: ValueField,
    private selector: Selector | null,
    /** Its values are numbers as Envoy keeps them. */
    private isBinary: bool,
  ) {}

  static compile(value: Value, selectors: Selectors): Amount | null {
    if (value.kind == ValueKind.Field) return new Amount(value.field!.field, null, false);
    const text = value.sel!.sel;
    const selector = selectors.find(text, Phase.Response);
    if (selector)
      return new Amount(ValueField.Unset, selector, text.startsWith("cel:") || text.startsWith("property:"));
    Amount.reason = Selectors.reason;
    return null;
  }

  /** -1 when it is no number from 0 on. */
  of(facts: Facts, exchange: Exchange): i64 {
    const selector = this.selector;
    if (!selector) return facts.number(this.field);
    const values = selector.valuesIn(exchange);
    if (!values.length) return -1;
    const bytes = values[0];
    const start = bytes.dataStart;
    const end = start + bytes.length;
    if (bytes.length && scanNumber(start, end) == end) {
      const number = scannedF64();
      return number >= 0 && number <= MOST_VALUE ? <i64>Math.floor(number) : -1;
    }
    if (!this.isBinary || bytes.length != 8) return -1;
    const number = load<i64>(start);
    return number >= 0 && number <= <i64>MOST_VALUE ? number : -1;
  }
}

export class Measurement {
  private counter: Labelled<Counter> | null = null;
  private gauge: Labelled<Gauge> | null = null;
  private histogram: Labelled<Histogram> | null = null;
  private values: StaticArray<string>;

  constructor(
    readonly name: string,
    type: MetricType,
    readonly labels: LabelSource[],
    /** Null: 1. */
    private amount: Amount | null,
    /** Null: all. */
    private match: Check | null,
    /** Only what Rate, Errors, Duration takes for an error. */
    private errorsOnly: bool,
    budget: SeriesBudget,
  ) {
    const names: string[] = [];
    for (let i = 0; i < labels.length; i++) names.push(labels[i].name);
    this.values = new StaticArray<string>(labels.length);
    for (let i = 0; i < labels.length; i++) this.values[i] = "";
    if (type == MetricType.Counter) this.counter = new Labelled<Counter>(name, names, i32.MAX_VALUE, budget);
    else if (type == MetricType.Gauge) this.gauge = new Labelled<Gauge>(name, names, i32.MAX_VALUE, budget);
    else this.histogram = new Labelled<Histogram>(name, names, i32.MAX_VALUE, budget);
  }

  record(facts: Facts, exchange: Exchange): void {
    if (this.errorsOnly && !facts.isError) return;
    const match = this.match;
    if (match && !match.holds(exchange)) return;
    const amount = this.amount;
    const value = amount ? amount.of(facts, exchange) : 1;
    if (value < 0) return;
    this.fill(facts, exchange);
    const counter = this.counter;
    if (counter) counter.ofAll(this.values).increment(value);
    const gauge = this.gauge;
    if (gauge) gauge.ofAll(this.values).set(value);
    const histogram = this.histogram;
    if (histogram) histogram.ofAll(this.values).record(value);
  }

  /** The gauge of this request, to be added to now and taken from when the request is over. */
  gaugeOf(facts: Facts, exchange: Exchange): Gauge {
    this.fill(facts, exchange);
    return this.gauge!.ofAll(this.values);
  }

  private fill(facts: Facts, exchange: Exchange): void {
    for (let i = 0; i < this.labels.length; i++) this.values[i] = this.labels[i].value(facts, exchange);
  }
}

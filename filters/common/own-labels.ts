/* Labels that a configuration gives to a filter's own counts, beside those that the filter has. */

import { Counter, Labelled } from "meshwasm/sdk";
import { Encoder } from "meshwasm/sdk/std/template";
import { Exchange, Phase } from "./exchange";
import { isLabelName, labelPath, labelValue, NOT_A_LABEL } from "./label";
import { Selectors } from "./selector";
import { Text } from "./template";

const MOST_SERIES: i32 = 1000;

export class OwnLabels {
  /** Path and reason of the last refusal. */
  static refusal: string = "";
  readonly names: string[] = [];
  private texts: Text[] = [];
  /** No label depends on the request. */
  isConstant: bool = true;

  /** `labels`: by name, as templates for rules of `phase`; `taken`: the filter's labels. Null with path and reason in `refusal`. */
  static compile(
    labels: Map<string, string>,
    taken: string[],
    selectors: Selectors,
    phase: Phase,
    path: string,
  ): OwnLabels | null {
    const made = new OwnLabels();
    const names = labels.keys().sort();
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      const where = path + labelPath(name);
      if (!isLabelName(name)) return refuse(where, NOT_A_LABEL);
      const other = clashOf(name, taken.concat(made.names));
      if (other.length)
        return refuse(where, "ends as the label " + other + ", or that as this one: Envoy would mix them up");
      const text = Text.compile(labels.get(name), selectors, phase, Encoder.None);
      if (!text) return refuse(where, Text.reason);
      if (text.constant === null) made.isConstant = false;
      made.names.push(name);
      made.texts.push(text);
    }
    return made;
  }

  /** Values of the filter's labels and, behind them, of these. `exchange` null: it is not about a request. */
  behind(values: StaticArray<string>, exchange: Exchange | null): StaticArray<string> {
    const count = values.length;
    const all = new StaticArray<string>(count + this.texts.length);
    for (let i = 0; i < count; i++) all[i] = values[i];
    for (let i = 0; i < this.texts.length; i++) all[count + i] = labelValue(this.texts[i], exchange);
    return all;
  }
}

/** Envoy looks for a label anywhere in a metric's name, so that none may end with another. */
function clashOf(name: string, others: string[]): string {
  for (let i = 0; i < others.length; i++) if (name.endsWith(others[i]) || others[i].endsWith(name)) return others[i];
  return "";
}

function refuse(path: string, reason: string): OwnLabels | null {
  OwnLabels.refusal = path + ": " + reason;
  return null;
}

/** A counter with labels of the filter and those of the configuration. */
export class CountedBy {
  private counters: Labelled<Counter>;

  constructor(
    name: string,
    labels: string[],
    readonly own: OwnLabels,
  ) {
    this.counters = new Labelled<Counter>(name, labels.concat(own.names), MOST_SERIES);
  }

  /** With these values of the filter's labels. `exchange`: of the request, or null. */
  of(values: StaticArray<string>, exchange: Exchange | null): Counter {
    return this.counters.ofAll(this.own.names.length ? this.own.behind(values, exchange) : values);
  }
}

/** One with values that the filter knows beforehand: found once, unless a label depends on the request. */
export class Count {
  private fixed: Counter | null;

  constructor(
    private counters: CountedBy,
    private values: StaticArray<string>,
  ) {
    this.fixed = counters.own.isConstant ? counters.of(values, null) : null;
  }

  increment(exchange: Exchange): void {
    const fixed = this.fixed;
    (fixed ? fixed : this.counters.of(this.values, exchange)).increment();
  }
}

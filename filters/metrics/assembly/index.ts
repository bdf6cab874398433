import {
  Check,
  Exchange,
  hasJsonBody,
  isName,
  Kept,
  labelPath,
  Mode,
  PathTemplate,
  Phase,
  Selectors,
} from "meshwasm/filters/common";
import {
  DataAction,
  Gauge,
  HeadersAction,
  HttpBody,
  HttpFilter,
  log,
  OverLimit,
  Plugin,
  property,
  registerHttpFilter,
  SeriesBudget,
} from "meshwasm/sdk";
import { JsonDocument } from "meshwasm/sdk/std/json-value";
import { Label, Metric, MetricsConfig, MetricType } from "./config";
import { Facts, Route } from "./facts";
import { LabelSource } from "./label";
import { Amount, Measurement } from "./metric";
import { addPreset, PresetInput } from "./presets";

class MetricsPlugin extends Plugin<MetricsConfig> {
  readonly selectors: Selectors = new Selectors(true);
  readonly exchange: Exchange = new Exchange();
  facts: Facts = new Facts([]);
  off: bool = false;
  /** Something looks at the request or the response itself. */
  hasSelectors: bool = false;
  match: Check | null = null;
  list: Measurement[] = [];
  /** Of requests that are not over. */
  active: Measurement | null = null;

  onConfigure(): bool {
    const config = this.config;
    this.off = config.mode == Mode.Off;
    const match = config.match;
    if (match) {
      this.match = Check.compile(match, this.selectors, Phase.Response, "$.match");
      if (!this.match) return refused(Check.refusal);
    }
    const routes: Route[] = [];
    for (let i = 0; i < config.routes.length; i++) {
      const template = PathTemplate.compile(config.routes[i]);
      if (!template) return refused(`$.routes[${i}]: ` + PathTemplate.reason);
      routes.push(new Route(template, starred(config.routes[i])));
    }
    this.facts = new Facts(routes);
    const common = this.labels(config.labels, "$.labels", []);
    if (!common) return false;
    const budget = new SeriesBudget(<i32>config.maxSeries);
    const input = new PresetInput(common, budget, this.list);
    for (let i = 0; i < config.presets.length; i++) {
      const preset = config.presets[i];
      if (config.presets.indexOf(preset) != i) return refused(`$.presets[${i}]: is there twice`);
      const active = addPreset(preset, input);
      if (active) this.active = active;
    }
    for (let i = 0; i < this.list.length; i++) {
      const double = doubled(this.list[i].labels);
      if (double !== null) return refused(`$.labels${labelPath(double)}: is a label of ${this.list[i].name}`);
    }
    for (let i = 0; i < config.metrics.length; i++) {
      if (!this.addOwn(config.metrics[i], `$.metrics[${i}]`, common, budget)) return false;
    }
    const clashing = clash(this.list);
    if (clashing.length) return refused("$: " + clashing);
    this.hasSelectors = !this.selectors.isEmpty;
    return true;
  }

  private addOwn(metric: Metric, path: string, common: LabelSource[], budget: SeriesBudget): bool {
    const name = metric.name;
    if (!isName(name, 128)) return refused(path + ".name: must be letters, digits and _, the first no digit");
    for (let i = 0; i < this.list.length; i++) {
      if (this.list[i].name == name) return refused(path + ".name: there is a metric of this name");
    }
    const active = this.active;
    if (active && active.name == name) return refused(path + ".name: there is a metric of this name");
    const given = metric.value;
    let amount: Amount | null = null;
    if (given) {
      amount = Amount.compile(given, this.selectors);
      if (!amount) return refused(path + ".value.sel: " + Amount.reason);
    } else if (metric.type != MetricType.Counter) return refused(path + ": a gauge or a histogram needs a value");
    const labels = this.labels(metric.labels, path + ".labels", common);
    if (!labels) return false;
    let match: Check | null = null;
    const condition = metric.match;
    if (condition) {
      match = Check.compile(condition, this.selectors, Phase.Response, path + ".match");
      if (!match) return refused(Check.refusal);
    }
    this.list.push(new Measurement(name, metric.type, labels, amount, match, false, budget));
    return true;
  }

  /** Sorted by name, then those that all have. Null when one is refused, which is logged. */
  private labels(labels: Map<string, Label>, path: string, common: LabelSource[]): LabelSource[] | null {
    const names = labels.keys().sort();
    const list: LabelSource[] = [];
    for (let i = 0; i < names.length; i++) {
      const made = LabelSource.compile(names[i], labels.get(names[i]), this.selectors);
      if (!made) {
        refused(path + labelPath(names[i]) + ": " + LabelSource.reason);
        return null;
      }
      list.push(made);
    }
    const all = list.concat(common);
    const double = doubled(all);
    if (double === null) return all;
    refused(path + labelPath(double) + ": is a label of all metrics already");
    return null;
  }
}

/** A name that two labels have. */
function doubled(labels: LabelSource[]): string | null {
  for (let i = 0; i < labels.length; i++) {
    for (let j = 0; j < i; j++) if (labels[i].name == labels[j].name) return labels[i].name;
  }
  return null;
}

/**
 * Two labels of which one ends with the other: Envoy looks for `code=.=` anywhere in a metric's name, and would find it in
 * `api_code=.=`.
 */
function clash(list: Measurement[]): string {
  const names: string[] = [];
  for (let i = 0; i < list.length; i++) {
    for (let j = 0; j < list[i].labels.length; j++) {
      const name = list[i].labels[j].name;
      if (!names.includes(name)) names.push(name);
    }
  }
  for (let i = 0; i < names.length; i++) {
    for (let j = 0; j < names.length; j++) {
      if (i != j && names[j].endsWith(names[i]))
        return "the label " + names[j] + " ends with the label " + names[i] + ", for which Envoy would take it";
    }
  }
  return "";
}

/** A template with * for each variable of one segment, ** for one of many: a label keeps no braces. */
function starred(template: string): string {
  let out = "";
  let from = 0;
  while (true) {
    const start = template.indexOf("{", from);
    out += template.substring(from, start < 0 ? template.length : start);
    if (start < 0) return out;
    const end = template.indexOf("}", start);
    out += template.substring(start, end).endsWith("=**") ? "**" : "*";
    from = end + 1;
  }
}

function refused(error: string): bool {
  log.error("configuration refused: " + error);
  return false;
}

class Metrics extends HttpFilter<MetricsPlugin> {
  private active: Gauge | null = null;
  /** What was found in the body. */
  private kept: Kept | null = null;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const plugin = this.plugin;
    if (plugin.off) return HeadersAction.Continue;
    const active = plugin.active;
    if (active) {
      plugin.facts.begin();
      const gauge = active.gaugeOf(plugin.facts, plugin.exchange);
      gauge.add(1);
      this.active = gauge;
    }
    if (endOfStream || !plugin.selectors.needsBody || !hasJsonBody(this.request.headers)) return HeadersAction.Continue;
    return this.request.inspectBody(<u32>plugin.config.maxBodyBytes, OverLimit.Pass);
  }

  onWholeRequestBody(body: HttpBody): DataAction {
    if (!body.isWhole || !body.length) return DataAction.Continue;
    const exchange = this.plugin.exchange;
    exchange.enter(Phase.RequestBody, this.request.headers, null);
    exchange.body = JsonDocument.fromBytes(body.bytes());
    this.kept = this.plugin.selectors.keep(exchange);
    exchange.body = null;
    return DataAction.Continue;
  }

  /** Envoy calls it for each stream, whoever answered it; request and response can be read once more. */
  onLog(): void {
    const active = this.active;
    if (active) active.add(-1);
    const plugin = this.plugin;
    if (plugin.off) return;
    const facts = plugin.facts;
    facts.begin();
    const exchange = plugin.exchange;
    const selects = plugin.hasSelectors;
    // A request that Envoy has refused while it read it has no headers, nor has its answer.
    const hasRequest = selects && property.request.method() !== null;
    exchange.enter(hasRequest ? Phase.Request : Phase.RequestTrailers, this.request.headers, this.kept);
    if (hasRequest && property.getString("response", "headers", ":status") !== null) {
      const kept = plugin.selectors.keep(exchange);
      exchange.enter(Phase.Response, this.response.headers, kept);
    }
    const match = plugin.match;
    if (match && !match.holds(exchange)) return;
    const list = plugin.list;
    for (let i = 0; i < list.length; i++) list[i].record(facts, exchange);
  }
}

registerHttpFilter<Metrics, MetricsPlugin, MetricsConfig>();

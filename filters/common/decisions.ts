/* What a filter has decided, counted under the names that all filters have: meshwasm_<filter>_allowed, _denied, _error and
 * _shadow_denied. */

import { Exchange, Phase } from "./exchange";
import { Count, CountedBy, OwnLabels } from "./own-labels";
import { Selectors } from "./selector";

/** Labels that the counts have. */
const LABELS: string[] = ["reason"];

/** Reasons are the filter's own words, few and fixed: never a client's. The exchange is that of the request, or null. */
export class Decisions {
  private passed: Count;
  private refused: CountedBy;
  private failed: CountedBy;
  private wouldRefuse: CountedBy;

  private constructor(filter: string, own: OwnLabels) {
    const prefix = "meshwasm_" + filter;
    this.passed = new Count(new CountedBy(prefix + "_allowed", [], own), []);
    this.refused = new CountedBy(prefix + "_denied", LABELS, own);
    this.failed = new CountedBy(prefix + "_error", LABELS, own);
    this.wouldRefuse = new CountedBy(prefix + "_shadow_denied", LABELS, own);
  }

  /** With the labels of `metrics.labels` in a configuration; null with path and reason in OwnLabels.refusal. */
  static compile(filter: string, labels: Map<string, string>, selectors: Selectors): Decisions | null {
    const own = OwnLabels.compile(labels, LABELS, selectors, Phase.Request, "$.metrics.labels");
    return own ? new Decisions(filter, own) : null;
  }

  allowed(exchange: Exchange): void {
    this.passed.increment(exchange);
  }

  /** In shadow mode it is counted as what would have been denied. */
  denied(reason: string, shadow: bool, exchange: Exchange): void {
    (shadow ? this.wouldRefuse : this.refused).of([reason], exchange).increment();
  }

  /** Something that the filter depends on has failed, whatever was done about it. */
  error(reason: string, exchange: Exchange | null): void {
    this.failed.of([reason], exchange).increment();
  }
}

/* What a filter has decided, counted under the names that all filters have: meshwasm_<filter>_allowed, _denied, _error and
 * _shadow_denied. */

import { Counter, Labelled } from "meshwasm/sdk";

/** Reasons are the filter's own words, few and fixed: never a client's. */
export class Decisions {
  private passed: Counter;
  private refused: Labelled<Counter>;
  private failed: Labelled<Counter>;
  private wouldRefuse: Labelled<Counter>;

  constructor(filter: string) {
    const prefix = "meshwasm_" + filter;
    this.passed = new Counter(prefix + "_allowed");
    this.refused = new Labelled<Counter>(prefix + "_denied", ["reason"]);
    this.failed = new Labelled<Counter>(prefix + "_error", ["reason"]);
    this.wouldRefuse = new Labelled<Counter>(prefix + "_shadow_denied", ["reason"]);
  }

  allowed(): void {
    this.passed.increment();
  }

  /** In shadow mode it is counted as what would have been denied. */
  denied(reason: string, shadow: bool): void {
    if (shadow) this.wouldRefuse.of(reason).increment();
    else this.refused.of(reason).increment();
  }

  /** Something that the filter depends on has failed, whatever was done about it. */
  error(reason: string): void {
    this.failed.of(reason).increment();
  }
}

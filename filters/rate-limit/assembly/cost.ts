/* What a request counts. */

import { Exchange, Phase, Selector, Selectors } from "meshwasm/filters/common";
import { HeaderMap } from "meshwasm/sdk";
import { scannedF64, scanNumber } from "meshwasm/sdk/std/number";
import { Cost, CostKind } from "./config";

/** No cost is more. */
const MOST: u64 = 1000000000;

export class RequestCost {
  /** Path and reason of the last refusal. */
  static refusal: string = "";
  private fixed: u64 = 1;
  private least: u64 = 0;
  private selector: Selector | null = null;
  /** The response's header that says it; "": it is known with the request. */
  header: string = "";

  static compile(config: Cost | null, selectors: Selectors, path: string): RequestCost | null {
    const made = new RequestCost();
    if (!config) return made;
    if (config.kind == CostKind.Fixed) made.fixed = <u64>config.fixed;
    else if (config.kind == CostKind.Response) made.header = config.response!.response;
    else {
      const selected = config.selector!;
      made.selector = selectors.find(selected.selector, Phase.Request);
      made.least = <u64>selected.min;
      if (!made.selector) {
        RequestCost.refusal = path + ".selector: " + Selectors.reason;
        return null;
      }
    }
    return made;
  }

  ofRequest(exchange: Exchange): u64 {
    const selector = this.selector;
    if (!selector) return this.fixed;
    const values = selector.valuesIn(exchange);
    return max(values.length ? whole(values[0]) : 1, this.least);
  }

  ofResponse(headers: HeaderMap): u64 {
    const lines = headers.linesBytes(this.header);
    return lines.length ? whole(lines[0]) : 1;
  }
}

/** A number, rounded up; 1 for what is none, the most for what is more. */
function whole(text: Uint8Array): u64 {
  const start = text.dataStart;
  const end = start + text.length;
  if (!text.length || text[0] == 0x2d || scanNumber(start, end) != end) return 1;
  const value = Math.ceil(scannedF64());
  return value < <f64>MOST ? <u64>value : MOST;
}

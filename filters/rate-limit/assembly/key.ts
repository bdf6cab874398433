/* What tells clients apart: a hash of the values of selectors, one after the other, so that no two lists of values are one. */

import { Exchange, Phase, Selector, Selectors } from "meshwasm/filters/common";
import { sipHash13 } from "meshwasm/sdk/std/hash";
import { Origin } from "./origin";

export class Key {
  /** Path and reason of the last refusal. */
  static refusal: string = "";
  /** A selector had no value. */
  isPartial: bool = false;

  private constructor(
    private selectors: Selector[],
    private origin: Origin,
  ) {}

  /** Null with path and reason in `refusal`. `ipv6Prefix`: bits of an address that the selector ip means. */
  static compile(texts: string[], selectors: Selectors, origin: Origin, ipv6Prefix: u32, path: string): Key | null {
    const list: Selector[] = [];
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i] == "ip" ? "ip/" + ipv6Prefix.toString() : texts[i];
      const selector = selectors.find(text, Phase.Request);
      if (!selector) {
        Key.refusal = `${path}[${i}]: ` + Selectors.reason;
        return null;
      }
      list.push(selector);
    }
    return new Key(list, origin);
  }

  /** The hash of the values; `isPartial` then says whether one was missing. */
  hash(exchange: Exchange): u64 {
    this.isPartial = false;
    const selectors = this.selectors;
    const k0 = this.origin.k0;
    const k1 = this.origin.k1;
    let hash: u64 = 0;
    for (let i = 0; i < selectors.length; i++) {
      const values = selectors[i].valuesIn(exchange);
      const count = values.length;
      if (!count) this.isPartial = true;
      // An odd factor: no two numbers of values give one hash.
      hash = (rotl(hash, 29) ^ (<u64>count)) * 0x9e3779b97f4a7c15;
      for (let j = 0; j < count; j++) hash = sipHash13(values[j].dataStart, values[j].length, k0 ^ hash, k1);
    }
    return hash;
  }
}

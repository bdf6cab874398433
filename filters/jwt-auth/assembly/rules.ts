/* What a request needs, and whether it has it. */

import { Check, Exchange, Phase, Selectors } from "meshwasm/filters/common";
import { HeaderMap } from "meshwasm/sdk";
import { Reason } from "./claims";
import { Requirement, RequirementKind, Rule } from "./config";
import { TokenProvider, Verified } from "./provider";

/** What came of it. */
export class Decision {
  allowed: bool = false;
  /**
   * Why not. Unavailable: missing keys alone stand in the way. Else of the first token that was there and wrong; Missing
   * when none was there.
   */
  reason: Reason = Reason.Missing;
  /** Tokens that are right, in the order of the requirement. */
  readonly verified: Verified[] = [];
  /** Providers whose keys were not there, or have no key of the token's kid; other keys could change what is decided. */
  readonly waiting: TokenProvider[] = [];
}

export class CompiledRule {
  /** Path and reason of the last refusal. */
  static refusal: string = "";

  constructor(
    private match: Check | null,
    private kind: RequirementKind,
    private providers: TokenProvider[],
  ) {}

  /** Null with path and reason in `refusal`. */
  static compile(rule: Rule, all: TokenProvider[], selectors: Selectors, path: string): CompiledRule | null {
    let match: Check | null = null;
    const condition = rule.match;
    if (condition) {
      match = Check.compile(condition, selectors, Phase.Request, path + ".match");
      if (!match) return refuse(Check.refusal);
    }
    const names = namesOf(rule.require);
    const providers: TokenProvider[] = [];
    for (let i = 0; i < names.length; i++) {
      let found: TokenProvider | null = null;
      for (let j = 0; j < all.length; j++) if (all[j].name == names[i]) found = all[j];
      if (!found) return refuse(path + ".require: there is no provider of a name that it gives");
      if (providers.includes(found)) return refuse(path + ".require: names a provider twice");
      providers.push(found);
    }
    return new CompiledRule(match, rule.require.kind, providers);
  }

  /** Whether it is for some requests alone. */
  get hasMatch(): bool {
    return this.match != null;
  }

  holds(exchange: Exchange): bool {
    const match = this.match;
    return !match || match.holds(exchange);
  }

  decide(headers: HeaderMap, exchange: Exchange, now: f64): Decision {
    const decision = new Decision();
    if (this.kind == RequirementKind.None) {
      decision.allowed = true;
      return decision;
    }
    const all = this.kind == RequirementKind.All;
    let unavailable = 0;
    // Tokens that no other key would make right.
    let hopeless = 0;
    let first = Reason.Missing;
    for (let i = 0; i < this.providers.length; i++) {
      const provider = this.providers[i];
      const verified = provider.verify(headers, exchange, now);
      if (verified) {
        decision.verified.push(verified);
        if (!all) break;
        continue;
      }
      const reason = provider.reason;
      if (reason == Reason.Unavailable || reason == Reason.UnknownKey) decision.waiting.push(provider);
      else hopeless++;
      if (reason == Reason.Unavailable) unavailable++;
      else if (first == Reason.Missing) first = reason;
    }
    const count = decision.verified.length;
    const failed = this.providers.length - count;
    decision.allowed = all ? !failed : count > 0;
    // Missing keys excuse their own token: with `all` the others are needed nevertheless.
    decision.reason = unavailable && (!all || unavailable == failed) ? Reason.Unavailable : first;
    if (this.kind == RequirementKind.Optional && decision.reason == Reason.Missing) decision.allowed = true;
    if (this.kind == RequirementKind.OptionalOrFailed) decision.allowed = true;
    if (all ? hopeless > 0 : count > 0) decision.waiting.length = 0;
    return decision;
  }
}

function namesOf(require: Requirement): string[] {
  switch (require.kind) {
    case RequirementKind.Provider:
      return [require.provider!.provider];
    case RequirementKind.Any:
      return require.any!.any;
    case RequirementKind.All:
      return require.all!.all;
    case RequirementKind.Optional:
      return require.optional!.optional;
    case RequirementKind.OptionalOrFailed:
      return require.optionalOrFailed!.optionalOrFailed;
    default:
      return [];
  }
}

function refuse(reason: string): CompiledRule | null {
  CompiledRule.refusal = reason;
  return null;
}

/* Conditions, compiled when the filter is configured. */

import { IpAddress, IpPrefix } from "meshwasm/sdk/std/cidr";
import { sipHash13 } from "meshwasm/sdk/std/hash";
import { isExact, scannedF64, scannedI64, scanNumber } from "meshwasm/sdk/std/number";
import { Pattern } from "meshwasm/sdk/std/pattern";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import { Condition, ConditionKind, ValueTest, ValueTestGtKind, ValueTestLines, ValueTestLtKind } from "./config";
import { Exchange, Phase } from "./exchange";
import { Selector, Selectors } from "./selector";
import { PathTemplate } from "./path-template";

/** A compiled condition. They are never nested deeper than the decoder allows. */
export abstract class Check {
  abstract holds(exchange: Exchange): bool;

  /** Path and reason of the last refusal: what stands behind the path that was given to `compile`. */
  static refusal: string = "";

  /** Compiles for rules that run in `phase`; null with path and reason in `Check.refusal`. */
  static compile(config: Condition, selectors: Selectors, phase: Phase, path: string): Check | null {
    switch (config.kind) {
      case ConditionKind.All:
        return several(config.all!.all, true, selectors, phase, path + ".all");
      case ConditionKind.Any:
        return several(config.any!.any, false, selectors, phase, path + ".any");
      case ConditionKind.Not: {
        const inner = Check.compile(config.not!.not, selectors, phase, path + ".not");
        return inner ? new Not(inner) : null;
      }
      default:
        return Test.of(config.sel!, selectors, phase, path);
    }
  }
}

function several(configs: Condition[], all: bool, selectors: Selectors, phase: Phase, path: string): Check | null {
  const list: Check[] = [];
  for (let i = 0; i < configs.length; i++) {
    const inner = Check.compile(configs[i], selectors, phase, `${path}[${i}]`);
    if (!inner) return null;
    list.push(inner);
  }
  return new Several(list, all);
}

function refuse(path: string, reason: string): Check | null {
  Check.refusal = path + ": " + reason;
  return null;
}

class Several extends Check {
  constructor(
    private list: Check[],
    private all: bool,
  ) {
    super();
  }

  holds(exchange: Exchange): bool {
    for (let i = 0; i < this.list.length; i++) if (this.list[i].holds(exchange) != this.all) return !this.all;
    return this.all;
  }
}

class Not extends Check {
  constructor(private inner: Check) {
    super();
  }

  holds(exchange: Exchange): bool {
    return !this.inner.holds(exchange);
  }
}

const enum How {
  None,
  Exact,
  Prefix,
  Suffix,
  Contains,
  Regex,
  Present,
  Cidr,
  Gt,
  Lt,
  Template,
  Percent,
}

/** Keys of the hash, so that the share is the same in every proxy. */
const SHARE_KEY: u64 = 0x6d657368;

class Test extends Check {
  private how: How = How.None;
  private texts: Uint8Array[] = [];
  private pattern: Pattern | null = null;
  private prefixes: IpPrefix[] = [];
  private template: PathTemplate | null = null;
  private limit: f64 = 0;
  private limitInt: i64 = 0;
  /** The limit is an integer, and integers are compared as such. */
  private asInt: bool = false;

  constructor(
    private selector: Selector,
    private lines: ValueTestLines,
    private ignoreCase: bool,
  ) {
    super();
  }

  static of(config: ValueTest, selectors: Selectors, phase: Phase, path: string): Check | null {
    const selector = selectors.find(config.sel, phase);
    if (!selector) return refuse(path + ".sel", Selectors.reason);
    const test = new Test(selector, config.lines, config.ignoreCase);
    let tests = 0;
    if (config.exact.length) tests += test.text(How.Exact, config.exact);
    if (config.in_.length) {
      tests++;
      test.how = How.Exact;
      for (let i = 0; i < config.in_.length; i++) test.texts.push(toUtf8(config.in_[i]));
    }
    if (config.prefix.length) tests += test.text(How.Prefix, config.prefix);
    if (config.suffix.length) tests += test.text(How.Suffix, config.suffix);
    if (config.contains.length) tests += test.text(How.Contains, config.contains);
    const isText = tests > 0;
    if (config.regex) {
      tests++;
      test.how = How.Regex;
      test.pattern = config.regex;
    }
    if (config.present) {
      tests++;
      test.how = How.Present;
    }
    if (config.cidr.length) {
      tests++;
      test.how = How.Cidr;
      test.prefixes = config.cidr;
    }
    const gt = config.gt;
    if (gt) {
      tests++;
      test.number(How.Gt, gt.kind == ValueTestGtKind.Int64, gt.int64, gt.number);
    }
    const lt = config.lt;
    if (lt) {
      tests++;
      test.number(How.Lt, lt.kind == ValueTestLtKind.Int64, lt.int64, lt.number);
    }
    if (config.template.length) {
      tests++;
      test.how = How.Template;
      test.template = PathTemplate.compile(config.template);
      if (!test.template) return refuse(path + ".template", PathTemplate.reason);
    }
    if (config.hashPercent > 0) {
      tests++;
      test.how = How.Percent;
      test.limit = config.hashPercent;
    }
    if (tests != 1) {
      return refuse(
        path,
        (tests ? "has more than one test" : "has no test") +
          ": give one of exact, in, prefix, suffix, contains, regex, present (true), cidr, gt, lt, template, hashPercent",
      );
    }
    if (config.ignoreCase && !isText) {
      return refuse(path + ".ignoreCase", "is for exact, in, prefix, suffix and contains; a regex takes (?i)");
    }
    return test;
  }

  holds(exchange: Exchange): bool {
    const values = this.selector.valuesIn(exchange);
    const count = values.length;
    if (this.how == How.Present) return count > 0;
    const all = this.lines == ValueTestLines.All;
    for (let i = 0; i < count; i++) {
      const value = values[i];
      const matches =
        this.lines == ValueTestLines.Token
          ? this.token(value.dataStart, value.length)
          : this.matches(value.dataStart, value.length);
      if (matches != all) return matches;
    }
    return all && count > 0;
  }

  private text(how: How, text: string): i32 {
    this.how = how;
    this.texts.push(toUtf8(text));
    return 1;
  }

  private number(how: How, isInt: bool, int: i64, number: f64): void {
    this.how = how;
    // A double that is an integer is exact up to 2^53.
    this.asInt = isInt || (Math.trunc(number) == number && Math.abs(number) <= 9007199254740991);
    this.limitInt = isInt ? int : this.asInt ? <i64>number : 0;
    this.limit = isInt ? <f64>int : number;
  }

  /** Whether one of the tokens between commas matches. */
  private token(ptr: usize, length: usize): bool {
    const end = ptr + length;
    while (ptr <= end) {
      let stop = ptr;
      while (stop < end && load<u8>(stop) != 0x2c) stop++;
      let from = ptr;
      let to = stop;
      while (from < to && isBlank(load<u8>(from))) from++;
      while (to > from && isBlank(load<u8>(to - 1))) to--;
      if (to > from && this.matches(from, to - from)) return true;
      ptr = stop + 1;
    }
    return false;
  }

  private matches(ptr: usize, length: usize): bool {
    switch (this.how) {
      case How.Exact:
      case How.Prefix:
      case How.Suffix:
      case How.Contains:
        for (let i = 0; i < this.texts.length; i++) if (this.matchesText(ptr, length, this.texts[i])) return true;
        return false;
      case How.Regex:
        return this.pattern!.matches(ptr, length);
      case How.Cidr: {
        const address = new IpAddress();
        if (!address.parse(ptr, length)) return false;
        for (let i = 0; i < this.prefixes.length; i++) if (this.prefixes[i].contains(address)) return true;
        return false;
      }
      case How.Gt:
        return this.compare(ptr, length, 1);
      case How.Lt:
        return this.compare(ptr, length, -1);
      case How.Template:
        return this.template!.pattern.matches(ptr, length);
      default:
        return <f64>(sipHash13(ptr, length, SHARE_KEY, 0) % 10000) < this.limit * 100;
    }
  }

  private matchesText(ptr: usize, length: usize, text: Uint8Array): bool {
    const size = <usize>text.length;
    if (length < size || (this.how == How.Exact && length != size)) return false;
    if (this.how == How.Suffix) return this.equal(ptr + length - size, text);
    if (this.how != How.Contains) return this.equal(ptr, text);
    for (let at = ptr; at <= ptr + length - size; at++) if (this.equal(at, text)) return true;
    return false;
  }

  private equal(ptr: usize, text: Uint8Array): bool {
    if (!this.ignoreCase) return !memory.compare(ptr, text.dataStart, text.length);
    for (let i: usize = 0; i < <usize>text.length; i++) {
      if (lower(load<u8>(ptr + i)) != lower(load<u8>(text.dataStart + i))) return false;
    }
    return true;
  }

  /** What is no number matches neither. */
  private compare(ptr: usize, length: usize, sign: i32): bool {
    if (!length || scanNumber(ptr, ptr + length) != ptr + length) return false;
    if (this.asInt) {
      const value = scannedI64();
      if (isExact) return sign > 0 ? value > this.limitInt : value < this.limitInt;
    }
    const value = scannedF64();
    return sign > 0 ? value > this.limit : value < this.limit;
  }
}

function isBlank(c: u32): bool {
  return c == 0x20 || c == 9;
}

function lower(c: u32): u32 {
  return c - 0x41 < 26 ? c | 0x20 : c;
}

/* Changes of one header or trailer map: checked and compiled when the configuration arrives, then carried out in order. */

import {
  Check,
  Condition,
  Edit,
  Exchange,
  isKept,
  isSingle,
  MAX_VALUE,
  overwritten,
  Phase,
  refusedName,
  refusedValue,
  refusedValues,
  same,
  sameName,
  Selectors,
  Text,
} from "meshwasm/filters/common";
import { HeaderMap, log, Status } from "meshwasm/sdk";
import { Encoder } from "meshwasm/sdk/std/template";
import { Pattern } from "meshwasm/sdk/std/pattern";
import { Replacement } from "meshwasm/sdk/std/pattern-replace";
import { fromUtf8 } from "meshwasm/sdk/std/utf8";
import { Change, ChangeKind, DedupeHeaderKeep } from "./config";
import { ACTED, REFUSED } from "./outcome";

/** Envoy's own default limit for all headers of a message is 60 KiB: the next proxy would refuse more. */
const MAX_BYTES = 60 * 1024;

class Rule {
  check: Check | null = null;
  /** For rename and copy, the new name. */
  to: string = "";
  text: Text | null = null;
  pattern: Pattern | null = null;
  replacement: Replacement | null = null;
  keep: DedupeHeaderKeep = DedupeHeaderKeep.Unset;

  constructor(
    readonly kind: ChangeKind,
    readonly path: string,
    readonly name: string,
  ) {}

  /** False when what it makes is refused. */
  apply(map: HeaderMap, exchange: Exchange, inRequest: bool): bool {
    const name = this.name;
    switch (this.kind) {
      case ChangeKind.Set:
        return this.put(map, exchange);
      case ChangeKind.SetIfAbsent:
        return map.has(name) || this.put(map, exchange);
      case ChangeKind.Add: {
        const value = this.value(exchange);
        return value !== null && map.appendBytes(name, value) == Status.Ok;
      }
      case ChangeKind.Append:
        return this.append(map, exchange);
      case ChangeKind.Remove:
        return map.remove(name) == Status.Ok;
      case ChangeKind.RemoveMatching:
        return this.removeMatching(map, inRequest);
      case ChangeKind.Rename:
      case ChangeKind.Copy: {
        const lines = map.linesBytes(name);
        if (!lines.length) return true;
        const done = write(map, this.to, lines);
        return (this.kind == ChangeKind.Copy || map.remove(name) == Status.Ok) && done;
      }
      case ChangeKind.Dedupe:
        return this.dedupe(map);
      default:
        return this.replace(map);
    }
  }

  /** What cannot be set must not leave what a client has sent in its place. */
  private put(map: HeaderMap, exchange: Exchange): bool {
    const value = this.value(exchange);
    if (value !== null && map.setBytes(this.name, value) == Status.Ok) return true;
    map.remove(this.name);
    return false;
  }

  /** Without white space at its ends, which HTTP/2 refuses. */
  private value(exchange: Exchange): Uint8Array | null {
    const value = this.text!.render(exchange);
    return value === null ? null : trimmed(value);
  }

  private append(map: HeaderMap, exchange: Exchange): bool {
    const value = this.value(exchange);
    if (value === null) return false;
    const name = this.name;
    if (sameName(name, "set-cookie")) return map.appendBytes(name, value) == Status.Ok;
    const there = map.getBytes(name);
    if (there === null || !there.length) return map.setBytes(name, value) == Status.Ok;
    if (there.length + value.length > MAX_VALUE) return false;
    const joined = new Uint8Array(there.length + value.length + 2);
    memory.copy(joined.dataStart, there.dataStart, there.length);
    joined[there.length] = sameName(name, "cookie") ? 0x3b : 0x2c;
    joined[there.length + 1] = 0x20;
    memory.copy(joined.dataStart + there.length + 2, value.dataStart, value.length);
    return map.setBytes(name, joined) == Status.Ok;
  }

  private removeMatching(map: HeaderMap, inRequest: bool): bool {
    const names: string[] = [];
    for (let i = 0, n = map.length; i < n; i++) {
      const name = map.nameAt(i);
      if (!names.includes(name) && this.pattern!.matchesWholeText(name) && !isKept(name, inRequest)) names.push(name);
    }
    let done = true;
    for (let i = 0; i < names.length; i++) done = map.remove(names[i]) == Status.Ok && done;
    return done;
  }

  private dedupe(map: HeaderMap): bool {
    const lines = map.linesBytes(this.name);
    if (lines.length < 2) return true;
    if (this.keep == DedupeHeaderKeep.First) return write(map, this.name, [lines[0]]);
    if (this.keep == DedupeHeaderKeep.Last) return write(map, this.name, [lines[lines.length - 1]]);
    const kept: Uint8Array[] = [];
    for (let i = 0; i < lines.length; i++) {
      let known = false;
      for (let j = 0; j < kept.length && !known; j++) known = same(lines[i], kept[j]);
      if (!known) kept.push(lines[i]);
    }
    return kept.length == lines.length || write(map, this.name, kept);
  }

  private replace(map: HeaderMap): bool {
    const lines = map.linesBytes(this.name);
    let changed = false;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      const pattern = this.pattern!;
      const made = pattern.replace(line.dataStart, line.length, this.replacement!, i32.MAX_VALUE, MAX_VALUE);
      if (made === null) {
        map.remove(this.name);
        return false;
      }
      const value = trimmed(made);
      changed = changed || !same(value, line);
      lines[i] = value;
    }
    return !changed || write(map, this.name, lines);
  }
}

/** Puts these lines in the place of all of the name. When one is refused none is there. */
function write(map: HeaderMap, name: string, lines: Uint8Array[]): bool {
  // Envoy would make one value of several that nobody has sent.
  let done = lines.length == 1 || !isSingle(name);
  done = done && map.setBytes(name, lines[0]) == Status.Ok;
  for (let i = 1; i < lines.length && done; i++) done = map.appendBytes(name, lines[i]) == Status.Ok;
  if (!done) map.remove(name);
  return done;
}

function trimmed(value: Uint8Array): Uint8Array {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value[start])) start++;
  while (end > start && isBlank(value[end - 1])) end--;
  return end - start == value.length ? value : value.subarray(start, end);
}

function isBlank(c: u32): bool {
  return c == 0x20 || c == 9;
}

export class Changes {
  /** Path and reason of the first refusal; "" while there is none. */
  error: string = "";
  /** Rules that are taken but may have no effect. */
  readonly warnings: string[] = [];
  private rules: Rule[] = [];
  private bytes: i32 = 0;

  constructor(
    private key: string,
    private phase: Phase,
  ) {}

  get isEmpty(): bool {
    return !this.rules.length;
  }

  /** Checks and compiles the changes of the configuration; false with the reason in `error`. */
  compile(configs: Change[], selectors: Selectors): bool {
    for (let i = 0; i < configs.length && !this.error.length; i++) {
      this.rule(configs[i], selectors, `$.${this.key}[${i}]`);
    }
    return !this.error.length;
  }

  /** Carries the rules out, or with `shadow` only says which would have been. */
  run(map: HeaderMap, exchange: Exchange, shadow: bool): i32 {
    let outcome = 0;
    for (let i = 0, n = this.rules.length; i < n; i++) {
      const rule = unchecked(this.rules[i]);
      const check = rule.check;
      if (check && !check.holds(exchange)) continue;
      outcome |= ACTED;
      if (shadow) log.debug("shadow: " + rule.path + " would act");
      else if (!rule.apply(map, exchange, this.inRequest)) {
        outcome |= REFUSED;
        log.debug(rule.path + " made what no header can be");
      }
    }
    return outcome;
  }

  private get inRequest(): bool {
    return this.phase <= Phase.RequestTrailers;
  }

  private rule(config: Change, selectors: Selectors, path: string): void {
    switch (config.kind) {
      case ChangeKind.Set:
        return this.valued(
          config.kind,
          config.set!.name,
          config.set!.value,
          config.set!.when,
          selectors,
          path,
          Edit.Set,
        );
      case ChangeKind.Add:
        return this.valued(
          config.kind,
          config.add!.name,
          config.add!.value,
          config.add!.when,
          selectors,
          path,
          Edit.Add,
        );
      case ChangeKind.Append: {
        const append = config.append!;
        return this.valued(config.kind, append.name, append.value, append.when, selectors, path, Edit.Add);
      }
      case ChangeKind.SetIfAbsent: {
        const given = config.setIfAbsent!;
        return this.valued(config.kind, given.name, given.value, given.when, selectors, path, Edit.Set);
      }
      case ChangeKind.Remove: {
        const remove = config.remove!;
        this.named(remove.name, Edit.Remove, path + ".name");
        this.push(new Rule(config.kind, path, remove.name), remove.when, selectors);
        return;
      }
      case ChangeKind.RemoveMatching: {
        const rule = new Rule(config.kind, path, "");
        rule.pattern = config.removeMatching!.regex;
        this.push(rule, config.removeMatching!.when, selectors);
        return;
      }
      case ChangeKind.Rename: {
        const rename = config.rename!;
        this.named(rename.name, Edit.Remove, path + ".name");
        return this.moved(config.kind, rename.name, rename.to, rename.when, selectors, path);
      }
      case ChangeKind.Copy:
        return this.moved(config.kind, config.copy!.name, config.copy!.to, config.copy!.when, selectors, path);
      case ChangeKind.Dedupe: {
        const dedupe = config.dedupe!;
        this.named(dedupe.name, Edit.Set, path + ".name");
        const rule = new Rule(config.kind, path, dedupe.name);
        rule.keep = dedupe.keep;
        this.push(rule, dedupe.when, selectors);
        return;
      }
      default: {
        const replace = config.regexReplace!;
        this.named(replace.name, Edit.Set, path + ".name");
        this.free(replace.name, path + ".name");
        const rule = new Rule(config.kind, path, replace.name);
        rule.pattern = replace.regex;
        rule.replacement = this.replacement(replace.regex!, replace.replacement, path + ".replacement");
        this.push(rule, replace.when, selectors);
      }
    }
  }

  private valued(
    kind: ChangeKind,
    name: string,
    value: string,
    when: Condition | null,
    selectors: Selectors,
    path: string,
    edit: Edit,
  ): void {
    // Behind what is there a value may well come; only a line more is wrong.
    this.named(name, kind == ChangeKind.Append && !isSingle(name) ? Edit.Set : edit, path + ".name");
    const rule = new Rule(kind, path, name);
    const text = Text.compile(value, selectors, this.phase, Encoder.Header);
    if (!text) return this.refuse(path + ".value", Text.reason);
    rule.text = text;
    const constant = text.constant;
    if (constant === null) this.free(name, path + ".name");
    else {
      const reason = refusedValue(name, fromUtf8(constant), this.inRequest);
      if (reason) this.refuse(path + ".value", reason);
    }
    this.bytes += name.length + value.length;
    if (this.bytes > MAX_BYTES) {
      this.refuse(path, `with it $.${this.key} has more than ${MAX_BYTES} bytes of names and values`);
    }
    this.push(rule, when, selectors);
  }

  private moved(
    kind: ChangeKind,
    name: string,
    to: string,
    when: Condition | null,
    selectors: Selectors,
    path: string,
  ): void {
    this.named(to, Edit.Set, path + ".to");
    this.free(to, path + ".to");
    if (sameName(name, to)) this.refuse(path + ".to", "is the name that they have");
    const rule = new Rule(kind, path, name);
    rule.to = to;
    this.push(rule, when, selectors);
  }

  private replacement(pattern: Pattern, text: string, path: string): Replacement {
    // White space at its ends may stand between other text.
    const reason = refusedValue("", "x" + text + "x", false);
    if (reason) this.refuse(path, reason);
    const made = new Replacement(text);
    const unknown = made.unknownGroup(pattern);
    if (unknown.length) this.refuse(path, "speaks of the group " + unknown + ", which the regex does not have");
    return made;
  }

  private named(name: string, edit: Edit, path: string): void {
    const reason = refusedName(name, edit, this.inRequest);
    if (reason) this.refuse(path, reason);
    const warning = overwritten(name, edit, this.inRequest);
    if (warning) this.warnings.push(path + " may have no effect: " + warning);
  }

  /** Whether values that are only known later may stand there. */
  private free(name: string, path: string): void {
    const reason = refusedValues(name, this.inRequest);
    if (reason) this.refuse(path, reason);
  }

  private push(rule: Rule, when: Condition | null, selectors: Selectors): void {
    if (when && !this.error.length) {
      rule.check = Check.compile(when, selectors, this.phase, rule.path + ".when");
      if (!rule.check) this.error = Check.refusal;
    }
    this.rules.push(rule);
  }

  private refuse(path: string, reason: string): void {
    if (!this.error.length) this.error = path + ": " + reason;
  }
}

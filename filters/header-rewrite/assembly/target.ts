/* Changes of path, query and host. All of them are worked out before anything is written, so that each rule's condition and
 * template sees the request as it came. */

import {
  Check,
  Condition,
  decodesTo,
  Exchange,
  hasDotSegments,
  MAX_VALUE,
  PathTemplate,
  Phase,
  queryStart,
  same,
  Selectors,
  Text,
} from "meshwasm/filters/common";
import { HeaderMap, log, Status } from "meshwasm/sdk";
import { ByteWriter } from "meshwasm/sdk/std/bytewriter";
import { Pattern } from "meshwasm/sdk/std/pattern";
import { Replacement } from "meshwasm/sdk/std/pattern-replace";
import { encode, Encoder } from "meshwasm/sdk/std/template";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import {
  HeaderRewriteConfig,
  HostChange,
  HostChangeKind,
  PathChange,
  PathChangeKind,
  QueryChange,
  QueryChangeKind,
} from "./config";
import { ACTED, REFUSED } from "./outcome";

class Rule {
  check: Check | null = null;
  text: Text | null = null;
  pattern: Pattern | null = null;
  replacement: Replacement | null = null;
  /** Of a path, what it begins with; of the query, a name and, for rename, the new one, encoded. */
  prefix: Uint8Array = new Uint8Array(0);
  to: Uint8Array = new Uint8Array(0);

  constructor(
    /** One of the enums of the configuration, by the list that the rule is in. */
    readonly kind: i32,
    readonly path: string,
  ) {}

  replaced(value: Uint8Array): Uint8Array | null {
    return this.pattern!.replace(value.dataStart, value.length, this.replacement!, i32.MAX_VALUE, MAX_VALUE);
  }
}

export class TargetChanges {
  /** Path and reason of the first refusal; "" while there is none. */
  error: string = "";
  private paths: Rule[] = [];
  private queries: Rule[] = [];
  private hosts: Rule[] = [];
  private originalPath: string = "";
  private originalHost: string = "";

  // What `work` has found for the message of now; null: no change.
  private target: Uint8Array | null = null;
  private targetBefore: Uint8Array | null = null;
  private host: Uint8Array | null = null;
  private hostBefore: Uint8Array | null = null;

  get isEmpty(): bool {
    return !this.paths.length && !this.queries.length && !this.hosts.length && !this.owns;
  }

  /** Checks and compiles; false with the reason in `error`. */
  compile(config: HeaderRewriteConfig, selectors: Selectors): bool {
    for (let i = 0; i < config.path.length; i++) this.pathRule(config.path[i], selectors, `$.path[${i}]`);
    for (let i = 0; i < config.query.length; i++) this.queryRule(config.query[i], selectors, `$.query[${i}]`);
    for (let i = 0; i < config.host.length; i++) this.hostRule(config.host[i], selectors, `$.host[${i}]`);
    this.originalPath = config.originalPath;
    this.originalHost = config.originalHost;
    return !this.error.length;
  }

  /** Works out path, query and host. REFUSED when one of them would be what no request may have: then nothing is changed. */
  work(map: HeaderMap, exchange: Exchange, shadow: bool): i32 {
    this.target = this.targetBefore = this.host = this.hostBefore = null;
    let outcome = 0;
    if (this.paths.length || this.queries.length) {
      const before = map.getBytes(":path");
      // CONNECT has no path, OPTIONS may have *.
      if (before !== null && before.length && before[0] == 0x2f) outcome |= this.workTarget(before, exchange, shadow);
    }
    if (this.hosts.length) outcome |= this.workHost(map.getBytes(":authority"), exchange, shadow);
    return outcome;
  }

  /** Writes what `work` has found. */
  write(map: HeaderMap): void {
    // A client's own line would pass for ours.
    if (this.originalPath.length) this.note(map, this.originalPath, this.target ? this.targetBefore : null);
    if (this.originalHost.length) this.note(map, this.originalHost, this.host ? this.hostBefore : null);
    const target = this.target;
    if (target !== null) map.setBytes(":path", target);
    const host = this.host;
    if (host !== null) map.setBytes(":authority", host);
  }

  private get owns(): bool {
    return this.originalPath.length > 0 || this.originalHost.length > 0;
  }

  private note(map: HeaderMap, name: string, value: Uint8Array | null): void {
    if (value === null || map.setBytes(name, value) != Status.Ok) map.remove(name);
  }

  private workTarget(before: Uint8Array, exchange: Exchange, shadow: bool): i32 {
    const mark = queryStart(before);
    const oldPath = mark < 0 ? before : before.subarray(0, mark);
    const oldQuery: Uint8Array | null = mark < 0 ? null : before.subarray(mark + 1);
    let path = oldPath;
    let query = oldQuery;
    let outcome = 0;
    for (let i = 0; i < this.paths.length; i++) {
      const rule = this.paths[i];
      const check = rule.check;
      if (check && !check.holds(exchange)) continue;
      const made = pathOf(rule, path, exchange);
      if (made === null) return this.refused(rule, outcome);
      if (same(made, path)) continue;
      if (!isPath(made) || (hasDotSegments(made) && !hasDotSegments(oldPath))) return this.refused(rule, outcome);
      path = made;
      outcome |= this.acted(rule, shadow);
    }
    for (let i = 0; i < this.queries.length; i++) {
      const rule = this.queries[i];
      const check = rule.check;
      if (check && !check.holds(exchange)) continue;
      const out = new ByteWriter(MAX_VALUE);
      if (!writeQuery(rule, query, exchange, out)) return this.refused(rule, outcome);
      if (query === null ? !out.length : same(out.toBytes(), query)) continue;
      query = out.toBytes();
      outcome |= this.acted(rule, shadow);
    }
    if (!(outcome & ACTED)) return outcome;
    const whole = new ByteWriter(MAX_VALUE);
    whole.bytes(path.dataStart, path.length);
    if (query !== null && (query.length || oldQuery !== null)) {
      // Without the last parameter there is no query.
      if (query.length || (oldQuery !== null && !oldQuery.length)) {
        whole.byte(0x3f);
        whole.bytes(query.dataStart, query.length);
      }
    }
    if (whole.overflow) return outcome | REFUSED;
    this.targetBefore = before;
    this.target = whole.toBytes();
    return outcome;
  }

  private workHost(before: Uint8Array | null, exchange: Exchange, shadow: bool): i32 {
    if (before === null) return 0;
    let host = before;
    let outcome = 0;
    for (let i = 0; i < this.hosts.length; i++) {
      const rule = this.hosts[i];
      const check = rule.check;
      if (check && !check.holds(exchange)) continue;
      const made = rule.kind == HostChangeKind.Replace ? rule.text!.render(exchange) : rule.replaced(host);
      if (made === null || !isHost(made)) return this.refused(rule, outcome);
      if (same(made, host)) continue;
      host = made;
      outcome |= this.acted(rule, shadow);
    }
    if (outcome & ACTED) {
      this.hostBefore = before;
      this.host = host;
    }
    return outcome;
  }

  private acted(rule: Rule, shadow: bool): i32 {
    if (shadow) log.debug("shadow: " + rule.path + " would act");
    return ACTED;
  }

  private refused(rule: Rule, outcome: i32): i32 {
    log.debug(rule.path + " made what no request can have");
    return outcome | ACTED | REFUSED;
  }

  private pathRule(config: PathChange, selectors: Selectors, path: string): void {
    const rule = new Rule(config.kind, path);
    switch (config.kind) {
      case PathChangeKind.Replace:
        this.template(rule, config.replace!.replace, ".replace", Encoder.Url, selectors);
        this.constant(rule, ".replace", true);
        this.when(rule, config.replace!.when, selectors);
        break;
      case PathChangeKind.Prefix: {
        const prefix = config.prefix!;
        rule.prefix = toUtf8(prefix.prefix);
        if (!isPath(rule.prefix)) this.refuse(path + ".prefix", NO_PATH);
        this.template(rule, prefix.with_, ".with", Encoder.Url, selectors);
        this.constant(rule, ".with", false);
        this.when(rule, prefix.when, selectors);
        break;
      }
      case PathChangeKind.Regex:
        this.pattern(rule, config.regex!.regex!, config.regex!.replacement);
        this.when(rule, config.regex!.when, selectors);
        break;
      default: {
        const mapped = config.template!;
        const template = PathTemplate.compile(mapped.template);
        const to = template ? template.replacement(mapped.to) : null;
        if (!template) this.refuse(path + ".template", PathTemplate.reason);
        else if (to === null) this.refuse(path + ".to", PathTemplate.reason);
        else if (!isPath(toUtf8(mapped.to))) this.refuse(path + ".to", NO_PATH);
        else {
          rule.pattern = template.pattern;
          rule.replacement = new Replacement(to);
        }
        this.when(rule, mapped.when, selectors);
      }
    }
    this.paths.push(rule);
  }

  private queryRule(config: QueryChange, selectors: Selectors, path: string): void {
    const rule = new Rule(config.kind, path);
    switch (config.kind) {
      case QueryChangeKind.Set:
        rule.prefix = toUtf8(config.set!.name);
        this.template(rule, config.set!.value, ".value", Encoder.None, selectors);
        this.when(rule, config.set!.when, selectors);
        break;
      case QueryChangeKind.Add:
        rule.prefix = toUtf8(config.add!.name);
        this.template(rule, config.add!.value, ".value", Encoder.None, selectors);
        this.when(rule, config.add!.when, selectors);
        break;
      case QueryChangeKind.SetIfAbsent:
        rule.prefix = toUtf8(config.setIfAbsent!.name);
        this.template(rule, config.setIfAbsent!.value, ".value", Encoder.None, selectors);
        this.when(rule, config.setIfAbsent!.when, selectors);
        break;
      case QueryChangeKind.Remove:
        rule.prefix = toUtf8(config.remove!.name);
        this.when(rule, config.remove!.when, selectors);
        break;
      default:
        rule.prefix = toUtf8(config.rename!.name);
        rule.to = toUtf8(config.rename!.to);
        this.when(rule, config.rename!.when, selectors);
    }
    this.queries.push(rule);
  }

  private hostRule(config: HostChange, selectors: Selectors, path: string): void {
    const rule = new Rule(config.kind, path);
    if (config.kind == HostChangeKind.Replace) {
      this.template(rule, config.replace!.replace, ".replace", Encoder.None, selectors);
      const constant = rule.text ? rule.text!.constant : null;
      if (constant !== null && !isHost(constant)) this.refuse(path + ".replace", NO_HOST);
      this.when(rule, config.replace!.when, selectors);
    } else {
      this.pattern(rule, config.regex!.regex!, config.regex!.replacement);
      this.when(rule, config.regex!.when, selectors);
    }
    this.hosts.push(rule);
  }

  private template(rule: Rule, text: string, key: string, encoder: Encoder, selectors: Selectors): void {
    rule.text = Text.compile(text, selectors, Phase.Request, encoder);
    if (!rule.text) this.refuse(rule.path + key, Text.reason);
  }

  /** Refuses a constant that no path can have; `whole` when it stands alone. */
  private constant(rule: Rule, key: string, whole: bool): void {
    const constant = rule.text ? rule.text!.constant : null;
    if (constant === null) return;
    // What comes behind a prefix may be nothing.
    const ok = whole ? isPath(constant) : !constant.length || isPath(constant);
    if (!ok) this.refuse(rule.path + key, NO_PATH);
  }

  private pattern(rule: Rule, pattern: Pattern, text: string): void {
    rule.pattern = pattern;
    const replacement = new Replacement(text);
    rule.replacement = replacement;
    const unknown = replacement.unknownGroup(pattern);
    if (unknown.length) {
      this.refuse(rule.path + ".replacement", "speaks of the group " + unknown + ", which the regex does not have");
    }
    if (!isPart(toUtf8(text))) this.refuse(rule.path + ".replacement", NO_PART);
  }

  private when(rule: Rule, when: Condition | null, selectors: Selectors): void {
    if (!when || this.error.length) return;
    rule.check = Check.compile(when, selectors, Phase.Request, rule.path + ".when");
    if (!rule.check) this.error = Check.refusal;
  }

  private refuse(path: string, reason: string): void {
    if (!this.error.length) this.error = path + ": " + reason;
  }
}

const NO_PATH =
  "is no path: it must begin with /, and have no ?, no #, no white space, no control character and only ASCII";
const NO_HOST = "is no host: letters, digits, . - _ and a port, or an IPv6 address in brackets";
const NO_PART = "must have no ?, no #, no white space, no control character and only ASCII";

/** The path that a rule makes of one; null when it is too long. */
function pathOf(rule: Rule, path: Uint8Array, exchange: Exchange): Uint8Array | null {
  let made: Uint8Array | null;
  if (rule.kind == PathChangeKind.Replace) made = rule.text!.render(exchange);
  else if (rule.kind == PathChangeKind.Prefix) {
    const prefix = rule.prefix;
    if (!beginsWith(path, prefix)) return path;
    const front = rule.text!.render(exchange);
    if (front === null || front.length + path.length > MAX_VALUE) return null;
    const rest = path.subarray(prefix.length);
    // One slash between both, and one in front when nothing else is left.
    const cut = front.length && front[front.length - 1] == 0x2f && rest.length && rest[0] == 0x2f ? 1 : 0;
    const slash =
      !front.length || (front[front.length - 1] != 0x2f && rest.length) ? (rest.length && rest[0] == 0x2f ? 0 : 1) : 0;
    const out = new Uint8Array(front.length - cut + slash + rest.length);
    memory.copy(out.dataStart, front.dataStart, front.length - cut);
    if (slash) out[front.length - cut] = 0x2f;
    memory.copy(out.dataStart + front.length - cut + slash, rest.dataStart, rest.length);
    made = out;
  } else made = rule.replaced(path);
  // With two in front it would be the host of a URL that a client follows.
  let slashes = 0;
  if (made !== null) while (slashes < made.length && made[slashes] == 0x2f) slashes++;
  const had = path.length > 1 && path[0] == 0x2f && path[1] == 0x2f;
  return made !== null && slashes > 1 && !had ? made.subarray(slashes - 1) : made;
}

/** Whether the path begins with the prefix and a segment ends there. */
function beginsWith(path: Uint8Array, prefix: Uint8Array): bool {
  const length = prefix.length;
  if (path.length < length || memory.compare(path.dataStart, prefix.dataStart, length)) return false;
  return path.length == length || prefix[length - 1] == 0x2f || path[length] == 0x2f;
}

function isPath(path: Uint8Array): bool {
  return path.length > 0 && path[0] == 0x2f && isPart(path);
}

function isPart(path: Uint8Array): bool {
  for (let i = 0; i < path.length; i++) {
    const c = path[i];
    if (c <= 0x20 || c >= 0x7f || c == 0x3f || c == 0x23) return false;
  }
  return true;
}

/** Letters, digits and what may stand in names, addresses and ports. */
function isHost(host: Uint8Array): bool {
  if (!host.length) return false;
  for (let i = 0; i < host.length; i++) {
    const c = <u32>host[i];
    const isName = (c | 0x20) - 0x61 < 26 || c - 0x30 < 10 || c == 0x2e || c == 0x2d || c == 0x5f;
    if (!isName && c != 0x3a && c != 0x5b && c != 0x5d) return false;
  }
  return true;
}

/** Writes the query after a rule; false when it is too long. Parameters that the rule is not about keep their bytes. */
function writeQuery(rule: Rule, query: Uint8Array | null, exchange: Exchange, out: ByteWriter): bool {
  const kind = rule.kind;
  let found = false;
  const value = rule.text ? rule.text!.render(exchange) : null;
  if (rule.text && value === null) return false;
  if (query !== null) {
    const end = query.dataStart + query.length;
    let first = true;
    for (let at = query.dataStart; at <= end;) {
      let stop = at;
      let equals: usize = 0;
      for (; stop < end && load<u8>(stop) != 0x26; stop++) if (!equals && load<u8>(stop) == 0x3d) equals = stop;
      const isOurs = stop > at && decodesTo(at, (equals || stop) - at, rule.prefix);
      const drop = isOurs && (kind == QueryChangeKind.Remove || (kind == QueryChangeKind.Set && found));
      if (!drop) {
        if (!first) out.byte(0x26);
        first = false;
        if (isOurs && kind == QueryChangeKind.Set) writePair(out, rule.prefix, value!);
        else if (isOurs && kind == QueryChangeKind.Rename) {
          encode(out, Encoder.Url, rule.to.dataStart, rule.to.length);
          if (equals) out.bytes(equals, <i32>(stop - equals));
        } else out.bytes(at, <i32>(stop - at));
      }
      found = found || isOurs;
      at = stop + 1;
    }
  }
  const more =
    kind == QueryChangeKind.Add || (!found && (kind == QueryChangeKind.Set || kind == QueryChangeKind.SetIfAbsent));
  if (more) {
    if (out.length) out.byte(0x26);
    writePair(out, rule.prefix, value!);
  }
  return !out.overflow;
}

function writePair(out: ByteWriter, name: Uint8Array, value: Uint8Array): void {
  encode(out, Encoder.Url, name.dataStart, name.length);
  out.byte(0x3d);
  encode(out, Encoder.Url, value.dataStart, value.length);
}

/* One limit: for which requests it is, how they are told apart, what they count, and where. */

import { Check, Count, CountedBy, Denial, Deny, Exchange, OwnLabels, Phase, Selectors } from "meshwasm/filters/common";
import { GrpcStatus, SharedData, Status } from "meshwasm/sdk";
import { Algorithm, seconds } from "./algorithm";
import { Concurrency } from "./concurrency";
import { Limit, LimitAlgorithm, LimitOverflow, LimitScope, LimitWhenAbsent } from "./config";
import { RequestCost } from "./cost";
import { Counts } from "./counts";
import { Gcra } from "./gcra";
import { Key } from "./key";
import { Origin } from "./origin";
import { declareMark, isMarked } from "./redirects";
import { TokenBucket } from "./token-bucket";
import { Vms } from "./vms";
import { FixedWindow, SlidingWindow } from "./windows";

/** How often a count is read again because another thread has changed it meanwhile. */
const TRIES: i32 = 32;
/** The problem type for a limit that is used up. */
const PROBLEM = "https://iana.org/assignments/http-problem-types#quota-exceeded";
/** The key of those that find no room. */
const OVERFLOW_HASH: u64 = 1;
const MILLISECOND: i64 = 1000000;
const MONTH: i64 = 744 * 3600 * 1000 * MILLISECOND;
/** Longest time in which all of a burst comes back: 10 years. */
const LONGEST: u64 = 315360000000000000;

/** How a request stands to a limit. */
export const enum Verdict {
  Admitted,
  Refused,
  /** The table of the keys is full, and the configuration refuses then. */
  NoRoom,
  /** Shared data fails. */
  Unavailable,
  /** Other threads were always faster. */
  Contended,
}

/** Labels that the counts have. */
const LABELS: string[] = ["limit"];
const ERROR_LABELS: string[] = ["limit", "reason"];

/** What all limits of a plugin share. */
export class Common {
  readonly allowed: CountedBy;
  readonly denied: CountedBy;
  readonly wouldDeny: CountedBy;
  readonly failed: CountedBy;

  constructor(
    own: OwnLabels,
    readonly selectors: Selectors,
    readonly shared: SharedData,
    readonly origin: Origin,
    readonly vms: Vms,
    readonly ipv6Prefix: u32,
    readonly deny: Deny,
  ) {
    this.allowed = new CountedBy("meshwasm_rate_limit_allowed", LABELS, own);
    this.denied = new CountedBy("meshwasm_rate_limit_denied", LABELS, own);
    this.wouldDeny = new CountedBy("meshwasm_rate_limit_shadow_denied", LABELS, own);
    this.failed = new CountedBy("meshwasm_rate_limit_error", ERROR_LABELS, own);
  }

  static ownLabels(labels: Map<string, string>, selectors: Selectors): OwnLabels | null {
    return OwnLabels.compile(labels, ERROR_LABELS, selectors, Phase.Request, "$.metrics.labels");
  }
}

export class CompiledLimit {
  /** Path and reason of the last refusal. */
  static refusal: string = "";
  readonly allowed: Count;
  readonly denied: Count;
  readonly wouldDeny: Count;
  /** Its name as RateLimit has it, and what RateLimit-Policy says of it. */
  readonly quoted: string;
  readonly policy: string;
  /** Tells a redirected request that it was counted; empty when it is to be counted again. */
  readonly mark: string;
  /** Where a key was counted last: its hash, and the table. */
  countedHash: u64 = 0;
  countedTable: u32 = 0;

  private constructor(
    readonly config: Limit,
    readonly algorithm: Algorithm,
    readonly cost: RequestCost,
    readonly denial: Denial,
    private match: Check | null,
    private key: Key | null,
    private counts: Counts,
    private common: Common,
  ) {
    const quoted = `"${config.name}"`;
    this.quoted = quoted;
    this.policy = policyOf(config, algorithm, quoted);
    // What is under way is counted as long as it is, and a cost of the response when there is one.
    const isLasting = config.algorithm == LimitAlgorithm.Concurrency || cost.header.length > 0;
    this.mark = isLasting ? "" : declareMark(config.name);
    this.allowed = new Count(common.allowed, [config.name]);
    this.denied = new Count(common.denied, [config.name]);
    this.wouldDeny = new Count(common.wouldDeny, [config.name]);
  }

  get name(): string {
    return this.config.name;
  }

  /** Requests that are under way are counted, and not any more when they are over. */
  get isConcurrency(): bool {
    return this.config.algorithm == LimitAlgorithm.Concurrency;
  }

  /** Null with path and reason in `refusal`. */
  static compile(config: Limit, common: Common, path: string): CompiledLimit | null {
    if (!isName(config.name)) return refuse(path + ".name: must be letters, digits, _, - and dots");
    const algorithm = algorithmOf(config, common.vms, path);
    if (!algorithm) return null;
    const cost = RequestCost.compile(config.cost, common.selectors, path + ".cost");
    if (!cost) return refuse(RequestCost.refusal);
    const concurrent = config.algorithm == LimitAlgorithm.Concurrency;
    if (concurrent && cost.header.length)
      return refuse(path + ".cost: concurrency counts requests before they are answered");
    let match: Check | null = null;
    const condition = config.match;
    if (condition) {
      match = Check.compile(condition, common.selectors, Phase.Request, path + ".match");
      if (!match) return refuse(Check.refusal);
    }
    let key: Key | null = null;
    if (config.key.length) {
      key = Key.compile(config.key, common.selectors, common.origin, common.ipv6Prefix, path + ".key");
      if (!key) return refuse(Key.refusal);
    }
    const problem = `"type":"${PROBLEM}","violated-policies":["${config.name}"]`;
    const status = GrpcStatus.ResourceExhausted;
    const denial = Denial.compile(common.deny, 429, "Too Many Requests", status, "$.deny", problem);
    if (!denial) return refuse(Denial.refusal);
    const kind = <u32>config.algorithm + 1;
    const maxKeys: u32 = key ? <u32>config.maxKeys : 1;
    // Another size is another place for the keys.
    const name = `${config.name} ${kind} ${maxKeys}`;
    const shared = config.scope == LimitScope.Proxy ? common.shared : null;
    const counts = new Counts(shared, name, kind, algorithm.payload, maxKeys);
    return new CompiledLimit(config, algorithm, cost, denial, match, key, counts, common);
  }

  /** Whether the request is one that it counts. */
  isFor(exchange: Exchange): bool {
    const match = this.match;
    return !match || match.holds(exchange);
  }

  /** Finds the key in `countedHash`; false: the request has none, and is not counted. */
  findKey(exchange: Exchange): bool {
    const key = this.key;
    this.countedHash = key ? key.hash(exchange) : 0;
    return !key || !key.isPartial || this.config.whenAbsent == LimitWhenAbsent.Shared;
  }

  /** Whether it had counted the request before it was redirected. */
  hasCounted(now: u64): bool {
    return this.mark.length > 0 && isMarked(this.mark, now);
  }

  /** Counts a request of the key in `countedHash`. How it stands is then in `algorithm`. */
  take(cost: u64, now: u64, exchange: Exchange): Verdict {
    const counts = this.counts;
    const algorithm = this.algorithm;
    // A cost that only the response tells passes while there is anything left.
    const later = this.cost.header.length > 0;
    let index = counts.tableOf(this.countedHash);
    for (let tries = 0; tries < TRIES; tries++) {
      if (!counts.open(index)) return Verdict.Unavailable;
      const at = counts.table.take(this.countedHash, now, algorithm.idle);
      if (!at) {
        if (index == counts.overflow || this.config.overflow == LimitOverflow.Deny) return Verdict.NoRoom;
        this.error("no_room", exchange);
        this.countedHash = OVERFLOW_HASH;
        index = counts.overflow;
        continue;
      }
      this.countedTable = index;
      if (!algorithm.allows(at, now, later ? 1 : cost)) return Verdict.Refused;
      if (!cost || later) return Verdict.Admitted;
      algorithm.keep(at, now);
      const status = counts.commit(index);
      if (status == Status.Ok) return Verdict.Admitted;
      if (status != Status.CasMismatch) return Verdict.Unavailable;
    }
    return Verdict.Contended;
  }

  /** What was counted in this table is not any more. False when other threads were always faster. */
  giveBack(hash: u64, index: u32, cost: u64, now: u64): bool {
    return this.change(hash, index, cost, now, false);
  }

  /** Counts what the response has cost. */
  owe(hash: u64, index: u32, cost: u64, now: u64): bool {
    return this.change(hash, index, cost, now, true);
  }

  /** Adds to the count of a key or takes away from it; one that has no place has no count. */
  private change(hash: u64, index: u32, cost: u64, now: u64, owes: bool): bool {
    const counts = this.counts;
    const algorithm = this.algorithm;
    for (let tries = 0; tries < TRIES; tries++) {
      if (!counts.open(index)) return false;
      const at = owes ? counts.table.take(hash, now, algorithm.idle) : counts.table.find(hash);
      if (!at) return true;
      if (owes) algorithm.owe(at, now, cost);
      else {
        algorithm.refund(at, now, cost);
        if (algorithm.isUnused(at)) counts.table.remove(hash);
      }
      const status = counts.commit(index);
      if (status != Status.CasMismatch) return status == Status.Ok;
    }
    return false;
  }

  /** `exchange`: of the request, if it can be looked at now. */
  error(reason: string, exchange: Exchange | null): void {
    this.common.failed.of([this.name, reason], exchange).increment();
  }
}

/** The item of RateLimit-Policy. */
function policyOf(config: Limit, algorithm: Algorithm, quoted: string): string {
  const isConcurrency = config.algorithm == LimitAlgorithm.Concurrency;
  const unit = isConcurrency ? 'qu="concurrent-requests"' : "w=" + seconds(algorithm.window).toString();
  return `${quoted};q=${algorithm.quota};${unit}`;
}

function algorithmOf(config: Limit, vms: Vms, path: string): Algorithm | null {
  const requests = <u64>config.requests;
  const per = config.per;
  if (config.algorithm == LimitAlgorithm.Concurrency) {
    if (per) return refusedAlgorithm(path + ".per: concurrency has no time");
    if (config.burst) return refusedAlgorithm(path + ".burst: is for gcra and tokenBucket");
    return new Concurrency(requests, vms);
  }
  if (per < MILLISECOND || per > MONTH)
    return refusedAlgorithm(
      path + ".per: must be there, the time in which so many requests may come, from 1ms to 744h",
    );
  if (config.algorithm == LimitAlgorithm.FixedWindow || config.algorithm == LimitAlgorithm.SlidingWindow) {
    if (config.burst) return refusedAlgorithm(path + ".burst: is for gcra and tokenBucket");
    return config.algorithm == LimitAlgorithm.FixedWindow
      ? changetype<Algorithm>(new FixedWindow(requests, <u64>per))
      : changetype<Algorithm>(new SlidingWindow(requests, <u64>per));
  }
  // One in less than a microsecond could not be told from none by the clock.
  if (<f64>requests * 1000 > <f64>per)
    return refusedAlgorithm(path + ".requests: must be at most one in a microsecond");
  const burst = <u64>(config.burst || config.requests);
  if (<f64>burst * <f64>per > <f64>LONGEST * <f64>requests)
    return refusedAlgorithm(path + ".burst: would take more than 10 years to come back");
  return config.algorithm == LimitAlgorithm.Gcra
    ? changetype<Algorithm>(new Gcra(requests, <u64>per, burst))
    : changetype<Algorithm>(new TokenBucket(requests, <u64>per, burst));
}

function refusedAlgorithm(reason: string): Algorithm | null {
  CompiledLimit.refusal = reason;
  return null;
}

/** Names stand in header fields and in the names of metrics. */
function isName(name: string): bool {
  for (let i = 0; i < name.length; i++) {
    const c = <u32>name.charCodeAt(i);
    const isLetter = (c | 0x20) - 0x61 < 26;
    if (!isLetter && c - 0x30 >= 10 && c != 0x5f && c != 0x2d && c != 0x2e) return false;
  }
  return true;
}

function refuse(reason: string): CompiledLimit | null {
  CompiledLimit.refusal = reason;
  return null;
}

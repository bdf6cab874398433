import { Check, Denial, Exchange, Mode, OnError, OwnLabels, Phase, Selectors } from "meshwasm/filters/common";
import {
  GrpcStatus,
  HeaderLines,
  HeadersAction,
  HttpFilter,
  log,
  Plugin,
  registerHttpFilter,
  SharedData,
} from "meshwasm/sdk";
import { sipHash13 } from "meshwasm/sdk/std/hash";
import { NEVER, seconds } from "./algorithm";
import { Headers, RateLimitConfig } from "./config";
import { Fields, ResponseFields, Standing, tell } from "./fields";
import { Common, CompiledLimit, Verdict } from "./limit";
import { Origin } from "./origin";
import { isRedirected, mark } from "./redirects";
import { BEAT, Vms } from "./vms";

/** Format of what stands in shared data. */
const VERSION: u32 = 1;
/** Requests that are over and could not be taken out of a count yet; more are forgotten. */
const MOST_LATE = 10000;

class RateLimitPlugin extends Plugin<RateLimitConfig> {
  readonly selectors: Selectors = new Selectors();
  readonly exchange: Exchange = new Exchange();
  readonly limits: CompiledLimit[] = [];
  /** Whether a stream must remember how it stands: for fields, for a cost of the response, or for its end. */
  remembers: bool = false;
  private exempt: Check[] = [];
  private unavailable: Denial | null = null;
  private origin: Origin | null = null;
  private vms: Vms | null = null;
  private hasConcurrency: bool = false;
  private late: Standing[] = [];
  private refusals: u64 = 0;

  onConfigure(): bool {
    const config = this.config;
    if (config.jitter < 0 || config.jitter > 3600000000000) return refused("$.jitter: must be from 0s to 1h");
    const shared = new SharedData("rate-limit", VERSION);
    const origin = Origin.of(shared);
    if (!origin) return refused("$: the host gives no random numbers, or no shared data");
    this.origin = origin;
    const vms = new Vms(shared);
    this.vms = vms;
    this.exchange.trustedHops = <i32>config.trustedHops;
    const own = Common.ownLabels(config.metrics.labels, this.selectors);
    if (!own) return refused(OwnLabels.refusal);
    const common = new Common(own, this.selectors, shared, origin, vms, <u32>config.ipv6Prefix, config.deny);
    for (let i = 0; i < config.limits.length; i++) {
      const path = `$.limits[${i}]`;
      const name = config.limits[i].name;
      for (let j = 0; j < i; j++)
        if (config.limits[j].name == name) return refused(path + ".name: there is a limit of this name");
      const limit = CompiledLimit.compile(config.limits[i], common, path);
      if (!limit) return refused(CompiledLimit.refusal);
      this.limits.push(limit);
      if (limit.isConcurrency) this.hasConcurrency = true;
      if (limit.isConcurrency || limit.cost.header.length) this.remembers = true;
    }
    this.unavailable = Denial.compile(null, 503, "Service Unavailable", GrpcStatus.Unavailable, "$.deny");
    if (config.headers != Headers.None && config.mode == Mode.Enforce) this.remembers = true;
    for (let i = 0; i < config.exempt.length; i++) {
      const check = Check.compile(config.exempt[i], this.selectors, Phase.Request, `$.exempt[${i}]`);
      if (!check) return refused(Check.refusal);
      this.exempt.push(check);
    }
    if (this.hasConcurrency) this.setTickPeriod(BEAT);
    return true;
  }

  isExempt(exchange: Exchange): bool {
    for (let i = 0; i < this.exempt.length; i++) if (this.exempt[i].holds(exchange)) return true;
    return false;
  }

  now(): u64 {
    return this.origin!.now();
  }

  /** Before the first request of this VM is counted among those that are under way. */
  joins(now: u64): bool {
    return this.vms!.join(now);
  }

  giveBack(standing: Standing, now: u64): void {
    const done = standing.limit.giveBack(standing.hash, standing.table, standing.cost, now);
    // What is not counted out would count for ever.
    if (!done && standing.limit.isConcurrency && this.late.length < MOST_LATE) this.late.push(standing);
  }

  onTick(): void {
    const now = this.now();
    this.vms!.beat(now);
    const late = this.late;
    if (!late.length) return;
    this.late = [];
    for (let i = 0; i < late.length; i++) this.giveBack(late[i], now);
  }

  refuse(stream: RateLimit, standings: Standing[], limit: CompiledLimit, wait: u64): void {
    const config = this.config;
    const lines = new HeaderLines();
    tell(standings, config.headers, new LineFields(lines));
    if (config.retryAfter && wait != NEVER) lines.add("retry-after", this.retryAfter(wait).toString());
    limit.denial.sendWith(stream, "meshwasm_rate_limit_" + limit.name, lines);
  }

  refuseUncounted(stream: RateLimit, reason: string): void {
    this.unavailable!.send(stream, "meshwasm_rate_limit_" + reason);
  }

  /** Seconds, at least one. */
  private retryAfter(wait: u64): u64 {
    let more: u64 = 0;
    const jitter = <u64>this.config.jitter;
    if (jitter) {
      const at = memory.data(8, 8);
      store<u64>(at, ++this.refusals);
      const origin = this.origin!;
      more = sipHash13(at, 8, origin.k0, origin.k1 + this.now()) % jitter;
    }
    return max<u64>(seconds(wait), 1) + seconds(more);
  }
}

class LineFields extends Fields {
  constructor(private lines: HeaderLines) {
    super();
  }

  put(name: string, value: Uint8Array): void {
    this.lines.addBytes(name, value);
  }
}

function refused(reason: string): bool {
  log.error("configuration refused: " + reason);
  return false;
}

class RateLimit extends HttpFilter<RateLimitPlugin> {
  /** Of the limits that have counted the request; null: none has, or nobody will ask. */
  private standings: Standing[] | null = null;
  /** A bit for each limit that must not count it once more when it is redirected. */
  private counted: u64 = 0;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const plugin = this.plugin;
    const config = plugin.config;
    if (config.mode == Mode.Off) return HeadersAction.Continue;
    const exchange = plugin.exchange;
    exchange.enter(Phase.Request, this.request.headers, null);
    if (plugin.isExempt(exchange)) return HeadersAction.Continue;
    const limits = plugin.limits;
    const now = plugin.now();
    const standings: Standing[] = [];
    // One limit that nobody asks about later needs no memory.
    const remembers: bool = plugin.remembers || limits.length > 1;
    for (let i = 0; i < limits.length; i++) {
      const limit = limits[i];
      if (!limit.isFor(exchange) || !limit.findKey(exchange)) continue;
      if (limit.hasCounted(now)) {
        this.counted |= (<u64>1) << i;
        if (plugin.remembers) this.look(limit, standings, now);
        continue;
      }
      const cost = limit.cost.ofRequest(exchange);
      const joined: bool = !limit.isConcurrency || plugin.joins(now);
      const verdict = joined ? limit.take(cost, now, exchange) : Verdict.Unavailable;
      if (verdict <= Verdict.Refused && limit.mark.length) this.counted |= (<u64>1) << i;
      if (verdict == Verdict.Admitted && !remembers) {
        limit.allowed.increment(exchange);
        continue;
      }
      if (verdict > Verdict.Refused) {
        if (this.fails(limit, verdict, standings, now)) return HeadersAction.StopIteration;
        continue;
      }
      const standing = new Standing(limit, limit.countedHash, limit.countedTable, cost);
      standings.push(standing);
      if (verdict == Verdict.Admitted) continue;
      standing.isOver = true;
      if (limit.config.shadow || config.mode == Mode.Shadow) {
        limit.wouldDeny.increment(exchange);
        continue;
      }
      limit.denied.increment(exchange);
      this.undo(standings, now);
      plugin.refuse(this, standings, limit, standing.wait);
      return HeadersAction.StopIteration;
    }
    for (let i = 0; i < standings.length; i++) {
      const each = standings[i];
      if (!each.isOver && !each.isRepeated) each.limit.allowed.increment(exchange);
    }
    if (plugin.remembers && standings.length) this.standings = standings;
    return HeadersAction.Continue;
  }

  /** How a request stands to a limit that had counted it before it was redirected. */
  private look(limit: CompiledLimit, standings: Standing[], now: u64): void {
    if (limit.take(0, now, this.plugin.exchange) > Verdict.Refused) return;
    const standing = new Standing(limit, limit.countedHash, limit.countedTable, 0);
    standing.isRepeated = true;
    standings.push(standing);
  }

  /** A limit could not count the request; whether that refuses it. */
  private fails(limit: CompiledLimit, verdict: Verdict, standings: Standing[], now: u64): bool {
    const plugin = this.plugin;
    const reason = verdict == Verdict.NoRoom ? "no_room" : verdict == Verdict.Contended ? "contended" : "unavailable";
    limit.error(reason, plugin.exchange);
    const config = plugin.config;
    const shadow = limit.config.shadow || config.mode == Mode.Shadow;
    if (shadow || (verdict != Verdict.NoRoom && config.onError == OnError.Allow)) return false;
    this.undo(standings, now);
    limit.denied.increment(plugin.exchange);
    if (verdict == Verdict.NoRoom) plugin.refuse(this, [], limit, NEVER);
    else plugin.refuseUncounted(this, reason);
    return true;
  }

  /** A request that is refused counts nowhere. */
  private undo(standings: Standing[], now: u64): void {
    for (let i = 0; i < standings.length; i++) {
      const each = standings[i];
      if (!each.isOver && each.cost && !each.limit.cost.header.length) this.plugin.giveBack(each, now);
    }
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.counted = 0;
    const standings = this.standings;
    if (!standings) return HeadersAction.Continue;
    const plugin = this.plugin;
    const headers = this.response.headers;
    let now: u64 = 0;
    for (let i = 0; i < standings.length; i++) {
      const limit = standings[i].limit;
      // What would have been refused costs nothing.
      if (!limit.cost.header.length || standings[i].isOver) continue;
      if (!now) now = plugin.now();
      const cost = limit.cost.ofResponse(headers);
      if (cost && !limit.owe(standings[i].hash, standings[i].table, cost, now)) limit.error("contended", null);
    }
    const config = plugin.config;
    if (config.mode == Mode.Enforce) tell(standings, config.headers, new ResponseFields(headers));
    return HeadersAction.Continue;
  }

  onDone(): void {
    const counted = this.counted;
    // Without an answer: it was given up, or goes on as another stream.
    if (counted && isRedirected()) {
      const limits = this.plugin.limits;
      const now = this.plugin.now();
      for (let i = 0; i < limits.length; i++) if ((counted >> i) & 1) mark(limits[i].mark, now);
    }
    const standings = this.standings;
    if (!standings) return;
    this.standings = null;
    let now: u64 = 0;
    for (let i = 0; i < standings.length; i++) {
      const each = standings[i];
      if (!each.limit.isConcurrency || each.isOver || !each.cost) continue;
      if (!now) now = this.plugin.now();
      this.plugin.giveBack(each, now);
    }
  }
}

registerHttpFilter<RateLimit, RateLimitPlugin, RateLimitConfig>();

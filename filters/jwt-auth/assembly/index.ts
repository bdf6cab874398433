import {
  Decisions,
  Exchange,
  hasDotSegments,
  Mode,
  OnError,
  OwnLabels,
  Phase,
  Selectors,
  setIdentityBytes,
} from "meshwasm/filters/common";
import {
  clock,
  foreign,
  HeaderMap,
  HeadersAction,
  HttpCallResponse,
  HttpFilter,
  log,
  Plugin,
  registerHttpFilter,
  TrailersAction,
} from "meshwasm/sdk";
import { Answers } from "./answers";
import { Reason, reasonName } from "./claims";
import { JwtAuthConfig, RequirementKind } from "./config";
import { Host, KeySet } from "./keys";
import { TokenProvider } from "./provider";
import { monotonicMs } from "./remote";
import { CompiledRule, Decision } from "./rules";

/** Requests that wait for keys; more are refused. */
const MOST_WAITING = 1000;
/** Milliseconds between ticks: while keys are waited for, and else. */
const SOON = 50;
const LATER = 1000;

class JwtAuthPlugin extends Plugin<JwtAuthConfig> {
  readonly selectors: Selectors = new Selectors();
  readonly exchange: Exchange = new Exchange();
  decisions: Decisions | null = null;
  /** Headers that only this filter writes. */
  readonly own: string[] = [];
  private providers: TokenProvider[] = [];
  private rules: CompiledRule[] = [];
  private otherwise: CompiledRule | null = null;
  /** Whether what a request needs depends on what it is for. */
  hasMatches: bool = false;
  private answers: Answers | null = null;
  private waiting: JwtAuth[] = [];
  private hasRemote: bool = false;
  private period: u32 = 0;
  private longest: u32 = 0;

  onConfigure(): bool {
    const config = this.config;
    const host = new Host();
    host.verifies = foreign.has("verify_signature");
    for (let i = 0; i < config.providers.length; i++) {
      const path = `$.providers[${i}]`;
      for (let j = 0; j < i; j++) {
        if (config.providers[j].name == config.providers[i].name)
          return refused(path + ".name: there is a provider of this name");
      }
      const provider = TokenProvider.compile(config.providers[i], this.selectors, host, config.providers.length, path);
      if (!provider) return refused(TokenProvider.refusal);
      this.providers.push(provider);
      provider.ownHeaders(this.own);
      if (provider.remote) this.hasRemote = true;
    }
    for (let i = 0; i < config.rules.length; i++) {
      const rule = CompiledRule.compile(config.rules[i], this.providers, this.selectors, `$.rules[${i}]`);
      if (!rule) return refused(CompiledRule.refusal);
      this.rules.push(rule);
      if (rule.hasMatch) this.hasMatches = true;
    }
    this.otherwise = new CompiledRule(null, RequirementKind.Any, this.providers);
    this.decisions = Decisions.compile("jwt_auth", config.metrics.labels, this.selectors);
    if (!this.decisions) return refused(OwnLabels.refusal);
    this.answers = Answers.compile(config.deny);
    if (!this.answers) return refused(Answers.refusal);
    // The VM that only tries the configuration never ticks, and must not take the right to fetch with it.
    if (this.hasRemote) this.tickEvery(SOON);
    return true;
  }

  private tickEvery(milliseconds: u32): void {
    if (this.period == milliseconds) return;
    this.period = milliseconds;
    this.setTickPeriod(milliseconds);
  }

  ruleFor(exchange: Exchange): CompiledRule {
    for (let i = 0; i < this.rules.length; i++) if (this.rules[i].holds(exchange)) return this.rules[i];
    return this.otherwise!;
  }

  refuse(stream: JwtAuth, reason: Reason): void {
    this.answers!.send(stream, reason);
  }

  onTick(): void {
    const now = monotonicMs();
    let missing = false;
    for (let i = 0; i < this.providers.length; i++) {
      const provider = this.providers[i];
      const remote = provider.remote;
      if (!remote) continue;
      this.takeArrived(provider, now);
      if (provider.keys && !remote.areUsable(now)) provider.use(null);
      remote.fetch(this, i, now, false);
      if (!provider.keys) missing = true;
    }
    this.serveWaiting(now);
    this.tickEvery(missing || this.waiting.length ? SOON : LATER);
  }

  private serveWaiting(now: u64): void {
    const waiting = this.waiting;
    if (!waiting.length) return;
    this.waiting = [];
    for (let i = 0; i < waiting.length; i++) waiting[i].lookAgain(now);
  }

  private takeArrived(provider: TokenProvider, now: u64): void {
    const remote = provider.remote!;
    const body = remote.arrived(now);
    if (body === null) return;
    const set = KeySet.parse(body, false, this.hostOf());
    if (set) provider.use(set);
    else remote.wasBad();
  }

  private hostOf(): Host {
    return this.providers[0].host;
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    const now = monotonicMs();
    const provider = this.providers[response.call.tag];
    const remote = provider.remote!;
    const body = remote.answered(this, response, response.call.tag, now);
    if (body !== null) {
      const set = KeySet.parse(body, false, provider.host);
      if (set) {
        remote.keep(body, now);
        provider.use(set);
      } else remote.failed(now, KeySet.reason);
    }
    if (remote.hasFailed) this.decisions!.error("keys_not_fetched", null);
    this.serveWaiting(now);
  }

  /** Gets the keys of these providers; whether somebody fetches them, or begins now. The longest it takes is in `longest`. */
  seek(providers: TokenProvider[], now: u64): bool {
    let found: bool = false;
    this.longest = 0;
    for (let i = 0; i < providers.length; i++) {
      const provider = providers[i];
      const remote = provider.remote;
      if (!remote) continue;
      const before = provider.keys;
      this.takeArrived(provider, now);
      const began = provider.keys != before || remote.fetch(this, this.providers.indexOf(provider), now, true);
      if (!began && !remote.isUnderWay(now)) continue;
      found = true;
      this.longest = max(this.longest, remote.upstream.timeout);
    }
    return found;
  }

  /** Whether the request waits for the keys of these providers. */
  awaits(stream: JwtAuth, providers: TokenProvider[]): bool {
    if (this.waiting.length >= MOST_WAITING) return false;
    const now = monotonicMs();
    if (!this.seek(providers, now)) return false;
    stream.deadline = now + this.longest + 1000;
    this.waiting.push(stream);
    this.tickEvery(SOON);
    return true;
  }

  /** Still waits. */
  waitOn(stream: JwtAuth): void {
    this.waiting.push(stream);
  }
}

function refused(reason: string): bool {
  log.error("configuration refused: " + reason);
  return false;
}

class JwtAuth extends HttpFilter<JwtAuthPlugin> {
  /** When waiting for keys ends, ms of the monotonic clock; 0: it has not begun. */
  deadline: u64 = 0;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const plugin = this.plugin;
    const config = plugin.config;
    if (config.mode == Mode.Off) return HeadersAction.Continue;
    const headers = this.request.headers;
    if (config.mode == Mode.Enforce) removeOwn(plugin.own, headers);
    if (config.allowCorsPreflight && isPreflight(headers)) {
      plugin.exchange.enter(Phase.Request, headers, null);
      plugin.decisions!.allowed(plugin.exchange);
      return HeadersAction.Continue;
    }
    const decision = this.decide();
    if (decision.waiting.length) {
      // In shadow mode nothing is delayed.
      if (config.mode == Mode.Shadow) plugin.seek(decision.waiting, monotonicMs());
      else if (plugin.awaits(this, decision.waiting)) {
        return HeadersAction.StopAllIterationAndWatermark;
      }
    }
    return this.act(decision) ? HeadersAction.Continue : HeadersAction.StopIteration;
  }

  private decide(): Decision {
    const plugin = this.plugin;
    const exchange = plugin.exchange;
    exchange.enter(Phase.Request, this.request.headers, null);
    const path = plugin.hasMatches ? this.request.headers.getBytes(":path") : null;
    if (path !== null && hasDotSegments(path)) {
      const refused = new Decision();
      refused.reason = Reason.Path;
      return refused;
    }
    const now = <f64>clock.realtime() / 1e9;
    return plugin.ruleFor(exchange).decide(this.request.headers, exchange, now);
  }

  /** Does what was decided; false: the request is answered. */
  private act(decision: Decision): bool {
    const plugin = this.plugin;
    const shadow = plugin.config.mode == Mode.Shadow;
    const decisions = plugin.decisions!;
    let reason = decision.reason;
    if (!decision.allowed) {
      const unavailable = reason == Reason.Unavailable;
      if (unavailable) decisions.error(reasonName(reason), plugin.exchange);
      if (!unavailable || plugin.config.onJwksUnavailable == OnError.Deny) {
        decisions.denied(reasonName(reason), shadow, plugin.exchange);
        if (shadow) return true;
        plugin.refuse(this, reason);
        return false;
      }
      // As if it had none: the upstream does not get what nobody could check.
      if (!shadow)
        for (let i = 0; i < decision.waiting.length; i++) decision.waiting[i].dropToken(this.request.headers);
    }
    const verified = decision.verified;
    const headers = this.request.headers;
    for (let i = 0; i < verified.length && !shadow; i++) {
      verified[i].provider.tell(verified[i], headers);
      if (i == 0) setIdentityBytes(verified[i].identity, verified[i].groups, verified[i].payload);
    }
    // A label may be the identity.
    decisions.allowed(plugin.exchange);
    return true;
  }

  /** Called at ticks while it waits. One whose client has gone cannot be activated and is forgotten. */
  lookAgain(now: u64): void {
    if (!this.activate()) return;
    const decision = this.decide();
    if (decision.waiting.length && now < this.deadline && this.isUnderWay(decision, now)) {
      this.plugin.waitOn(this);
      return;
    }
    if (this.act(decision)) this.request.resume();
  }

  private isUnderWay(decision: Decision, now: u64): bool {
    for (let i = 0; i < decision.waiting.length; i++) {
      const remote = decision.waiting[i].remote;
      if (remote && remote.isUnderWay(now)) return true;
    }
    return false;
  }

  onRequestTrailers(): TrailersAction {
    const plugin = this.plugin;
    if (plugin.config.mode == Mode.Enforce) removeOwn(plugin.own, this.request.trailers);
    return TrailersAction.Continue;
  }
}

/** What a client sends under the names of claim headers. */
function removeOwn(names: string[], map: HeaderMap): void {
  for (let i = 0; i < names.length; i++) if (map.has(names[i])) map.remove(names[i]);
}

function isPreflight(headers: HeaderMap): bool {
  return headers.get(":method") == "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

registerHttpFilter<JwtAuth, JwtAuthPlugin, JwtAuthConfig>();

/* Keys that are fetched. One VM fetches for all: who may, and what came, stands in shared data. */

import { UpstreamCalls } from "meshwasm/filters/common";
import { clock, HttpCallResponse, log, RootContext, SharedData, SharedUpdate, Status } from "meshwasm/sdk";
import { JsonDocument } from "meshwasm/sdk/std/json-value";
import { Provider, Remote } from "./config";

const NS: u64 = 1000000;
/** Largest key set and discovery document. */
const MOST_BYTES: u32 = 256 * 1024;
/** Least and most milliseconds between two attempts while the keys cannot be fetched. */
const FIRST_RETRY: u64 = 500;
/** u64 times of the last attempt, its end and the last success (ms, monotonic), u32 version, u32 failures since. */
const STATE_SIZE: i32 = 32;

/** What stands in shared data; whoever shares it may have written anything. */
class State {
  attempt: u64 = 0;
  ended: u64 = 0;
  success: u64 = 0;
  version: u32 = 0;
  failures: u32 = 0;

  static read(bytes: Uint8Array | null, now: u64): State {
    const state = new State();
    if (bytes === null || bytes.length != STATE_SIZE) return state;
    const ptr = bytes.dataStart;
    state.attempt = load<u64>(ptr);
    state.ended = load<u64>(ptr, 8);
    state.success = load<u64>(ptr, 16);
    state.version = load<u32>(ptr, 24);
    state.failures = load<u32>(ptr, 28);
    // Times of the future are nobody's.
    if (max(state.attempt, max(state.ended, state.success)) > now + 60000) return new State();
    return state;
  }

  write(): Uint8Array {
    const bytes = new Uint8Array(STATE_SIZE);
    const ptr = bytes.dataStart;
    store<u64>(ptr, this.attempt);
    store<u64>(ptr, this.ended, 8);
    store<u64>(ptr, this.success, 16);
    store<u32>(ptr, this.version, 24);
    store<u32>(ptr, this.failures, 28);
    return bytes;
  }
}

/** Takes the right to fetch, if it is due. */
class Attempt extends SharedUpdate {
  taken: bool = false;

  constructor(
    private keys: RemoteKeys,
    private now: u64,
    /** A token has a kid that the keys do not have. */
    private wanted: bool,
  ) {
    super();
  }

  next(old: Uint8Array | null): Uint8Array | null {
    const state = State.read(old, this.now);
    this.taken = this.keys.isDue(state.attempt, state.success, state.failures, this.now, this.wanted);
    if (!this.taken) return null;
    state.attempt = this.now;
    return state.write();
  }
}

/** Notes how a fetch went. */
class Result extends SharedUpdate {
  constructor(
    private now: u64,
    private isGood: bool,
  ) {
    super();
  }

  next(old: Uint8Array | null): Uint8Array | null {
    const state = State.read(old, this.now);
    state.ended = max(this.now, state.attempt);
    if (this.isGood) {
      state.success = this.now;
      state.version++;
      state.failures = 0;
    } else state.failures = min<u32>(state.failures + 1, 30);
    return state.write();
  }
}

export class RemoteKeys {
  /** Path and reason of the last refusal. */
  static refusal: string = "";
  private shared: SharedData;
  private key: string;
  /** Of the keys that are used here; 0: none. */
  private version: u32 = 0;
  /** When they were fetched, ms of the monotonic clock. */
  private fetched: u64 = 0;
  /** The number of the call that is under way; it gives the answer its meaning. */
  private fetching: bool = false;
  private discovered: string = "";
  /** How the last fetch of this VM has ended. */
  hasFailed: bool = false;

  private constructor(
    private config: Remote,
    readonly upstream: UpstreamCalls,
    private provider: Provider,
  ) {
    this.shared = new SharedData("jwt-auth", 1);
    // Another place is another set.
    this.key = provider.name + " " + upstream.cluster + " " + upstream.authority + upstream.path;
  }

  static compile(config: Remote, upstream: UpstreamCalls, provider: Provider, path: string): RemoteKeys | null {
    if (config.minRefetch < 1000000000) return refuse(path + ".minRefetch: must be at least 1s");
    if (config.cacheDuration < config.minRefetch) return refuse(path + ".cacheDuration: must be at least minRefetch");
    if (config.refreshAhead < 0 || config.refreshAhead >= config.cacheDuration)
      return refuse(path + ".refreshAhead: must be less than cacheDuration");
    if (config.staleIfError < 0) return refuse(path + ".staleIfError: must not be negative");
    return new RemoteKeys(config, upstream, provider);
  }

  /** Whether a fetch may begin: at once when there are no keys, ahead of their end, or when a token asks for others. */
  isDue(attempt: u64, success: u64, failures: u32, now: u64, wanted: bool): bool {
    const since = now - min(attempt, now);
    const least = ms(this.config.minRefetch);
    if (failures) {
      // Twice as long after each failure.
      const wait = min(least * 6, FIRST_RETRY << min<u64>(failures, 12));
      return since >= max(wait, wanted ? least : 0);
    }
    if (attempt && since < least) return false;
    if (!success || wanted) return true;
    return now - min(success, now) >= ms(this.config.cacheDuration) - ms(this.config.refreshAhead);
  }

  /** Whether the keys of this VM may still be used. */
  areUsable(now: u64): bool {
    if (!this.version) return false;
    return now - min(this.fetched, now) < ms(this.config.cacheDuration) + ms(this.config.staleIfError);
  }

  /** Whether this VM or another one waits for an answer. */
  isUnderWay(now: u64): bool {
    if (this.fetching) return true;
    const state = State.read(this.shared.get(this.key), now);
    return state.attempt > state.ended && now - min(state.attempt, now) < <u64>this.upstream.timeout;
  }

  /** Looks whether another VM has fetched since; the key set, or null when there is nothing new. */
  arrived(now: u64): Uint8Array | null {
    const state = State.read(this.shared.get(this.key), now);
    if (!state.version || state.version == this.version) return null;
    const keys = this.shared.get(this.key + " keys");
    if (keys === null || keys.length > <i32>MOST_BYTES) return null;
    this.version = state.version;
    this.fetched = state.success;
    return keys;
  }

  /** The keys that have arrived are none: the next look must not take them again. */
  wasBad(): void {
    log.warn("provider " + this.provider.name + ": the keys that were fetched cannot be used");
  }

  /** Fetches if it is due and no other VM does. */
  fetch(owner: RootContext, tag: i32, now: u64, wanted: bool): bool {
    if (this.fetching) return false;
    const attempt = new Attempt(this, now, wanted);
    if (this.shared.update(this.key, attempt) != Status.Ok || !attempt.taken) return false;
    this.fetching = true;
    this.hasFailed = false;
    const call = this.upstream.call().header("accept", "application/json").maxBody(MOST_BYTES);
    call.tag = tag;
    call.dispatch(owner);
    return true;
  }

  /** What the fetch has brought: the key set, null when there is none, or when it leads to another fetch. */
  answered(owner: RootContext, response: HttpCallResponse, tag: i32, now: u64): Uint8Array | null {
    const wasDiscovery = this.config.discovery && !this.discovered.length;
    if (!response.ok || response.statusCode != 200) {
      this.failed(now, response.ok ? "status " + response.statusCode.toString() : "no answer");
      return null;
    }
    const body = response.bytes();
    if (wasDiscovery) {
      const path = this.jwksPath(body);
      if (path === null) {
        this.failed(now, "the OpenID configuration is none, of another issuer, or names keys on another host");
        return null;
      }
      this.discovered = path;
      const call = this.upstream.call().path(path).header("accept", "application/json").maxBody(MOST_BYTES);
      call.tag = tag;
      call.dispatch(owner);
      return null;
    }
    this.discovered = "";
    return body;
  }

  /** The keys are good: all VMs get them. */
  keep(body: Uint8Array, now: u64): void {
    this.fetching = false;
    this.shared.set(this.key + " keys", body);
    this.shared.update(this.key, new Result(now, true));
    const state = State.read(this.shared.get(this.key), now);
    this.version = state.version;
    this.fetched = now;
  }

  failed(now: u64, reason: string): void {
    this.fetching = false;
    this.hasFailed = true;
    this.discovered = "";
    this.shared.update(this.key, new Result(now, false));
    log.warn("provider " + this.provider.name + ": the keys were not fetched: " + reason);
  }

  /** Of jwks_uri, which must be on the host that was asked. */
  private jwksPath(body: Uint8Array): string | null {
    const root = JsonDocument.fromBytes(body).root;
    const issuer = root.get("issuer");
    const provider = this.provider;
    let known: bool = provider.issuer.length > 0 && issuer.equals(provider.issuer);
    for (let i = 0; !known && i < provider.issuers.length; i++) known = issuer.equals(provider.issuers[i]);
    if (!known) return null;
    const uri = root.get("jwks_uri").text();
    const start = uri.startsWith("https://") ? 8 : uri.startsWith("http://") ? 7 : -1;
    if (start < 0) return null;
    let end = uri.indexOf("/", start);
    if (end < 0) return null;
    if (uri.substring(start, end).toLowerCase() != this.upstream.authority.toLowerCase()) return null;
    const path = uri.substring(end);
    for (let i = 0; i < path.length; i++) {
      const c = path.charCodeAt(i);
      if (c <= 0x20 || c >= 0x7f || c == 0x23) return null;
    }
    return path;
  }
}

/** Milliseconds of the clock that only goes on. */
export function monotonicMs(): u64 {
  return clock.monotonic() / NS;
}

function ms(nanoseconds: i64): u64 {
  return <u64>max<i64>(nanoseconds, 0) / NS;
}

function refuse(reason: string): RemoteKeys | null {
  RemoteKeys.refusal = reason;
  return null;
}

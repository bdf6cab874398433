/* One issuer of tokens: where its tokens are, which are right, and what of them is told on. */

import {
  Check,
  Edit,
  Exchange,
  Phase,
  refusedName,
  SecretValue,
  Selectors,
  UpstreamCalls,
} from "meshwasm/filters/common";
import { HeaderMap, random } from "meshwasm/sdk";
import { base64UrlLength, encodeBase64Url } from "meshwasm/sdk/std/base64";
import { JsonDocument, JsonValue } from "meshwasm/sdk/std/json-value";
import { Lru } from "meshwasm/sdk/std/lru";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import { checkClaims, Reason, Times } from "./claims";
import { Algorithm, ClaimHeader, KeysKind, Provider } from "./config";
import { Jws } from "./jws";
import { Host, KeySet, Match } from "./keys";
import { RemoteKeys } from "./remote";
import { TokenSource } from "./source";

/** Longest value of a claim header; a longer one is left out. */
const MOST_VALUE = 8192;

/** Bytes that the verified tokens of all providers may take. */
const MOST_CACHED: u64 = 128 << 20;

/** Groups that later filters are told. */
const MOST_GROUPS = 200;

/** A token whose signature is right; while there are no keys, one that could be. */
export class Verified {
  /** For later filters, as UTF-8. */
  readonly identity: Uint8Array;
  readonly groups: Uint8Array;

  constructor(
    readonly provider: TokenProvider,
    readonly claims: JsonDocument,
    readonly payload: Uint8Array,
    readonly times: Times,
  ) {
    const config = provider.config;
    this.identity = toUtf8(claimAt(claims.root, config.identityClaim).text());
    this.groups = toUtf8(config.groupsClaim.length ? groupsOf(claimAt(claims.root, config.groupsClaim)) : "");
  }

  /** What it takes of memory, or little more. */
  get bytes(): u32 {
    const data = this.claims.data;
    return 512 + (data ? data.byteLength : 0) + this.payload.length + this.identity.length + this.groups.length;
  }
}

/** One in a line: a group with a line break in it would be two. */
function groupsOf(value: JsonValue): string {
  const groups: string[] = [];
  if (value.isString && !value.text().includes("\n")) groups.push(value.text());
  for (let i = 0, n = min(value.isArray ? value.length : 0, MOST_GROUPS); i < n; i++) {
    const group = value.at(i).text();
    if (group.length && !group.includes("\n")) groups.push(group);
  }
  return groups.join("\n");
}

export class TokenProvider {
  /** Path and reason of the last refusal. */
  static refusal: string = "";
  /** Why the last token was refused. */
  reason: Reason = Reason.None;
  keys: KeySet | null = null;
  remote: RemoteKeys | null = null;
  private sources: TokenSource[] = [];
  private required: Check[] = [];
  private cache: Lru<Verified | null> | null = null;
  private skew: f64;

  private constructor(
    readonly config: Provider,
    readonly host: Host,
  ) {
    this.skew = <f64>config.clockSkew / 1e9;
  }

  get name(): string {
    return this.config.name;
  }

  /** Null with path and reason in `refusal`. `share`: how many providers the room for verified tokens is for. */
  static compile(config: Provider, selectors: Selectors, host: Host, share: i32, path: string): TokenProvider | null {
    const made = new TokenProvider(config, host);
    if (!config.issuer.length && !config.issuers.length) return refuse(path + ": needs issuer or issuers");
    if (config.clockSkew < 0 || config.clockSkew > 3600000000000)
      return refuse(path + ".clockSkew: must be at most 1h");
    if (config.maxLifetime < 0) return refuse(path + ".maxLifetime: must not be negative");
    const places = config.from;
    for (let i = 0; i < places.length; i++) made.sources.push(TokenSource.of(places[i]));
    if (!places.length) made.sources.push(TokenSource.bearer());
    for (let i = 0; i < config.requiredClaims.length; i++) {
      const check = Check.compile(config.requiredClaims[i], selectors, Phase.Request, `${path}.requiredClaims[${i}]`);
      if (!check) return refuse(Check.refusal);
      made.required.push(check);
    }
    for (let i = 0; i < config.claimHeaders.length; i++) {
      const reason = refusedName(config.claimHeaders[i].header, Edit.Set, true);
      if (reason !== null) return refuse(`${path}.claimHeaders[${i}].header: ${reason}`);
    }
    if (config.payloadHeader.length) {
      const reason = refusedName(config.payloadHeader, Edit.Set, true);
      if (reason !== null) return refuse(path + ".payloadHeader: " + reason);
    }
    const size = <i32>config.cacheSize;
    if (size > 0) {
      const seed = random.bytes(16);
      if (seed === null) return refuse(path + ".cacheSize: the host gives no random bytes");
      const k0 = load<u64>(seed.dataStart);
      const k1 = load<u64>(seed.dataStart, 8);
      // Tokens that are kept end in a signature by the issuer.
      made.cache = new Lru<Verified | null>(size, k0, k1, 65536, MOST_CACHED / share, 64);
    }
    return made.readKeys(path + ".jwks") ? made : null;
  }

  private readKeys(path: string): bool {
    const jwks = this.config.jwks;
    if (jwks.kind == KeysKind.Remote) {
      const remote = jwks.remote!.remote;
      const upstream = UpstreamCalls.compile(remote.from, path + ".remote.from");
      if (!upstream) {
        refuse(UpstreamCalls.refusal);
        return false;
      }
      this.remote = RemoteKeys.compile(remote, upstream, this.config, path + ".remote");
      if (this.remote) return true;
      refuse(RemoteKeys.refusal);
      return false;
    }
    let set: KeySet | null = null;
    if (jwks.kind == KeysKind.Secret) {
      const secret = SecretValue.compile(jwks.secret!.secret, path + ".secret");
      if (!secret) {
        refuse(SecretValue.refusal);
        return false;
      }
      set = KeySet.ofSecret(secret);
      if (!set) refuse(path + ".secret: " + KeySet.reason);
      else if (!this.hasSymmetric()) {
        refuse(path + ".secret: algorithms must name HS256, HS384 or HS512");
        return false;
      }
    } else {
      set = KeySet.parse(toUtf8(jwks.inline!.inline), true, this.host);
      if (!set) refuse(path + ".inline: " + KeySet.reason);
      else if (set.keys[0].isSymmetric && !this.hasSymmetric()) {
        refuse(path + ".inline: algorithms must name HS256, HS384 or HS512, which these keys are for");
        return false;
      }
    }
    this.keys = set;
    return set !== null;
  }

  private hasSymmetric(): bool {
    const algorithms = this.config.algorithms;
    for (let i = 0; i < algorithms.length; i++) if (algorithms[i] <= Algorithm.HS512) return true;
    return false;
  }

  /** Other keys count from now on, or none do. */
  use(keys: KeySet | null): void {
    this.keys = keys;
    const cache = this.cache;
    if (cache) cache.clear();
  }

  tokens(headers: HeaderMap): Uint8Array[] {
    const tokens: Uint8Array[] = [];
    for (let i = 0; i < this.sources.length; i++) this.sources[i].find(headers, tokens);
    return tokens;
  }

  /** Takes the token out unless the upstream is to get it. */
  dropToken(headers: HeaderMap): void {
    if (this.config.forward) return;
    for (let i = 0; i < this.sources.length; i++) this.sources[i].remove(headers);
  }

  /** The token of the request, if it is right; null with `reason`. `now` in seconds. */
  verify(headers: HeaderMap, exchange: Exchange, now: f64): Verified | null {
    const tokens = this.tokens(headers);
    if (!tokens.length) return this.fail(Reason.Missing);
    if (tokens.length > 1) return this.fail(Reason.Several);
    const token = tokens[0];
    if (token.length > <i32>this.config.maxTokenBytes) return this.fail(Reason.TooLong);
    const cache = this.cache;
    let verified: Verified | null = null;
    if (cache) verified = cache.get(token.dataStart, token.length, null);
    if (!verified) {
      verified = this.verifyAnew(token);
      if (!verified) return null;
      if (cache && this.keys)
        cache.set(token.dataStart, token.length, verified, u64.MAX_VALUE, token.length + verified.bytes);
    }
    const reason = verified.times.check(now, this.skew);
    if (reason != Reason.None) return this.fail(reason);
    exchange.claims = verified.claims;
    let meets: bool = true;
    for (let i = 0; meets && i < this.required.length; i++) meets = this.required[i].holds(exchange);
    exchange.claims = null;
    if (!meets) return this.fail(Reason.Claims);
    // Only now: what would be refused with any keys is not excused by missing ones.
    return this.keys ? verified : this.fail(Reason.Unavailable);
  }

  private verifyAnew(token: Uint8Array): Verified | null {
    const jws = Jws.parse(token);
    if (!jws) return this.fail(Reason.Malformed);
    if (!this.takes(jws.alg)) return this.fail(Reason.Algorithm);
    const keys = this.keys;
    if (keys) {
      const match = keys.match(jws, this.host);
      if (match != Match.Verified) return this.fail(match == Match.UnknownKid ? Reason.UnknownKey : Reason.Signature);
    }
    const claims = JsonDocument.fromBytes(jws.payload);
    if (!claims.root.isObject) return this.fail(Reason.Malformed);
    const times = new Times();
    const reason = checkClaims(claims.root, jws.typ, this.config, times);
    return reason == Reason.None ? new Verified(this, claims, jws.payload, times) : this.fail(reason);
  }

  private takes(alg: Algorithm): bool {
    const algorithms = this.config.algorithms;
    if (!algorithms.length) return alg > Algorithm.HS512;
    return algorithms.includes(alg);
  }

  private fail(reason: Reason): Verified | null {
    this.reason = reason;
    return null;
  }

  /** Names of headers that only this filter may write. */
  ownHeaders(names: string[]): void {
    const config = this.config;
    for (let i = 0; i < config.claimHeaders.length; i++) add(names, config.claimHeaders[i].header);
    if (config.payloadHeader.length) add(names, config.payloadHeader);
  }

  /** Tells the upstream what the token says. */
  tell(verified: Verified, headers: HeaderMap): void {
    const config = this.config;
    // First what reads: each write has the host's map read again.
    this.dropToken(headers);
    const root = verified.claims.root;
    for (let i = 0; i < config.claimHeaders.length; i++) {
      const rule = config.claimHeaders[i];
      const value = headerValue(root, rule);
      if (value !== null) headers.setBytes(rule.header, value);
    }
    if (config.payloadHeader.length) {
      const payload = verified.payload;
      const text = new Uint8Array(<i32>base64UrlLength(payload.length));
      encodeBase64Url(payload.dataStart, payload.length, text.dataStart);
      headers.setBytes(config.payloadHeader, text);
    }
  }
}

function add(names: string[], name: string): void {
  const lower = name.toLowerCase();
  if (!names.includes(lower)) names.push(lower);
}

/** By dots into objects; a claim whose name has dots is found as a whole first. */
export function claimAt(root: JsonValue, path: string): JsonValue {
  const whole = root.get(path);
  if (!whole.isMissing) return whole;
  const parts = path.split(".");
  let value = root;
  for (let i = 0; i < parts.length; i++) value = value.get(parts[i]);
  return value;
}

/** A text, number or boolean, or a list of them joined; null for nothing, for what no header can carry, and for what is too long. */
function headerValue(root: JsonValue, rule: ClaimHeader): Uint8Array | null {
  const value = claimAt(root, rule.claim);
  let text = "";
  if (value.isArray) {
    for (let i = 0, n = value.length; i < n; i++) {
      const item = scalar(value.at(i));
      if (item === null) continue;
      if (text.length) text += rule.join;
      text += item;
      if (text.length > MOST_VALUE) return null;
    }
    if (!text.length) return null;
  } else {
    const one = scalar(value);
    if (one === null || one.length > MOST_VALUE) return null;
    text = one;
  }
  return toUtf8(text);
}

function scalar(value: JsonValue): string | null {
  if (value.isString) return value.text();
  if (value.isBool) return value.bool() ? "true" : "false";
  if (value.isNumber) return String.UTF8.decodeUnsafe(value.textPtr, value.textLength);
  return null;
}

function refuse(reason: string): TokenProvider | null {
  TokenProvider.refusal = reason;
  return null;
}

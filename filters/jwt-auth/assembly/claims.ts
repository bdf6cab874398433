/* What a token claims (RFC 7519), checked. */

import { JsonValue } from "meshwasm/sdk/std/json-value";
import { Provider } from "./config";

/** The end of the year 9999, beyond which no date is one. */
const LATEST: f64 = 253402300799;

/** Why a token is refused: fixed words, for counts and answers. */
export const enum Reason {
  None,
  Missing,
  Several,
  TooLong,
  Malformed,
  Algorithm,
  Signature,
  UnknownKey,
  Issuer,
  Audience,
  Expired,
  NotYet,
  Lifetime,
  Type,
  Claims,
  Path,
  Unavailable,
}

/** For counts. */
export function reasonName(reason: Reason): string {
  switch (reason) {
    case Reason.Missing:
      return "missing";
    case Reason.Several:
      return "several_tokens";
    case Reason.TooLong:
      return "too_long";
    case Reason.Malformed:
      return "malformed";
    case Reason.Algorithm:
      return "algorithm";
    case Reason.Signature:
      return "signature";
    case Reason.UnknownKey:
      return "unknown_key";
    case Reason.Issuer:
      return "issuer";
    case Reason.Audience:
      return "audience";
    case Reason.Expired:
      return "expired";
    case Reason.NotYet:
      return "not_yet_valid";
    case Reason.Lifetime:
      return "lifetime";
    case Reason.Type:
      return "type";
    case Reason.Claims:
      return "claims";
    case Reason.Path:
      return "path";
    default:
      return "keys_unavailable";
  }
}

/** What holds for a token now: its times, by the clock in seconds. */
export class Times {
  exp: f64 = Infinity;
  nbf: f64 = -Infinity;

  check(now: f64, skew: f64): Reason {
    // RFC 7519, section 4.1.4: on or after it the token must not be taken.
    if (now >= this.exp + skew) return Reason.Expired;
    return now + skew < this.nbf ? Reason.NotYet : Reason.None;
  }
}

/** Checks what does not change with time, and fills in `times`. */
export function checkClaims(claims: JsonValue, typ: string, provider: Provider, times: Times): Reason {
  if (!isType(typ, provider.typ)) return Reason.Type;
  const issuer = claims.get("iss");
  let known: bool = provider.issuer.length > 0 && issuer.equals(provider.issuer);
  for (let i = 0; !known && i < provider.issuers.length; i++) known = issuer.equals(provider.issuers[i]);
  if (!known) return Reason.Issuer;
  if (provider.audiences.length && !hasAudience(claims.get("aud"), provider.audiences)) return Reason.Audience;
  const exp = claims.get("exp");
  const nbf = claims.get("nbf");
  const iat = claims.get("iat");
  if (!isDate(exp) || !isDate(nbf) || !isDate(iat)) return Reason.Malformed;
  if (exp.isMissing) {
    if (provider.requireExp) return Reason.Expired;
  } else times.exp = exp.f64();
  if (!nbf.isMissing) times.nbf = nbf.f64();
  if (!iat.isMissing) times.nbf = max(times.nbf, iat.f64());
  if (provider.maxLifetime > 0) {
    const longest = <f64>provider.maxLifetime / 1e9;
    if (exp.isMissing || iat.isMissing || exp.f64() - iat.f64() > longest) return Reason.Lifetime;
  }
  return Reason.None;
}

/** A NumericDate: a number from 1970 to 9999. */
function isDate(value: JsonValue): bool {
  if (value.isMissing) return true;
  const seconds = value.f64();
  // What is no number, or too large for one, is NaN.
  return seconds >= 0 && seconds <= LATEST;
}

function hasAudience(aud: JsonValue, wanted: string[]): bool {
  if (aud.isString) return isOneOf(aud, wanted);
  if (!aud.isArray) return false;
  let found: bool = false;
  for (let i = 0, n = aud.length; i < n; i++) {
    const item = aud.at(i);
    if (!item.isString) return false;
    found = found || isOneOf(item, wanted);
  }
  return found;
}

function isOneOf(value: JsonValue, wanted: string[]): bool {
  for (let i = 0; i < wanted.length; i++) if (value.equals(wanted[i])) return true;
  return false;
}

/** RFC 7515, section 4.1.9: application/ may be left out. */
function isType(typ: string, wanted: string[]): bool {
  if (!wanted.length) return true;
  const plain = withoutApplication(typ);
  for (let i = 0; i < wanted.length; i++) if (withoutApplication(wanted[i]) == plain) return true;
  return false;
}

function withoutApplication(type: string): string {
  const lower = type.toLowerCase();
  return lower.startsWith("application/") && lower.indexOf("/", 12) < 0 ? lower.substring(12) : lower;
}

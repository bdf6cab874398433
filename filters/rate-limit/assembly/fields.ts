/* What clients are told: RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), or what came before them. */

import { HeaderMap } from "meshwasm/sdk";
import { NEVER } from "./algorithm";
import { Headers } from "./config";
import { CompiledLimit } from "./limit";

const SECOND: u64 = 1000000000;

/** How a request stood to a limit that counted it. */
export class Standing {
  /** Whether it was refused, or would have been. */
  isOver: bool = false;
  remaining: u64 = 0;
  reset: u64 = 0;
  wait: u64 = 0;

  constructor(
    readonly limit: CompiledLimit,
    readonly hash: u64,
    readonly table: u32,
    readonly cost: u64,
  ) {
    const algorithm = limit.algorithm;
    this.remaining = algorithm.remaining;
    this.reset = algorithm.reset;
    this.wait = algorithm.wait;
  }

  /** A limit that only counts is nobody's business. */
  get isTold(): bool {
    return !this.limit.config.shadow;
  }
}

/** Where the fields go. */
export abstract class Fields {
  abstract put(name: string, value: string): void;
}

export class ResponseFields extends Fields {
  constructor(private headers: HeaderMap) {
    super();
  }

  put(name: string, value: string): void {
    this.headers.append(name, value);
  }
}

/** Tells of all limits; when one has refused the request, how that one stands. */
export function tell(standings: Standing[], kind: Headers, fields: Fields): void {
  if (kind == Headers.Ietf) tellIetf(standings, fields);
  else if (kind == Headers.XRatelimit) tellNearest(standings, fields);
}

function tellIetf(standings: Standing[], fields: Fields): void {
  let policies = "";
  let limits = "";
  let refused: bool = false;
  for (let i = 0; i < standings.length; i++) if (standings[i].isTold && standings[i].isOver) refused = true;
  for (let i = 0; i < standings.length; i++) {
    const each = standings[i];
    if (!each.isTold) continue;
    if (policies.length) policies += ", ";
    policies += policy(each);
    // The end of its window is not later than what Retry-After says.
    if (refused && !each.isOver) continue;
    if (limits.length) limits += ", ";
    limits += `"${each.limit.name}";r=${each.remaining}`;
    const time = each.isOver ? each.wait : each.reset;
    if (time != NEVER && !each.limit.isConcurrency) limits += ";t=" + seconds(time).toString();
  }
  if (!policies.length) return;
  fields.put("ratelimit-policy", policies);
  if (limits.length) fields.put("ratelimit", limits);
}

function policy(standing: Standing): string {
  const limit = standing.limit;
  const text = `"${limit.name}";q=${limit.algorithm.quota}`;
  if (limit.isConcurrency) return text + ';qu="concurrent-requests"';
  return text + ";w=" + seconds(limit.algorithm.window).toString();
}

/** Of the limit that has refused it, else of the one with the least left. */
function tellNearest(standings: Standing[], fields: Fields): void {
  let nearest: Standing | null = null;
  for (let i = 0; i < standings.length; i++) {
    const each = standings[i];
    if (!each.isTold) continue;
    if (
      !nearest ||
      (each.isOver && !nearest.isOver) ||
      (each.isOver == nearest.isOver && each.remaining < nearest.remaining)
    )
      nearest = each;
  }
  if (!nearest) return;
  fields.put("x-ratelimit-limit", nearest.limit.algorithm.quota.toString());
  fields.put("x-ratelimit-remaining", nearest.remaining.toString());
  if (!nearest.limit.isConcurrency) fields.put("x-ratelimit-reset", seconds(nearest.reset).toString());
}

/** Rounded up: nobody is to come too early. */
export function seconds(nanoseconds: u64): u64 {
  return nanoseconds / SECOND + u64(nanoseconds % SECOND != 0);
}

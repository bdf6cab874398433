/* What clients are told: RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), or what came before them. */

import { HeaderMap } from "meshwasm/sdk";
import { ByteWriter } from "meshwasm/sdk/std/bytewriter";
import { writeU64 } from "meshwasm/sdk/std/number";
import { NEVER, seconds } from "./algorithm";
import { Headers } from "./config";
import { CompiledLimit } from "./limit";

/** How a request stood to a limit that counted it. */
export class Standing {
  /** Whether it was refused, or would have been. */
  isOver: bool = false;
  /** Whether it was counted before a redirect, and is not here. */
  isRepeated: bool = false;
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
  abstract put(name: string, value: Uint8Array): void;
}

export class ResponseFields extends Fields {
  constructor(private headers: HeaderMap) {
    super();
  }

  put(name: string, value: Uint8Array): void {
    this.headers.appendBytes(name, value);
  }
}

/** Tells of all limits; when one has refused the request, how that one stands. */
export function tell(standings: Standing[], kind: Headers, fields: Fields): void {
  if (kind == Headers.Ietf) tellIetf(standings, fields);
  else if (kind == Headers.XRatelimit) tellNearest(standings, fields);
}

// What is written for one response; all of it is ASCII.
const policies = new ByteWriter();
const limits = new ByteWriter();
const digits = memory.data(24, 8);

function number(out: ByteWriter, value: u64): void {
  out.bytes(digits, <i32>writeU64(value, digits));
}

function tellIetf(standings: Standing[], fields: Fields): void {
  policies.clear();
  limits.clear();
  let refused: bool = false;
  for (let i = 0; i < standings.length; i++) if (standings[i].isTold && standings[i].isOver) refused = true;
  for (let i = 0; i < standings.length; i++) {
    const each = standings[i];
    if (!each.isTold) continue;
    if (policies.length) policies.ascii(", ");
    policies.ascii(each.limit.policy);
    // The end of its window is not later than what Retry-After says.
    if (refused && !each.isOver) continue;
    if (limits.length) limits.ascii(", ");
    limits.ascii(each.limit.quoted);
    limits.ascii(";r=");
    number(limits, each.remaining);
    const time = each.isOver ? each.wait : each.reset;
    if (time == NEVER || each.limit.isConcurrency) continue;
    limits.ascii(";t=");
    number(limits, seconds(time));
  }
  if (!policies.length) return;
  fields.put("ratelimit-policy", policies.toBytes());
  if (limits.length) fields.put("ratelimit", limits.toBytes());
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
  putNumber(fields, "x-ratelimit-limit", nearest.limit.algorithm.quota);
  putNumber(fields, "x-ratelimit-remaining", nearest.remaining);
  if (!nearest.limit.isConcurrency) putNumber(fields, "x-ratelimit-reset", seconds(nearest.reset));
}

function putNumber(fields: Fields, name: string, value: u64): void {
  limits.clear();
  number(limits, value);
  fields.put(name, limits.toBytes());
}

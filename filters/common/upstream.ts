/* Services that a filter asks. */

import { HttpCall } from "meshwasm/sdk";
import { Upstream, UpstreamKind } from "./config";

/** Where calls go, and how; each `call` makes one. */
export class UpstreamCalls {
  /** Why the last one was refused, with what stands behind the path that was given to `compile`. */
  static refusal: string = "";

  private constructor(
    readonly cluster: string,
    readonly authority: string,
    readonly path: string,
    /** Milliseconds. */
    readonly timeout: u32,
    readonly retries: i32,
  ) {}

  /** Null with path and reason in `refusal`. */
  static compile(config: Upstream, path: string): UpstreamCalls | null {
    if (config.kind == UpstreamKind.Cluster) {
      const given = config.cluster!;
      const timeout = milliseconds(given.timeout);
      if (!timeout) return refuse(path + ".timeout: must be above 0 and at most 5 minutes");
      if (!isPath(given.path)) return refuse(path + ".path: must begin with / and have no blanks and no #");
      const authority = given.authority.length ? given.authority : hostOf(given.cluster);
      return new UpstreamCalls(given.cluster, authority, given.path, timeout, <i32>given.retries);
    }
    const given = config.url!;
    const timeout = milliseconds(given.timeout);
    if (!timeout) return refuse(path + ".timeout: must be above 0 and at most 5 minutes");
    const secure = given.url.startsWith("https://");
    if (!secure && !given.url.startsWith("http://")) return refuse(path + ".url: must begin with https:// or http://");
    const start = secure ? 8 : 7;
    let end = given.url.indexOf("/", start);
    if (end < 0) end = given.url.length;
    const authority = given.url.substring(start, end);
    const target = end < given.url.length ? given.url.substring(end) : "/";
    if (!authority.length || authority.includes("@") || authority.includes("?") || !isPath(target))
      return refuse(path + ".url: must be a host, perhaps a port, and a path without #");
    // As `meshwasm manifest` calls the cluster that it prints, and Istio the one of a ServiceEntry.
    const colon = authority.lastIndexOf(":");
    const hasPort = colon > 0 && !authority.endsWith("]");
    const host = hasPort ? authority.substring(0, colon) : authority;
    const port = hasPort ? authority.substring(colon + 1) : secure ? "443" : "80";
    return new UpstreamCalls("outbound|" + port + "||" + host, authority, target, timeout, <i32>given.retries);
  }

  /** A GET of the path; to be changed and dispatched. */
  call(): HttpCall {
    const call = new HttpCall(this.cluster).authority(this.authority).path(this.path).timeout(this.timeout);
    // Envoy's own retries, within the one time limit.
    if (this.retries > 0) {
      call.header("x-envoy-retry-on", "5xx,reset,connect-failure,refused-stream");
      call.header("x-envoy-max-retries", this.retries.toString());
    }
    return call;
  }
}

/** At most five minutes; 0 for what is none. */
function milliseconds(nanoseconds: i64): u32 {
  if (nanoseconds <= 0 || nanoseconds > 300000000000) return 0;
  return max<u32>(1, <u32>(nanoseconds / 1000000));
}

/** Of `outbound|443||host`; else the cluster's own name. */
function hostOf(cluster: string): string {
  const parts = cluster.split("|");
  return parts.length == 4 && parts[3].length ? parts[3] : cluster;
}

function isPath(path: string): bool {
  if (!path.startsWith("/")) return false;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c <= 0x20 || c >= 0x7f || c == 0x23) return false;
  }
  return true;
}

function refuse(reason: string): UpstreamCalls | null {
  UpstreamCalls.refusal = reason;
  return null;
}

import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import type { ConnectionManagerOptions, HeaderLine } from "../types.js";
import type { Behaviour } from "./behaviour.js";
import type { HeaderMap } from "./headermap.js";
import { decidePath } from "./paths.js";
import type { Peer } from "./streaminfo.js";

/** What Envoy's connection manager does with a request before the filters see it. */

/** Request headers that mean something between two hops only, or that only an inner Envoy may send. */
const DROPPED = (
  "connection keep-alive proxy-connection transfer-encoding upgrade x-forwarded-client-cert x-envoy-retry-on " +
  "x-envoy-retry-grpc-on x-envoy-max-retries x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-timeout-ms " +
  "x-envoy-upstream-rq-per-try-timeout-ms x-envoy-upstream-rq-timeout-alt-response x-envoy-expected-rq-timeout-ms " +
  "x-envoy-ip-tags x-envoy-internal x-envoy-force-trace"
).split(" ");
/** Those that a client at the edge may not send; with useRemoteAddress every client is one. */
const DROPPED_AT_EDGE = (
  "x-envoy-decorator-operation x-envoy-downstream-service-cluster x-envoy-downstream-service-node " +
  "x-envoy-original-path x-envoy-original-host"
).split(" ");
/** What Envoy 1.40 writes of a client on the loopback interface, in place of its own address. */
const OWN_ADDRESS = "192.0.2.2";

/** An answer that the connection manager gives by itself. */
export interface ManagerReply {
  readonly code: number;
  readonly body: string;
  readonly headers: readonly HeaderLine[];
  readonly details: string;
  /** Envoy's response flags, as bits. */
  readonly flags?: number;
  /** The connection is closed behind it. */
  readonly closes: boolean;
}

/** The codec's answer to what is no request. */
export const BAD_REQUEST: ManagerReply = {
  code: 400,
  body: "Bad Request",
  headers: [],
  details: "http1.codec_error",
  flags: 1 << 18, // DownstreamProtocolError
  closes: true,
};

/** Its answer to the target `*` of another method than OPTIONS. */
export const INVALID_URL: ManagerReply = { ...BAD_REQUEST, details: "http1.invalid_url" };

/** Its answer to more headers than it takes. */
export const HEADERS_TOO_LARGE: ManagerReply = {
  ...BAD_REQUEST,
  code: 431,
  body: "Request Header Fields Too Large",
  details: "http1.headers_too_large",
};
export const TOO_MANY_HEADERS: ManagerReply = { ...HEADERS_TOO_LARGE, details: "http1.too_many_headers" };

const bad = (details: string): ManagerReply => ({ code: 400, body: "", headers: [], details, closes: true });

/** Changes the path as the options want it; the answer when it goes no further. */
export function managePath(
  map: HeaderMap,
  options: ConnectionManagerOptions,
  behaviour: Behaviour,
): ManagerReply | null {
  const path = map.get(":path") ?? "";
  if (!path.startsWith("/")) return { ...bad("absolute_path_rejected"), code: 404, closes: false };
  if (path.includes("#")) return bad("path_normalization_failed");
  const decision = decidePath(path, options, behaviour);
  map.setInPlace(":path", decision.path);
  if (decision.action === "reject") return bad("path_normalization_failed");
  if (decision.action === "forward") return null;
  const headers: HeaderLine[] = [["location", decision.path]];
  return { code: 307, body: "", headers, details: "path_normalization_failed", closes: false };
}

/** The address that stands `skipped` places before the last one of x-forwarded-for, if it is one. */
function forwardedFor(map: HeaderMap, skipped: number): Peer | null {
  const all = (map.get("x-forwarded-for") ?? "").split(",");
  const address = all.at(-1 - skipped)?.trim() ?? "";
  const version = isIP(address);
  return version === 0 ? null : { address: version === 6 ? `[${address}]:0` : `${address}:0`, port: 0, ip: address };
}

/** Changes the headers as the connection manager does, and gives who the client is said to be. */
export function manageHeaders(
  map: HeaderMap,
  options: ConnectionManagerOptions,
  client: Peer,
  encrypted: boolean,
): Peer {
  const { useRemoteAddress = false, trustedHops = 0 } = options;
  for (const name of DROPPED) map.remove(name);
  const te = map.get("te");
  if (te !== null && /\btrailers\b/i.test(te)) map.setInPlace("te", "trailers");
  else map.remove("te");
  const scheme = encrypted ? "https" : "http";
  let source = client;
  if (useRemoteAddress) {
    if (trustedHops > 0) source = forwardedFor(map, trustedHops - 1) ?? client;
    const before = map.get("x-forwarded-for") ?? "";
    map.setInPlace("x-forwarded-for", before === "" ? OWN_ADDRESS : `${before},${OWN_ADDRESS}`);
    if (trustedHops === 0) map.setInPlace("x-forwarded-proto", scheme);
  } else {
    source = forwardedFor(map, trustedHops) ?? client;
  }
  if ((map.get("x-forwarded-proto") ?? "") === "") map.setInPlace("x-forwarded-proto", scheme);
  const claimed = map.get("x-forwarded-proto")!.toLowerCase();
  if (map.get(":scheme") === null) map.add(":scheme", /^https?$/.test(claimed) ? claimed : scheme);
  if (useRemoteAddress) {
    for (const name of DROPPED_AT_EDGE) map.remove(name);
    map.setInPlace("x-envoy-external-address", source.ip);
  }
  if (useRemoteAddress || map.get("x-request-id") === null) map.setInPlace("x-request-id", randomUUID());
  return source;
}

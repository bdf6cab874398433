import { Lines, toLines, trailersForbidden } from "../headers.js";
import type { HeaderLine, UpstreamRequest, UpstreamResponse } from "../types.js";
import type { Answer } from "./clusters.js";
import type { Behaviour } from "./behaviour.js";
import { bytesOf, type HttpVersion } from "./downstream.js";
import { EmulatorError } from "./errors.js";
import { HeaderMap } from "./headermap.js";

/** What the router and the codecs do to headers behind the filters, on both ways. */

const NO_BODY_METHODS = ["GET", "HEAD", "DELETE", "TRACE", "CONNECT"];
const ROUTE_TIMEOUT_MS = "15000";
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A receiver of HTTP/1.1 takes off what surrounds a value. */
const trimmed = (lines: readonly HeaderLine[]): HeaderLine[] =>
  lines.map(([name, value]) => [name, value.replace(/^[ \t]+|[ \t]+$/g, "")] as const);

export interface Refusal {
  readonly code: number;
  readonly body: string;
  readonly details: string;
}

/** Why the router refuses these headers, or null. */
export function routerRefusal(map: HeaderMap): Refusal | null {
  const noRoute = { code: 404, body: "", details: "route_not_found" };
  const path = map.get(":path");
  // Every route begins with /; OPTIONS * and CONNECT come here under another path.
  if (path === null || !path.startsWith("/")) return noRoute;
  // Without either there is no scheme to route by.
  if (map.get(":scheme") === null && map.get("x-forwarded-proto") === null) return noRoute;
  const invalid = (body: string): Refusal => ({
    code: 503,
    body,
    details: `filter_removed_required_request_headers{${body}}`,
  });
  if (map.get(":method") === null) return invalid("missing required header: :method");
  for (const [name, value] of map.lines()) {
    if (name.startsWith(":")) continue;
    if (name === "")
      throw new EmulatorError("A request header has an empty name; Envoy 1.40 sends it on, and upstreams refuse it.");
    if (!TOKEN.test(name)) return invalid(`invalid header name: ${name}`);
    if (/[\r\n\0]/.test(value)) return invalid(`invalid header value for: ${name}`);
  }
  return null;
}

/** Why a response's headers cannot leave, or null. What is no number is no status. */
export function responseRefusal(map: HeaderMap): Refusal | null {
  if (/^\d+$/.test(map.get(":status") ?? "")) return null;
  const body = "missing required header: :status";
  return { code: 502, body, details: `filter_removed_required_response_headers{${body}}` };
}

/** What the router adds. */
export function routed(map: HeaderMap): void {
  map.setInPlace("x-envoy-expected-rq-timeout-ms", ROUTE_TIMEOUT_MS);
}

/** The request on the wire to the upstream. */
export function upstreamRequest(
  map: HeaderMap,
  body: string,
  endsWithHeaders: boolean,
  trailers: HeaderMap | null,
): UpstreamRequest {
  const method = map.get(":method") ?? "";
  const lines: HeaderLine[] = map.lines().filter(([name]) => !name.startsWith(":"));
  const length = map.get("content-length");
  if (!TOKEN.test(method)) throw new EmulatorError(framing("request", `makes the method ${JSON.stringify(method)}`));
  if (map.get("transfer-encoding") !== null) throw new EmulatorError(framing("request", "writes transfer-encoding"));
  if (length === null) {
    if (!endsWithHeaders) lines.push(["transfer-encoding", "chunked"]);
    else if (!NO_BODY_METHODS.includes(method)) lines.push(["content-length", "0"]);
  }
  return {
    method,
    path: map.get(":path") ?? "",
    authority: map.get(":authority") ?? "",
    headers: new Lines(trimmed(lines)),
    body: new Uint8Array(Buffer.from(framed(length, body, "request"), "latin1")),
    trailers: sent(trailers, length),
  };
}

/** An upstream's answer as the filters see it; `ends` when it has no body. */
export function upstreamResponse(
  response: UpstreamResponse,
  method: string,
): { headers: HeaderMap; body: string; trailers: HeaderMap | null; ends: boolean } {
  const { status = 200 } = response;
  const map = new HeaderMap("response", [[":status", String(status)], ...trimmed(toLines(response.headers))]);
  const bodiless = status === 204 || status === 304 || status < 200;
  const body = bodiless || method === "HEAD" ? "" : bytesOf(response.body);
  const given = toLines(response.trailers);
  if (given.length > 0 && map.get("content-length") !== null) {
    throw new EmulatorError(trailersForbidden("upstream's answer"));
  }
  const trailers =
    given.length === 0 || bodiless || method === "HEAD" ? null : new HeaderMap("response trailers", given);
  const chunked = map.get("transfer-encoding") !== null || given.length > 0;
  if (given.length > 0 && !bodiless && map.get("transfer-encoding") === null) map.add("transfer-encoding", "chunked");
  if (!bodiless && !chunked && map.get("content-length") === null) {
    map.add("content-length", String(bytesOf(response.body).length));
  }
  map.add("x-envoy-upstream-service-time", "0");
  return { headers: map, body, trailers, ends: bodiless || method === "HEAD" || map.get("content-length") === "0" };
}

/** What every response gets on its way out; `closes`: the connection is closed behind it. */
export function finishResponse(map: HeaderMap, version: HttpVersion, closes: boolean, behaviour: Behaviour): void {
  for (const name of ["connection", "proxy-connection", "transfer-encoding", "upgrade"]) map.remove(name);
  if (version === "http2" || !behaviour.keepsKeepAlive) map.remove("keep-alive");
  if (map.get("date") === null) map.add("date", new Date().toUTCString());
  map.setInPlace("server", "envoy");
  if (closes && version === "http1") map.add("connection", "close");
}

/** Status, header lines and body as the client receives them. */
export function wireResponse(
  map: HeaderMap,
  body: string,
  endsWithHeaders: boolean,
  trailers: HeaderMap | null,
  method: string,
  version: HttpVersion,
): { status: number; headers: Lines; body: Uint8Array; trailers: Lines } {
  const status = Number(map.get(":status"));
  if (!(status >= 100 && status <= 999))
    throw new EmulatorError(`The response's status is ${map.get(":status")}; HTTP clients refuse it.`);
  const lines = map.lines().filter(([name]) => !name.startsWith(":"));
  for (const [name, value] of lines) {
    if (!/[\r\n\0]/.test(value) && TOKEN.test(name)) continue;
    throw new EmulatorError(
      `Response header ${JSON.stringify(name)} is not valid; Envoy 1.40 writes it out and splits the response.`,
    );
  }
  const length = map.get("content-length");
  if (version === "http1" && length === null && status !== 204 && status !== 304 && status >= 200) {
    lines.push(endsWithHeaders && method !== "HEAD" ? ["content-length", "0"] : ["transfer-encoding", "chunked"]);
  }
  const switches = status === 101;
  if (status < 200 && !switches)
    throw new EmulatorError(
      `The response's status is ${status}, which is none to end with: the client waits for another.`,
    );
  if (version === "http2" && (switches || map.lines().some(([name]) => name.startsWith(":") && name !== ":status")))
    throw new EmulatorError("HTTP/2 has no status 101 and no such pseudo-header: Envoy resets the stream.");
  const noBody = status === 204 || status === 304;
  if (noBody && body !== "" && method !== "HEAD")
    throw new EmulatorError(framing("response", `makes a ${status} of one with a body`));
  const bodiless = method === "HEAD" || noBody || switches;
  const out = bodiless ? "" : framed(length, body, "response");
  return {
    status,
    headers: new Lines(version === "http1" ? trimmed(lines) : lines),
    body: new Uint8Array(Buffer.from(out, "latin1")),
    trailers: sent(bodiless ? null : trailers, version === "http1" ? length : null),
  };
}

/** What breaks a message apart, or makes its receiver wait. */
const framing = (what: string, how: string): string =>
  `The filter ${how}: Envoy 1.40 sends the ${what} so, and its receiver takes the rest for the next one, or waits in vain.`;

/** Trailers on the wire: in HTTP/1.1 Envoy drops those of a message that has a content-length. */
function sent(trailers: HeaderMap | null, length: string | null): Lines {
  const lines = length === null ? (trailers?.lines() ?? []) : [];
  for (const [name, value] of lines) {
    if (!/[\r\n\0]/.test(value) && TOKEN.test(name)) continue;
    throw new EmulatorError(
      `Trailer ${JSON.stringify(name)} is not valid; Envoy 1.40 writes it out and splits the message.`,
    );
  }
  return new Lines(lines);
}

/** A receiver reads as many bytes as content-length says, and Envoy does not correct it. */
function framed(length: string | null, body: string, what: string): string {
  if (length !== null && length !== String(body.length)) {
    throw new EmulatorError(
      `${framing(what, `leaves content-length ${length} on a body of ${body.length} bytes`)} Remove content-length in the headers callback.`,
    );
  }
  return body;
}

/** An answer to a callout as the filter sees it. */
export interface HttpAnswer {
  readonly headers: HeaderMap;
  readonly body: string;
  readonly trailers: HeaderMap | null;
}

/** A callout on the wire. null: its receiver waits for a body that does not come. */
export function calloutRequest(
  headers: HeaderMap,
  body: string,
  trailers: readonly HeaderLine[],
  timeout: number,
): UpstreamRequest | null {
  headers.setInPlace("x-envoy-internal", "true");
  if (timeout > 0) headers.setInPlace("x-envoy-expected-rq-timeout-ms", String(timeout));
  if (Number(headers.get("content-length") ?? 0) > body.length) return null;
  const tail = trailers.length === 0 ? null : new HeaderMap("trailers", trailers);
  return upstreamRequest(headers, body, body === "" && tail === null, tail);
}

/** What the codec finds wrong when it writes a callout's headers, or null. */
export function unwritable(headers: HeaderMap): string | null {
  for (const [name, value] of headers.lines()) {
    if (name.startsWith(":")) continue;
    if (!TOKEN.test(name)) return `invalid header name: ${name}`;
    if (/[\r\n\0]/.test(value)) return `invalid header value for: ${name}`;
  }
  return null;
}

/** What comes back to the filter: an answer, or the one that Envoy makes in its place. */
export function calloutResponse(
  answer: Answer | { readonly timeout: true } | { readonly unwritable: string },
  method: string,
): HttpAnswer {
  if ("response" in answer) {
    const message = upstreamResponse(answer.response, method);
    message.headers.remove("keep-alive");
    return message;
  }
  if ("timeout" in answer) return made(504, "upstream request timeout");
  if ("unwritable" in answer) return made(503, answer.unwritable);
  if (!("error" in answer)) return made(503, disconnect("refused" in answer).body);
  return upstreamResponse({ status: 500, body: "the upstream handler failed" }, method);
}

/** What the router says when an upstream does not answer; `retried`: it has asked more than once. */
export function disconnect(refused: boolean, retried = false): Refusal {
  const reason = refused ? "remote connection failure" : "connection termination";
  const latest = retried ? "retried and the latest reset reason" : "reset reason";
  return {
    code: 503,
    body: `upstream connect error or disconnect/reset before headers. ${latest}: ${reason}`,
    details: `upstream_reset_before_response_started{${reason.replaceAll(" ", "_")}}`,
  };
}

function made(status: number, body: string): HttpAnswer {
  const lines: HeaderLine[] = [
    [":status", String(status)],
    ["content-length", String(body.length)],
    ["content-type", "text/plain"],
  ];
  return { headers: new HeaderMap("response", lines), body, trailers: null };
}

/** The headers of a gRPC call. `timeout` null: none is told. */
export function grpcHeaders(
  authority: string,
  service: string,
  method: string,
  metadata: readonly HeaderLine[],
  timeout: number | null,
): HeaderMap {
  const map = new HeaderMap("request", [
    [":method", "POST"],
    [":path", `/${service}/${method}`],
    [":authority", authority],
    ...(timeout === null ? [] : [["grpc-timeout", `${timeout}m`] as const]),
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ...metadata,
    ["x-envoy-internal", "true"],
  ]);
  if (timeout !== null && timeout > 0) map.setInPlace("x-envoy-expected-rq-timeout-ms", String(timeout));
  return map;
}

/** A gRPC call on the wire of HTTP/1.1. */
export function grpcOverHttp1(headers: HeaderMap, body: string): UpstreamRequest {
  return upstreamRequest(headers, body, false, null);
}

import { toLines, trailersForbidden } from "../headers.js";
import type { HeaderLine, RequestInput } from "../types.js";
import { EmulatorError } from "./errors.js";
import { HeaderMap } from "./headermap.js";
import { BAD_REQUEST, HEADERS_TOO_LARGE, INVALID_URL, TOO_MANY_HEADERS, type ManagerReply } from "./manager.js";

/** What the codec between client and proxy makes of a test's request. */

export type HttpVersion = "http1" | "http2";

/** A request as it comes from the wire. */
export interface Received {
  /** null: it is no request. */
  readonly headers: HeaderMap | null;
  /** What the codec answers then. */
  readonly refusal: ManagerReply;
  /** The stream is reset before any filter hears of it. */
  readonly isReset: boolean;
  /** Whether the message goes on behind its headers. */
  readonly goesOn: boolean;
  /** latin1. */
  readonly body: string;
  readonly trailers: HeaderMap | null;
}

/** What Envoy's connection manager takes by default: bytes on the wire (HTTP/2: of names and values), and lines. */
const MOST_BYTES = 60 * 1024;
const MOST_LINES = 100;

/** Headers of a connection, which HTTP/2 has none of. */
const OF_CONNECTION = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];

export function bytesOf(body: string | Uint8Array | undefined): string {
  return Buffer.from(body ?? "").toString("latin1");
}

const trimmed = (value: string): string => value.replace(/^[ \t]+|[ \t]+$/g, "");

function refuse(what: string, value: string): void {
  if (/[\r\n\0]/.test(value))
    throw new EmulatorError(`The request's ${what} holds CR, LF or NUL; HTTP cannot carry it.`);
  if (/[^\0-\xff]/.test(value)) {
    throw new EmulatorError(
      `The request's ${what} holds a character above U+00FF; give one character for each byte (latin1).`,
    );
  }
}

export function receive(input: RequestInput, version: HttpVersion, encrypted: boolean): Received {
  const { method = "GET", path = "/" } = input;
  const lines = toLines(input.headers);
  const trailing = toLines(input.trailers);
  refuse("method", method);
  refuse("path", path);
  for (const [name, value] of lines) {
    refuse("header name", name);
    refuse(`header ${name}`, value);
  }
  for (const [name, value] of trailing) {
    refuse("trailer name", name);
    refuse(`trailer ${name}`, value);
  }
  const message = {
    body: bytesOf(input.body),
    trailers: trailing.length === 0 ? null : new HeaderMap("trailers", trailing),
  };
  let headers = version === "http2" ? http2(input, lines, encrypted ? "https" : "http") : http1(input, lines);
  const chunked =
    version === "http2"
      ? input.body !== undefined
      : lines.some(([name, value]) => name.toLowerCase() === "transfer-encoding" && /chunked/i.test(value));
  let refusal = /^\*[\x21-\x7e]*$/.test(path) ? INVALID_URL : BAD_REQUEST;
  const over = headers === null ? null : excess(headers, version, trailing.length > 0);
  const isReset = over !== null && version === "http2";
  if (over !== null && version === "http1") {
    headers = null;
    refusal = over;
  }
  return { ...message, headers, refusal, isReset, goesOn: message.body !== "" || chunked || message.trailers !== null };
}

/** What a request with more headers than Envoy takes gets; null: it has no more. */
function excess(map: HeaderMap, version: HttpVersion, hasTrailers: boolean): ManagerReply | null {
  const written: HeaderLine[] = [...map.lines()];
  let bytes = 0;
  if (version === "http1") {
    // As it was written: the request line, each header with colon, blank and line break, an empty line.
    const plain = written.filter(([name]) => !name.startsWith(":"));
    written.splice(0, Infinity, ["host", map.get(":authority") ?? ""], ...plain);
    if (hasTrailers) written.push(["transfer-encoding", "chunked"]);
    bytes = `${map.get(":method")} ${map.get(":path")} HTTP/1.1\r\n\r\n`.length + 4 * written.length;
  }
  if (written.length > MOST_LINES) return TOO_MANY_HEADERS;
  for (const [name, value] of written) bytes += name.length + value.length;
  return bytes > MOST_BYTES ? HEADERS_TOO_LARGE : null;
}

function http1(input: RequestInput, lines: readonly HeaderLine[]): HeaderMap | null {
  const { method = "GET", path = "/", authority = "example.test" } = input;
  const has = (wanted: string): boolean => lines.some(([name]) => name.toLowerCase() === wanted);
  const trailers = toLines(input.trailers).length > 0;
  if (trailers && has("content-length")) throw new EmulatorError(trailersForbidden("request"));
  const [, scheme, host, rest] = /^(https?):\/\/([^/?#]+)(.*)$/i.exec(path) ?? [];
  const target = rest ?? path;
  const isTarget = rest !== undefined || path.startsWith("/") || (method === "OPTIONS" && path === "*");
  if (!isTarget || !/^[\x21-\x7e]+$/.test(path)) return null;
  const map = new HeaderMap("request", [
    [":authority", host ?? lines.find(([name]) => name.toLowerCase() === "host")?.[1] ?? authority],
    ...(scheme === undefined ? [] : [[":scheme", scheme.toLowerCase()] as const]),
    [":path", target === "" || target.startsWith("?") ? `/${target}` : target],
    [":method", method],
  ]);
  for (const [name, value] of lines) if (name.toLowerCase() !== "host") map.add(name, trimmed(value));
  const chunked = has("transfer-encoding") || trailers;
  if (input.body !== undefined && !chunked && map.get("content-length") === null) {
    map.add("content-length", String(bytesOf(input.body).length));
  }
  return map;
}

/** The client sends the lines of one name behind each other; the codec joins cookies into one line, the last. */
function http2(input: RequestInput, lines: readonly HeaderLine[], scheme: string): HeaderMap {
  const { method = "GET", path = "/", authority = "example.test" } = input;
  const byName = new Map<string, string[]>();
  for (const [given, value] of lines) {
    const name = given.toLowerCase();
    if (OF_CONNECTION.includes(name)) {
      throw new EmulatorError(`The request has the header ${name}, which HTTP/2 does not allow; leave it out.`);
    }
    byName.set(name, [...(byName.get(name) ?? []), value]);
  }
  if (!path.startsWith("/")) {
    throw new EmulatorError(
      `The request's path ${JSON.stringify(path)} does not begin with "/"; Envoy resets such a stream.`,
    );
  }
  const map = new HeaderMap("request", [
    [":method", method],
    [":path", path],
    [":scheme", scheme],
    [":authority", byName.get("host")?.[0] ?? authority],
  ]);
  const cookies = byName.get("cookie");
  for (const [name, values] of byName) {
    if (name !== "host" && name !== "cookie") for (const value of values) map.add(name, value);
  }
  const trailers = toLines(input.trailers).length > 0;
  if (input.body !== undefined && !trailers && !byName.has("content-length")) {
    map.add("content-length", String(bytesOf(input.body).length));
  }
  if (cookies !== undefined) map.add("cookie", cookies.join("; "));
  return map;
}

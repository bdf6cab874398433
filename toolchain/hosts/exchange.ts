import { AssertionError } from "node:assert";
import { isDeepStrictEqual, inspect } from "node:util";
import { toLines } from "./headers.js";
import type {
  Expected,
  ExpectedUpstream,
  HeaderLine,
  HeaderList,
  HeadersMatch,
  LogLine,
  ProxyResponse,
  RequestInput,
  TextMatch,
  UpstreamRequest,
} from "./types.js";

/** How much of a body a message shows. */
const SHOWN = 2000;

export interface ExchangeParts {
  readonly input: RequestInput;
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
  readonly upstream: UpstreamRequest | null;
  /** What the filter logged meanwhile. */
  readonly logs: readonly LogLine[];
  /** What the host itself logged meanwhile that may matter. */
  readonly hostLogs?: readonly LogLine[];
}

/** The exchange that was made last, for a report of a failing test. */
export const lastExchange = {
  current: null as Exchange | null,
  take(): Exchange | null {
    const taken = this.current;
    this.current = null;
    return taken;
  },
};

/** A request, what became of it, and a comparison that shows all of it. */
export class Exchange implements ProxyResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
  readonly upstream: UpstreamRequest | null;
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.status = parts.status;
    this.headers = parts.headers;
    this.body = parts.body;
    this.trailers = parts.trailers;
    this.upstream = parts.upstream;
    lastExchange.current = this;
  }

  text(): string {
    return new TextDecoder().decode(this.body);
  }

  expect(expected: Expected): void {
    checkExpected(expected);
    const found = differences(expected, this, this.#parts.logs);
    if (found.length === 0) return;
    throw new AssertionError({
      message: `${found.join("\n")}\n\n${this.toString()}`,
      operator: "expect",
      stackStartFn: this.expect.bind(this),
    });
  }

  toString(): string {
    const { input, logs, hostLogs = [] } = this.#parts;
    return [
      requestText(input),
      this.upstream === null ? "The upstream got nothing." : `The upstream got:\n${upstreamText(this.upstream)}`,
      messageText("<", String(this.status), this.headers, this.body, this.trailers),
      ...logText("The filter logged:", logs),
      ...logText("The host logged:", hostLogs),
    ].join("\n");
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

const UPSTREAM_KEYS = ["method", "path", "authority", "headers", "body", "json", "trailers"];
const KEYS = ["status", "headers", "body", "json", "trailers", "upstream", "logs"];

/** A misspelt key would expect nothing, and be green: TypeScript is not asked when tests run. */
function checkExpected(expected: Expected): void {
  const only = (value: object, keys: readonly string[], where: string): void => {
    const wrong = Object.keys(value).find((key) => !keys.includes(key));
    if (wrong !== undefined)
      throw new TypeError(`expect: ${where}${wrong} is not known; there are ${keys.join(", ")}.`);
  };
  only(expected, KEYS, "");
  const { upstream } = expected;
  if (upstream) only(upstream, UPSTREAM_KEYS, "upstream.");
  for (const matches of [expected.headers, expected.trailers, upstream?.headers, upstream?.trailers]) {
    for (const [name, match] of Object.entries(matches ?? {})) {
      if (match !== null && typeof match !== "string" && !(match instanceof RegExp))
        throw new TypeError(
          `expect: the header ${name} is compared with a text, a regular expression, or null for none.`,
        );
    }
  }
}

/** A request as a message shows it. */
export function requestText(input: RequestInput): string {
  const { method = "GET", path = "/", authority = "example.test", body = "" } = input;
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  const lines = toLines(input.headers);
  const host: HeaderLine[] = lines.some(([name]) => name.toLowerCase() === "host") ? [] : [["host", authority]];
  return messageText(">", `${method} ${path}`, [...host, ...lines], bytes, toLines(input.trailers));
}

export function logText(title: string, lines: readonly LogLine[]): string[] {
  return lines.length === 0
    ? []
    : [title, ...lines.map(({ level, message }) => `  [${level}] ${message.replaceAll("\n", "\n    ")}`)];
}

function upstreamText(request: UpstreamRequest): string {
  const lines: HeaderLine[] = [["host", request.authority], ...request.headers];
  return messageText("|", `${request.method} ${request.path}`, lines, request.body, request.trailers);
}

function messageText(
  mark: string,
  first: string,
  headers: Iterable<HeaderLine>,
  body: Uint8Array,
  trailers: Iterable<HeaderLine>,
): string {
  const lines = [first, ...[...headers].map(([name, value]) => `${name}: ${value}`)];
  if (body.length > 0) lines.push("", ...bodyText(body).split("\n"));
  const tail = [...trailers];
  if (tail.length > 0) lines.push("", ...tail.map(([name, value]) => `${name}: ${value}`));
  return lines.map((line) => `${mark} ${line}`.trimEnd()).join("\n");
}

function bodyText(body: Uint8Array): string {
  const part = body.subarray(0, SHOWN);
  const more = body.length > SHOWN ? `… (${body.length} bytes)` : "";
  // A cut may fall into a character.
  const text = new TextDecoder("utf-8").decode(part, { stream: true });
  if (!/[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text)) return text + more;
  return `${Buffer.from(part.subarray(0, SHOWN / 4)).toString("hex")}${part.length > SHOWN / 4 ? "…" : ""} (${body.length} bytes)`;
}

/** One line for each thing that is not as expected. */
export function differences(
  expected: Expected,
  got: Pick<ProxyResponse, "status" | "headers" | "body" | "trailers" | "upstream">,
  logs: readonly LogLine[],
): string[] {
  const found: string[] = [];
  if (expected.status !== undefined && expected.status !== got.status) {
    found.push(`status: expected ${expected.status}, got ${got.status}`);
  }
  headersDiffer(found, "header", expected.headers, got.headers);
  bodyDiffers(found, "body", expected, got.body);
  headersDiffer(found, "trailer", expected.trailers, got.trailers);
  if (expected.upstream === null) {
    if (got.upstream !== null) found.push("upstream: expected no request, got one");
  } else if (expected.upstream !== undefined) {
    if (got.upstream === null) found.push("upstream: expected a request, got none");
    else upstreamDiffers(found, expected.upstream, got.upstream);
  }
  let at = 0;
  for (const match of expected.logs ?? []) {
    const index = logs.findIndex(({ message }, i) => i >= at && isIn(match, message));
    if (index < 0) found.push(`log: expected ${show(match)}${at > 0 ? " behind the lines before it" : ""}, not there`);
    else at = index + 1;
  }
  return found;
}

function upstreamDiffers(found: string[], expected: ExpectedUpstream, got: UpstreamRequest): void {
  if (expected.method !== undefined) textDiffers(found, "upstream method", expected.method, got.method);
  if (expected.path !== undefined) textDiffers(found, "upstream path", expected.path, got.path);
  if (expected.authority !== undefined) textDiffers(found, "upstream authority", expected.authority, got.authority);
  headersDiffer(found, "upstream header", expected.headers, got.headers);
  bodyDiffers(found, "upstream body", expected, got.body);
  headersDiffer(found, "upstream trailer", expected.trailers, got.trailers);
}

function headersDiffer(found: string[], what: string, expected: HeadersMatch | undefined, got: HeaderList): void {
  for (const [name, match] of Object.entries(expected ?? {})) {
    const value = got.get(name);
    if (match === null) {
      if (value !== null) found.push(`${what} ${name}: expected none, got ${show(value)}`);
    } else if (value === null) found.push(`${what} ${name}: expected ${show(match)}, not there`);
    else textDiffers(found, `${what} ${name}`, match, value);
  }
}

function bodyDiffers(found: string[], what: string, expected: Pick<Expected, "body" | "json">, got: Uint8Array): void {
  const { body, json } = expected;
  if (body instanceof Uint8Array) {
    if (Buffer.compare(body, got) !== 0) found.push(`${what}: expected ${body.length} bytes, got ${got.length} others`);
  } else if (body !== undefined) textDiffers(found, what, body, new TextDecoder().decode(got));
  if (json === undefined) return;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(got));
  } catch {
    found.push(`${what}: expected JSON, got ${show(bodyText(got))}`);
    return;
  }
  if (!isDeepStrictEqual(value, json)) {
    found.push(`${what}: expected ${JSON.stringify(json)}, got ${JSON.stringify(value)}`);
  }
}

function textDiffers(found: string[], what: string, match: TextMatch, got: string): void {
  if (typeof match === "string" ? match !== got : !matches(match, got)) {
    found.push(`${what}: expected ${show(match)}, got ${show(got)}`);
  }
}

function isIn(match: TextMatch, text: string): boolean {
  return typeof match === "string" ? text.includes(match) : matches(match, text);
}

/** A pattern with the flag g or y would remember where it stood. */
function matches(pattern: RegExp, text: string): boolean {
  return text.search(pattern) >= 0;
}

function show(match: TextMatch): string {
  return typeof match === "string" ? JSON.stringify(match) : String(match);
}

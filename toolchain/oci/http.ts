import { setTimeout as sleep } from "node:timers/promises";
import { OciError, printable } from "./errors.js";
import { isLoopback } from "./reference.js";

/** One HTTP request with its time limits; redirects, retries and authorization are built on top of it. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Bytes that may come back. */
  readonly maxBytes: number;
  /** Milliseconds until the request is given up, apart from the time that large bodies add. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The URL that answered, after redirects. */
  readonly url: URL;
}

/** A failure below HTTP: nothing, or only a part, came back. */
export class ConnectionError extends Error {
  constructor(
    readonly code: string,
    readonly url: URL,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

/** The answer was larger than allowed; asking again would not help. */
export class TooLargeError extends Error {}

// The slowest link that a publish over a mobile phone should survive.
const SLOWEST_BYTES_PER_MS = 32;

export async function request(input: HttpRequest): Promise<HttpAnswer> {
  const bodyBytes = input.body?.length ?? 0;
  const control = new AbortController();
  // The answer's head has its own, shorter limit: a server that accepts and says nothing is noticed soon.
  let timer = setTimeout(() => control.abort(), input.timeoutMs + bodyBytes / SLOWEST_BYTES_PER_MS);
  try {
    const answer = await fetch(input.url.href, {
      method: input.method,
      headers: { "user-agent": "meshwasm", ...input.headers },
      ...(input.body === undefined ? {} : { body: input.body as NonNullable<RequestInit["body"]> }),
      redirect: "manual",
      signal: control.signal,
    });
    clearTimeout(timer);
    // Each byte buys the time that the slowest link needs for it; an answer that trickles ends soon.
    const began = Date.now();
    const received = (bytes: number): void => {
      clearTimeout(timer);
      const left = began + input.timeoutMs + bytes / SLOWEST_BYTES_PER_MS - Date.now();
      timer = setTimeout(() => control.abort(), Math.max(0, left));
    };
    received(0);
    const body = input.method === "HEAD" ? new Uint8Array() : await readBounded(answer, input, received);
    return { status: answer.status, headers: answer.headers, body, url: input.url };
  } catch (cause) {
    if (cause instanceof TooLargeError) throw cause;
    if (control.signal.aborted) throw new ConnectionError("ETIMEDOUT", input.url, "no answer in time");
    throw connectionError(cause, input.url);
  } finally {
    clearTimeout(timer);
  }
}

async function readBounded(
  answer: Response,
  input: HttpRequest,
  received: (bytes: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // The browser's type of a stream, which a tsconfig with that library sees, lacks the iterator that Node's has.
  const stream = answer.body as unknown as AsyncIterable<Uint8Array> | null;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the stream, so the rest is not downloaded.
    if (size > input.maxBytes) {
      throw new TooLargeError(`${input.url.host} sent more than ${input.maxBytes} bytes for ${input.url.pathname}`);
    }
    chunks.push(chunk);
    received(size);
  }
  return Buffer.concat(chunks);
}

function connectionError(cause: unknown, url: URL): ConnectionError {
  // fetch wraps the socket's error once or twice; on two addresses (::1 and 127.0.0.1) it is an AggregateError.
  let error = cause as NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] };
  while (!error.code && error.cause instanceof Error) error = error.cause as typeof error;
  const first = error.code ? error : (error.errors?.[0] ?? error);
  return new ConnectionError(first.code ?? "EUNKNOWN", url, printable(first.message || String(cause)));
}

const MAX_REDIRECTS = 5;

/** Follows redirects of a read; `headersFor` decides what may be sent to each URL. */
export async function requestFollowing(
  input: HttpRequest,
  headersFor: (url: URL) => Record<string, string>,
): Promise<HttpAnswer> {
  let url = input.url;
  for (let hops = 0; ; hops++) {
    const answer = await request({ ...input, url, headers: headersFor(url) });
    if (![301, 302, 303, 307, 308].includes(answer.status)) return answer;
    if (hops >= MAX_REDIRECTS) {
      throw new OciError(`${input.url.host} redirects more than ${MAX_REDIRECTS} times; check the registry's set-up`);
    }
    url = resolveLocation(answer.headers.get("location"), url);
  }
}

/** A Location header as a URL that is no less safe than the one it came from. */
export function resolveLocation(location: string | null, base: URL): URL {
  const text = location ?? "";
  if (text === "" || !URL.canParse(text, base.href)) {
    throw new OciError(`${base.host} answered with a wrong Location "${printable(text)}"; check the registry's set-up`);
  }
  const url = new URL(text, base);
  const allowed = base.protocol === "https:" ? ["https:"] : ["https:", "http:"];
  if (!allowed.includes(url.protocol)) {
    throw new OciError(
      `${base.host} redirects to ${printable(url.origin === "null" ? url.protocol : url.origin)}, which is not encrypted; set the registry's public URL to https`,
    );
  }
  url.username = "";
  url.password = "";
  return url;
}

const ATTEMPTS = 5;
const MAX_WAIT_MS = 10_000;
// Retrying cannot change these: nobody listens there, no such name, or TLS does not work.
const FINAL_CODES = /^(ECONNREFUSED|ENOTFOUND|EPROTO|ERR_|CERT_|DEPTH_|SELF_|UNABLE_|EUNKNOWN)/;

export function isTransient(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Waits before the attempt after the `failures`-th: three times as long each time, or as long as the registry says. */
export async function retryWait(answer: HttpAnswer | null, failures: number, baseDelayMs: number): Promise<void> {
  const after = Number(answer?.headers.get("retry-after"));
  const own = baseDelayMs * 3 ** Math.max(0, failures - 1) * (0.75 + Math.random() / 2);
  await sleep(Math.min(after > 0 ? after * 1000 : own, MAX_WAIT_MS));
}

/** Runs an idempotent step up to five times when the connection is cut or the server is busy. */
export async function withRetries(step: () => Promise<HttpAnswer>, baseDelayMs: number): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt++) {
    let answer: HttpAnswer | null = null;
    try {
      answer = await step();
      if (attempt >= ATTEMPTS || !isTransient(answer.status)) return answer;
    } catch (error) {
      if (!(error instanceof ConnectionError) || attempt >= ATTEMPTS || FINAL_CODES.test(error.code)) throw error;
    }
    await retryWait(answer, attempt, baseDelayMs);
  }
}

/** The one line for a failure below HTTP. */
export function explainConnection(error: ConnectionError, doing: string): OciError {
  const { code, url } = error;
  const where = url.port ? url.host : `${url.host}:${url.protocol === "https:" ? 443 : 80}`;
  const say = (what: string): OciError => new OciError(`cannot ${doing}: ${what}`, { cause: error });
  if (url.protocol === "https:" && /WRONG_VERSION_NUMBER|EPROTO|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code)) {
    return say(`${where} does not speak TLS; if it is meant to be plain HTTP, add --plain-http`);
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(code)) {
    return say(`the certificate of ${where} is not trusted (${code}); set NODE_EXTRA_CA_CERTS to your CA file`);
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return say(`the host ${url.hostname} has no address (${code}); check its spelling and your DNS`);
  }
  if (code === "ECONNREFUSED") {
    const start = isLoopback(url.host) ? "start it with `meshwasm registry serve`" : "check host and port";
    return say(`nothing listens at ${where} (${code}); ${start}`);
  }
  if (code === "ETIMEDOUT" || code === "UND_ERR_CONNECT_TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT") {
    return say(`${where} did not answer in time (${code}); check the network and try again`);
  }
  if (/^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_BODY_TIMEOUT)/.test(code)) {
    return say(`${where} cut the connection (${code}) ${ATTEMPTS} times; check its log and any proxy's size limit`);
  }
  return say(`the connection to ${where} failed (${code}: ${error.detail}); check the network`);
}

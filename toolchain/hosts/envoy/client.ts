import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { Lines, toLines, trailersForbidden } from "../headers.js";
import type { ClientTls, HeaderLine, HeaderList, RequestInput } from "../types.js";
import { EnvoyError } from "./errors.js";

const REQUEST_TIMEOUT_MS = 30_000;
/** How long a session ticket is waited for. */
const TICKET_MS = 500;

export interface ClientResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
}

/** Gives Node's HTTP parser what the socket reads, and drops what Node would write: we write the request ourselves. */
class ReadHalf extends Duplex {
  constructor(socket: net.Socket) {
    super({ allowHalfOpen: true });
    socket.on("data", (chunk) => this.push(chunk));
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

const CONTROL = /[\r\n\0]/;

function refuse(what: string, value: string): void {
  if (CONTROL.test(value)) throw new EnvoyError(`The request's ${what} holds CR, LF or NUL; HTTP cannot carry it.`);
  for (const char of value) {
    if (char.codePointAt(0)! > 0xff) {
      throw new EnvoyError(`The request's ${what} holds "${char}"; give one character for each byte (latin1).`);
    }
  }
}

function checkLines(
  method: string,
  path: string,
  headers: readonly HeaderLine[],
  trailers: readonly HeaderLine[],
): void {
  refuse("method", method);
  refuse("path", path);
  for (const [name, value] of headers) {
    refuse("header name", name);
    refuse(`header ${name}`, value);
  }
  for (const [name, value] of trailers) {
    refuse("trailer name", name);
    refuse(`trailer ${name}`, value);
  }
}

/** The request as HTTP/1.1 bytes: header lines in the given order and case, duplicates kept. */
export function requestBytes(input: RequestInput): Buffer {
  const { method = "GET", path = "/", authority = "example.test", body } = input;
  const lines: HeaderLine[] = toLines(input.headers);
  const has = (name: string): boolean => lines.some(([each]) => each.toLowerCase() === name);
  const trailers = toLines(input.trailers);
  if (trailers.length > 0 && has("content-length")) throw new EnvoyError(trailersForbidden("request"));
  if (trailers.length > 0 && !has("transfer-encoding")) lines.push(["transfer-encoding", "chunked"]);
  const chunked = has("transfer-encoding");
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body === undefined ? null : Buffer.from(body);
  if (!has("host")) lines.unshift(["host", authority]);
  if (bytes && !chunked && !has("content-length")) lines.push(["content-length", String(bytes.length)]);
  checkLines(method, path, lines, trailers);
  const head = [`${method} ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""].join(
    "\r\n",
  );
  const parts = [Buffer.from(head, "latin1")];
  if (chunked && bytes?.length) parts.push(Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n"));
  else if (!chunked && bytes) parts.push(bytes);
  if (chunked) {
    const end = ["0", ...trailers.map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
    parts.push(Buffer.from(end, "latin1"));
  }
  return Buffer.concat(parts);
}

/** A connection to the proxy. */
export interface Link {
  /** Speaks TLS when the proxy does. */
  readonly socket: net.Socket;
  /** The socket below TLS, which alone can send RST. */
  readonly raw: net.Socket;
  /** The port by which the upstream knows the connection. */
  readonly localPort: number;
}

export interface LinkOptions {
  /** null: cleartext. */
  readonly tls: ClientTls | null;
  readonly alpn: readonly string[];
  /** SNI when the test names none. */
  readonly serverName: string;
  /** The proxy asks for a client certificate. */
  readonly mutual: boolean;
}

/** Connects; `onConnect` gets the connection's local port before any byte is sent. */
export async function connect(
  address: string,
  options: LinkOptions,
  onConnect: (localPort: number) => void,
): Promise<Link> {
  const [host, port] = address.split(":");
  const raw = net.connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    raw.once("connect", resolve);
    raw.once("error", reject);
  });
  const localPort = raw.localPort!;
  onConnect(localPort);
  if (options.tls === null) return { socket: raw, raw, localPort };
  const servername = options.tls.serverName ?? options.serverName;
  const socket = tls.connect({
    socket: raw,
    // Whose certificate it is matters to nobody here, and tests may want a wrong one.
    rejectUnauthorized: false,
    ...(servername === "" || net.isIP(servername) ? {} : { servername }),
    ALPNProtocols: [...options.alpn],
    ...options.tls.certificate,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      // In TLS 1.3 a client learns only after its handshake whether its certificate is taken: a ticket comes then.
      // Bytes sent before could meet a closed connection, whose RST would swallow the proxy's reason.
      socket.once("secureConnect", () => {
        if (!options.mutual) resolve();
        else setTimeout(resolve, TICKET_MS).unref();
      });
      socket.once("session", () => resolve());
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed")));
    });
  } catch (error) {
    raw.destroy();
    throw refusedTls(error as Error);
  }
  return { socket, raw, localPort };
}

function refusedTls(error: Error): EnvoyError {
  // OpenSSL's message: thread, "error", number, library, function, what is wrong, file and line.
  const reason = /^[^:]*:error:[^:]*:[^:]*:[^:]*:([^:]*):/.exec(error.message)?.[1] ?? error.message;
  return new EnvoyError(`The proxy refused the TLS handshake: ${reason}.`);
}

/** What went wrong with a connection, for people. */
function linkError(error: NodeJS.ErrnoException, closed: (where: string) => EnvoyError): Error {
  if (error.code === "ECONNRESET" || error.code === "EPIPE") return closed("without an answer");
  return error.code?.startsWith("ERR_SSL") ? refusedTls(error) : error;
}

/** How a request ends before its answer is whole. */
interface Ends {
  resolve: (response: ClientResponse) => void;
  reject: (error: Error) => void;
  closed: (where: string) => EnvoyError;
}

/**
 * Sends one request by a connection of its own, which is closed then. Rejects when the proxy closes the connection
 * without a whole answer, when none comes in time, and when the signal is aborted.
 */
export async function exchange(link: Link, input: RequestInput, version: "http1" | "http2"): Promise<ClientResponse> {
  const { method = "GET", path = "/", signal, timeout = REQUEST_TIMEOUT_MS } = input;
  let timer: NodeJS.Timeout | undefined;
  let abort = (): void => {};
  try {
    return await new Promise<ClientResponse>((resolve, reject) => {
      abort = () => {
        link.raw.resetAndDestroy();
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      timer = setTimeout(() => {
        reject(
          new EnvoyError(
            `No answer within ${timeout / 1000} s (${method} ${path}); the filter may have stopped the stream and never continued it.`,
          ),
        );
      }, timeout);
      const closed = (where: string): EnvoyError =>
        new EnvoyError(`The proxy closed the connection ${where} (${method} ${path}).`);
      (version === "http2" ? sendHttp2 : sendHttp1)(link.socket, input, { resolve, reject, closed });
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    for (const socket of [link.socket, link.raw]) {
      socket.on("error", () => {});
      socket.destroy();
    }
  }
}

function sendHttp1(socket: net.Socket, input: RequestInput, { resolve, reject, closed }: Ends): void {
  const bytes = requestBytes(input);
  const half = new ReadHalf(socket);
  const request = http.request({
    method: input.method === "HEAD" ? "HEAD" : "GET",
    createConnection: () => half,
    maxHeaderSize: 1 << 20,
  });
  request.on("error", (error: NodeJS.ErrnoException) => {
    reject(linkError(error, closed));
  });
  request.on("upgrade", (response) => {
    resolve({
      status: response.statusCode ?? 0,
      headers: rawLines(response.rawHeaders),
      body: new Uint8Array(),
      trailers: new Lines([]),
    });
  });
  request.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", () => reject(closed(`in the middle of the answer ${response.statusCode}`)));
    response.on("end", () => {
      resolve({
        status: response.statusCode ?? 0,
        headers: rawLines(response.rawHeaders),
        body: new Uint8Array(Buffer.concat(chunks)),
        trailers: rawLines(response.rawTrailers),
      });
    });
  });
  request.end();
  socket.write(bytes);
}

function sendHttp2(socket: net.Socket, input: RequestInput, { resolve, reject, closed }: Ends): void {
  const { head, body, trailers } = http2Message(input, socket instanceof tls.TLSSocket ? "https" : "http");
  const session = http2.connect("http://proxy", { createConnection: () => socket, maxHeaderListPairs: 1000 });
  session.on("error", (error: NodeJS.ErrnoException) => reject(linkError(error, closed)));
  const stream = session.request(head, {
    endStream: body === null && trailers.length === 0,
    waitForTrailers: trailers.length > 0,
  });
  stream.on("wantTrailers", () => stream.sendTrailers(http2Headers(trailers)));
  let status = 0;
  let headers = new Lines([]);
  let tail = new Lines([]);
  const chunks: Buffer[] = [];
  // Node gives the header lines as they came as a further argument.
  stream.on("response", (...args: unknown[]) => {
    const [map, , raw] = args as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader, number, string[]];
    status = Number(map[":status"]);
    headers = new Lines(
      rawLines(raw)
        .toJSON()
        .filter(([name]) => !name.startsWith(":")),
    );
  });
  stream.on("trailers", (...args: unknown[]) => (tail = rawLines(args[2] as string[])));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  stream.on("close", () => {
    if (status === 0) reject(closed("without an answer"));
    else if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR || !stream.readableEnded) {
      reject(closed(`in the middle of the answer ${status}`));
    } else resolve({ status, headers, body: new Uint8Array(Buffer.concat(chunks)), trailers: tail });
  });
  session.on("close", () =>
    reject(closed(status === 0 ? "without an answer" : `in the middle of the answer ${status}`)),
  );
  if (body !== null && body.length > 0) stream.write(body);
  if (body !== null || trailers.length > 0) stream.end();
}

/** The request as HTTP/2 has it: lower-case names, no connection headers, a content-length as HTTP/1.1 would. */
function http2Message(
  input: RequestInput,
  scheme: string,
): { head: Record<string, string | string[]>; body: Uint8Array | null; trailers: HeaderLine[] } {
  const { method = "GET", path = "/", authority = "example.test" } = input;
  const body = typeof input.body === "string" ? Buffer.from(input.body, "utf8") : (input.body ?? null);
  const trailers = toLines(input.trailers);
  const lines = toLines(input.headers);
  checkLines(method, path, lines, trailers);
  const given = (name: string): string | undefined => lines.find(([each]) => each.toLowerCase() === name)?.[1];
  const rest = lines.filter(([name]) => name.toLowerCase() !== "host");
  if (body !== null && trailers.length === 0 && given("content-length") === undefined) {
    rest.push(["content-length", String(body.length)]);
  }
  const pseudo = { ":method": method, ":path": path, ":scheme": scheme, ":authority": given("host") ?? authority };
  return { head: { ...pseudo, ...http2Headers(rest) }, body, trailers };
}

/** Node's alternating names and values as lines. */
export function rawLines(raw: readonly string[]): Lines {
  const lines: HeaderLine[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) lines.push([raw[i]!, raw[i + 1]!]);
  return new Lines(lines);
}

/** Header lines as Node's HTTP/2 takes them: lower case, an array for several lines of a name. */
export function http2Headers(lines: readonly HeaderLine[]): Record<string, string | string[]> {
  // Without a prototype: a header may be called __proto__.
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    const old = headers[key];
    headers[key] = old === undefined ? value : Array.isArray(old) ? [...old, value] : [old, value];
  }
  return headers;
}

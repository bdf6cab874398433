import http from "node:http";
import net from "node:net";
import { Duplex } from "node:stream";
import { Lines, toLines, trailersForbidden } from "../headers.js";
import type { HeaderLine, HeaderList, RequestInput } from "../types.js";
import { EnvoyError } from "./errors.js";

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
  if (CONTROL.test(value)) throw new EnvoyError(`The request's ${what} holds CR, LF or NUL; HTTP/1.1 cannot carry it.`);
  for (const char of value) {
    if (char.codePointAt(0)! > 0xff) {
      throw new EnvoyError(`The request's ${what} holds "${char}"; give one character for each byte (latin1).`);
    }
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
  refuse("method", method);
  refuse("path", path);
  for (const [name, value] of lines) {
    refuse("header name", name);
    refuse(`header ${name}`, value);
  }
  for (const [name, value] of trailers) {
    refuse("trailer name", name);
    refuse(`trailer ${name}`, value);
  }
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

/**
 * Sends one request by a connection of its own. `onConnect` gets the connection's local port before any byte is sent.
 * Rejects when the proxy closes the connection without a whole answer.
 */
export async function send(
  address: string,
  input: RequestInput,
  onConnect: (localPort: number) => void,
  timeoutMs: number,
): Promise<ClientResponse> {
  const bytes = requestBytes(input);
  const [host, port] = address.split(":");
  const socket = net.connect({ host, port: Number(port), noDelay: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    onConnect(socket.localPort!);
    return await new Promise<ClientResponse>((resolve, reject) => {
      const half = new ReadHalf(socket);
      const method = input.method ?? "GET";
      const request = http.request({
        method: method === "HEAD" ? "HEAD" : "GET",
        createConnection: () => half,
        maxHeaderSize: 1 << 20,
      });
      const closed = (where: string): EnvoyError =>
        new EnvoyError(`The proxy closed the connection ${where} (${method} ${input.path ?? "/"}).`);
      timer = setTimeout(() => {
        reject(
          new EnvoyError(
            `No answer within ${timeoutMs / 1000} s (${method} ${input.path ?? "/"}); the filter may have stopped the stream and never continued it.`,
          ),
        );
      }, timeoutMs);
      request.on("error", (error: NodeJS.ErrnoException) => {
        reject(error.code === "ECONNRESET" || error.code === "EPIPE" ? closed("without an answer") : error);
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
    });
  } finally {
    clearTimeout(timer);
    socket.on("error", () => {});
    socket.destroy();
  }
}

/** Node's alternating names and values as lines. */
export function rawLines(raw: readonly string[]): Lines {
  const lines: HeaderLine[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) lines.push([raw[i]!, raw[i + 1]!]);
  return new Lines(lines);
}

import http from "node:http";
import type net from "node:net";
import type { AddressInfo } from "node:net";
import { Lines, toLines, trailersForbidden } from "../headers.js";
import type { HeaderLine, UpstreamHandler, UpstreamRequest, UpstreamResponse } from "../types.js";
import { CONNECTION_HEADER } from "./bootstrap.js";
import { rawLines } from "./client.js";
import { EnvoyError } from "./errors.js";

/** The default upstream: 200, and what it received as JSON. */
export const echo: UpstreamHandler = (request) => ({
  status: 200,
  headers: [["content-type", "application/json"]],
  body: JSON.stringify({ method: request.method, path: request.path, headers: request.headers.toJSON() }),
});

/** What became of one client connection's request at the upstream. */
export interface UpstreamRecord {
  request: UpstreamRequest | null;
  /** What the handler threw. */
  error: unknown;
}

/**
 * A real HTTP/1.1 server. The router writes the client's port into CONNECTION_HEADER after the filters have run; each
 * request of ours has a connection of its own, so the port says which request it is.
 */
export class Upstream {
  /** Not listening yet when made by the constructor. */
  readonly server: http.Server;
  handler: UpstreamHandler;
  readonly #expected = new Map<string, UpstreamRecord>();
  readonly #sockets = new Set<net.Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  static async start(handler: UpstreamHandler = echo): Promise<Upstream> {
    const upstream = new Upstream(handler);
    await new Promise<void>((resolve, reject) => {
      upstream.server.once("error", reject);
      upstream.server.listen(0, "127.0.0.1", resolve);
    });
    upstream.server.unref();
    return upstream;
  }

  constructor(
    handler: UpstreamHandler,
    /** Gets what the handler throws for a request that nobody has announced. */
    private readonly onError: (error: unknown) => void = () => {},
  ) {
    this.handler = handler;
    this.server = http.createServer({ maxHeaderSize: 1 << 20, requestTimeout: 0, requireHostHeader: false });
    this.server.headersTimeout = 0;
    this.server.keepAliveTimeout = 0;
    this.server.on("request", (request, response) => void this.#serve(request, response));
    this.server.on("connection", (socket) => {
      socket.unref();
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Announces a request that will come from this client port; requests nobody announced are answered, not kept. */
  expect(clientPort: number): void {
    this.#expected.set(String(clientPort), { request: null, error: undefined });
  }

  /** What arrived from this client port; forgets it. */
  take(clientPort: number): UpstreamRecord {
    const key = String(clientPort);
    const record = this.#expected.get(key) ?? { request: null, error: undefined };
    this.#expected.delete(key);
    return record;
  }

  /** Ends all connections, whatever their handlers still wait for. */
  drop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  async #serve(incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> {
    let record: UpstreamRecord | undefined;
    outgoing.on("error", () => {});
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const lines = rawLines(incoming.rawHeaders).toJSON();
      const tag = lines.find(([name]) => name.toLowerCase() === CONNECTION_HEADER)?.[1];
      const headers = lines.filter(([name]) => ![CONNECTION_HEADER, "host"].includes(name.toLowerCase()));
      const request: UpstreamRequest = {
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        authority: lines.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "",
        headers: new Lines(headers),
        body: new Uint8Array(Buffer.concat(chunks)),
        trailers: rawLines(incoming.rawTrailers),
      };
      record = tag === undefined ? undefined : this.#expected.get(tag);
      if (record) record.request = request;
      const answer = await this.handler(request);
      if (answer.delay !== undefined) await this.#wait(answer.delay);
      if (answer.reset) outgoing.destroy();
      else this.#answer(outgoing, answer, request.method);
    } catch (error) {
      // A client that goes away in the middle of its request is no failure of the handler's.
      if (!incoming.complete) return;
      if (record) record.error = error;
      else this.onError(error);
      if (outgoing.headersSent) outgoing.destroy();
      else this.#answer(outgoing, { status: 500, body: "the upstream handler failed" }, "GET");
    }
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, milliseconds);
      timer.unref();
      this.#timers.add(timer);
    });
  }

  #answer(outgoing: http.ServerResponse, answer: UpstreamResponse, method: string): void {
    const { status = 200, body } = answer;
    const lines = toLines(answer.headers);
    const trailers = toLines(answer.trailers);
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : Buffer.from(body ?? new Uint8Array());
    const has = (wanted: string): boolean => lines.some(([name]) => name.toLowerCase() === wanted);
    if (trailers.length > 0 && has("content-length")) throw new EnvoyError(trailersForbidden("upstream's answer"));
    const framed = has("content-length") || has("transfer-encoding");
    const bodiless = status === 204 || status === 304 || status < 200;
    const framing: HeaderLine =
      trailers.length > 0 ? ["transfer-encoding", "chunked"] : ["content-length", String(bytes.length)];
    const all = framed || bodiless ? lines : [...lines, framing];
    // Only what the handler said: Node's own Date and Connection lines would be seen by the filter.
    outgoing.sendDate = false;
    outgoing.removeHeader("connection");
    outgoing.writeHead(status, all.flat());
    if (trailers.length > 0) outgoing.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]));
    outgoing.end(bodiless || method === "HEAD" ? undefined : bytes);
  }
}

import http from "node:http";
import type { AddressInfo } from "node:net";
import { Lines, toLines } from "../headers.js";
import type { HeaderLine, UpstreamHandler, UpstreamRequest } from "../types.js";
import { CONNECTION_HEADER } from "./bootstrap.js";

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
 * A real HTTP server on loopback. The router writes the client's port into CONNECTION_HEADER after the filters have
 * run; each request of ours has a connection of its own, so the port says which request it is.
 */
export class Upstream {
  readonly #server: http.Server;
  readonly #handler: UpstreamHandler;
  readonly #expected = new Map<string, UpstreamRecord>();

  static async start(handler: UpstreamHandler = echo): Promise<Upstream> {
    const upstream = new Upstream(handler);
    await new Promise<void>((resolve, reject) => {
      upstream.#server.once("error", reject);
      upstream.#server.listen(0, "127.0.0.1", resolve);
    });
    upstream.#server.unref();
    return upstream;
  }

  private constructor(handler: UpstreamHandler) {
    this.#handler = handler;
    this.#server = http.createServer({ maxHeaderSize: 1 << 20, requestTimeout: 0, requireHostHeader: false });
    this.#server.headersTimeout = 0;
    this.#server.keepAliveTimeout = 0;
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => socket.unref());
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
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

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> {
    let record: UpstreamRecord | undefined;
    outgoing.on("error", () => {});
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const lines: HeaderLine[] = [];
      const raw = incoming.rawHeaders;
      for (let i = 0; i + 1 < raw.length; i += 2) lines.push([raw[i]!, raw[i + 1]!]);
      const tag = lines.find(([name]) => name.toLowerCase() === CONNECTION_HEADER)?.[1];
      const headers = lines.filter(([name]) => ![CONNECTION_HEADER, "host"].includes(name.toLowerCase()));
      const request: UpstreamRequest = {
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        authority: lines.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "",
        headers: new Lines(headers),
        body: new Uint8Array(Buffer.concat(chunks)),
      };
      record = tag === undefined ? undefined : this.#expected.get(tag);
      if (record) record.request = request;
      const { status = 200, headers: given, body } = await this.#handler(request);
      this.#answer(outgoing, status, toLines(given), body, request.method);
    } catch (error) {
      if (record) record.error = error;
      if (outgoing.headersSent) outgoing.destroy();
      else this.#answer(outgoing, 500, [], "the upstream handler failed", "GET");
    }
  }

  #answer(
    outgoing: http.ServerResponse,
    status: number,
    lines: HeaderLine[],
    body: string | Uint8Array | undefined,
    method: string,
  ): void {
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : Buffer.from(body ?? new Uint8Array());
    const framed = lines.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
    const bodiless = status === 204 || status === 304 || status < 200;
    const all = framed || bodiless ? lines : [...lines, ["content-length", String(bytes.length)] as const];
    // Only what the handler said: Node's own Date and Connection lines would be seen by the filter.
    outgoing.sendDate = false;
    outgoing.removeHeader("connection");
    outgoing.writeHead(status, all.flat());
    outgoing.end(bodiless || method === "HEAD" ? undefined : bytes);
  }
}

import type { Readable } from "node:stream";
import http2 from "node:http2";
import type net from "node:net";
import { Lines, toLines } from "../headers.js";
import type { GrpcCall, GrpcHandler, HeaderLine, HeaderList, HeadersInput } from "../types.js";
import { http2Headers, rawLines } from "./client.js";

/** A message larger than that is the test's mistake: its length is nonsense. */
const LARGEST_MESSAGE = 64 << 20;
const INTERNAL = 13;
/** Only what the handler said: Node's own date would be seen by the filter. (The option is missing in Node's types.) */
const NO_DATE = { sendDate: false } as object;

/** A gRPC server on cleartext HTTP/2; its handler can be replaced while it runs. */
export class GrpcServer {
  /** Not listening yet. */
  readonly server: net.Server;
  readonly #sessions = new Set<http2.ServerHttp2Session>();

  constructor(
    public handler: GrpcHandler,
    /** Gets what the handler throws. */
    private readonly onError: (error: unknown) => void,
  ) {
    const server = http2.createServer({ maxHeaderListPairs: 1000 });
    this.server = server;
    server.on("session", (session) => {
      session.unref();
      session.on("error", () => {});
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    server.on("sessionError", () => {});
    server.on("stream", (...args: unknown[]) => {
      const [stream, headers, , raw] = args as [
        http2.ServerHttp2Stream,
        http2.IncomingHttpHeaders,
        number,
        readonly string[],
      ];
      void this.#serve(new Call(stream, headers[":path"] ?? "", rawLines(raw).toJSON()));
    });
  }

  /** Ends all connections, whatever their handlers still wait for. */
  drop(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async #serve(call: Call): Promise<void> {
    try {
      await this.handler(call);
      if (!call.over) call.finish();
    } catch (error) {
      // What the client's reset makes a handler throw is no failure of the handler's.
      if (!call.cancelled) this.onError(error);
      if (!call.over) call.finish({ status: INTERNAL, message: "the handler failed" });
    }
  }
}

class Call implements GrpcCall {
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderList;
  readonly messages: AsyncIterable<Uint8Array>;
  /** Finished or reset. */
  over = false;
  #cancelled = false;
  #trailers: Record<string, string | string[]> = {};
  readonly #stream: http2.ServerHttp2Stream;

  constructor(stream: http2.ServerHttp2Stream, path: string, lines: readonly HeaderLine[]) {
    this.#stream = stream;
    const cut = path.lastIndexOf("/");
    this.service = path.slice(1, Math.max(cut, 1));
    this.method = path.slice(cut + 1);
    this.metadata = new Lines(lines.filter(([name]) => !/^(:.*|te|content-type)$/.test(name)));
    this.messages = messagesOf(stream);
    stream.on("error", () => {});
    stream.on("aborted", () => (this.#cancelled = true));
    stream.on("close", () => {
      if (!this.over) this.#cancelled = true;
      this.over = true;
    });
    stream.on("wantTrailers", () => stream.sendTrailers(this.#trailers));
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  sendMetadata(metadata?: HeadersInput): void {
    if (this.over) return;
    const headers = { ":status": 200, "content-type": "application/grpc", ...http2Headers(toLines(metadata)) };
    this.#stream.respond(headers, { waitForTrailers: true, ...NO_DATE });
  }

  send(message: Uint8Array): void {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    this.sendRaw(Buffer.concat([head, message]));
  }

  sendRaw(bytes: Uint8Array): void {
    if (this.over) return;
    if (!this.#stream.headersSent) this.sendMetadata();
    this.#stream.write(bytes);
  }

  finish(end: { status?: number; message?: string; trailers?: HeadersInput } = {}): void {
    if (this.over) return;
    this.over = true;
    this.#trailers = {
      "grpc-status": String(end.status ?? 0),
      ...(end.message === undefined ? {} : { "grpc-message": percentEncoded(end.message) }),
      ...http2Headers(toLines(end.trailers)),
    };
    if (this.#stream.headersSent) this.#stream.end();
    else {
      const headers = { ":status": 200, "content-type": "application/grpc", ...this.#trailers };
      this.#stream.respond(headers, { endStream: true, ...NO_DATE });
    }
  }

  reset(): void {
    if (this.over) return;
    this.over = true;
    this.#stream.close(http2.constants.NGHTTP2_CANCEL);
  }
}

/** gRPC's encoding of grpc-message: bytes outside of 0x20–0x7E and "%" as %XX of the UTF-8 text. */
export function percentEncoded(text: string): string {
  return [...Buffer.from(text, "utf8")]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
        : String.fromCharCode(byte),
    )
    .join("");
}

/** The messages in a stream of gRPC frames. */
async function* messagesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let wanted = 5;
  let inMessage = false;
  // A handler that stops reading can still answer.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    parts.push(chunk);
    size += chunk.length;
    while (size >= wanted) {
      const bytes = Buffer.concat(parts);
      const piece = bytes.subarray(0, wanted);
      parts = [bytes.subarray(wanted)];
      size -= wanted;
      if (inMessage) {
        yield new Uint8Array(piece);
        wanted = 5;
      } else {
        if (piece[0] !== 0) throw new Error("The client's gRPC message is compressed.");
        wanted = piece.readUInt32BE(1);
        if (wanted > LARGEST_MESSAGE) throw new Error(`The client's gRPC message says it has ${wanted} bytes.`);
      }
      inMessage = !inMessage;
    }
  }
  if (size > 0 || inMessage) throw new Error("The client's last gRPC message is truncated.");
}

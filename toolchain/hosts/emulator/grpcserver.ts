import { Lines, toLines } from "../headers.js";
import type { GrpcCall, GrpcHandler, HeaderList, HeadersInput } from "../types.js";
import { handlerError } from "./clusters.js";
import { frame } from "./grpcframes.js";
import { HeaderMap } from "./headermap.js";
import type { Server } from "./server.js";

const INTERNAL = 13;

/** Where a server's answer goes. */
export interface GrpcAnswer {
  headers(map: HeaderMap, end: boolean): void;
  data(bytes: string): void;
  trailers(map: HeaderMap): void;
  reset(): void;
}

/** A filter's gRPC call as the handler behind a cluster sees it. */
export class GrpcServerCall implements GrpcCall {
  readonly metadata: HeaderList;
  readonly messages: AsyncIterable<Uint8Array>;
  #cancelled = false;
  #over = false;
  #headersSent = false;
  readonly #received: Uint8Array[] = [];
  #ended = false;
  #wake: () => void = () => {};

  constructor(
    private readonly server: Server,
    private readonly cluster: string,
    handler: GrpcHandler,
    readonly service: string,
    readonly method: string,
    headers: HeaderMap,
    private readonly answer: GrpcAnswer,
  ) {
    this.metadata = new Lines(headers.lines().filter(([name]) => !/^(:.*|te|content-type)$/.test(name)));
    this.messages = { [Symbol.asyncIterator]: () => this.#read() };
    server.pending++;
    // Not before the host call is over; a call that was cancelled by then never reaches the server.
    server.post(() => {
      if (this.#cancelled) server.pending--;
      else void this.#run(handler).finally(() => server.pending--);
    });
  }

  async #run(handler: GrpcHandler): Promise<void> {
    try {
      await handler(this);
      if (!this.#over) this.finish();
    } catch (error) {
      // What the client's reset makes a handler throw is no failure of the handler's.
      if (!this.#cancelled) this.server.report(handlerError(this.cluster, error));
      if (!this.#over) this.finish({ status: INTERNAL, message: "the handler failed" });
    }
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#received.shift();
      if (message !== undefined) yield message;
      else if (this.#cancelled) throw new Error("The client has reset the call.");
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  // The client's side.

  receive(message: string): void {
    this.#received.push(new Uint8Array(Buffer.from(message, "latin1")));
    this.#wake();
  }

  receiveEnd(): void {
    this.#ended = true;
    this.#wake();
  }

  cancel(): void {
    if (this.#over) return;
    this.#cancelled = true;
    this.#over = true;
    this.#wake();
  }

  // The handler's side.

  get cancelled(): boolean {
    return this.#cancelled;
  }

  sendMetadata(metadata?: HeadersInput): void {
    if (this.#over || this.#headersSent) return;
    this.#headersSent = true;
    this.answer.headers(this.#head(metadata), false);
  }

  #head(metadata: HeadersInput | undefined): HeaderMap {
    return new HeaderMap("response", [[":status", "200"], ["content-type", "application/grpc"], ...toLines(metadata)]);
  }

  send(message: Uint8Array): void {
    this.#sendBytes(frame(Buffer.from(message).toString("latin1")));
  }

  sendRaw(bytes: Uint8Array): void {
    this.#sendBytes(Buffer.from(bytes).toString("latin1"));
  }

  #sendBytes(bytes: string): void {
    if (this.#over) return;
    this.sendMetadata();
    this.answer.data(bytes);
  }

  finish(end: { status?: number; message?: string; trailers?: HeadersInput } = {}): void {
    if (this.#over) return;
    this.#over = true;
    const message = end.message === undefined ? [] : [["grpc-message", percentEncoded(end.message)] as const];
    const lines = [["grpc-status", String(end.status ?? 0)] as const, ...message, ...toLines(end.trailers)];
    if (this.#headersSent) this.answer.trailers(new HeaderMap("response trailers", lines));
    else this.answer.headers(this.#head(lines), true);
  }

  reset(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelled = true;
    this.answer.reset();
  }
}

/** gRPC's encoding of grpc-message: bytes outside of 0x20–0x7E and "%" as %XX of the UTF-8 text. */
function percentEncoded(text: string): string {
  return [...Buffer.from(text, "utf8")]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
        : String.fromCharCode(byte),
    )
    .join("");
}

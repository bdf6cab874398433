import { Exchange, logText, requestText } from "../exchange.js";
import type { LogLine, ProxyResponse, RequestInput, UpstreamRequest } from "../types.js";
import type { HostBuffer } from "./buffers.js";
import { FilterChain, type ChainOwner, type HttpFilter } from "./chain.js";
import {
  bytesOf,
  finishResponse,
  isChunked,
  requestHeaders,
  requestTrailers,
  responseRefusal,
  wireResponse,
} from "./connection.js";
import { EmulatorError } from "./errors.js";
import { HeaderMap } from "./headermap.js";
import { FailedFilter, HttpContext } from "./httpcontext.js";
import { isGrpc, type LocalReply } from "./localreply.js";
import { Router } from "./router.js";
import { UPSTREAM, UPSTREAM_LOCAL, type Server, type Worker } from "./server.js";
import { StreamInfo } from "./streaminfo.js";

/** A stream that nothing is on its way for, and that nobody continues for this long, will not be continued. */
const PAUSE_LIMIT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Once set, a request's outcome does not change. */
type Outcome = { readonly error: unknown } | { readonly answered: true };

/** One request through the filters: connection, filter chain, upstream and back. */
export class HttpStream implements ChainOwner {
  readonly info: StreamInfo;
  readonly grpc: boolean;
  readonly head: boolean;
  readonly #chain: FilterChain;
  readonly #request: HeaderMap;
  readonly #router: Router;
  readonly #body: string;
  readonly #trailers: HeaderMap | null;
  readonly #mark: number;
  #upstream: UpstreamRequest | null = null;
  // What has left the proxy.
  #sentHeaders: HeaderMap | null = null;
  #endedWithHeaders = false;
  #sentBody = "";
  #sentTrailers: HeaderMap | null = null;
  #outcome: Outcome | null = null;
  #settled: () => void = () => {};

  constructor(
    private readonly server: Server,
    worker: Worker,
    private readonly input: RequestInput,
  ) {
    this.#mark = server.logs.mark();
    this.info = server.newStreamInfo("HTTP/1.1", null);
    this.#request = requestHeaders(input);
    this.grpc = isGrpc(this.#request);
    this.head = this.#request.get(":method") === "HEAD";
    this.#body = bytesOf(input.body);
    this.#trailers = requestTrailers(input);
    this.#router = new Router(this.info, UPSTREAM, worker.thread.connected, (request) => this.#toUpstream(request));
    const filters: (HttpContext | FailedFilter | Router)[] = [];
    for (const slot of worker.slots) {
      const handle = slot.forStream();
      if (handle === "closed") filters.push(new FailedFilter());
      else if (handle !== "open") filters.push(new HttpContext(handle, this.info));
    }
    filters.push(this.#router);
    this.#chain = new FilterChain(this, filters satisfies HttpFilter[]);
    for (const filter of filters) filter.chain = this.#chain;
  }

  async run(): Promise<ProxyResponse> {
    const { server } = this;
    const done = new Promise<void>((resolve) => (this.#settled = resolve));
    const watch = this.#watch();
    server.streams.add(this);
    server.clock.hold();
    try {
      this.#enter(() => this.#receive());
      await done;
      await server.settle();
    } finally {
      watch();
      server.clock.release();
      server.streams.delete(this);
      this.#enter(() => this.#chain.destroy());
    }
    const error = server.takeError();
    if (error !== null) throw error.value;
    if (this.#outcome !== null && "error" in this.#outcome) throw this.#withExchange(this.#outcome.error);
    try {
      return this.#response();
    } catch (problem) {
      throw this.#withExchange(problem);
    }
  }

  /** What the emulator says of a request goes with the request and with what the filter logged. */
  #withExchange(error: unknown): unknown {
    if (!(error instanceof EmulatorError)) return error;
    const logs = logText("The filter logged:", this.#logs());
    return new EmulatorError([error.message, requestText(this.input), ...logs].join("\n"), { cause: error });
  }

  #logs(): LogLine[] {
    return this.server.logs.since(this.#mark, this.server.plugin.name);
  }

  #response(): ProxyResponse {
    const method = this.input.method ?? "GET";
    const out = wireResponse(this.#sentHeaders!, this.#sentBody, this.#endedWithHeaders, this.#sentTrailers, method);
    return new Exchange({ input: this.input, ...out, upstream: this.#upstream, logs: this.#logs() });
  }

  /** The client's bytes come: headers, then the body in one piece, then its end. */
  #receive(): void {
    const chain = this.#chain;
    const { info } = this;
    const trailers = this.#trailers;
    const chunked = this.#body !== "" || isChunked(this.input) || trailers !== null;
    chain.decodeHeaders(this.#request, !chunked);
    if (!chunked) return;
    if (this.#body !== "" && this.#outcome === null) {
      info.requestBodySize += this.#body.length;
      chain.decodeData(this.#body, false);
    }
    if (this.#outcome !== null) return;
    if (trailers === null) chain.decodeData("", true);
    else chain.decodeTrailers(trailers);
  }

  /** `request` gives it as it is when the callbacks of now are over. */
  #toUpstream(request: () => UpstreamRequest): void {
    const began = this.server.clock.monotonic();
    const made = (): UpstreamRequest => (this.#upstream ??= request());
    this.server.ask("upstream", made, (answer) => {
      if (this.#outcome !== null) return;
      this.#enter(() => {
        if ("error" in answer) {
          this.#finish({ error: answer.error });
          return;
        }
        this.info.upstreamConnection = UPSTREAM_LOCAL;
        if (!("response" in answer)) {
          this.#router.disconnected("refused" in answer);
          return;
        }
        this.#router.answer(answer.response, this.server.clock.monotonic() - began);
      });
    });
  }

  /** What the chain does may meet what the emulator cannot go on with. */
  #enter(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#finish({ error });
    }
  }

  #finish(outcome: Outcome): void {
    this.#outcome ??= outcome;
    this.#settled();
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Rejects a request that gets no answer; gives what ends the watch. */
  #watch(): () => void {
    const { server, input } = this;
    const limit = input.timeout ?? REQUEST_TIMEOUT_MS;
    const late = (after: number): EmulatorError =>
      new EmulatorError(
        `No answer within ${after / 1000} s (${this.#name}); the filter may have stopped the stream and never continued it.`,
      );
    const timer = server.clock.after(limit, () => this.fail(late(limit)));
    // A clock that stands still would never fire.
    const pause = Math.min(limit, PAUSE_LIMIT_MS);
    const real = setInterval(() => {
      if (server.pending === 0) this.fail(late(pause));
    }, pause);
    const { signal } = input;
    const aborted = (): void => {
      this.#enter(() => this.#chain.resetStream());
      this.#outcome = { error: signal!.reason };
      this.#settled();
    };
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
    return () => {
      timer.cancel();
      clearInterval(real);
      signal?.removeEventListener("abort", aborted);
    };
  }

  get #name(): string {
    return `${this.input.method ?? "GET"} ${this.input.path ?? "/"}`;
  }

  // The connection's side of the chain.

  setDetails(details: string): void {
    this.info.responseDetails = details;
  }

  refuseResponse(map: HeaderMap): LocalReply | null {
    const refused = responseRefusal(map);
    return refused === null ? null : { ...refused, headers: [], grpcStatus: null };
  }

  encodeHeaders(map: HeaderMap, end: boolean): void {
    this.info.responseCode = Number(map.get(":status"));
    finishResponse(map, this.#chain.requestComplete);
    this.#sentHeaders = new HeaderMap(map.kind, map.lines());
    this.#endedWithHeaders = end;
  }

  encodeData(data: HostBuffer, _end: boolean): void {
    this.info.responseBodySize += data.length;
    this.#sentBody += data.drain();
  }

  encodeTrailers(map: HeaderMap): void {
    this.#sentTrailers = map;
  }

  endStream(): void {
    this.#over();
    this.#finish({ answered: true });
  }

  resetStream(): void {
    this.#over();
    const where =
      this.#sentHeaders === null ? "without an answer" : `in the middle of the answer ${this.info.responseCode}`;
    this.#finish({ error: new EmulatorError(`The proxy closed the connection ${where} (${this.#name}).`) });
  }

  #over(): void {
    this.info.duration = this.server.clock.realtime() - this.info.startTime;
    this.#chain.destroy();
  }
}

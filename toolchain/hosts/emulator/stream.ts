import { Exchange, logText, requestText } from "../exchange.js";
import type { HostOptions, LogLine, ProxyResponse, RequestInput, UpstreamRequest } from "../types.js";
import { HostBuffer } from "./buffers.js";
import type { Answer } from "./clusters.js";
import { FilterChain, type ChainOwner, type HttpFilter } from "./chain.js";
import { finishResponse, responseRefusal, wireResponse } from "./connection.js";
import { receive, type HttpVersion, type Received } from "./downstream.js";
import { EmulatorError } from "./errors.js";
import { HeaderMap } from "./headermap.js";
import { FailedFilter, HttpContext } from "./httpcontext.js";
import { isGrpc, prepareLocalReply, type LocalReply } from "./localreply.js";
import { manageHeaders, managePath, type ManagerReply } from "./manager.js";
import { follow } from "./redirects.js";
import { Router } from "./router.js";
import { UPSTREAM, UPSTREAM_LOCAL, type Server, type Worker } from "./server.js";
import type { Peer, StreamInfo } from "./streaminfo.js";
import type { PluginSlot } from "./threads.js";
import type { TlsFacts } from "./tls.js";

/** A stream that nothing is on its way for, and that nobody continues for this long, will not be continued. */
const PAUSE_LIMIT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Envoy's response flag DC. */
const DOWNSTREAM_DISCONNECT = 1 << 14;
/** Its flag URX. */
const RETRY_LIMIT_EXCEEDED = 1 << 15;
/** Once set, a request's outcome does not change. */
type Outcome = { readonly error: unknown } | { readonly answered: true };

/** What the policy 5xx of a route sends once more. */
function isFailure(answer: Answer): boolean {
  if ("response" in answer) return (answer.response.status ?? 200) >= 500;
  return !("error" in answer);
}

/** One request through the filters: connection, filter chain, upstream and back. */
export class HttpStream implements ChainOwner {
  info: StreamInfo;
  readonly grpc: boolean;
  readonly head: boolean;
  #chain!: FilterChain;
  readonly #version: HttpVersion;
  readonly #received: Received;
  /** What the connection manager answers by itself. */
  readonly #refusal: ManagerReply | null;
  #router!: Router;
  readonly #mark: number;
  /** Who holds the connection. */
  readonly #client: Peer;
  #redirectsLeft: number;
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
    private readonly worker: Worker,
    private readonly input: RequestInput,
    private readonly options: Pick<HostOptions, "downstream" | "connectionManager" | "route">,
    tls: TlsFacts | null,
  ) {
    const { downstream = "http1", connectionManager = {}, route = {} } = options;
    this.#redirectsLeft = route.internalRedirects ?? 0;
    this.#mark = server.logs.mark();
    this.#version = downstream;
    this.info = server.newStreamInfo(downstream === "http2" ? "HTTP/2" : "HTTP/1.1", tls);
    this.#client = this.info.source;
    this.#received = receive(input, downstream, tls !== null);
    const { headers } = this.#received;
    this.#refusal =
      headers === null ? this.#received.refusal : managePath(headers, connectionManager, server.behaviour);
    if (headers !== null && this.#refusal === null) {
      this.info.source = manageHeaders(headers, connectionManager, this.info.source, tls !== null);
    }
    this.info.found = headers === null ? "nothing" : this.#refusal === null ? "route" : "host";
    this.grpc = headers !== null && isGrpc(headers);
    this.head = headers?.get(":method") === "HEAD";
    this.#make(this.#received.isReset ? [] : worker.slots);
  }

  /** The filters of a stream. */
  #make(slots: readonly PluginSlot[]): void {
    const { info } = this;
    this.#router = new Router(
      info,
      UPSTREAM,
      this.worker.thread.connected,
      (request) => this.#toUpstream(request),
      (answer, body) => this.#redirects(answer, body),
    );
    const filters: (HttpContext | FailedFilter | Router)[] = [];
    for (const slot of slots) {
      const handle = slot.forStream();
      if (handle === "closed") filters.push(new FailedFilter());
      else if (handle !== "open") filters.push(new HttpContext(handle, info));
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
    const version = this.#version;
    const out = wireResponse(
      this.#sentHeaders!,
      this.#sentBody,
      this.#endedWithHeaders,
      this.#sentTrailers,
      method,
      version,
    );
    return new Exchange({ input: this.input, ...out, upstream: this.#upstream, logs: this.#logs() });
  }

  /** The client's bytes come: headers, then the body in one piece, then its end. */
  #receive(): void {
    const chain = this.#chain;
    const { info } = this;
    const { headers, refusal, isReset, goesOn, body, trailers } = this.#received;
    if (isReset) {
      this.#finish({
        error: new EmulatorError(`${this.#name} has more headers than Envoy takes: it resets the stream.`),
      });
      return;
    }
    if (this.#refusal !== null || headers === null) return this.#refuse(this.#refusal ?? refusal);
    chain.decodeHeaders(headers, !goesOn);
    if (!goesOn) return;
    if (body !== "" && this.#outcome === null) {
      info.requestBodySize += body.length;
      // HTTP/2 says with the last piece that it is the last one.
      const ends = this.#version === "http2" && trailers === null;
      chain.decodeData(body, ends);
      if (ends) return;
    }
    if (this.#outcome !== null) return;
    if (trailers === null) chain.decodeData("", true);
    else chain.decodeTrailers(trailers);
  }

  /** The connection manager answers; the filters see nothing but the end. */
  #refuse(reply: ManagerReply): void {
    this.#chain.requestHeaders = this.#received.headers;
    this.#chain.requestComplete = !reply.closes;
    this.info.responseFlags |= reply.flags ?? 0;
    this.replies(reply);
    const { headers, body } = prepareLocalReply({ ...reply, grpcStatus: null }, this);
    this.#chain.responseHeaders = headers;
    this.encodeHeaders(headers, body === "" || this.head);
    if (body !== "") this.encodeData(new HostBuffer(body), true);
    this.endStream();
  }

  /** The same request as another stream; false when the answer goes to the client. */
  #redirects(answer: HeaderMap, body: string): boolean {
    const old = this.#chain;
    const request = old.requestHeaders!;
    if (this.#redirectsLeft === 0 || !follow(request, answer)) return false;
    this.#redirectsLeft--;
    this.info.responseDetails = "internal_redirect";
    this.info.responseCode = Number(answer.get(":status"));
    old.responseHeaders = answer;
    this.info.duration = this.server.clock.realtime() - this.info.startTime;
    old.destroy();
    this.info = this.info.redirected(this.server.clock.realtime(), this.#client);
    this.#make(this.worker.slots);
    this.#chain.decodeHeaders(request, body === "");
    if (body === "" || this.#outcome !== null) return true;
    this.info.requestBodySize += body.length;
    this.#chain.decodeData(body, true);
    return true;
  }

  /** `request` gives it as it is when the callbacks of now are over. */
  #toUpstream(request: () => UpstreamRequest): void {
    const chain = this.#chain;
    const began = this.server.clock.monotonic();
    let sent: UpstreamRequest | null = null;
    const made = (): UpstreamRequest => (this.#upstream = sent ??= request());
    this.server.ask("upstream", made, (answer) => {
      if (this.#outcome !== null || chain.destroyed) return;
      this.#enter(() => {
        if (this.options.route?.retries && isFailure(answer)) {
          if (this.info.retries < this.options.route.retries) {
            this.info.retries++;
            this.#toUpstream(made);
            return;
          }
          this.info.responseFlags |= RETRY_LIMIT_EXCEEDED;
        }
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
      this.info.responseFlags |= DOWNSTREAM_DISCONNECT;
      this.info.responseDetails = "downstream_remote_disconnect";
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

  replies({ details, code }: Pick<LocalReply, "details" | "code">): void {
    this.info.responseDetails = details;
    this.info.responseCode = code;
  }

  refuseResponse(map: HeaderMap): LocalReply | null {
    const refused = responseRefusal(map);
    return refused === null ? null : { ...refused, headers: [], grpcStatus: null };
  }

  encodeHeaders(map: HeaderMap, end: boolean): void {
    this.info.responseCode = Number(map.get(":status"));
    // Envoy does not wait for the rest of a request that it has answered.
    finishResponse(map, this.#version, !this.#chain.requestComplete, this.server.behaviour);
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
      this.#sentHeaders === null
        ? "without an answer"
        : `in the middle of the answer ${this.#sentHeaders.get(":status")}`;
    this.#finish({ error: new EmulatorError(`The proxy closed the connection ${where} (${this.#name}).`) });
  }

  #over(): void {
    this.info.duration = this.server.clock.realtime() - this.info.startTime;
    this.#chain.destroy();
  }
}

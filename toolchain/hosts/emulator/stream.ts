import { Exchange } from "../exchange.js";
import type { ProxyResponse, RequestInput, UpstreamHandler, UpstreamRequest } from "../types.js";
import { BufferType, DataStatus, HeadersStatus, MapType, TrailersStatus } from "./abi.js";
import { HostBuffer } from "./buffers.js";
import {
  bytesOf,
  finishResponse,
  requestHeaders,
  requestTrailers,
  responseRefusal,
  routed,
  routerRefusal,
  upstreamRequest,
  upstreamResponse,
  wireResponse,
} from "./connection.js";
import { StreamContext, type RootContext } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import { HeaderMap } from "./headermap.js";
import { isGrpc, prepareLocalReply, type LocalReply } from "./localreply.js";

const REQUEST = 0;
const RESPONSE = 1;
type Side = typeof REQUEST | typeof RESPONSE;

/** A stream that nobody continues for this long will not be continued. */
const PAUSE_LIMIT_MS = 5_000;

const FAILED: LocalReply = { code: 503, body: "", headers: [], grpcStatus: 14, details: "wasm_fail_stream" };

/** Thrown inside of a run: the stream goes on elsewhere. */
class Interrupted {}
const INTERRUPTED = new Interrupted();

let connections = 0;

/** One HTTP stream through the filter: request headers, body, upstream, response headers, body, log, done, delete. */
export class HttpStream {
  // What properties show.
  readonly startTime = Date.now();
  readonly startTick = process.hrtime.bigint();
  readonly connectionId = connections++;
  readonly sourcePort = 40_000 + (this.connectionId % 20_000);
  readonly state = new Map<string, string>();
  requestBodySize = 0;
  responseBodySize = 0;
  responseCode: number | null = null;
  responseDetails: string | null = null;
  upstream: UpstreamRequest | null = null;
  /** In proxy_on_log all maps can be read and none changed. */
  logPhase = false;
  destroyed = false;

  readonly #context: StreamContext;
  readonly #request: HeaderMap;
  readonly #grpc: boolean;
  readonly #method: string;
  readonly #body: string;
  readonly #requestTrailers: HeaderMap | null;
  #response: HeaderMap | null = null;
  readonly #trailers: [HeaderMap | null, HeaderMap | null] = [null, null];
  #sentTrailers: HeaderMap | null = null;
  readonly #added: [HeaderMap | null, HeaderMap | null] = [null, null];
  /** What a callback may touch now: Envoy takes a map away once its callback has returned Continue. */
  readonly #headersVisible = [false, false];
  readonly #buffers: [HostBuffer | null, HostBuffer | null] = [null, null];
  #side: Side = REQUEST;
  #endOfStream = false;
  /** Headers as they left the filter. */
  readonly #forwarded: [HeaderMap | null, HeaderMap | null] = [null, null];
  #reply: LocalReply | null = null;
  /** The VM failed during this stream: no callback runs any more. */
  #failureReply = false;
  /** The last byte of the request was given to the filter. */
  #requestComplete = false;
  #closed = false;
  #continued = [false, false];
  #wake: (() => void) | null = null;

  constructor(
    root: RootContext,
    private readonly input: RequestInput,
    private readonly handler: UpstreamHandler,
  ) {
    this.#request = requestHeaders(input);
    this.#grpc = isGrpc(this.#request);
    this.#method = this.#request.get(":method") ?? "";
    this.#body = bytesOf(input.body);
    this.#requestTrailers = requestTrailers(input);
    this.#context = new StreamContext(root, this);
  }

  async run(): Promise<ProxyResponse> {
    this.#context.create();
    try {
      const { headers, body, trailers, ends } = await this.#exchange();
      const out = wireResponse(headers, body, ends, trailers, this.#method);
      this.responseBodySize = out.body.length;
      return new Exchange({ ...out, input: this.input, upstream: this.upstream, logs: [] });
    } finally {
      this.#context.end();
    }
  }

  async #exchange(): Promise<Message> {
    try {
      await this.#toUpstream();
      const answer = upstreamResponse(await this.handler(this.upstream!), this.#method);
      this.responseCode = Number(answer.headers.get(":status"));
      this.responseDetails = "via_upstream";
      return await this.#fromUpstream(
        answer.headers,
        answer.ends ? [] : chunksOf(answer.body, answer.trailers !== null),
        answer.trailers,
      );
    } catch (reason) {
      if (reason !== INTERRUPTED) throw reason;
    }
    for (;;) {
      if (this.#closed) throw new EmulatorError(`The proxy closed the connection without an answer (${this.#name}).`);
      if (this.#forwarded[RESPONSE] !== null) {
        throw new EmulatorError(
          `The proxy closed the connection in the middle of the answer ${this.responseCode} (${this.#name}).`,
        );
      }
      const reply = this.#reply!;
      this.#reply = null;
      const made = prepareLocalReply(reply, { grpc: this.#grpc });
      this.responseCode = Number(made.headers.get(":status"));
      const ends = made.body === "" || this.#method === "HEAD";
      // A reply made while the response was on its way does not pass the filter.
      if (this.#side === RESPONSE || this.#failureReply) {
        this.#forward(RESPONSE, made.headers);
        return { headers: this.#forwarded[RESPONSE]!, body: made.body, trailers: null, ends };
      }
      try {
        return await this.#fromUpstream(made.headers, ends ? [] : [[made.body, true]], null);
      } catch (reason) {
        if (reason !== INTERRUPTED) throw reason;
      }
    }
  }

  /** The request through the filter and to the router; fills `upstream`. */
  async #toUpstream(): Promise<void> {
    // A body of no bytes ends the request with its headers.
    const chunked =
      this.#body !== "" ||
      /chunked/i.test(new HeaderMap("trailers", this.#inputLines()).get("transfer-encoding") ?? "");
    const trailers = this.#requestTrailers;
    const chunks = chunked || trailers !== null ? chunksOf(this.#body, trailers !== null) : [];
    const out = await this.#filter(REQUEST, this.#request, chunks, trailers);
    this.upstream = upstreamRequest(out.headers, out.body, out.ends, out.trailers);
  }

  #inputLines(): [string, string][] {
    const { headers = [] } = this.input;
    const entries = Array.isArray(headers) ? headers : Object.entries(headers);
    return entries.map(([name, value]) => [String(name), String(value)]);
  }

  #fromUpstream(map: HeaderMap, chunks: Chunk[], trailers: HeaderMap | null): Promise<Message> {
    this.#side = RESPONSE;
    return this.#filter(RESPONSE, map, chunks, trailers);
  }

  /** Headers leave the filter: what it changes later is not seen outside. */
  #forward(side: Side, map: HeaderMap): void {
    if (this.#forwarded[side] !== null) return;
    const refused = side === REQUEST ? routerRefusal(map) : responseRefusal(map);
    if (refused !== null) {
      this.#reply = { ...refused, headers: [], grpcStatus: null };
      this.responseDetails = refused.details;
      throw INTERRUPTED;
    }
    if (side === REQUEST) routed(map);
    else {
      this.#response = map;
      this.responseCode = Number(map.get(":status"));
      finishResponse(map, this.#requestComplete);
    }
    this.#forwarded[side] = new HeaderMap(map.kind, map.lines());
  }

  /** Headers, body and trailers of one side through the filter; gives what went on. */
  async #filter(side: Side, map: HeaderMap, chunks: Chunk[], trailers: HeaderMap | null): Promise<Message> {
    const kind = side === REQUEST ? "request" : "response";
    if (side === RESPONSE) this.#response = map;
    this.#headersVisible[side] = true;
    const ends = chunks.length === 0 && trailers === null;
    this.#endOfStream = ends;
    if (side === REQUEST) this.#requestComplete = ends;
    const headers = this.#headersStatus(this.#call(`proxy_on_${kind}_headers`, map.size, ends));
    const go = headers === HeadersStatus.Continue || headers === HeadersStatus.ContinueAndEndStream;
    if (go) this.#headersVisible[side] = false;
    this.#check();
    let held = !go && !this.#continued[side];
    let pending = chunks;
    if (held && (ends || headers !== HeadersStatus.StopIteration)) {
      await this.#resumed(side, `proxy_on_${kind}_headers`);
      held = false;
      // All that came in the meantime is delivered at once.
      const all = chunks.map(([data]) => data).join("");
      if (chunks.length > 0) pending = trailers === null ? [[all, true]] : chunksOf(all, true);
    }
    if (!held) this.#forward(side, map);
    if (!go && !held && !ends && headers !== HeadersStatus.StopIteration && pending === chunks) {
      // Continued in the callback that stopped everything: Envoy sends the headers on, and stops the rest behind them.
      this.#continued[side] = false;
      await this.#resumed(side, `proxy_on_${kind}_headers`);
    }
    let out = "";
    let waiting = "";
    let buffering = false;
    for (const [data, end] of pending) {
      if (side === REQUEST) {
        this.requestBodySize += data.length;
        this.#requestComplete = end;
      } else this.responseBodySize += data.length;
      const buffer = new HostBuffer(buffering ? waiting + data : data, true);
      this.#buffers[side] = buffer;
      this.#endOfStream = end;
      const status = this.#dataStatus(this.#call(`proxy_on_${kind}_body`, buffer.data.length, end));
      this.#check();
      // With a buffering filter the guest works on the whole buffer, else on the new piece.
      if (buffering) waiting = buffer.data;
      else if (status !== DataStatus.StopIterationNoBuffer) waiting += buffer.data;
      buffering = status === DataStatus.StopIterationAndBuffer;
      if (status !== DataStatus.Continue && !this.#continued[side]) {
        if (!end) continue;
        await this.#resumed(side, `proxy_on_${kind}_body`);
      }
      if (status === DataStatus.Continue) this.#buffers[side] = null;
      out += waiting;
      waiting = "";
      buffering = false;
      this.#forward(side, map);
    }
    if (trailers !== null) {
      // A body that the filter has buffered is still there; of any other the host has nothing left.
      const buffer = buffering ? new HostBuffer(waiting, true) : null;
      if (this.#buffers[side] !== null) this.#buffers[side] = buffer ?? new HostBuffer("", true);
      this.#trailers[side] = trailers;
      if (side === REQUEST) this.#requestComplete = true;
      const status = this.#trailersStatus(this.#call(`proxy_on_${kind}_trailers`, trailers.size));
      if (status === TrailersStatus.Continue) this.#trailers[side] = null;
      this.#check();
      if (status !== TrailersStatus.Continue) await this.#resumed(side, `proxy_on_${kind}_trailers`);
      out += buffer?.data ?? waiting;
      this.#forward(side, map);
    }
    // Trailers that the filter has added to the last piece of a body without any.
    const added = trailers ?? this.#added[side];
    if (side === RESPONSE) this.#sentTrailers = added;
    return { headers: this.#forwarded[side]!, body: out, trailers: added, ends };
  }

  #trailersStatus({ value, stopped }: { value: number; stopped: boolean }): number {
    return stopped || value !== TrailersStatus.Continue ? TrailersStatus.StopIteration : TrailersStatus.Continue;
  }

  /** Calls the filter; a failed VM becomes the stream's 503. */
  #call(name: string, size: number, end?: boolean): { value: number; stopped: boolean } {
    const { vm, id } = this.#context;
    this.#continued = [false, false];
    const result = vm.call(name, this.#context, id, size, ...(end === undefined ? [] : [end ? 1 : 0]));
    if (vm.failed) {
      this.#reply = FAILED;
      this.responseDetails = FAILED.details;
      this.#failureReply = true;
    }
    return result ?? { value: 0, stopped: false };
  }

  #headersStatus({ value, stopped }: { value: number; stopped: boolean }): number {
    if (stopped || value > HeadersStatus.StopAllIterationAndWatermark)
      return HeadersStatus.StopAllIterationAndWatermark;
    const strict = !this.#context.root.plugin.allowOnHeadersStopIteration;
    return value === HeadersStatus.StopIteration && strict ? HeadersStatus.StopAllIterationAndWatermark : value;
  }

  #dataStatus({ value, stopped }: { value: number; stopped: boolean }): number {
    return stopped || value > DataStatus.StopIterationNoBuffer ? DataStatus.StopIterationNoBuffer : value;
  }

  #check(): void {
    if (this.#reply !== null || this.#closed) throw INTERRUPTED;
  }

  async #resumed(side: Side, where: string): Promise<void> {
    if (this.#continued[side]) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const text = `No answer within ${PAUSE_LIMIT_MS / 1000} s (${this.#name}); the filter stopped the stream in ${where} and never continued it.`;
        reject(new EmulatorError(text));
      }, PAUSE_LIMIT_MS);
    });
    try {
      while (!this.#continued[side]) {
        await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), late]);
        this.#check();
      }
    } finally {
      clearTimeout(timer);
      late.catch(() => {});
      this.#wake = null;
    }
  }

  get #name(): string {
    return `${this.#method} ${this.input.path ?? "/"}`;
  }

  // What host calls ask of a stream.

  /** A map that may be changed now. */
  writable(type: number): HeaderMap | null {
    if (this.destroyed || this.logPhase) return null;
    if (type === MapType.RequestHeaders) return this.#headersVisible[REQUEST] ? this.#request : null;
    if (type === MapType.ResponseHeaders) return this.#headersVisible[RESPONSE] ? this.#response : null;
    const side = type === MapType.RequestTrailers ? REQUEST : type === MapType.ResponseTrailers ? RESPONSE : null;
    if (side === null) return null;
    // A filter may add trailers in the last body callback.
    if (this.#trailers[side] === null && this.#buffers[side] !== null && this.#endOfStream) {
      this.#trailers[side] = this.#added[side] = new HeaderMap(side === REQUEST ? "trailers" : "response trailers");
    }
    return this.#trailers[side];
  }

  /** A map that may be read now. */
  readable(type: number): HeaderMap | null {
    if (this.logPhase) {
      if (type === MapType.RequestHeaders) return this.#request;
      if (type === MapType.ResponseHeaders) return this.#response;
      return type === MapType.ResponseTrailers ? this.#sentTrailers : null;
    }
    if (type === MapType.RequestTrailers || type === MapType.ResponseTrailers) {
      return this.destroyed ? null : this.#trailers[type === MapType.RequestTrailers ? REQUEST : RESPONSE];
    }
    return this.writable(type);
  }

  buffer(type: number): HostBuffer | null {
    if (type === BufferType.RequestBody) return this.#buffers[REQUEST];
    return type === BufferType.ResponseBody ? this.#buffers[RESPONSE] : null;
  }

  continueStream(side: number): void {
    // Whatever the side, Envoy takes the request's maps away at once.
    this.#headersVisible[REQUEST] = false;
    this.#buffers[REQUEST] = null;
    this.#trailers[REQUEST] = null;
    this.#context.vm.afterCall(() => {
      this.#continued[side] = true;
      this.#wake?.();
    });
  }

  closeStream(): void {
    this.#context.vm.afterCall(() => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  sendLocalReply(reply: LocalReply): void {
    this.#context.vm.afterCall(() => this.sendLocalReplyNow(reply));
  }

  sendLocalReplyNow(reply: LocalReply): void {
    if (this.destroyed) return;
    this.responseDetails = reply.details;
    if (this.#reply !== null) {
      if (this.#side === RESPONSE) {
        throw new EmulatorError("Two local replies in one response callback crash Envoy 1.40; send one only.");
      }
      // The first one in a callback is sent; the last one's details are kept.
      return;
    }
    this.#reply = reply;
    this.#wake?.();
  }
}

type Chunk = readonly [data: string, end: boolean];

/** A message as it leaves the filter; `ends` when with its headers. */
interface Message {
  readonly headers: HeaderMap;
  readonly body: string;
  readonly trailers: HeaderMap | null;
  readonly ends: boolean;
}

/** The pieces in which a body comes. The end has one of its own, unless trailers are the end. */
function chunksOf(body: string, trailersFollow: boolean): Chunk[] {
  const data: Chunk[] = body === "" ? [] : [[body, false]];
  return trailersFollow ? data : [...data, ["", true]];
}

import { BufferType, DataStatus, HeadersStatus, MapType, Status, TrailersStatus } from "./abi.js";
import type { BufferView, HostBuffer } from "./buffers.js";
import type { FilterChain, HttpFilter } from "./chain.js";
import { Context, type RootContext } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import type { HeaderMap } from "./headermap.js";
import type { LocalReply } from "./localreply.js";
import type { Plugin } from "./plugin.js";
import type { StreamInfo } from "./streaminfo.js";
import type { PluginHandle } from "./threads.js";

/** What a stream gets whose VM has failed. */
const FAILED: LocalReply = { code: 503, body: "", headers: [], grpcStatus: 14, details: "wasm_fail_stream" };

/** What a filter has to do with one direction of a stream. */
interface Half {
  headers: HeaderMap | null;
  data: HostBuffer | null;
  trailers: HeaderMap | null;
  /** The filter said "stop and buffer": it is shown all that was buffered. */
  buffering: boolean;
}

const half = (): Half => ({ headers: null, data: null, trailers: null, buffering: false });

/** A stream in a VM: an HTTP filter whose callbacks are the module's. */
export class HttpContext extends Context implements HttpFilter {
  override readonly root: RootContext;
  override readonly plugin: Plugin;
  chain!: FilterChain;
  readonly #request = half();
  readonly #response = half();
  #ending = false;
  #streamFailed = false;
  #failureReplied = false;
  #destroyed = false;
  /** In this callback it was reset, or answered. */
  #closing = false;
  #replying = false;

  constructor(
    private readonly handle: PluginHandle,
    private readonly streamInfo: StreamInfo,
  ) {
    super(handle.root.vm, handle.root.vm.allocateContextId());
    this.root = handle.root;
    this.plugin = handle.root.plugin;
    handle.use();
  }

  override get info(): StreamInfo {
    return this.streamInfo;
  }

  #create(): void {
    if (!this.created && !this.vm.failed) {
      this.vm.call("proxy_on_context_create", this, this.id, this.root.id);
    }
    this.created = true;
  }

  /** Calls the filter; what its answer means is up to the caller. A failed VM fails the stream. */
  #call(name: string, closed: number, convert: (answer: number) => number, ...args: number[]): number {
    const { vm } = this;
    if (vm.failed) return this.#fail(closed);
    if (!vm.has(name)) return 0;
    return vm.deferring(() => {
      const answer = vm.invoke(name, this, this.id, ...args);
      return vm.failed ? this.#fail(closed) : convert(answer);
    });
  }

  #fail(closed: number): number {
    if (!this.#streamFailed && !this.#failureReplied) {
      this.#failureReplied = true;
      this.chain.sendLocalReply(FAILED);
    }
    this.#streamFailed = true;
    return closed;
  }

  readonly #headersStatus = (answer: number): number => {
    if (this.vm.iterationStopped || answer > HeadersStatus.StopAllIterationAndWatermark) {
      return HeadersStatus.StopAllIterationAndWatermark;
    }
    if (answer === HeadersStatus.ContinueAndEndStream) return HeadersStatus.Continue;
    const strict = !this.plugin.allowOnHeadersStopIteration;
    return answer === HeadersStatus.StopIteration && strict ? HeadersStatus.StopAllIterationAndWatermark : answer;
  };

  readonly #dataStatus = (answer: number): number =>
    this.vm.iterationStopped || answer > DataStatus.StopIterationNoBuffer ? DataStatus.StopIterationNoBuffer : answer;

  readonly #trailersStatus = (answer: number): number =>
    this.vm.iterationStopped || answer > TrailersStatus.StopIteration ? TrailersStatus.StopIteration : answer;

  #headers(side: Half, name: string, map: HeaderMap, end: boolean): number {
    side.headers = map;
    this.#ending = end;
    const closed = HeadersStatus.StopAllIterationAndWatermark;
    const status = this.#call(name, closed, this.#headersStatus, map.size, end ? 1 : 0);
    if (status === HeadersStatus.Continue) side.headers = null;
    return status;
  }

  #data(side: Half, name: string, data: HostBuffer, end: boolean): number {
    side.data = data;
    this.#ending = end;
    const closed = DataStatus.StopIterationNoBuffer;
    const size = this.#bodyOf(side)?.length ?? 0;
    const status = this.#call(name, closed, this.#dataStatus, size, end ? 1 : 0);
    side.buffering = status === DataStatus.StopIterationAndBuffer;
    if (status === DataStatus.Continue) side.data = null;
    return status;
  }

  #trailers(side: Half, name: string, map: HeaderMap): number {
    side.trailers = map;
    const status = this.#call(name, TrailersStatus.StopIteration, this.#trailersStatus, map.size);
    if (status === TrailersStatus.Continue) side.trailers = null;
    return status;
  }

  #bodyOf(side: Half): HostBuffer | null {
    if (!side.buffering) return side.data;
    return side === this.#request ? this.chain.decodingBuffer : this.chain.encodingBuffer;
  }

  decodeHeaders(map: HeaderMap, end: boolean): number {
    this.#create();
    return this.#headers(this.#request, "proxy_on_request_headers", map, end);
  }

  decodeData(data: HostBuffer, end: boolean): number {
    if (!this.created) return DataStatus.Continue;
    if (this.#request.buffering) {
      this.chain.addDecodedData(data);
      // There was too much, and the stream is over.
      if (this.#destroyed) return DataStatus.StopIterationAndBuffer;
    }
    return this.#data(this.#request, "proxy_on_request_body", data, end);
  }

  decodeTrailers(map: HeaderMap): number {
    if (!this.created) return TrailersStatus.Continue;
    return this.#trailers(this.#request, "proxy_on_request_trailers", map);
  }

  encodeHeaders(map: HeaderMap, end: boolean): number {
    if (!this.created || this.#failureReplied) return HeadersStatus.Continue;
    return this.#headers(this.#response, "proxy_on_response_headers", map, end);
  }

  encodeData(data: HostBuffer, end: boolean): number {
    if (!this.created || this.#failureReplied) return DataStatus.Continue;
    if (this.#response.buffering) {
      this.chain.addEncodedData(data);
      if (this.#destroyed) return DataStatus.StopIterationAndBuffer;
    }
    return this.#data(this.#response, "proxy_on_response_body", data, end);
  }

  encodeTrailers(map: HeaderMap): number {
    if (!this.created || this.#failureReplied) return TrailersStatus.Continue;
    return this.#trailers(this.#response, "proxy_on_response_trailers", map);
  }

  log(): void {
    // A stream that was answered before it came here is logged as well.
    this.#create();
    this.logPhase = true;
    this.vm.call("proxy_on_log", this, this.id);
    this.logPhase = false;
  }

  destroy(): void {
    if (this.#destroyed || !this.created) return;
    this.#destroyed = true;
    this.vm.call("proxy_on_done", this, this.id);
    this.vm.call("proxy_on_delete", this, this.id);
    this.vm.contexts.delete(this.id);
    this.handle.release();
  }

  #mustLive(call: string): void {
    if (this.logPhase || this.#destroyed) {
      throw new EmulatorError(`${call} when a stream is over, in proxy_on_log or later, crashes Envoy 1.40.`);
    }
  }

  /** Replies after one another are for the chain to judge. */
  #endsOnce(closes: boolean): void {
    if (this.#closing || (closes && this.#replying)) {
      throw new EmulatorError("A stream that is reset and reset or answered again in one callback crashes Envoy 1.40.");
    }
    if (closes) this.#closing = true;
    else this.#replying = true;
    this.vm.afterCall(() => {
      this.#closing = false;
      this.#replying = false;
    });
  }

  // What host calls ask of a stream.

  override readableMap(type: number): HeaderMap | null {
    if (type > MapType.ResponseTrailers) return super.readableMap(type);
    if (this.logPhase) {
      if (type === MapType.RequestHeaders) return this.chain.requestHeaders;
      if (type === MapType.ResponseHeaders) return this.chain.responseHeaders;
      return type === MapType.ResponseTrailers ? this.chain.responseTrailers : null;
    }
    if (type === MapType.RequestHeaders) return this.#request.headers;
    if (type === MapType.ResponseHeaders) return this.#response.headers;
    return (type === MapType.RequestTrailers ? this.#request : this.#response).trailers;
  }

  override writableMap(type: number): HeaderMap | null {
    if (type === MapType.RequestHeaders) return this.#request.headers;
    if (type === MapType.ResponseHeaders) return this.#response.headers;
    if (type === MapType.RequestTrailers) {
      // A filter may add trailers in the last body callback.
      if (this.#request.trailers === null && this.#request.data !== null && this.#ending) {
        this.#request.trailers = this.chain.addDecodedTrailers();
      }
      return this.#request.trailers;
    }
    if (type !== MapType.ResponseTrailers) return null;
    if (this.#response.trailers === null && this.#response.data !== null && this.#ending) {
      this.#response.trailers = this.chain.addEncodedTrailers();
    }
    return this.#response.trailers;
  }

  override buffer(type: number): BufferView | null {
    if (type === BufferType.RequestBody) return this.view(this.#bodyOf(this.#request));
    if (type === BufferType.ResponseBody) return this.view(this.#bodyOf(this.#response));
    return super.buffer(type);
  }

  override continueStream(type: number): number {
    if (type > 1) return super.continueStream(type);
    this.vm.afterCall(() => {
      if (type === 0) this.chain.continueDecoding(this);
      else this.chain.continueEncoding(this);
    });
    // Whatever the side, Envoy takes the request's maps away at once.
    this.#request.headers = null;
    this.#request.data = null;
    this.#request.trailers = null;
    return Status.Ok;
  }

  override closeStream(type: number): void {
    if (type > 1) return;
    this.#mustLive("proxy_close_stream");
    this.#endsOnce(true);
    this.streamInfo.responseDetails ??= "wasm_close_stream";
    this.vm.afterCall(() => this.chain.close());
  }

  override sendLocalReply(reply: LocalReply): void {
    this.#mustLive("proxy_send_local_response");
    this.#endsOnce(false);
    this.vm.afterCall(() => this.chain.sendLocalReply(reply));
  }
}

/** Stands where a plugin's VM has failed and is not to be bypassed. */
export class FailedFilter implements HttpFilter {
  chain!: FilterChain;

  decodeHeaders(): number {
    this.chain.sendLocalReply(FAILED);
    return HeadersStatus.StopAllIterationAndWatermark;
  }
  decodeData(): number {
    return DataStatus.Continue;
  }
  decodeTrailers(): number {
    return TrailersStatus.Continue;
  }
  encodeHeaders(): number {
    return HeadersStatus.Continue;
  }
  encodeData(): number {
    return DataStatus.Continue;
  }
  encodeTrailers(): number {
    return TrailersStatus.Continue;
  }
  log(): void {}
  destroy(): void {}
}

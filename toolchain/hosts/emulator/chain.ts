import { DataStatus, HeadersStatus, TrailersStatus } from "./abi.js";
import { HostBuffer } from "./buffers.js";
import { EmulatorError } from "./errors.js";
import { HeaderMap } from "./headermap.js";
import { prepareLocalReply, type LocalReply } from "./localreply.js";

/** An HTTP filter; what it returns is in Envoy's numbers (abi.ts). */
export interface HttpFilter {
  decodeHeaders(map: HeaderMap, end: boolean): number;
  decodeData(data: HostBuffer, end: boolean): number;
  decodeTrailers(map: HeaderMap): number;
  encodeHeaders(map: HeaderMap, end: boolean): number;
  encodeData(data: HostBuffer, end: boolean): number;
  encodeTrailers(map: HeaderMap): number;
  log(): void;
  destroy(): void;
}

/** The connection's side of a filter chain. */
export interface ChainOwner {
  readonly grpc: boolean;
  readonly head: boolean;
  /** Why the response's headers cannot leave, as a local reply, or null. */
  refuseResponse(map: HeaderMap): LocalReply | null;
  encodeHeaders(map: HeaderMap, end: boolean): void;
  encodeData(data: HostBuffer, end: boolean): void;
  encodeTrailers(map: HeaderMap): void;
  /** The response is complete. */
  endStream(): void;
  /** The client gets no (further) answer. */
  resetStream(): void;
  /** A local reply was made, whatever becomes of it. */
  replies(reply: LocalReply): void;
}

/** Most of a body that Envoy holds for one stream, in bytes. */
export const BUFFER_LIMIT = 1 << 20;

const TWICE =
  "A callback continues what it has not stopped, and returns Continue: Envoy 1.40 then sends it twice, or crashes. Continue only what is stopped.";

const Iteration = { Go: 0, StopOne: 1, StopAll: 2, StopAllStreaming: 3 } as const;

/** A filter's place on one side of the chain. */
class Place {
  iteration: number = Iteration.Go;
  headersContinued = false;
  /** The filter has been given the end of the message. */
  ended = false;
  /** What comes is first for this filter: it had stopped all. */
  fromHere = false;

  constructor(
    readonly filter: HttpFilter,
    readonly index: number,
  ) {}

  get stoppedAll(): boolean {
    return this.iteration >= Iteration.StopAll;
  }
}

/** Which callback runs; a local reply made meanwhile aborts that side. */
const Call = { Decode: 1, Encode: 2, End: 4 } as const;

/** One direction through the chain: requests (decode) in order, responses (encode) in reverse order. */
abstract class Side {
  buffered: HostBuffer | null = null;
  /** A side that streams may hold more than the limit: the peer is slowed down instead. */
  streaming = true;
  aborted = false;
  /** A filter's callback for trailers runs. */
  inTrailers = false;
  /** It has continued the stream meanwhile. */
  continued: Place | null = null;
  trailers: HeaderMap | null = null;
  readonly places: readonly Place[];

  constructor(
    protected readonly chain: FilterChain,
    filters: readonly HttpFilter[],
    private readonly call: number,
  ) {
    this.places = filters.map((filter, i) => new Place(filter, i));
  }

  /** Has the whole message come? */
  protected abstract get complete(): boolean;
  protected abstract get canContinue(): boolean;
  protected abstract get map(): HeaderMap;
  protected abstract callHeaders(filter: HttpFilter, map: HeaderMap, end: boolean): number;
  protected abstract callData(filter: HttpFilter, data: HostBuffer, end: boolean): number;
  protected abstract callTrailers(filter: HttpFilter, map: HeaderMap): number;
  protected abstract tooLarge(): void;
  /** What a local reply during the callback of a filter has prepared. */
  protected abstract executePrepared(): void;
  protected abstract headersOut(map: HeaderMap, end: boolean): void;
  protected abstract dataOut(data: HostBuffer, end: boolean): void;
  protected abstract trailersOut(map: HeaderMap): void;
  /** The message is over for this side whatever comes. */
  protected abstract get closed(): boolean;

  headers(from: Place | null, map: HeaderMap, end: boolean): void {
    for (let i = from === null ? 0 : from.index + 1; i < this.places.length; i++) {
      const place = this.places[i]!;
      place.ended = end;
      this.chain.calls |= this.call | (end ? Call.End : 0);
      let status = this.callHeaders(place.filter, map, end);
      this.chain.calls &= ~(this.call | (end ? Call.End : 0));
      if (this.aborted) {
        this.executePrepared();
        status = HeadersStatus.StopIteration;
      }
      if (status === HeadersStatus.Continue && place.headersContinued) throw new EmulatorError(TWICE);
      if (status === HeadersStatus.StopIteration) place.iteration = Iteration.StopOne;
      else if (status === HeadersStatus.StopAllIterationAndBuffer) place.iteration = Iteration.StopAll;
      else if (status === HeadersStatus.StopAllIterationAndWatermark) place.iteration = Iteration.StopAllStreaming;
      else place.headersContinued = true;
      const stops = place.stoppedAll || status === HeadersStatus.StopIteration;
      if (this.stopsAfterHeaders(place, stops)) return;
    }
    this.headersOut(map, end);
  }

  protected abstract stopsAfterHeaders(place: Place, stops: boolean): boolean;

  data(from: Place | null, data: HostBuffer, end: boolean): void {
    if (this.closed) return;
    let added: Place | null = null;
    const hadTrailers = this.trailers !== null;
    const first = this.firstFrom(from);
    for (let i = first; i < this.places.length; i++) {
      const place = this.places[i]!;
      if (place.stoppedAll) {
        this.streaming = place.iteration === Iteration.StopAllStreaming;
        this.hold(data);
        return;
      }
      if (place.ended) return;
      this.chain.calls |= this.call | (end ? Call.End : 0);
      place.ended = end && this.trailers === null;
      let status = this.callData(place.filter, data, place.ended);
      this.chain.calls &= ~(this.call | (end ? Call.End : 0));
      if (this.aborted) {
        this.executePrepared();
        if (this.stopsWhenAborted) return;
        status = DataStatus.StopIterationNoBuffer;
      }
      if (!hadTrailers && this.trailers !== null && added === null) {
        if (this.stopsWhenAborted) end = false;
        added = place;
      }
      if (!this.afterData(place, status, data)) {
        if (this.stopsWhenAborted) break;
        return;
      }
    }
    const ends = end && added === null;
    if (!this.stopsWhenAborted) {
      this.dataOut(data, ends);
      if (this.chain.reset) return;
    }
    if (added !== null) this.trailersFrom(added, this.trailers!);
  }

  /** Requests end at the last filter, the router; responses at the connection. */
  protected abstract get stopsWhenAborted(): boolean;

  trailersFrom(from: Place | null, map: HeaderMap): void {
    if (this.closed) return;
    for (let i = this.firstFrom(from); i < this.places.length; i++) {
      const place = this.places[i]!;
      if (place.stoppedAll) return;
      this.chain.calls |= this.call;
      this.inTrailers = true;
      let status = this.callTrailers(place.filter, map);
      this.inTrailers = false;
      const { continued } = this;
      this.continued = null;
      if (continued !== null) {
        if (status === TrailersStatus.Continue) throw new EmulatorError(TWICE);
        this.continueAt(continued);
      }
      place.ended = true;
      this.chain.calls &= ~this.call;
      if (this.aborted && this.stopsWhenAborted) {
        this.executePrepared();
        status = TrailersStatus.StopIteration;
      }
      if (status === TrailersStatus.Continue) {
        if (place.iteration === Iteration.StopOne) {
          this.continueAt(place);
          return;
        }
      } else {
        if (place.iteration === Iteration.Go) place.iteration = Iteration.StopOne;
        return;
      }
    }
    this.trailersOut(map);
  }

  /** The filter lets go on what it had stopped. */
  continueAt(place: Place): void {
    if (!this.canContinue) return;
    if (place.stoppedAll) place.fromHere = true;
    place.iteration = Iteration.Go;
    if (!place.headersContinued) {
      place.headersContinued = true;
      this.headers(place, this.map, this.complete && this.buffered === null && this.trailers === null);
    }
    const hadTrailers = this.trailers !== null;
    if (this.buffered !== null) this.data(place, this.buffered, this.complete && !hadTrailers);
    if (hadTrailers) this.trailersFrom(place, this.trailers!);
    place.fromHere = false;
  }

  /** A filter that buffers takes the new data in before it looks at them. */
  addData(data: HostBuffer): void {
    this.streaming = false;
    this.hold(data);
  }

  private firstFrom(from: Place | null): number {
    if (from === null) return 0;
    return from.fromHere ? from.index : from.index + 1;
  }

  private afterData(place: Place, status: number, data: HostBuffer): boolean {
    if (status === DataStatus.Continue) {
      if (place.iteration !== Iteration.StopOne) return true;
      this.hold(data);
      this.continueAt(place);
      return false;
    }
    place.iteration = Iteration.StopOne;
    if (status !== DataStatus.StopIterationNoBuffer) {
      this.streaming = status === DataStatus.StopIterationAndWatermark;
      this.hold(data);
    } else if (this.complete && this.trailers === null && this.buffered === null && !this.chain.destroyed) {
      // So that an end without data is not forgotten.
      this.buffered = new HostBuffer();
    }
    return false;
  }

  private hold(data: HostBuffer): void {
    if (this.buffered === data) return;
    this.buffered ??= new HostBuffer();
    this.buffered.move(data);
    if (this.buffered.length > BUFFER_LIMIT && !this.streaming) this.tooLarge();
  }
}

class Decoding extends Side {
  protected override get complete(): boolean {
    return this.chain.requestComplete;
  }
  protected override get canContinue(): boolean {
    return !this.chain.responseComplete;
  }
  protected override get closed(): boolean {
    return this.chain.responseComplete;
  }
  protected override get map(): HeaderMap {
    return this.chain.requestHeaders!;
  }
  protected override get stopsWhenAborted(): boolean {
    return true;
  }
  protected override callHeaders(filter: HttpFilter, map: HeaderMap, end: boolean): number {
    return filter.decodeHeaders(map, end);
  }
  protected override callData(filter: HttpFilter, data: HostBuffer, end: boolean): number {
    return filter.decodeData(data, end);
  }
  protected override callTrailers(filter: HttpFilter, map: HeaderMap): number {
    return filter.decodeTrailers(map);
  }
  protected override stopsAfterHeaders(place: Place, stops: boolean): boolean {
    return (stops || this.chain.responseComplete) && place.index + 1 < this.places.length;
  }
  protected override executePrepared(): void {
    this.chain.executePrepared();
  }
  protected override headersOut(): void {}
  protected override dataOut(): void {}
  protected override trailersOut(): void {}
  protected override tooLarge(): void {
    this.chain.sendLocalReply({
      code: 413,
      body: "Payload Too Large",
      headers: [],
      grpcStatus: null,
      details: "request_payload_too_large",
    });
  }
}

class Encoding extends Side {
  protected override get complete(): boolean {
    return this.chain.responseComplete;
  }
  protected override get canContinue(): boolean {
    return !this.chain.responseSent;
  }
  protected override get closed(): boolean {
    return false;
  }
  protected override get map(): HeaderMap {
    return this.chain.responseHeaders!;
  }
  protected override get stopsWhenAborted(): boolean {
    return false;
  }
  protected override callHeaders(filter: HttpFilter, map: HeaderMap, end: boolean): number {
    return filter.encodeHeaders(map, end);
  }
  protected override callData(filter: HttpFilter, data: HostBuffer, end: boolean): number {
    return filter.encodeData(data, end);
  }
  protected override callTrailers(filter: HttpFilter, map: HeaderMap): number {
    return filter.encodeTrailers(map);
  }
  protected override stopsAfterHeaders(_place: Place, stops: boolean): boolean {
    return stops;
  }
  protected override executePrepared(): void {}
  protected override headersOut(map: HeaderMap, end: boolean): void {
    const refused = this.chain.owner.refuseResponse(map);
    if (refused !== null) {
      this.chain.sendLocalReply(refused);
      return;
    }
    this.chain.headersSent = true;
    this.chain.owner.encodeHeaders(map, end);
    if (!this.chain.reset) this.chain.endEncode(end);
  }
  protected override dataOut(data: HostBuffer, end: boolean): void {
    this.chain.owner.encodeData(data, end);
    if (!this.chain.reset) this.chain.endEncode(end);
  }
  protected override trailersOut(map: HeaderMap): void {
    this.chain.owner.encodeTrailers(map);
    if (!this.chain.reset) this.chain.endEncode(true);
  }
  protected override tooLarge(): void {
    this.chain.sendLocalReply({
      code: 500,
      body: "Internal Server Error",
      headers: [],
      grpcStatus: null,
      details: "response_payload_too_large",
    });
  }
}

/** Envoy's HTTP filter manager: how headers, data and trailers go through the filters, stop and go on. */
export class FilterChain {
  requestHeaders: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  /** The last byte of the request was given to the chain. */
  requestComplete = false;
  /** The last byte of the response was given to the chain. */
  responseComplete = false;
  /** Response headers have left the proxy. */
  headersSent = false;
  /** The last byte of the response has left the proxy. */
  responseSent = false;
  reset = false;
  destroyed = false;
  calls = 0;
  readonly #decoding: Decoding;
  readonly #encoding: Encoding;
  #prepared: LocalReply | null = null;

  constructor(
    readonly owner: ChainOwner,
    private readonly filters: readonly HttpFilter[],
  ) {
    this.#decoding = new Decoding(this, filters, Call.Decode);
    // The router, the last filter, is none of those that see a response.
    this.#encoding = new Encoding(this, filters.slice(0, -1).reverse(), Call.Encode);
  }

  get requestTrailers(): HeaderMap | null {
    return this.#decoding.trailers;
  }

  get responseTrailers(): HeaderMap | null {
    return this.#encoding.trailers;
  }

  decodeHeaders(map: HeaderMap, end: boolean): void {
    this.requestHeaders = map;
    this.requestComplete = end;
    this.#decoding.headers(null, map, end);
  }

  decodeData(data: string, end: boolean): void {
    if (end) this.requestComplete = true;
    const buffer = new HostBuffer(data);
    this.#decoding.data(null, buffer, end);
    // What no filter has kept is gone, also for one that still looks at it.
    buffer.data = "";
  }

  decodeTrailers(map: HeaderMap): void {
    this.requestComplete = true;
    this.#decoding.trailers = map;
    this.#decoding.trailersFrom(null, map);
  }

  encodeHeaders(map: HeaderMap, end: boolean): void {
    this.responseHeaders = map;
    this.responseComplete = end;
    this.#encoding.headers(null, map, end);
  }

  encodeData(data: string, end: boolean): void {
    this.responseComplete = end;
    const buffer = new HostBuffer(data);
    this.#encoding.data(null, buffer, end);
    buffer.data = "";
  }

  encodeTrailers(map: HeaderMap): void {
    this.responseComplete = true;
    this.#encoding.trailers = map;
    this.#encoding.trailersFrom(null, map);
  }

  #placeOf(side: Side, filter: HttpFilter): Place {
    return side.places.find((place) => place.filter === filter)!;
  }

  continueDecoding(filter: HttpFilter): void {
    // Whoever has answered a request, or does so behind this callback, does not send it on.
    if ((this.headersSent && this.responseComplete) || this.#prepared !== null) return;
    this.#decoding.continueAt(this.#placeOf(this.#decoding, filter));
  }

  continueEncoding(filter: HttpFilter): void {
    if (this.responseHeaders === null) {
      throw new EmulatorError("A response that has not begun is continued, which crashes Envoy 1.40.");
    }
    const place = this.#placeOf(this.#encoding, filter);
    // What the callback answers decides whether that does harm.
    if (this.#encoding.inTrailers) this.#encoding.continued = place;
    else this.#encoding.continueAt(place);
  }

  addDecodedData(data: HostBuffer): void {
    this.#decoding.addData(data);
  }

  addEncodedData(data: HostBuffer): void {
    this.#encoding.addData(data);
  }

  get decodingBuffer(): HostBuffer | null {
    return this.#decoding.buffered;
  }

  get encodingBuffer(): HostBuffer | null {
    return this.#encoding.buffered;
  }

  addDecodedTrailers(): HeaderMap {
    return (this.#decoding.trailers = new HeaderMap("trailers"));
  }

  addEncodedTrailers(): HeaderMap {
    return (this.#encoding.trailers = new HeaderMap("response trailers"));
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.destroyed) {
      if (this.calls & Call.Encode) {
        throw new EmulatorError("Two local replies in one response callback crash Envoy 1.40; send one only.");
      }
      return;
    }
    if (this.calls & Call.Decode) this.#decoding.aborted = true;
    else if (this.calls & Call.Encode) this.#encoding.aborted = true;
    this.owner.replies(reply);
    if (this.responseHeaders === null) {
      // The first one in a callback is sent; the last one's details are kept.
      if (!(this.calls & Call.Decode)) this.#replyThroughFilters(reply);
      else this.#prepared ??= reply;
    } else if (!this.headersSent) this.#replyDirectly(reply);
    else this.resetStream();
  }

  executePrepared(): void {
    const reply = this.#prepared;
    this.#prepared = null;
    if (reply !== null) this.#replyThroughFilters(reply);
  }

  #replyThroughFilters(reply: LocalReply): void {
    const { headers, body } = prepareLocalReply(reply, this.owner);
    const ends = body === "" || this.owner.head;
    this.encodeHeaders(headers, ends);
    if (!ends && !this.destroyed) this.encodeData(body, true);
  }

  /** The response was on its way: it goes past the filters. */
  #replyDirectly(reply: LocalReply): void {
    const { headers, body } = prepareLocalReply(reply, this.owner);
    const ends = body === "" || this.owner.head;
    this.responseHeaders = headers;
    this.headersSent = true;
    this.owner.encodeHeaders(headers, ends);
    this.endEncode(ends);
    if (ends || this.reset) return;
    this.owner.encodeData(new HostBuffer(body), true);
    this.endEncode(true);
  }

  endEncode(end: boolean): void {
    if (!end) return;
    this.responseSent = true;
    this.owner.endStream();
  }

  /** A filter wants the stream reset. */
  close(): void {
    if (this.#encoding.inTrailers) {
      throw new EmulatorError("proxy_close_stream in proxy_on_response_trailers crashes Envoy 1.40.");
    }
    this.resetStream();
  }

  resetStream(): void {
    if (this.destroyed) return;
    if (this.calls & Call.Decode) this.#decoding.aborted = true;
    else if (this.calls & Call.Encode) this.#encoding.aborted = true;
    this.reset = true;
    this.owner.resetStream();
  }

  /** Logs, then takes leave of each filter. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const filter of this.filters) filter.log();
    for (const filter of this.filters) filter.destroy();
  }
}

import type { UpstreamRequest, UpstreamResponse } from "../types.js";
import { DataStatus, HeadersStatus, TrailersStatus } from "./abi.js";
import type { HostBuffer } from "./buffers.js";
import type { FilterChain, HttpFilter } from "./chain.js";
import { disconnect, routed, routerRefusal, upstreamRequest, upstreamResponse } from "./connection.js";
import { HeaderMap } from "./headermap.js";
import type { StreamInfo } from "./streaminfo.js";

/** Envoy's response flags. */
const Flag = { UpstreamConnectionFailure: 1 << 5, UpstreamConnectionTermination: 1 << 6, NoRoute: 1 << 8 } as const;

/** The last filter of a chain: sends the request to the upstream and its answer back through the chain. */
export class Router implements HttpFilter {
  chain!: FilterChain;
  /** As they were sent. */
  #headers: HeaderMap | null = null;
  #endsWithHeaders = false;
  #body = "";
  #trailers: HeaderMap | null = null;

  constructor(
    private readonly info: StreamInfo,
    private readonly host: NonNullable<StreamInfo["upstreamHost"]>,
    /** Clusters to which a connection of this thread stands idle. */
    private readonly connected: Set<string>,
    /** The request is complete: get an answer to it. */
    private readonly send: (request: () => UpstreamRequest) => void,
    /** The answer may be one that the proxy follows; whether it is. */
    private readonly redirects: (answer: HeaderMap, body: string) => boolean,
  ) {}

  decodeHeaders(map: HeaderMap, end: boolean): number {
    const refused = routerRefusal(map);
    if (refused !== null) {
      if (refused.code === 404) this.info.responseFlags |= Flag.NoRoute;
      this.chain.sendLocalReply({ ...refused, headers: [], grpcStatus: null });
      return HeadersStatus.StopIteration;
    }
    routed(map);
    this.info.upstreamHost = this.host;
    // They go out at once, and what filters change later is not seen; but only on a connection that stands already.
    this.#headers = this.connected.delete(this.host.cluster) ? new HeaderMap(map.kind, map.lines()) : map;
    this.#endsWithHeaders = end;
    if (end) this.#complete();
    return HeadersStatus.StopIteration;
  }

  decodeData(data: HostBuffer, end: boolean): number {
    this.#body += data.drain();
    if (end) this.#complete();
    return DataStatus.StopIterationNoBuffer;
  }

  decodeTrailers(map: HeaderMap): number {
    this.#trailers = map;
    this.#complete();
    return TrailersStatus.StopIteration;
  }

  #complete(): void {
    this.send(() => upstreamRequest(this.#headers!, this.#body, this.#endsWithHeaders, this.#trailers));
  }

  /** The upstream has answered; `latency` in nanoseconds. */
  answer(response: UpstreamResponse, latency: bigint): void {
    const { chain, info } = this;
    this.connected.add(this.host.cluster);
    const message = upstreamResponse(response, this.#headers?.get(":method") ?? "");
    if (info.protocol !== "HTTP/2") message.headers.remove("keep-alive");
    if (this.redirects(message.headers, this.#body)) return;
    info.responseDetails = "via_upstream";
    info.responseCode = Number(message.headers.get(":status"));
    if (message.ends) info.backendLatency = latency;
    chain.encodeHeaders(message.headers, message.ends);
    if (message.ends || chain.destroyed) return;
    if (message.body !== "") chain.encodeData(message.body, false);
    if (chain.destroyed) return;
    info.backendLatency = latency;
    // The end has a piece of its own, unless trailers are the end.
    if (message.trailers === null) chain.encodeData("", true);
    else chain.encodeTrailers(message.trailers);
  }

  /** The upstream has closed the connection, or there was none. */
  disconnected(refused: boolean): void {
    this.info.responseFlags |= refused ? Flag.UpstreamConnectionFailure : Flag.UpstreamConnectionTermination;
    this.chain.sendLocalReply({ ...disconnect(refused, this.info.retries > 0), headers: [], grpcStatus: null });
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

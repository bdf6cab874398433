import { FilterState } from "./filterstate.js";
import type { TlsFacts } from "./tls.js";

/** A stretch of a connection as properties show it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  /** The address alone. */
  readonly ip: string;
}

/** What Envoy knows of a stream or connection beside its headers. */
export class StreamInfo {
  /** How often the request was sent to the upstream once more. */
  retries = 0;
  requestBodySize = 0;
  responseBodySize = 0;
  responseCode: number | null = null;
  responseDetails: string | null = null;
  responseFlags = 0;
  /** Set when the router has chosen a host. */
  upstreamHost: (Omit<Peer, "ip"> & { readonly cluster: string }) | null = null;
  /** Set when the connection to it stands. */
  upstreamConnection: { readonly local: string; readonly readyAfter: bigint } | null = null;
  /** What was found of the way: nothing for what is no request, the virtual host alone for a path that is refused. */
  found: "nothing" | "host" | "route" = "route";
  terminationDetails: string | null = null;
  /** Nanoseconds from the first byte that was sent to the upstream to the last one that came back. */
  backendLatency: bigint | null = null;
  /** Set when the stream is over. */
  duration: bigint | null = null;

  constructor(
    /** Nanoseconds since the epoch. */
    readonly startTime: bigint,
    readonly connectionId: number,
    /** The client, or who it is said to be. */
    public source: Peer,
    readonly destination: Peer,
    readonly tls: TlsFacts | null,
    /** "HTTP/1.1" or "HTTP/2"; null for TCP. */
    readonly protocol: string | null,
    readonly filterState = new FilterState(),
  ) {}

  /** That of the stream as which a request goes on that the proxy redirects; it comes from the connection's own client. */
  redirected(startTime: bigint, client: Peer): StreamInfo {
    const { connectionId, destination, tls, protocol, filterState } = this;
    const kept = filterState.redirected();
    const next = new StreamInfo(startTime, connectionId, client, destination, tls, protocol, kept);
    next.requestBodySize = this.requestBodySize;
    return next;
  }
}

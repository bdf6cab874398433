/** The interface that both hosts implement. See docs/testing.md. */

export type HostName = "emulator" | "envoy";

/** One header line. Order and duplicates are kept. Values are latin1 (one char per byte). */
export type HeaderLine = readonly [name: string, value: string];

/** Accepted where headers are given: lines, or an object (an array value gives one line each). */
export type HeadersInput = readonly HeaderLine[] | Readonly<Record<string, string | readonly string[]>>;

/** Header lines with lookup by case-insensitive name. */
export interface HeaderList extends Iterable<HeaderLine> {
  /** All lines of `name` joined by ", ", or null. */
  get(name: string): string | null;
  /** Each line of `name`. */
  all(name: string): string[];
  has(name: string): boolean;
  toJSON(): HeaderLine[];
}

export interface RequestInput {
  /** Default "GET". */
  method?: string;
  /** Default "/". */
  path?: string;
  /** Default "example.test". */
  authority?: string;
  headers?: HeadersInput;
  body?: string | Uint8Array;
  /** Sent behind the body, which is chunked then; a content-length forbids them. */
  trailers?: HeadersInput;
  /** What the client shows in the TLS handshake; only when the proxy has `tls`. */
  tls?: ClientTls;
  /** Aborted: the client resets its connection and request() rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds until request() rejects because no whole answer came. Default 30,000. The emulator counts its own clock. */
  timeout?: number;
}

/** A request as the upstream received it, after the filters. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
}

export interface UpstreamResponse {
  /** Default 200. */
  status?: number;
  headers?: HeadersInput;
  body?: string | Uint8Array;
  /** Sent behind the body, which is chunked then; a content-length forbids them. */
  trailers?: HeadersInput;
  /** Milliseconds before it answers, of the emulator's clock there. */
  delay?: number;
  /** The connection is closed without an answer, after `delay`. */
  reset?: true;
}

/** A promise that never settles is an upstream that never answers; close() ends it. */
export type UpstreamHandler = (request: UpstreamRequest) => UpstreamResponse | Promise<UpstreamResponse>;

/** One gRPC call as the server behind a cluster sees it. */
export interface GrpcCall {
  /** "package.Service" */
  readonly service: string;
  readonly method: string;
  /** Without pseudo-headers, `te` and `content-type`. */
  readonly metadata: HeaderList;
  /** The client's messages, without framing; ends when the client half-closes, throws when it resets. */
  readonly messages: AsyncIterable<Uint8Array>;
  /** True once the client has reset the call or its connection. */
  readonly cancelled: boolean;
  /** Sends the initial metadata; without it the first send() does. */
  sendMetadata(metadata?: HeadersInput): void;
  /** Sends one message, framed. */
  send(message: Uint8Array): void;
  /** Sends bytes as they are: a truncated or wrong frame. */
  sendRaw(bytes: Uint8Array): void;
  /** Ends the call. Default status 0. Nothing sent before: a trailers-only answer. */
  finish(status?: { status?: number; message?: string; trailers?: HeadersInput }): void;
  /** Resets the stream (HTTP/2 CANCEL) without a status. */
  reset(): void;
}

/** A call that is not finished when the handler returns is finished with status 0; when it throws, with 13. */
export type GrpcHandler = (call: GrpcCall) => void | Promise<void>;

/** One end of a TCP connection. Iterated, it gives all bytes in the pieces they came in, and ends when the other end closes. */
export interface TcpConnection extends AsyncIterable<Uint8Array> {
  /** All bytes that have come so far. */
  readonly received: Uint8Array;
  /** `received` as UTF-8 text. */
  text(): string;
  /** Sends bytes; a string goes as UTF-8. Rejects when the connection is closed. */
  write(data: string | Uint8Array): Promise<void>;
  /** Sends the bytes, then half-closes: nothing more will be sent, the other end can still send. */
  end(data?: string | Uint8Array): Promise<void>;
  /** Closes at once with RST. */
  reset(): void;
  /**
   * Waits until at least `size` bytes have come in all and gives all that came. Rejects when the other end closes
   * before or within 5 seconds.
   */
  waitFor(size: number): Promise<Uint8Array>;
  /** Waits (5 seconds at most) until the other end has closed: "end" in order, "reset" by RST. */
  closed(): Promise<"end" | "reset">;
}

export interface TcpClient extends TcpConnection {
  /** The upstream's end of this connection; waits until the proxy has connected it. Rejects when it does not within 5 seconds. */
  upstream(): Promise<TcpConnection>;
}

/** Runs once for each connection. What it leaves open stays open until the other end or close() closes it. */
export type TcpHandler = (connection: TcpConnection) => void | Promise<void>;

/**
 * What is behind a cluster that a filter calls: an HTTP/1.1 server, a gRPC server (HTTP/2 cleartext), a TCP server,
 * a port that refuses connections, or no host at all.
 */
export type ClusterScript =
  | UpstreamHandler
  | { readonly grpc: GrpcHandler }
  | { readonly tcp: TcpHandler }
  | { readonly refuses: true }
  | { readonly hosts: false };

export interface ProxyResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
  text(): string;
  /** What the upstream received; null when the proxy answered by itself. */
  readonly upstream: UpstreamRequest | null;
  /** Throws an AssertionError that shows the whole exchange when the exchange differs from what is expected. */
  expect(expected: Expected): void;
  /** The whole exchange: request, what the upstream got, answer, the filter's logs meanwhile, and what Envoy logged. */
  toString(): string;
}

/** A text that must be equal, or a pattern that must match somewhere. */
export type TextMatch = string | RegExp;

/** Header names and what their joined value must be; null: the header must be absent. */
export type HeadersMatch = Readonly<Record<string, TextMatch | null>>;

/** What an exchange must be like; what is left out is not looked at. */
export interface Expected {
  readonly status?: number;
  readonly headers?: HeadersMatch;
  /** Bytes must be equal; text is compared as UTF-8. */
  readonly body?: TextMatch | Uint8Array;
  /** The body must be JSON that is deeply equal. */
  readonly json?: unknown;
  readonly trailers?: HeadersMatch;
  /** null: nothing must have reached the upstream. */
  readonly upstream?: ExpectedUpstream | null;
  /** Each must match a line that the filter logged during the request (text: is part of it), in this order. */
  readonly logs?: readonly TextMatch[];
}

export interface ExpectedUpstream {
  readonly method?: string;
  readonly path?: TextMatch;
  readonly authority?: TextMatch;
  readonly headers?: HeadersMatch;
  readonly body?: TextMatch | Uint8Array;
  readonly json?: unknown;
  readonly trailers?: HeadersMatch;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "critical";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
}

/** What the filters of the proxy have counted, by the name given to proxy_define_metric; null: not defined. */
export interface Metrics {
  counter(name: string): number | null;
  gauge(name: string): number | null;
  histogram(name: string): Histogram | null;
  toJSON(): {
    counters: Record<string, number>;
    gauges: Record<string, number>;
    histograms: Record<string, Histogram>;
  };
}

export interface Histogram {
  /** How many values were recorded. */
  readonly count: number;
  /**
   * Where they fell. Envoy keeps two significant digits: 1234 is in the bin from 1200 with width 100, 7 in that from
   * 7 with width 0.1, 0 in that from 0 with width 0.
   */
  readonly bins: readonly { readonly from: number; readonly width: number; readonly count: number }[];
}

export type FailurePolicy = "FAIL_RELOAD" | "FAIL_CLOSED" | "FAIL_OPEN";

/** How one plugin is loaded (Envoy's PluginConfig and its VmConfig). */
export interface PluginInput {
  /** A filter project's folder (built when an input is newer than the module) or a .wasm file. Default ".". */
  filter?: string;
  /** An object becomes JSON text; a string or bytes are handed to the filter as they are; undefined is no configuration. */
  config?: unknown;
  /** PluginConfig.name. Default: the project's name, or the file's. */
  name?: string;
  /** PluginConfig.root_id. Default "". */
  rootId?: string;
  /** VmConfig.vm_id: plugins with equal vm_id share shared data and queues; with equal code and VM settings too, one VM. Default "". */
  vmId?: string;
  /** VmConfig.configuration, as `config`. */
  vmConfig?: unknown;
  /** Environment variables that the filter sees. */
  env?: Readonly<Record<string, string>>;
  /** What a trap does to later requests. Default FAIL_RELOAD. */
  failurePolicy?: FailurePolicy;
  /** VmConfig's capability_restriction_config: the host functions and callbacks that are allowed; undefined or empty: all. */
  capabilities?: readonly string[];
  /** Envoy's allow_on_headers_stop_iteration. Default: what the module's build/manifest.json asks for. */
  allowStopIteration?: boolean;
}

/** A further Wasm plugin in the chain. Its configuration cannot be replaced while the proxy runs. */
export interface NeighbourPlugin extends PluginInput {
  filter: string;
  /** On the downstream's side of the filter under test, or (default) behind it. */
  position?: "before" | "after";
}

/** Settings of Envoy's HTTP connection manager that change what a filter sees. */
export interface ConnectionManagerOptions {
  /** Default false. */
  normalizePath?: boolean;
  /** Default false. */
  mergeSlashes?: boolean;
  /** Default KEEP_UNCHANGED. */
  pathWithEscapedSlashesAction?: "KEEP_UNCHANGED" | "REJECT_REQUEST" | "UNESCAPE_AND_REDIRECT" | "UNESCAPE_AND_FORWARD";
  /** xff_num_trusted_hops. Default 0. */
  trustedHops?: number;
  /** Default false. */
  useRemoteAddress?: boolean;
}

/** Settings of the route to the upstream. */
export interface RouteOptions {
  /** How often a request is sent once more after a status of 500 or above, a reset or no connection (`retry_on: 5xx`). Default 0. */
  retries?: number;
  /** How often a 302 of the upstream is followed by Envoy itself, as a new request through all filters. Default 0. */
  internalRedirects?: number;
}

/** PEM texts: the certificate, with its chain behind it, and its private key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** TLS between client and proxy. */
export interface TlsOptions {
  /** The proxy's certificate. Default: one made for the test, for example.test. */
  certificate?: Certificate;
  /** PEM of the authorities that client certificates must come from. Without it no client certificate is asked for. */
  clientCa?: string;
  /** With `clientCa`: is a client without a certificate refused? Default true. */
  requireClientCertificate?: boolean;
}

export interface ClientTls {
  /** SNI. Default: the host of the request's authority; for TCP "example.test". "": none. */
  serverName?: string;
  certificate?: Certificate;
}

/**
 * What a test needs that not every host has: "clock", a clock that the test moves (emulator), or "envoy", a real Envoy
 * (native filters, patches).
 */
export type Need = "clock" | "envoy";

/** An object of Envoy's v3 API in JSON form. */
export type EnvoyObject = { [key: string]: unknown };

export interface ProxyOptions extends PluginInput {
  /** Default: environment variable MESHWASM_HOST, else "emulator". */
  host?: HostName;
  /** What the test needs; createProxy rejects on a host that lacks it (see `needing`). */
  needs?: readonly Need[];
  /** The upstream behind the proxy. Default: answers 200 and echoes method, path and headers as JSON. */
  upstream?: UpstreamHandler;
  /** The upstream of a TCP proxy. Default: sends back what it gets, and ends when the client ends. */
  tcpUpstream?: TcpHandler;
  /** Clusters that the filter may call, by name; "upstream" is taken. */
  clusters?: Readonly<Record<string, ClusterScript>>;
  /** Default: "tcp" when the module exports callbacks of TCP filters and none of HTTP filters. */
  protocol?: "http" | "tcp";
  /** HTTP version between client and proxy. Default "http1". */
  downstream?: "http1" | "http2";
  /** TLS between client and proxy; true: with a certificate made for the test. Default: cleartext. */
  tls?: boolean | TlsOptions;
  /**
   * Worker threads, each with its own VM. Default 1. A connection goes to the worker that has the fewest open, so that
   * requests in flight at once are spread over all.
   */
  concurrency?: number;
  connectionManager?: ConnectionManagerOptions;
  route?: RouteOptions;
  /** Further Wasm plugins, in their order. */
  plugins?: readonly NeighbourPlugin[];
  /** Envoy's own filters around the Wasm plugins, as objects of its API. Envoy only. */
  nativeFilters?: { readonly before?: readonly EnvoyObject[]; readonly after?: readonly EnvoyObject[] };
  /** Changes the whole bootstrap before Envoy is started. Envoy only. */
  patch?: (bootstrap: EnvoyObject) => EnvoyObject;
  /**
   * Ends a filter that loops for ever or eats memory: milliseconds for one callback (default 10,000), MiB of memory for
   * one VM (default and at most 1,024, Envoy's own). Emulator only: Envoy has no limit of time, and the test's own ends it.
   */
  limits?: { readonly callMs?: number; readonly memoryMiB?: number };
  /** Smallest level of filter logs that is kept. Default "info". */
  logLevel?: LogLevel;
  /**
   * Default: environment variable MESHWASM_ENVOY_VERSION, else the default version. The emulator does what that version does
   * where versions differ (from 1.36 on).
   */
  envoyVersion?: string;
  /** Default: environment variable ENVOY_PATH. Envoy only. */
  envoyPath?: string;
}

export interface Proxy {
  readonly host: HostName;
  /** Sends one request by a connection of its own. Rejects with what a handler threw while it was on its way. */
  request(input?: RequestInput): Promise<ProxyResponse>;
  /** Opens one connection to a TCP filter. */
  tcp(options?: { tls?: ClientTls }): Promise<TcpClient>;
  /** Replaces the filter's configuration. Streams in flight keep theirs. Rejects with the filter's reason when it is refused; the old one stays. */
  reconfigure(config: unknown): Promise<void>;
  /**
   * Replaces what is behind a cluster. A server can be replaced by one of the same kind or by `{ refuses: true }`, and
   * the latter by a server; a cluster without hosts stays so.
   */
  cluster(name: string, script: ClusterScript): Promise<void>;
  /** What all filters of the proxy have counted, on all threads. */
  metrics(): Promise<Metrics>;
  /**
   * Waits for the next tick: until every VM that ticks has done so once more. The emulator moves its clock there; on
   * Envoy it is an error when none comes within 5 seconds.
   */
  tick(): Promise<void>;
  /** Lets time pass. The emulator moves its clock; Envoy really waits, and more than 5,000 ms is an error: it needs "clock". */
  advance(milliseconds: number): Promise<void>;
  /**
   * Sets the wall clock that filters see ahead, or back with a number below 0; the monotonic clock, timers and ticks go on
   * as before. Emulator only: it needs "clock".
   */
  shiftClock(milliseconds: number): Promise<void>;
  /** What the filter has logged so far, oldest first. With a name: what that plugin of the chain has. */
  logs(plugin?: string): readonly LogLine[];
  /** Ends everything, handlers that never answered too. Throws what a cluster's handler threw and no request has reported. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A plugin whose module has been found: what createProxy hands to a host. */
export interface LoadedPlugin extends Omit<PluginInput, "filter" | "allowStopIteration"> {
  /** Path of the .wasm file. */
  readonly module: string;
  readonly name: string;
  readonly allowOnHeadersStopIteration?: boolean;
}

export interface LoadedNeighbour extends LoadedPlugin {
  readonly position?: "before" | "after";
}

/** What a host gets from createProxy: the options with every module found and every default that both share filled in. */
export interface HostOptions
  extends Omit<ProxyOptions, "filter" | "name" | "allowStopIteration" | "plugins" | "host" | "needs">, LoadedPlugin {
  readonly name: string;
  /** Default: no further plugin. */
  readonly plugins?: readonly LoadedNeighbour[];
}

/** The interface that both hosts implement. See docs/testing.md. */

export type HostName = "emulator" | "envoy";

/** One header line. Order and duplicates are kept. Values are latin1 (one char per byte). */
export type HeaderLine = readonly [name: string, value: string];

/** Accepted where headers are given: lines, or an object (an array value gives one line each). */
export type HeadersInput = readonly HeaderLine[] | Readonly<Record<string, string | readonly string[]>>;

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
}

export type UpstreamHandler = (request: UpstreamRequest) => UpstreamResponse | Promise<UpstreamResponse>;

export interface ProxyResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
  text(): string;
  /** What the upstream received; null when the proxy answered by itself. */
  readonly upstream: UpstreamRequest | null;
}

/** Header lines with lookup by case-insensitive name. */
export interface HeaderList extends Iterable<HeaderLine> {
  /** All lines of `name` joined by ", ", or null. */
  get(name: string): string | null;
  /** Each line of `name`. */
  all(name: string): string[];
  has(name: string): boolean;
  toJSON(): HeaderLine[];
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "critical";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
}

export interface ProxyOptions {
  /** A filter project's folder (built when an input is newer than the module) or a .wasm file. Default ".". */
  filter?: string;
  /** An object becomes JSON text; a string or bytes are handed to the filter as they are; undefined is no configuration. */
  config?: unknown;
  /** Default: environment variable MESHWASM_HOST, else "emulator". */
  host?: HostName;
  /** PluginConfig.root_id. Default "". */
  rootId?: string;
  /** Envoy's allow_on_headers_stop_iteration. Default: what the module's build/manifest.json asks for. */
  allowStopIteration?: boolean;
  /** The upstream behind the proxy. Default: answers 200 and echoes method, path and headers as JSON. */
  upstream?: UpstreamHandler;
  /** Smallest level of filter logs that is kept. Default "info". */
  logLevel?: LogLevel;
  /** Default: environment variable MESHWASM_ENVOY_VERSION, else the default version. Envoy only. */
  envoyVersion?: string;
  /** Default: environment variable ENVOY_PATH. Envoy only. */
  envoyPath?: string;
}

export interface Proxy {
  readonly host: HostName;
  request(input?: RequestInput): Promise<ProxyResponse>;
  /** Replaces the filter's configuration. Streams in flight keep theirs. Rejects with the filter's reason when it is refused; the old one stays. */
  reconfigure(config: unknown): Promise<void>;
  /** What the filter has logged so far, oldest first. */
  logs(): readonly LogLine[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Result of a host call, as the host numbers it. */
export enum Status {
  Ok = 0,
  NotFound = 1,
  BadArgument = 2,
  SerializationFailure = 3,
  ParseFailure = 4,
  BadExpression = 5,
  InvalidMemoryAccess = 6,
  Empty = 7,
  CasMismatch = 8,
  ResultMismatch = 9,
  InternalFailure = 10,
  BrokenConnection = 11,
  Unimplemented = 12,
}

export enum LogLevel {
  Trace = 0,
  Debug = 1,
  Info = 2,
  Warn = 3,
  Error = 4,
  Critical = 5,
  /** Only ever read: the host logs nothing. */
  Off = 6,
}

/** What a headers callback returns: Envoy's FilterHeadersStatus. */
export enum HeadersAction {
  Continue = 0,
  /** Waits. Without the host's `allow_on_headers_stop_iteration` it means StopAllIterationAndWatermark: no body callback comes. */
  StopIteration = 1,
  /** Envoy 1.40 treats it as Continue. */
  ContinueAndEndStream = 2,
  StopAllIterationAndBuffer = 3,
  StopAllIterationAndWatermark = 4,
}

/** What a body callback returns: Envoy's FilterDataStatus. */
export enum DataAction {
  Continue = 0,
  StopIterationAndBuffer = 1,
  StopIterationAndWatermark = 2,
  StopIterationNoBuffer = 3,
}

/** What a trailers callback returns: Envoy's FilterTrailersStatus. */
export enum TrailersAction {
  Continue = 0,
  StopIteration = 1,
}

/** What a callback of a TCP filter returns. */
export enum TcpAction {
  Continue = 0,
  StopIteration = 1,
}

/** Who has closed a connection. */
export enum PeerType {
  Unknown = 0,
  /** The proxy. */
  Local = 1,
  /** The other end. */
  Remote = 2,
}

export enum MapType {
  HttpRequestHeaders = 0,
  HttpRequestTrailers = 1,
  HttpResponseHeaders = 2,
  HttpResponseTrailers = 3,
  GrpcCallInitialMetadata = 4,
  GrpcCallTrailingMetadata = 5,
  HttpCallResponseHeaders = 6,
  HttpCallResponseTrailers = 7,
}

export enum BufferType {
  HttpRequestBody = 0,
  HttpResponseBody = 1,
  DownstreamData = 2,
  UpstreamData = 3,
  HttpCallResponseBody = 4,
  GrpcCallMessage = 5,
  VmConfiguration = 6,
  PluginConfiguration = 7,
  CallData = 8,
}

export enum StreamType {
  HttpRequest = 0,
  HttpResponse = 1,
  Downstream = 2,
  Upstream = 3,
}

/** gRPC status codes; `None` marks a reply that carries none. */
export enum GrpcStatus {
  None = -1,
  Ok = 0,
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  DataLoss = 15,
  Unauthenticated = 16,
}

export enum MetricType {
  Counter = 0,
  Gauge = 1,
  Histogram = 2,
}

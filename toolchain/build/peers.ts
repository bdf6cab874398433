/* Every host function and callback of abi.ts: what a filter uses of our SDK for it, and what the SDKs for Rust (0.2.5), Go and
 * C++ call it. docs/abi.md is made of this. */

import { CALLBACKS, HOST_FUNCTIONS } from "./abi.js";

export interface Names {
  /** Of our SDK; what is in (parentheses) is not for filters: the SDK does it by itself. null: not offered, and `why`. */
  readonly ours: string | null;
  readonly why?: string;
  /** null: the SDK has nothing for it. */
  readonly rust: string | null;
  readonly go: string | null;
  readonly cpp: string | null;
}

const names = (
  ours: string | null,
  rust: string | null,
  go: string | null,
  cpp: string | null,
  why?: string,
): Names => ({ ours, rust, go, cpp, ...(why === undefined ? {} : { why }) });

const DEPRECATED = "the WASI clock has both clocks";
const BYTES = "it counts bytes, not lines: HeaderMap.length counts lines";
const FIRST_LINE = "it sees the first of several lines only; HeaderMap reads all pairs";

/** Imports from `env`. */
const ENV: Readonly<Record<string, Names>> = {
  proxy_log: names("log.info() …", "log", "LogInfo …", "logInfo …"),
  proxy_get_log_level: names("log.enabled()", "get_log_level", null, "ContextBase::getLogLevel"),
  proxy_get_status: names("GrpcCallResponse.message, GrpcStream.onClose()", "get_grpc_status", null, "getStatus"),
  proxy_get_property: names("property.getBytes() …", "get_property", "GetProperty", "getProperty, getValue"),
  proxy_set_property: names("property.set()", "set_property", "SetProperty", "setFilterState"),
  proxy_send_local_response: names(
    "HttpContext.sendLocalResponse()",
    "send_http_response, send_grpc_response",
    "SendHttpResponse",
    "sendLocalResponse",
  ),
  proxy_continue_stream: names(
    "HttpMessage.resume(), TcpContext.resume()",
    "resume_http_request, resume_http_response, resume_downstream, resume_upstream",
    "ResumeHttpRequest, ResumeHttpResponse, ContinueTcpStream",
    "continueRequest, continueResponse, continueDownstream, continueUpstream",
  ),
  proxy_close_stream: names(
    "HttpContext.resetStream(), TcpContext.closeDownstream() …",
    "reset_http_request, reset_http_response, close_downstream, close_upstream",
    "CloseDownstream, CloseUpstream",
    "closeRequest, closeResponse, closeDownstream, closeUpstream",
  ),
  proxy_get_shared_data: names("SharedData.get()", "get_shared_data", "GetSharedData", "getSharedData"),
  proxy_set_shared_data: names(
    "SharedData.set(), SharedData.setIf(), SharedData.create(), SharedData.update()",
    "set_shared_data",
    "SetSharedData",
    "setSharedData",
  ),
  proxy_register_shared_queue: names(
    "SharedQueue.register()",
    "register_shared_queue",
    "RegisterSharedQueue",
    "registerSharedQueue",
  ),
  proxy_resolve_shared_queue: names(
    "SharedQueue.resolve()",
    "resolve_shared_queue",
    "ResolveSharedQueue",
    "resolveSharedQueue",
  ),
  proxy_dequeue_shared_queue: names(
    "SharedQueue.dequeue()",
    "dequeue_shared_queue",
    "DequeueSharedQueue",
    "dequeueSharedQueue",
  ),
  proxy_enqueue_shared_queue: names(
    "SharedQueue.enqueue()",
    "enqueue_shared_queue",
    "EnqueueSharedQueue",
    "enqueueSharedQueue",
  ),
  proxy_get_header_map_value: names(null, "get_map_value", "GetHttpRequestHeader …", "getHeaderMapValue", FIRST_LINE),
  proxy_add_header_map_value: names(
    "HeaderMap.append()",
    "add_map_value",
    "AddHttpRequestHeader …",
    "addHeaderMapValue",
  ),
  proxy_replace_header_map_value: names(
    "HeaderMap.set()",
    "set_map_value",
    "ReplaceHttpRequestHeader …",
    "replaceHeaderMapValue",
  ),
  proxy_remove_header_map_value: names(
    "HeaderMap.remove()",
    "remove_map_value",
    "RemoveHttpRequestHeader …",
    "removeHeaderMapValue",
  ),
  proxy_get_header_map_pairs: names(
    "HeaderMap.get(), HeaderMap.lines() …",
    "get_map",
    "GetHttpRequestHeaders …",
    "getHeaderMapPairs",
  ),
  proxy_set_header_map_pairs: names(
    null,
    "set_map",
    "ReplaceHttpRequestHeaders …",
    "setHeaderMapPairs",
    "it removes the pseudo-headers too; set and remove lines by name",
  ),
  proxy_get_header_map_size: names(null, null, null, "getHeaderMapSize", BYTES),
  proxy_get_buffer_status: names("(HttpBody.length)", null, null, "getBufferStatus"),
  proxy_get_buffer_bytes: names(
    "HttpBody.bytes(), HttpBody.text()",
    "get_buffer",
    "GetHttpRequestBody …",
    "getBufferBytes",
  ),
  proxy_set_buffer_bytes: names(
    "HttpBody.set(), HttpBody.append(), HttpBody.prepend()",
    "set_buffer",
    "ReplaceHttpRequestBody …",
    "setBuffer",
  ),
  proxy_http_call: names(
    "HttpCall.dispatch(), HttpCallGroup.dispatch()",
    "dispatch_http_call",
    "DispatchHttpCall",
    "RootContext::httpCall, makeHttpCall",
  ),
  proxy_grpc_call: names(
    "GrpcCall.dispatch()",
    "dispatch_grpc_call",
    null,
    "RootContext::grpcSimpleCall, RootContext::grpcCallHandler",
  ),
  proxy_grpc_stream: names("GrpcStream.open()", "open_grpc_stream", null, "RootContext::grpcStreamHandler"),
  proxy_grpc_send: names("GrpcStream.send()", "send_grpc_stream_message", null, "GrpcStreamHandlerBase::send"),
  proxy_grpc_cancel: names(
    "GrpcStream.cancel(), (end of the stream)",
    "cancel_grpc_call, cancel_grpc_stream",
    null,
    "GrpcCallHandlerBase::cancel",
  ),
  proxy_grpc_close: names("GrpcStream.close()", "close_grpc_stream", null, "GrpcStreamHandlerBase::close"),
  proxy_set_tick_period_milliseconds: names(
    "RootContext.setTickPeriod()",
    "set_tick_period",
    "SetTickPeriodMilliSeconds",
    "proxy_set_tick_period_milliseconds",
  ),
  proxy_get_current_time_nanoseconds: names(null, "get_current_time", null, "getCurrentTimeNanoseconds", DEPRECATED),
  proxy_define_metric: names(
    "Counter, Gauge, Histogram, Labelled",
    "define_metric",
    "DefineCounterMetric, DefineGaugeMetric, DefineHistogramMetric",
    "defineMetric, Counter, Gauge, Histogram",
  ),
  proxy_increment_metric: names(
    "Counter.increment(), Gauge.add()",
    "increment_metric",
    "MetricCounter.Increment, MetricGauge.Add",
    "incrementMetric",
  ),
  proxy_record_metric: names(
    "Gauge.set(), Histogram.record()",
    "record_metric",
    "MetricHistogram.Record",
    "recordMetric",
  ),
  proxy_get_metric: names(
    "Counter.value, Gauge.value",
    "get_metric",
    "MetricCounter.Value, MetricGauge.Value",
    "getMetric",
  ),
  proxy_set_effective_context: names(
    "(the SDK switches for answers to calls)",
    "set_effective_context",
    "SetEffectiveContext",
    "ContextBase::setEffectiveContext",
  ),
  proxy_done: names("(the SDK, when answers are awaited)", "done", "PluginDone", "RootContext::done"),
  proxy_call_foreign_function: names(
    "foreign.call(), foreign.verifySignature() …, Expression",
    "call_foreign_function",
    "CallForeignFunction",
    "proxy_call_foreign_function",
  ),
  envoy_resolve_dns: names("RootContext.resolveDns()", null, null, null),
  pthread_equal: names(null, null, null, null, "for C libraries"),
  emscripten_notify_memory_growth: names(null, null, null, null, "for Emscripten"),
};

const NO_FILES = "Envoy has no files and sockets behind it";

/** Imports from WASI; the SDKs for Rust, Go and C++ leave them to their languages' standard libraries. */
const WASI: Readonly<Record<string, Names>> = {
  clock_time_get: names("clock.realtime(), clock.monotonic(), Date.now()", "std::time", "time", "std::chrono"),
  random_get: names(
    "random.bytes(), random.fill(), crypto.getRandomValues()",
    "rand",
    "crypto/rand",
    "std::random_device",
  ),
  environ_sizes_get: names("(env.get())", "std::env", "os", "getenv"),
  environ_get: names("env.get(), env.getBytes(), env.names()", "std::env", "os", "getenv"),
  fd_write: names(null, "println!", "fmt.Println", "printf", "console.log() goes to proxy_log, with its level"),
};

/** Exports that the host calls. */
const EXPORTS: Readonly<Record<string, Names>> = {
  _initialize: names("(what the file says at module level)", "main!", "main, init", "RegisterContextFactory"),
  _start: names(null, null, null, null, "for programs; a filter is a reactor"),
  main: names(null, null, "main", null, "for programs"),
  __main_void: names(null, null, null, null, "for programs"),
  malloc: names("(the runtime)", "(allocator)", null, "(libc)"),
  proxy_on_memory_allocate: names(null, "(allocator)", "(runtime)", null, "Envoy looks for malloc first"),
  proxy_on_context_create: names(
    "(Plugin and HttpFilter objects are made)",
    "create_http_context, create_stream_context",
    "NewPluginContext, NewHttpContext, NewTcpContext",
    "ContextBase::onCreate",
  ),
  proxy_on_vm_start: names(
    null,
    "on_vm_start",
    "OnVMStart",
    "RootContext::onStart",
    "Plugin.vmConfiguration() can be read in onConfigure",
  ),
  proxy_validate_configuration: names(
    null,
    null,
    null,
    "RootContext::validateConfiguration",
    "onConfigure refuses what is wrong",
  ),
  proxy_on_configure: names("RootContext.onConfigure()", "on_configure", "OnPluginStart", "RootContext::onConfigure"),
  proxy_on_tick: names("RootContext.onTick()", "on_tick", "OnTick", "RootContext::onTick"),
  proxy_on_done: names(
    "HttpContext.onDone(), RootContext.onDone()",
    "on_done",
    "OnPluginDone",
    "Context::onDone, RootContext::onDone",
  ),
  proxy_on_log: names("HttpContext.onLog()", "on_log", "OnHttpStreamDone, OnStreamDone", "ContextBase::onLog"),
  proxy_on_delete: names("(the object is let go)", null, "(runtime)", "ContextBase::onDelete"),
  proxy_on_new_connection: names(
    "TcpFilter.onNewConnection()",
    "on_new_connection",
    "OnNewConnection",
    "Context::onNewConnection",
  ),
  proxy_on_downstream_data: names(
    "TcpFilter.onDownstreamData()",
    "on_downstream_data",
    "OnDownstreamData",
    "Context::onDownstreamData",
  ),
  proxy_on_upstream_data: names(
    "TcpFilter.onUpstreamData()",
    "on_upstream_data",
    "OnUpstreamData",
    "Context::onUpstreamData",
  ),
  proxy_on_downstream_connection_close: names(
    "TcpFilter.onDownstreamClose()",
    "on_downstream_close",
    "OnDownstreamClose",
    "Context::onDownstreamConnectionClose",
  ),
  proxy_on_upstream_connection_close: names(
    "TcpFilter.onUpstreamClose()",
    "on_upstream_close",
    "OnUpstreamClose",
    "Context::onUpstreamConnectionClose",
  ),
  proxy_on_request_headers: names(
    "HttpContext.onRequestHeaders()",
    "on_http_request_headers",
    "OnHttpRequestHeaders",
    "Context::onRequestHeaders",
  ),
  proxy_on_request_body: names(
    "HttpContext.onRequestBody(), HttpContext.onWholeRequestBody()",
    "on_http_request_body",
    "OnHttpRequestBody",
    "Context::onRequestBody",
  ),
  proxy_on_request_trailers: names(
    "HttpContext.onRequestTrailers()",
    "on_http_request_trailers",
    "OnHttpRequestTrailers",
    "Context::onRequestTrailers",
  ),
  proxy_on_request_metadata: names(
    null,
    null,
    null,
    "Context::onRequestMetadata",
    "the ABI has no way to read HTTP/2 METADATA",
  ),
  proxy_on_response_headers: names(
    "HttpContext.onResponseHeaders()",
    "on_http_response_headers",
    "OnHttpResponseHeaders",
    "Context::onResponseHeaders",
  ),
  proxy_on_response_body: names(
    "HttpContext.onResponseBody(), HttpContext.onWholeResponseBody()",
    "on_http_response_body",
    "OnHttpResponseBody",
    "Context::onResponseBody",
  ),
  proxy_on_response_trailers: names(
    "HttpContext.onResponseTrailers()",
    "on_http_response_trailers",
    "OnHttpResponseTrailers",
    "Context::onResponseTrailers",
  ),
  proxy_on_response_metadata: names(
    null,
    null,
    null,
    "Context::onResponseMetadata",
    "the ABI has no way to read HTTP/2 METADATA",
  ),
  proxy_on_http_call_response: names(
    "Context.onHttpCallResponse(), Context.onHttpCallsDone()",
    "on_http_call_response",
    "callback of DispatchHttpCall",
    "RootContext::onHttpCallResponse",
  ),
  proxy_on_grpc_receive_initial_metadata: names(
    "GrpcStream.onInitialMetadata()",
    "on_grpc_stream_initial_metadata",
    null,
    "RootContext::onGrpcReceiveInitialMetadata",
  ),
  proxy_on_grpc_receive_trailing_metadata: names(
    "GrpcStream.onTrailingMetadata()",
    "on_grpc_stream_trailing_metadata",
    null,
    "RootContext::onGrpcReceiveTrailingMetadata",
  ),
  proxy_on_grpc_receive: names(
    "Context.onGrpcCallResponse(), GrpcStream.onMessage()",
    "on_grpc_call_response, on_grpc_stream_message",
    null,
    "RootContext::onGrpcReceive",
  ),
  proxy_on_grpc_close: names(
    "Context.onGrpcCallResponse(), GrpcStream.onClose()",
    "on_grpc_call_response, on_grpc_stream_close",
    null,
    "RootContext::onGrpcClose",
  ),
  proxy_on_queue_ready: names(
    "RootContext.onQueueReady()",
    "on_queue_ready",
    "OnQueueReady",
    "RootContext::onQueueReady",
  ),
  proxy_on_foreign_function: names(
    null,
    "on_foreign_function",
    null,
    "ContextBase::onForeignFunction",
    "nothing in Envoy calls it",
  ),
  envoy_on_resolve_dns: names("RootContext.onResolveDns()", null, null, null),
  envoy_on_stats_update: names(null, null, null, null, "for Wasm stat sinks, which are no filters"),
};

export interface Row extends Names {
  readonly name: string;
  readonly kind: "env" | "wasi" | "export";
}

/** A row for each entry of the ABI's table, in its order. */
export function peers(): Row[] {
  const functions = HOST_FUNCTIONS.map(({ module, name }): Row => {
    const known = module === "env" ? ENV[name] : (WASI[name] ?? names(null, null, null, null, NO_FILES));
    if (!known) throw new Error(`${name} has no names: add them to peers.ts`);
    return { name, kind: module, ...known };
  });
  const callbacks = Object.keys(CALLBACKS).map((name): Row => {
    const known = EXPORTS[name];
    if (!known) throw new Error(`${name} has no names: add them to peers.ts`);
    return { name, kind: "export", ...known };
  });
  return [...functions, ...callbacks];
}

/** Names that stand here but not in the ABI's table. */
export function strays(): string[] {
  const known = new Set([...HOST_FUNCTIONS.map(({ name }) => name), ...Object.keys(CALLBACKS)]);
  return [...Object.keys(ENV), ...Object.keys(WASI), ...Object.keys(EXPORTS)].filter((name) => !known.has(name));
}

const TITLES = {
  env: "Host functions",
  export: "Callbacks and other exports",
  wasi: "WASI functions that the SDK uses",
} as const;

/** Names as code, words as they are. */
function code(text: string | null): string {
  if (text === null) return "";
  const inner = text.startsWith("(") ? text.slice(1, -1) : text;
  const items = inner.split(", ").map((item) => item.replace(/^([\w.:!/]*\w!?(?:\(\))?)( …)?$/, "`$1`$2"));
  return inner === text ? items.join(", ") : `(${inner.includes(" ") ? inner : items.join(", ")})`;
}

function section(kind: Row["kind"], rows: readonly Row[]): string {
  const lines = rows.map(({ name, ours, why, rust, go, cpp }) => [
    `\`${name}\``,
    ours === null ? `not offered: ${why}` : code(ours),
    code(rust),
    code(go),
    code(cpp),
  ]);
  const head = ["ABI", "meshwasm", "Rust", "Go", "C++"];
  const widths = head.map((cell, i) => Math.max(cell.length, ...lines.map((line) => line[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |\n`;
  return `## ${TITLES[kind]}\n\n${line(head)}${line(widths.map((width) => "-".repeat(width)))}${lines.map(line).join("")}`;
}

/** docs/abi.md. */
export function abiTable(): string {
  const all = peers();
  const kinds = ["env", "export", "wasi"] as const;
  const tables = kinds.map((kind) =>
    section(
      kind,
      all.filter((row) => row.kind === kind && (kind !== "wasi" || WASI[row.name])),
    ),
  );
  const others = all.filter((row) => row.kind === "wasi" && !WASI[row.name]).map(({ name }) => `\`${name}\``);
  return `# The ABI, function by function

Every function that Envoy 1.40 offers to a module of Proxy-Wasm ABI 0.2.1 and every export that it looks for, with what a filter
uses for it, and what it is called in the SDKs for Rust, Go and C++. Made by \`node --import tsx scripts/abi-table.mjs\` from the
tables that the build checks modules with and the tests are named by; "…" stands for the same in other forms, a name
in parentheses for what the SDK does by itself.

${tables.join("\n")}
The other WASI functions exist in Envoy so that modules of other languages load; ${NO_FILES}: ${others.join(", ")}.
`;
}

/* What the probe asks of its host in every phase: each host function with good, empty, huge and wrong arguments, as
 * AssemblyScript expressions. `@NAME` stands for the pointer and the length of a text below. */

export const TEXTS = {
  hello: "hello",
  key: "x-probe",
  name: "x-new",
  value: "value",
  absent: "x-absent",
  odd: "X-Upper",
  pairs: pairsOf([["x-a", "1"]]),
  request: pairsOf([
    [":method", "GET"],
    [":path", "/callout"],
    [":authority", "callout.test"],
  ]),
  pathless: pairsOf([[":method", "GET"]]),
  cut: pairsOf([["x-a", "1"]]).slice(0, -3),
  many: "\xff\xff\xff\xff",
  cluster: "calls",
  hostless: "hostless",
  unknown: "nobody",
  grpc: "grpc",
  service: "probe.Service",
  method: "Unary",
  vm: "",
  queue: "absent queue",
  property: "probe.property",
  /** The beginning of a deflated text. */
  zlib: "\x78\x9c\x4b\xcb\x07",
  cel: "1 + 2",
  celMap: "{'a': 'b'}",
  celRequest: "request.path",
  celBad: "1 +",
  declared: `\x0a\x08declared\x10\x01\x18\x01`,
  state: "\x0a\x17envoy.tcp_proxy.cluster\x12\x05calls",
  stateUnknown: `\x0a\x07unknown\x12\x01x`,
  empty: "",
} as const;

/** Written as the bytes of its UTF-16 code units. */
function pairsOf(pairs: readonly (readonly [string, string])[]): string {
  const u32 = (n: number): string => String.fromCharCode(n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24);
  const sizes = pairs.map(([name, value]) => u32(name.length) + u32(value.length)).join("");
  return u32(pairs.length) + sizes + pairs.map(([name, value]) => `${name}\0${value}\0`).join("");
}

/** What is read at the address R after a call: see probe.as. */
export type Returns = "nothing" | "u32" | "u64" | "size" | "data" | "pairs" | "value" | "nonzero" | "nonzero32";

export interface HostCall {
  readonly returns: Returns;
  readonly variants: Readonly<Record<string, string>>;
}

const each = (numbers: readonly number[], make: (n: number) => [string, string]): Record<string, string> =>
  Object.fromEntries(numbers.map(make));

const MAPS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 99, -1];
const BUFFERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1];
/** Those that name nothing the wire would show. */
const WRITABLE = [0, 1, 2, 3, 5, 7, 8, -1];

const PROPERTIES = [
  ...["path", "url_path", "host", "scheme", "method", "useragent", "query", "protocol", "referer", "headers.x-probe"],
  ...["headers.x-absent", "total_size", "size", "id", "time", "duration"],
].map((name) => `request.${name}`);
PROPERTIES.push(
  ...["code", "code_details", "flags", "grpc_status", "size", "total_size", "headers.x-up", "trailers.x-t"].map(
    (name) => `response.${name}`,
  ),
  "response.backend_latency",
  ...["address", "port"].flatMap((name) => [`source.${name}`, `destination.${name}`]),
  ...["id", "mtls", "requested_server_name", "tls_version", "subject_local_certificate", "termination_details"].map(
    (name) => `connection.${name}`,
  ),
  "connection_id",
  ...["address", "port", "tls_version", "local_address", "transport_failure_reason", "request_attempt_count"].map(
    (name) => `upstream.${name}`,
  ),
  ...["route_name", "virtual_host_name", "filter_chain_name", "cluster_name", "listener_direction", "node.id"].map(
    (name) => `xds.${name}`,
  ),
  ...["route_metadata", "cluster_metadata", "virtual_host_metadata", "listener_metadata", "upstream_host_metadata"].map(
    (name) => `xds.${name}`,
  ),
  ...["metadata", "filter_state", "plugin_name", "plugin_root_id", "plugin_vm_id"],
  ...["node", "node.id", "cluster_name", "route_name", "listener_direction", "listener_metadata"],
  ...["request", "response", "connection", "source", "xds.nothing", "nothing", "request.path.more", ""],
);

/** Their values differ from run to run: only how long they are is compared. */
export const VARYING = [
  "request.id",
  "request.time",
  "request.duration",
  "response.backend_latency",
  // Counts the digits of x-envoy-upstream-service-time.
  "response.total_size",
  "source.address",
  "source.port",
  "destination.address",
  "destination.port",
  "connection.id",
  "connection_id",
  "upstream.address",
  "upstream.port",
  "upstream.local_address",
];

const literal = (text: string): string => JSON.stringify(text.replaceAll(".", "\0"));

export const CALLS: Readonly<Record<string, HostCall>> = {
  proxy_log: {
    returns: "nothing",
    variants: {
      trace: "0, @hello",
      info: "2, @empty",
      six: "6, @hello",
      negative: "-1, @hello",
      huge: "2, 64, HUGE",
      wild: "2, WILD, 4",
    },
  },
  proxy_get_log_level: { returns: "u32", variants: { good: "R", wild: "WILD" } },
  proxy_get_status: { returns: "value", variants: { good: "R + 8, R, R + 4", wild: "WILD, R, R + 4" } },
  proxy_get_current_time_nanoseconds: { returns: "nonzero", variants: { good: "R", wild: "WILD" } },
  proxy_get_property: {
    returns: "data",
    variants: {
      ...Object.fromEntries(PROPERTIES.map((name) => [name || "empty", `${literal(name)}, R, R + 4`])),
      huge: "BIG, BIG_SIZE, R, R + 4",
      outside: "64, HUGE, R, R + 4",
      wild: "WILD, 4, R, R + 4",
      wildReturn: "@property, WILD, R + 4",
    },
  },
  proxy_set_property: {
    returns: "nothing",
    variants: {
      good: "@property, @value",
      emptyPath: "@empty, @value",
      emptyValue: "@property, @empty",
      long: "@property, BIG, BIG_SIZE",
      outside: "@property, 64, HUGE",
      wild: "WILD, 4, @value",
    },
  },
  proxy_get_header_map_value: {
    returns: "data",
    variants: {
      ...each(MAPS, (map) => [`map ${map}`, `${map}, @key, R, R + 4`]),
      ...each([0, 2], (map) => [`absent ${map}`, `${map}, @absent, R, R + 4`]),
      ...each([0, 2], (map) => [`empty ${map}`, `${map}, @empty, R, R + 4`]),
      path: `0, ${literal(":path")}, R, R + 4`,
      host: `0, ${literal("host")}, R, R + 4`,
      status: `2, ${literal(":status")}, R, R + 4`,
      callout: `6, ${literal(":status")}, R, R + 4`,
      huge: "0, BIG, BIG_SIZE, R, R + 4",
      outside: "0, 64, HUGE, R, R + 4",
      wildReturn: "0, @key, WILD, WILD",
    },
  },
  proxy_get_header_map_pairs: {
    returns: "pairs",
    variants: { ...each(MAPS, (map) => [`map ${map}`, `${map}, R, R + 4`]), wildReturn: "0, WILD, WILD" },
  },
  proxy_get_header_map_size: {
    returns: "size",
    variants: { ...each(MAPS, (map) => [`map ${map}`, `${map}, R`]), wild: "0, WILD" },
  },
  proxy_add_header_map_value: {
    returns: "nothing",
    variants: {
      ...each(MAPS, (map) => [`map ${map}`, `${map}, @name, @value`]),
      ...each([0, 2], (map) => [`upper ${map}`, `${map}, @odd, @value`]),
      ...each([0, 2], (map) => [`empty value ${map}`, `${map}, @name, @empty`]),
      outside: "0, 64, HUGE, @value",
      outsideValue: "0, @name, 64, HUGE",
      wild: "0, @name, WILD, 4",
    },
  },
  proxy_replace_header_map_value: {
    returns: "nothing",
    variants: {
      ...each(MAPS, (map) => [`map ${map}`, `${map}, @name, @value`]),
      ...each([0, 2], (map) => [`upper ${map}`, `${map}, @odd, @hello`]),
      outside: "0, 64, HUGE, @value",
      wild: "0, WILD, 4, @value",
    },
  },
  proxy_remove_header_map_value: {
    returns: "nothing",
    variants: {
      ...each(MAPS, (map) => [`map ${map}`, `${map}, @absent`]),
      ...each([0, 2], (map) => [`upper ${map}`, `${map}, @odd`]),
      ...each([0, 2], (map) => [`empty ${map}`, `${map}, @empty`]),
      outside: "0, 64, HUGE",
      wild: "0, WILD, 4",
    },
  },
  // A whole map that is set is a scenario of its own: it takes the pseudo-headers away.
  proxy_set_header_map_pairs: {
    returns: "nothing",
    variants: {
      ...each([4, 5, 6, 7, 8, -1], (map) => [`map ${map}`, `${map}, @pairs`]),
      outside: "0, 64, HUGE",
      wild: "0, WILD, 4",
    },
  },
  proxy_get_buffer_status: {
    returns: "value",
    variants: { ...each(BUFFERS, (buffer) => [`buffer ${buffer}`, `${buffer}, R + 8, R + 12`]), wild: "0, WILD, WILD" },
  },
  proxy_get_buffer_bytes: {
    returns: "data",
    variants: {
      ...each(BUFFERS, (buffer) => [`buffer ${buffer}`, `${buffer}, 0, 5, R, R + 4`]),
      ...each([0, 1, 4], (buffer) => [`rest ${buffer}`, `${buffer}, 2, 0x7fffffff, R, R + 4`]),
      ...each([0, 1, 4], (buffer) => [`all ${buffer}`, `${buffer}, 0, -1, R, R + 4`]),
      ...each([0, 1, 4], (buffer) => [`beyond ${buffer}`, `${buffer}, 1 << 20, 5, R, R + 4`]),
      ...each([0, 1, 4], (buffer) => [`overflow ${buffer}`, `${buffer}, -1, 2, R, R + 4`]),
      ...each([0, 1, 4], (buffer) => [`nothing ${buffer}`, `${buffer}, 0, 0, R, R + 4`]),
      wildReturn: "0, 0, 5, WILD, WILD",
    },
  },
  proxy_set_buffer_bytes: {
    returns: "nothing",
    variants: {
      ...each(WRITABLE, (buffer) => [`append ${buffer}`, `${buffer}, 1 << 20, 0, @hello`]),
      ...each(WRITABLE, (buffer) => [`prepend ${buffer}`, `${buffer}, 0, 0, @hello`]),
      ...each([0, 1], (buffer) => [`middle ${buffer}`, `${buffer}, 1, 2, @hello`]),
      ...each([0, 1], (buffer) => [`replace some ${buffer}`, `${buffer}, 0, 5, @value`]),
      ...each([0, 1], (buffer) => [`empty ${buffer}`, `${buffer}, 0, 0, @empty`]),
      outside: "0, 0, 0, 64, HUGE",
      wild: "0, 0, 0, WILD, 4",
    },
  },
  // Good ones are scenarios of their own: they end or resume the stream.
  proxy_continue_stream: { returns: "nothing", variants: each([3, 4, 99, -1], (type) => [`type ${type}`, `${type}`]) },
  proxy_close_stream: { returns: "nothing", variants: each([4, 99, -1], (type) => [`type ${type}`, `${type}`]) },
  proxy_send_local_response: {
    returns: "nothing",
    variants: {
      outsideDetails: "200, 64, HUGE, @empty, @empty, -1",
      outsideBody: "200, @empty, 64, HUGE, @empty, -1",
      outsideHeaders: "200, @empty, @empty, 64, HUGE, -1",
    },
  },
  proxy_set_effective_context: {
    returns: "nothing",
    variants: { unknown: "123456", negative: "-1", own: "context" },
  },
  proxy_done: { returns: "nothing", variants: { good: "" } },
  proxy_get_shared_data: {
    returns: "data",
    variants: {
      absent: "@absent, R, R + 4, R + 8",
      outside: "64, HUGE, R, R + 4, R + 8",
      wildReturn: "@absent, WILD, WILD, WILD",
    },
  },
  proxy_set_shared_data: {
    returns: "nothing",
    variants: {
      good: "OWN, OWN_SIZE, @value, 0",
      empty: "OWN, OWN_SIZE, @empty, 0",
      stale: "OWN, OWN_SIZE, @value, 1",
      outside: "OWN, OWN_SIZE, 64, HUGE, 0",
      wild: "WILD, 4, @value, 0",
    },
  },
  proxy_register_shared_queue: {
    returns: "nonzero32",
    variants: { good: "OWN, OWN_SIZE, R", outside: "64, HUGE, R", wildReturn: "OWN, OWN_SIZE, WILD" },
  },
  proxy_resolve_shared_queue: {
    returns: "nonzero32",
    variants: {
      good: "@vm, OWN, OWN_SIZE, R",
      absent: "@vm, @queue, R",
      vm: "@unknown, OWN, OWN_SIZE, R",
      outside: "@vm, 64, HUGE, R",
      wildReturn: "@vm, OWN, OWN_SIZE, WILD",
    },
  },
  proxy_enqueue_shared_queue: {
    returns: "nothing",
    variants: { unknown: "123456, @value", outside: "123456, 64, HUGE", negative: "-1, @value" },
  },
  proxy_dequeue_shared_queue: {
    returns: "data",
    variants: { unknown: "123456, R, R + 4", wildReturn: "123456, WILD, WILD" },
  },
  proxy_http_call: {
    returns: "nonzero32",
    variants: {
      unknown: "@unknown, @request, @empty, @empty, 1000, R",
      hostless: "@hostless, @request, @empty, @empty, 1000, R",
      pathless: "@cluster, @pathless, @empty, @empty, 1000, R",
      noHeaders: "@cluster, @empty, @empty, @empty, 1000, R",
      cut: "@cluster, @cut, @empty, @empty, 1000, R",
      many: "@cluster, @many, @empty, @empty, 1000, R",
      noCluster: "@empty, @request, @empty, @empty, 1000, R",
      outsideBody: "@cluster, @request, 64, HUGE, @empty, 1000, R",
      outsideTrailers: "@cluster, @request, @empty, 64, HUGE, 1000, R",
    },
  },
  proxy_grpc_call: {
    returns: "nonzero32",
    variants: {
      unknown: "@unknown, @service, @method, @empty, @value, 1000, R",
      noService: "@grpc, @empty, @method, @many, 64, HUGE, 1000, R",
      outside: "@grpc, 64, HUGE, @method, @empty, @value, 1000, R",
    },
  },
  proxy_grpc_stream: {
    returns: "nonzero32",
    variants: { unknown: "@unknown, @service, @method, @empty, R", outside: "@grpc, 64, HUGE, @method, @empty, R" },
  },
  proxy_grpc_send: {
    returns: "nothing",
    variants: { kind: "1, @value, 0", unknown: "1234562, @value, 0", outside: "2, 64, HUGE, 0" },
  },
  proxy_grpc_cancel: {
    returns: "nothing",
    variants: each([0, 1, 2, 3, 123457, 123458], (id) => [`id ${id}`, `${id}`]),
  },
  proxy_grpc_close: { returns: "nothing", variants: each([0, 1, 2, 3, 123457, 123458], (id) => [`id ${id}`, `${id}`]) },
  proxy_define_metric: {
    returns: "nonzero32",
    variants: {
      counter: "0, OWN, OWN_SIZE, R",
      type: "3, OWN, OWN_SIZE, R",
      negative: "-1, OWN, OWN_SIZE, R",
      outside: "0, 64, HUGE, R",
      wildReturn: "0, OWN, OWN_SIZE, WILD",
    },
  },
  proxy_increment_metric: { returns: "nothing", variants: { unknown: "123456, 1", negative: "-1, 1", kind3: "3, 1" } },
  proxy_record_metric: { returns: "nothing", variants: { unknown: "123456, 1", negative: "-1, 1", kind3: "3, 1" } },
  proxy_get_metric: { returns: "u64", variants: { unknown: "123456, R", wild: "123456, WILD" } },
  proxy_set_tick_period_milliseconds: { returns: "nothing", variants: { good: "TICK" } },
  proxy_call_foreign_function: {
    returns: "data",
    variants: {
      unknown: "@unknown, @empty, R, R + 4",
      empty: "@empty, @empty, R, R + 4",
      outside: "@unknown, 64, HUGE, R, R + 4",
      ...foreign("verify_signature", ["empty", "hello", "many"]),
      ...foreign("sign", ["empty", "hello", "many"]),
      ...foreign("compress", ["empty", "hello"]),
      ...foreign("uncompress", ["empty", "hello", "zlib"]),
      ...foreign("set_envoy_filter_state", ["empty", "hello", "state", "stateUnknown"]),
      ...foreign("clear_route_cache", ["empty", "hello"]),
      ...foreign("expr_create", ["empty", "celBad"]),
      ...foreign("expr_evaluate", ["empty", "many", "hello"]),
      ...foreign("expr_delete", ["empty", "many", "hello"]),
      ...foreign("declare_property", ["hello"]),
    },
  },
  envoy_resolve_dns: { returns: "nothing", variants: { empty: "@empty, R", outside: "64, HUGE, R" } },
  pthread_equal: { returns: "nothing", variants: { equal: "5, 5", other: "5, 6" } },
  fd_write: {
    returns: "u32",
    variants: { closed: "3, IOVS, 1, R", negative: "-1, IOVS, 1, R", none: "1, IOVS, 0, R", wild: "1, WILD, 1, R" },
  },
  fd_pwrite: { returns: "u32", variants: { closed: "3, IOVS, 1, 0, R" } },
  fd_read: { returns: "u32", variants: { zero: "0, IOVS, 1, R" } },
  fd_pread: { returns: "u32", variants: { zero: "0, IOVS, 1, 0, R" } },
  fd_seek: { returns: "u64", variants: { one: "1, 0, 0, R" } },
  fd_tell: { returns: "u64", variants: { one: "1, R", three: "3, R", wild: "1, WILD" } },
  fd_close: { returns: "nothing", variants: { one: "1", three: "3" } },
  fd_fdstat_get: { returns: "u64", variants: { one: "1, R", three: "3, R", wild: "1, WILD" } },
  fd_fdstat_set_flags: { returns: "nothing", variants: { one: "1, 0" } },
  fd_fdstat_set_rights: { returns: "nothing", variants: { one: "1, 0, 0", three: "3, 0, 0" } },
  fd_advise: { returns: "nothing", variants: { one: "1, 0, 0, 0", three: "3, 0, 0, 0" } },
  fd_allocate: { returns: "nothing", variants: { one: "1, 0, 0", three: "3, 0, 0" } },
  fd_datasync: { returns: "nothing", variants: { one: "1", three: "3" } },
  fd_sync: { returns: "nothing", variants: { one: "1", three: "3" } },
  fd_filestat_get: { returns: "nothing", variants: { one: "1, R" } },
  fd_filestat_set_size: { returns: "nothing", variants: { one: "1, 0", three: "3, 0" } },
  fd_filestat_set_times: { returns: "nothing", variants: { one: "1, 0, 0, 0", three: "3, 0, 0, 0" } },
  fd_prestat_get: { returns: "nothing", variants: { three: "3, R" } },
  fd_prestat_dir_name: { returns: "nothing", variants: { three: "3, R, 4" } },
  fd_readdir: { returns: "nothing", variants: { three: "3, R, 4, 0, R" } },
  fd_renumber: { returns: "nothing", variants: { one: "1, 2" } },
  path_open: { returns: "u32", variants: { good: "3, 0, @hello, 0, 0, 0, 0, R" } },
  path_filestat_get: { returns: "nothing", variants: { good: "3, 0, @hello, R" } },
  path_create_directory: { returns: "nothing", variants: { good: "3, @hello" } },
  path_filestat_set_times: { returns: "nothing", variants: { good: "3, 0, @hello, 0, 0, 0" } },
  path_link: { returns: "nothing", variants: { good: "3, 0, @hello, 3, R" } },
  path_readlink: { returns: "nothing", variants: { good: "3, @hello, R, 4, R" } },
  path_remove_directory: { returns: "nothing", variants: { good: "3, @hello" } },
  path_rename: { returns: "nothing", variants: { good: "3, @hello, 3, @value" } },
  path_symlink: { returns: "nothing", variants: { good: "3, @hello, R" } },
  path_unlink_file: { returns: "nothing", variants: { good: "3, @hello" } },
  sock_accept: { returns: "nothing", variants: { three: "3, 0, R" } },
  sock_recv: { returns: "nothing", variants: { three: "3, IOVS, 1, 0, R, R" } },
  sock_send: { returns: "nothing", variants: { three: "3, IOVS, 1, 0, R" } },
  sock_shutdown: { returns: "nothing", variants: { three: "3, 0" } },
  environ_sizes_get: { returns: "u64", variants: { good: "R, R + 4", wild: "WILD, R" } },
  environ_get: { returns: "nothing", variants: { wild: "WILD, R" } },
  args_sizes_get: { returns: "u64", variants: { good: "R, R + 4", wild: "WILD, R" } },
  args_get: { returns: "nothing", variants: { good: "R, R" } },
  clock_time_get: {
    returns: "nonzero",
    variants: {
      realtime: "0, 0, R",
      monotonic: "1, 0, R",
      process: "2, 0, R",
      negative: "-1, 0, R",
      wild: "0, 0, WILD",
    },
  },
  clock_res_get: { returns: "u64", variants: { realtime: "0, R", other: "9, R", wild: "0, WILD" } },
  random_get: {
    returns: "nonzero",
    variants: { good: "R, 8", none: "R, 0", much: "BIG, 65536", more: "BIG, 65537", wild: "WILD, 8" },
  },
  sched_yield: { returns: "nothing", variants: { good: "" } },
  poll_oneoff: { returns: "u32", variants: { good: "R + 8, R + 12, 1, R" } },
};

function foreign(name: string, args: readonly (keyof typeof TEXTS)[]): Record<string, string> {
  return Object.fromEntries(args.map((arg) => [`${name} ${arg}`, `${literal(name)}, @${arg}, R, R + 4`]));
}

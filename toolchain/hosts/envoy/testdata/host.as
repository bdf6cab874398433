// Raw host calls and small helpers for the test filters of this folder. Prepended to each by compile.ts.
@external("env", "proxy_log")
declare function proxy_log(level: i32, message: usize, size: usize): i32;
@external("env", "proxy_get_buffer_bytes")
declare function proxy_get_buffer_bytes(buffer: i32, start: i32, max: i32, data: usize, size: usize): i32;
@external("env", "proxy_set_buffer_bytes")
declare function proxy_set_buffer_bytes(buffer: i32, start: i32, size: i32, data: usize, dataSize: usize): i32;
@external("env", "proxy_get_header_map_value")
declare function proxy_get_header_map_value(map: i32, key: usize, keySize: usize, data: usize, size: usize): i32;
@external("env", "proxy_add_header_map_value")
declare function proxy_add_header_map_value(map: i32, key: usize, keySize: usize, value: usize, valueSize: usize): i32;
@external("env", "proxy_send_local_response")
declare function proxy_send_local_response(
  status: i32,
  details: usize,
  detailsSize: usize,
  body: usize,
  bodySize: usize,
  headers: usize,
  headersSize: usize,
  grpc: i32,
): i32;
@external("env", "proxy_continue_stream")
declare function proxy_continue_stream(stream: i32): i32;
@external("env", "proxy_close_stream")
declare function proxy_close_stream(stream: i32): i32;
@external("env", "proxy_set_effective_context")
declare function proxy_set_effective_context(context: i32): i32;
@external("env", "proxy_set_tick_period_milliseconds")
declare function proxy_set_tick_period_milliseconds(period: i32): i32;
@external("env", "proxy_get_property")
declare function proxy_get_property(path: usize, pathSize: usize, data: usize, size: usize): i32;
@external("env", "proxy_call_foreign_function")
declare function proxy_call_foreign_function(
  name: usize,
  nameSize: usize,
  args: usize,
  argsSize: usize,
  data: usize,
  size: usize,
): i32;
@external("env", "proxy_http_call")
declare function proxy_http_call(
  upstream: usize,
  upstreamSize: usize,
  headers: usize,
  headersSize: usize,
  body: usize,
  bodySize: usize,
  trailers: usize,
  trailersSize: usize,
  timeout: i32,
  id: usize,
): i32;
@external("env", "proxy_grpc_call")
declare function proxy_grpc_call(
  cluster: usize,
  clusterSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  message: usize,
  messageSize: usize,
  timeout: i32,
  id: usize,
): i32;
@external("env", "proxy_grpc_stream")
declare function proxy_grpc_stream(
  cluster: usize,
  clusterSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  id: usize,
): i32;
@external("env", "proxy_grpc_send")
declare function proxy_grpc_send(id: i32, message: usize, size: usize, end: i32): i32;
@external("env", "proxy_get_status")
declare function proxy_get_status(code: usize, data: usize, size: usize): i32;
@external("env", "proxy_define_metric")
declare function proxy_define_metric(type: i32, name: usize, size: usize, id: usize): i32;
@external("env", "proxy_increment_metric")
declare function proxy_increment_metric(id: i32, offset: i64): i32;
@external("env", "proxy_record_metric")
declare function proxy_record_metric(id: i32, value: i64): i32;
@external("wasi_snapshot_preview1", "environ_sizes_get")
declare function environ_sizes_get(count: usize, size: usize): i32;
@external("wasi_snapshot_preview1", "environ_get")
declare function environ_get(list: usize, buffer: usize): i32;

const out = memory.data(16);

function pointer(text: ArrayBuffer): usize {
  return changetype<usize>(text);
}

function log(level: i32, text: string): void {
  const bytes = String.UTF8.encode(text);
  proxy_log(level, pointer(bytes), bytes.byteLength);
}

/** The text that the last host call wrote to `out`. */
function given(): string {
  return String.UTF8.decodeUnsafe(load<u32>(out), load<u32>(out + 4));
}

function header(map: i32, name: string): string {
  const key = String.UTF8.encode(name);
  if (proxy_get_header_map_value(map, pointer(key), key.byteLength, out, out + 4) != 0) return "";
  return given();
}

function bufferText(buffer: i32, size: i32): string {
  if (size == 0 || proxy_get_buffer_bytes(buffer, 0, size, out, out + 4) != 0) return "";
  return given();
}

function property(path: string): string {
  const bytes = String.UTF8.encode(path.replaceAll(".", "\0"));
  if (proxy_get_property(pointer(bytes), bytes.byteLength, out, out + 4) != 0) return "none";
  return given();
}

/** `name=value` lines as the ABI's serialised map. */
function pairs(lines: string): ArrayBuffer {
  const each = lines.split("\n");
  let total = 4;
  for (let i = 0; i < each.length; i++) total += 8 + String.UTF8.byteLength(each[i]) + 1;
  const bytes = new ArrayBuffer(total);
  let sizes = pointer(bytes) + 4;
  let at = sizes + 8 * each.length;
  store<u32>(pointer(bytes), each.length);
  for (let i = 0; i < each.length; i++) {
    const cut = each[i].indexOf("=");
    const name = String.UTF8.encode(each[i].slice(0, cut), true);
    const value = String.UTF8.encode(each[i].slice(cut + 1), true);
    store<u32>(sizes, name.byteLength - 1);
    store<u32>(sizes + 4, value.byteLength - 1);
    sizes += 8;
    memory.copy(at, pointer(name), name.byteLength);
    at += name.byteLength;
    memory.copy(at, pointer(value), value.byteLength);
    at += value.byteLength;
  }
  return bytes;
}

function reply(status: i32, headers: string, body: string): void {
  const map = pairs(headers);
  const bytes = String.UTF8.encode(body);
  proxy_send_local_response(status, 0, 0, pointer(bytes), bytes.byteLength, pointer(map), map.byteLength, -1);
}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_abi_version_0_2_1(): void {}

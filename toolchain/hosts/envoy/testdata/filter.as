// A filter without any SDK, for the tests of the Envoy host. Compiled by testdata/compile.ts.
@external("env", "proxy_log")
declare function proxy_log(level: i32, message: usize, size: usize): i32;
@external("env", "proxy_get_buffer_bytes")
declare function proxy_get_buffer_bytes(buffer: i32, start: i32, max: i32, data: usize, size: usize): i32;
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

const out = memory.data(8);
// Configurations by root context: after an update one VM holds the old root and the new one.
const configs = new Map<i32, string>();
const rootOf = new Map<i32, i32>();

function log(level: i32, text: string): void {
  const bytes = String.UTF8.encode(text);
  proxy_log(level, changetype<usize>(bytes), bytes.byteLength);
}

function requestHeader(name: string): string {
  const key = String.UTF8.encode(name);
  if (proxy_get_header_map_value(0, changetype<usize>(key), key.byteLength, out, out + 4) != 0) return "";
  return String.UTF8.decodeUnsafe(load<u32>(out), load<u32>(out + 4));
}

function addResponseHeader(name: string, value: string): void {
  const key = String.UTF8.encode(name);
  const bytes = String.UTF8.encode(value);
  proxy_add_header_map_value(2, changetype<usize>(key), key.byteLength, changetype<usize>(bytes), bytes.byteLength);
}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_context_create(context: i32, parent: i32): void {
  if (parent != 0) rootOf.set(context, parent);
}

export function proxy_on_configure(root: i32, size: i32): i32 {
  let config = "";
  if (size > 0) {
    proxy_get_buffer_bytes(7, 0, size, out, out + 4);
    config = String.UTF8.decodeUnsafe(load<u32>(out), load<u32>(out + 4));
  }
  if (config == "bad") {
    log(4, "config: $: must not be bad");
    return 0;
  }
  if (config == "silent") return 0;
  if (config == "trap") unreachable();
  configs.set(root, config);
  log(2, "configured with " + config);
  return 1;
}

export function proxy_on_request_headers(context: i32, count: i32, end: i32): i32 {
  const path = requestHeader(":path");
  log(1, "debug " + path);
  log(2, "request " + path);
  if (path == "/lines") log(3, 'first line\nsecond "line": {"l":"info"}\ttab é');
  if (path == "/bytes") {
    store<u32>(out, 0x80ff6261); // "ab" and two bytes that are not UTF-8
    proxy_log(2, out, 4);
  }
  if (path == "/trap") unreachable();
  if (path == "/deny") {
    const body = String.UTF8.encode("denied\n");
    proxy_send_local_response(403, 0, 0, changetype<usize>(body), body.byteLength, 0, 0, -1);
    return 1;
  }
  return 0;
}

export function proxy_on_response_headers(context: i32, count: i32, end: i32): i32 {
  addResponseHeader("x-config", configs.get(rootOf.get(context)));
  return 0;
}

export function proxy_on_log(context: i32): void {
  log(2, "log");
}

export function proxy_on_delete(context: i32): void {
  rootOf.delete(context);
  log(2, "delete");
}

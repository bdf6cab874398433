// What every test of the Envoy host starts from: configuration, logs, a denial, a trap.
// Configurations by root context: after an update one VM holds the old root and the new one.
const configs = new Map<i32, string>();
const rootOf = new Map<i32, i32>();

function addResponseHeader(name: string, value: string): void {
  const key = String.UTF8.encode(name);
  const bytes = String.UTF8.encode(value);
  proxy_add_header_map_value(2, pointer(key), key.byteLength, pointer(bytes), bytes.byteLength);
}

export function proxy_on_context_create(context: i32, parent: i32): void {
  if (parent != 0) rootOf.set(context, parent);
}

export function proxy_on_configure(root: i32, size: i32): i32 {
  const config = bufferText(7, size);
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
  const path = header(0, ":path");
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

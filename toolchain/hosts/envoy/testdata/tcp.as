// A TCP filter without any SDK: by configuration it passes, changes, denies or closes.
const rootOf = new Map<i32, i32>();
const configs = new Map<i32, string>();

export function proxy_on_context_create(context: i32, parent: i32): void {
  if (parent != 0) rootOf.set(context, parent);
}

export function proxy_on_configure(root: i32, size: i32): i32 {
  const config = bufferText(7, size);
  if (config == "bad") {
    log(4, "config: $: must not be bad");
    return 0;
  }
  configs.set(root, config);
  return 1;
}

function configOf(context: i32): string {
  return configs.get(rootOf.get(context));
}

function put(buffer: i32, start: i32, size: i32, text: string): void {
  const bytes = String.UTF8.encode(text);
  proxy_set_buffer_bytes(buffer, start, size, pointer(bytes), bytes.byteLength);
}

export function proxy_on_new_connection(context: i32): i32 {
  log(2, "new " + configOf(context));
  if (configOf(context) == "deny") proxy_close_stream(2);
  return 0;
}

export function proxy_on_downstream_data(context: i32, size: i32, end: i32): i32 {
  const text = bufferText(2, size);
  log(2, "down " + text + (end ? " end" : ""));
  if (text == "trap\n") unreachable();
  if (text == "close\n") {
    proxy_close_stream(2);
    return 1;
  }
  if (size > 0) put(2, 0, 0, configOf(context) + ":");
  return 0;
}

export function proxy_on_upstream_data(context: i32, size: i32, end: i32): i32 {
  log(2, "up " + bufferText(3, size) + (end ? " end" : ""));
  return 0;
}

export function proxy_on_downstream_connection_close(context: i32, peer: i32): void {
  log(2, "downstream closed " + peer.toString());
}

export function proxy_on_upstream_connection_close(context: i32, peer: i32): void {
  log(2, "upstream closed " + peer.toString());
}

export function proxy_on_done(context: i32): i32 {
  log(2, "done");
  return 1;
}

export function proxy_on_log(context: i32): void {
  log(2, "log");
}

export function proxy_on_delete(context: i32): void {
  rootOf.delete(context);
  log(2, "delete");
}

// What the Envoy host's clusters, metrics, ticks, environment and VM settings are tested with.
const rootOf = new Map<i32, i32>();
const waiting = new Map<i32, i32>(); // call id to stream
const answers = new Map<i32, string>(); // stream to what its gRPC call has brought
let counter = 0;
let gauge = 0;
let histogram = 0;
let ticks = 0;
let vmConfig = "";
let periods = 0;
let requests = 0;
const numbers = new Map<i32, i32>(); // stream to how many came before it to this VM, and itself

function metric(type: i32, name: string): i32 {
  const bytes = String.UTF8.encode(name);
  proxy_define_metric(type, pointer(bytes), bytes.byteLength, out);
  return load<i32>(out);
}

export function proxy_on_context_create(context: i32, parent: i32): void {
  if (parent != 0) rootOf.set(context, parent);
}

export function proxy_on_vm_start(root: i32, size: i32): i32 {
  vmConfig = bufferText(6, size);
  return 1;
}

export function proxy_on_configure(root: i32, size: i32): i32 {
  const config = bufferText(7, size);
  counter = metric(0, "calls.requests");
  gauge = metric(1, "calls.last");
  histogram = metric(2, "calls.sizes");
  ticks = metric(0, "calls.ticks");
  if (config.startsWith("tick ")) proxy_set_tick_period_milliseconds(i32.parse(config.slice(5)));
  return 1;
}

export function proxy_on_tick(root: i32): void {
  proxy_increment_metric(ticks, 1);
  log(2, "tick " + (++periods).toString());
}

function environment(): string {
  environ_sizes_get(out, out + 4);
  const count = load<u32>(out);
  const size = load<u32>(out + 4);
  const list = heap.alloc(4 * count + size + 4);
  environ_get(list, list + 4 * count);
  let text = "";
  for (let i: u32 = 0; i < count; i++) {
    const start = load<u32>(list + 4 * i);
    let end = start;
    while (load<u8>(end) != 0) end++;
    text += String.UTF8.decodeUnsafe(start, end - start) + ";";
  }
  return text;
}

function httpCall(context: i32): i32 {
  const cluster = String.UTF8.encode(header(0, "x-cluster"));
  const method = header(0, "x-method");
  const map = pairs(
    ":method=" + (method == "" ? "GET" : method) + "\n:path=" + header(0, "x-path") + "\n:authority=callout.test\nx-a=1",
  );
  const body = String.UTF8.encode(header(0, "x-body"));
  const timeout = header(0, "x-timeout");
  const status = proxy_http_call(
    pointer(cluster),
    cluster.byteLength,
    pointer(map),
    map.byteLength,
    pointer(body),
    body.byteLength,
    0,
    0,
    timeout == "" ? 2000 : i32.parse(timeout),
    out,
  );
  if (status != 0) {
    reply(500, "x-call=" + status.toString(), "not called\n");
    return 1;
  }
  waiting.set(load<i32>(out), context);
  return 1;
}

function grpcCall(context: i32, stream: bool): i32 {
  const cluster = String.UTF8.encode(header(0, "x-cluster"));
  const service = String.UTF8.encode("test.Service");
  const method = String.UTF8.encode(header(0, "x-method"));
  const map = pairs("x-meta=one");
  const message = String.UTF8.encode(header(0, "x-body"));
  const status = stream
    ? proxy_grpc_stream(
        pointer(cluster),
        cluster.byteLength,
        pointer(service),
        service.byteLength,
        pointer(method),
        method.byteLength,
        pointer(map),
        map.byteLength,
        out,
      )
    : proxy_grpc_call(
        pointer(cluster),
        cluster.byteLength,
        pointer(service),
        service.byteLength,
        pointer(method),
        method.byteLength,
        pointer(map),
        map.byteLength,
        pointer(message),
        message.byteLength,
        2000,
        out,
      );
  if (status != 0) {
    reply(500, "x-call=" + status.toString(), "not called\n");
    return 1;
  }
  const id = load<i32>(out);
  waiting.set(id, context);
  answers.set(context, "");
  if (stream) {
    proxy_grpc_send(id, pointer(message), message.byteLength, 0);
    proxy_grpc_send(id, pointer(message), message.byteLength, 1);
  }
  return 1;
}

export function proxy_on_request_headers(context: i32, count: i32, end: i32): i32 {
  const path = header(0, ":path");
  proxy_increment_metric(counter, 1);
  numbers.set(context, ++requests);
  if (path == "/call") return httpCall(context);
  if (path == "/grpc") return grpcCall(context, false);
  if (path == "/grpc-stream") return grpcCall(context, true);
  if (path == "/record") {
    const value = i64.parse(header(0, "x-value"));
    proxy_record_metric(gauge, value);
    proxy_record_metric(histogram, value);
  }
  if (path == "/settings") {
    const thread = property("plugin_vm_id") + " " + property("plugin_name") + " " + property("plugin_root_id");
    reply(200, "x-vm=" + vmConfig, thread + "\n" + environment());
    return 1;
  }
  if (path == "/property") {
    reply(200, "x-a=1", property(header(0, "x-property")));
    return 1;
  }
  if (path == "/node") {
    reply(200, "x-a=1", property("xds.node.id"));
    return 1;
  }
  if (path == "/clear") {
    const name = String.UTF8.encode("clear_route_cache");
    reply(200, "x-a=1", proxy_call_foreign_function(pointer(name), name.byteLength, 0, 0, out, out + 4).toString());
    return 1;
  }
  if (path == "/hang") return 1;
  if (path == "/loop") while (true) proxy_increment_metric(counter, 1);
  if (path == "/trap") unreachable();
  return 0;
}

export function proxy_on_http_call_response(root: i32, id: i32, headers: i32, size: i32, trailers: i32): void {
  if (!waiting.has(id)) return;
  const context = waiting.get(id);
  waiting.delete(id);
  const status = header(6, ":status");
  const extra = header(6, "x-extra");
  const body = bufferText(4, size);
  proxy_set_effective_context(context);
  reply(200, "x-call=" + (headers == 0 ? "reset" : status) + "\nx-extra=" + extra + "\nx-count=" + numbers.get(context).toString(), body);
}

export function proxy_on_grpc_receive_initial_metadata(root: i32, id: i32, count: i32): void {
  const context = waiting.get(id);
  answers.set(context, answers.get(context) + "initial:" + header(4, "x-initial") + ";");
}

export function proxy_on_grpc_receive(root: i32, id: i32, size: i32): void {
  const context = waiting.get(id);
  const text = answers.get(context) + "message:" + bufferText(5, size) + ";";
  answers.set(context, text);
  // The last callback of a unary call that brought a message: nothing closes it.
  if ((id & 3) == 1) {
    waiting.delete(id);
    proxy_set_effective_context(context);
    reply(200, "x-grpc=0", text);
  }
}

export function proxy_on_grpc_receive_trailing_metadata(root: i32, id: i32, count: i32): void {
  const context = waiting.get(id);
  answers.set(context, answers.get(context) + "trailing:" + header(5, "x-trailing") + ";");
}

export function proxy_on_grpc_close(root: i32, id: i32, status: i32): void {
  if (!waiting.has(id)) return;
  const context = waiting.get(id);
  waiting.delete(id);
  proxy_get_status(out + 8, out, out + 4);
  const message = given();
  proxy_set_effective_context(context);
  reply(200, "x-grpc=" + status.toString() + "\nx-message=" + message, answers.get(context));
}

export function proxy_on_delete(context: i32): void {
  rootOf.delete(context);
  answers.delete(context);
  numbers.delete(context);
}

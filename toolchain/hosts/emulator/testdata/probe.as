// A probe that does what its configuration says, so that one module can ask a host anything.
//
// Each configuration line is `PHASE[@PATH] OP|ARG|ARG…`; arguments are percent-encoded bytes. Every callback logs
// its name and arguments, every operation logs its answer; the logs are the transcript. The exports and operations
// are all there is to it: no SDK, so that a mistake in the SDK and one in a host cannot hide each other.

@external("env", "proxy_log") declare function proxy_log(level: u32, msg: usize, len: usize): u32;
@external("env", "proxy_get_log_level") declare function proxy_get_log_level(ret: usize): u32;
@external("env", "proxy_get_current_time_nanoseconds") declare function proxy_time(ret: usize): u32;
@external("env", "proxy_get_status") declare function proxy_get_status(code: usize, ptr: usize, len: usize): u32;
@external("env", "proxy_get_property") declare function proxy_get_property(p: usize, n: usize, ptr: usize, len: usize): u32;
@external("env", "proxy_set_property") declare function proxy_set_property(p: usize, n: usize, v: usize, vn: usize): u32;
@external("env", "proxy_continue_stream") declare function proxy_continue_stream(type: u32): u32;
@external("env", "proxy_close_stream") declare function proxy_close_stream(type: u32): u32;
@external("env", "proxy_send_local_response")
declare function proxy_send_local_response(code: u32, d: usize, dn: usize, b: usize, bn: usize, h: usize, hn: usize, grpc: i32): u32;
@external("env", "proxy_set_effective_context") declare function proxy_set_effective_context(id: u32): u32;
@external("env", "proxy_done") declare function proxy_done(): u32;
@external("env", "proxy_call_foreign_function")
declare function proxy_foreign(n: usize, nn: usize, a: usize, an: usize, ptr: usize, len: usize): u32;
@external("env", "proxy_get_buffer_bytes") declare function proxy_get_buffer(b: u32, start: u32, max: u32, ptr: usize, len: usize): u32;
@external("env", "proxy_get_buffer_status") declare function proxy_buffer_status(b: u32, len: usize, flags: usize): u32;
@external("env", "proxy_set_buffer_bytes") declare function proxy_set_buffer(b: u32, start: u32, n: u32, d: usize, dn: usize): u32;
@external("env", "proxy_get_header_map_size") declare function proxy_map_size(m: u32, ret: usize): u32;
@external("env", "proxy_get_header_map_pairs") declare function proxy_get_pairs(m: u32, ptr: usize, len: usize): u32;
@external("env", "proxy_set_header_map_pairs") declare function proxy_set_pairs(m: u32, d: usize, n: usize): u32;
@external("env", "proxy_get_header_map_value") declare function proxy_get_header(m: u32, k: usize, kn: usize, ptr: usize, len: usize): u32;
@external("env", "proxy_add_header_map_value") declare function proxy_add_header(m: u32, k: usize, kn: usize, v: usize, vn: usize): u32;
@external("env", "proxy_replace_header_map_value") declare function proxy_set_header(m: u32, k: usize, kn: usize, v: usize, vn: usize): u32;
@external("env", "proxy_remove_header_map_value") declare function proxy_remove_header(m: u32, k: usize, kn: usize): u32;
@external("env", "proxy_define_metric") declare function proxy_define_metric(t: u32, n: usize, nn: usize, ret: usize): u32;
@external("env", "proxy_increment_metric") declare function proxy_increment_metric(id: u32, delta: i64): u32;
@external("env", "proxy_record_metric") declare function proxy_record_metric(id: u32, value: u64): u32;
@external("env", "proxy_get_metric") declare function proxy_get_metric(id: u32, ret: usize): u32;
@external("env", "proxy_set_tick_period_milliseconds") declare function proxy_tick(ms: u32): u32;
@external("env", "proxy_get_shared_data")
declare function proxy_get_shared_data(k: usize, kn: usize, ptr: usize, len: usize, cas: usize): u32;
@external("env", "proxy_set_shared_data")
declare function proxy_set_shared_data(k: usize, kn: usize, v: usize, vn: usize, cas: u32): u32;
@external("env", "proxy_register_shared_queue") declare function proxy_register_queue(n: usize, nn: usize, ret: usize): u32;
@external("env", "proxy_resolve_shared_queue")
declare function proxy_resolve_queue(v: usize, vn: usize, n: usize, nn: usize, ret: usize): u32;
@external("env", "proxy_enqueue_shared_queue") declare function proxy_enqueue(id: u32, v: usize, vn: usize): u32;
@external("env", "proxy_dequeue_shared_queue") declare function proxy_dequeue(id: u32, ptr: usize, len: usize): u32;
@external("env", "proxy_http_call")
declare function proxy_http_call(u: usize, un: usize, h: usize, hn: usize, b: usize, bn: usize, t: usize, tn: usize, ms: u32, ret: usize): u32;
@external("env", "proxy_grpc_call")
declare function proxy_grpc_call(g: usize, gn: usize, s: usize, sn: usize, m: usize, mn: usize, h: usize, hn: usize, b: usize, bn: usize, ms: u32, ret: usize): u32;
@external("env", "proxy_grpc_stream")
declare function proxy_grpc_stream(g: usize, gn: usize, s: usize, sn: usize, m: usize, mn: usize, h: usize, hn: usize, ret: usize): u32;
@external("env", "proxy_grpc_send") declare function proxy_grpc_send(id: u32, b: usize, bn: usize, end: u32): u32;
@external("env", "proxy_grpc_cancel") declare function proxy_grpc_cancel(id: u32): u32;
@external("env", "proxy_grpc_close") declare function proxy_grpc_close(id: u32): u32;
@external("env", "envoy_resolve_dns") declare function envoy_resolve_dns(n: usize, nn: usize, ret: usize): u32;
@external("wasi_snapshot_preview1", "fd_write") declare function fd_write(fd: u32, iovs: usize, n: u32, ret: usize): u32;
@external("wasi_snapshot_preview1", "random_get") declare function random_get(p: usize, n: u32): u32;
@external("wasi_snapshot_preview1", "clock_time_get") declare function clock_time_get(id: u32, p: u64, ret: usize): u32;
@external("wasi_snapshot_preview1", "environ_sizes_get") declare function environ_sizes_get(a: usize, b: usize): u32;
@external("wasi_snapshot_preview1", "environ_get") declare function environ_get(a: usize, b: usize): u32;
@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: u32): void;

const ret: usize = memory.data(32, 8);
let lines: string[] = [];
const paths = new Map<u32, string>();
let failMalloc = false;
let lastStream: u32 = 0;

export function proxy_abi_version_0_2_1(): void {}

export function malloc(n: usize): usize {
  return failMalloc ? 0 : heap.alloc(n);
}

function hex(n: u8): i32 {
  return n <= 57 ? n - 48 : (n | 32) - 87;
}

/** Percent-encoded text as bytes; `~N~c` is N times the character. */
function bytes(s: string): ArrayBuffer {
  if (s.length > 2 && s.charCodeAt(0) == 126) {
    const end = s.indexOf("~", 1);
    const many = new ArrayBuffer(<i32>parseInt(s.substring(1, end)));
    memory.fill(changetype<usize>(many), <u8>s.charCodeAt(end + 1), many.byteLength);
    return many;
  }
  const raw = Uint8Array.wrap(String.UTF8.encode(s));
  const out = new Uint8Array(raw.length);
  let n = 0;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] == 37) {
      out[n++] = <u8>((hex(raw[i + 1]) << 4) | hex(raw[i + 2]));
      i += 2;
    } else out[n++] = raw[i];
  }
  return out.buffer.slice(0, n);
}

/** Bytes as text in which everything but printable ASCII is escaped. */
function show(ptr: usize, n: usize): string {
  let s = "";
  if (n > 3000) return n.toString() + " bytes " + show(ptr, 20) + ".." + show(ptr + n - 20, 20);
  for (let i: usize = 0; i < n; i++) {
    const c = load<u8>(ptr + i);
    if (c < 32 || c > 126 || c == 37) s += "%" + (c < 16 ? "0" : "") + (<u32>c).toString(16);
    else s += String.fromCharCode(c);
  }
  return s;
}

function say(s: string, level: u32 = 2): void {
  const b = String.UTF8.encode(s);
  proxy_log(level, changetype<usize>(b), b.byteLength);
}

function serialise(s: string): ArrayBuffer {
  if (s == "") return new ArrayBuffer(0);
  const items = s.split("&");
  const keys: ArrayBuffer[] = [];
  const values: ArrayBuffer[] = [];
  let size = 4;
  for (let i = 0; i < items.length; i++) {
    const eq = items[i].indexOf("=");
    keys.push(bytes(items[i].substring(0, eq)));
    values.push(bytes(items[i].substring(eq + 1)));
    size += 8 + keys[i].byteLength + values[i].byteLength + 2;
  }
  const out = new ArrayBuffer(size);
  const base = changetype<usize>(out);
  store<u32>(base, items.length);
  let at: usize = base + 4 + 8 * items.length;
  for (let i = 0; i < items.length; i++) {
    store<u32>(base + 4 + 8 * i, keys[i].byteLength);
    store<u32>(base + 8 + 8 * i, values[i].byteLength);
    memory.copy(at, changetype<usize>(keys[i]), keys[i].byteLength);
    at += keys[i].byteLength + 1;
    memory.copy(at, changetype<usize>(values[i]), values[i].byteLength);
    at += values[i].byteLength + 1;
  }
  return out;
}

function answer(status: u32): string {
  return status == 0 ? "0 " + load<u32>(ret + 4).toString() + " [" + show(load<u32>(ret), load<u32>(ret + 4)) + "]" : status.toString();
}

function pairs(status: u32): string {
  const n = load<u32>(ret + 4);
  if (status != 0 || n == 0) return status.toString() + (status == 0 ? " empty" : "");
  const p = load<u32>(ret);
  let s = "0";
  const count = load<u32>(p);
  let at: usize = p + 4 + 8 * count;
  for (let i: u32 = 0; i < count; i++) {
    const k = load<u32>(p + 4 + 8 * i);
    const v = load<u32>(p + 8 + 8 * i);
    s += " [" + show(at, k) + "=" + show(at + k + 1, v) + "]";
    at += k + v + 2;
  }
  return s;
}

@inline function p(b: ArrayBuffer): usize {
  return changetype<usize>(b);
}

function int(s: string): u32 {
  return <u32>(<i64>parseInt(s));
}

function run(a: string[]): string {
  const op = a[0];
  store<u64>(ret, 0);
  if (op == "log") {
    const b = bytes(a[2]);
    return proxy_log(int(a[1]), p(b), b.byteLength).toString();
  }
  if (op == "get") {
    const k = bytes(a[2]);
    return answer(proxy_get_header(int(a[1]), p(k), k.byteLength, ret, ret + 4));
  }
  if (op == "set" || op == "add") {
    const k = bytes(a[2]);
    const v = bytes(a[3]);
    return (
      op == "set"
        ? proxy_set_header(int(a[1]), p(k), k.byteLength, p(v), v.byteLength)
        : proxy_add_header(int(a[1]), p(k), k.byteLength, p(v), v.byteLength)
    ).toString();
  }
  if (op == "remove") {
    const k = bytes(a[2]);
    return proxy_remove_header(int(a[1]), p(k), k.byteLength).toString();
  }
  if (op == "pairs") return pairs(proxy_get_pairs(int(a[1]), ret, ret + 4));
  if (op == "setpairs") {
    const d = serialise(a[2]);
    return proxy_set_pairs(int(a[1]), p(d), d.byteLength).toString();
  }
  if (op == "setpairsraw") {
    const d = bytes(a[2]);
    return proxy_set_pairs(int(a[1]), p(d), d.byteLength).toString();
  }
  if (op == "size") return proxy_map_size(int(a[1]), ret).toString() + " " + load<u32>(ret).toString();
  if (op == "sizestatus") return proxy_map_size(int(a[1]), ret).toString();
  if (op == "buf") return answer(proxy_get_buffer(int(a[1]), int(a[2]), int(a[3]), ret, ret + 4));
  if (op == "bufstatus") {
    const s = proxy_buffer_status(int(a[1]), ret, ret + 4);
    return s.toString() + " " + load<u32>(ret).toString() + " " + load<u32>(ret + 4).toString();
  }
  if (op == "bufset") {
    const d = bytes(a[4]);
    return proxy_set_buffer(int(a[1]), int(a[2]), int(a[3]), p(d), d.byteLength).toString();
  }
  if (op == "prop" || op == "propstatus" || op == "proplen") {
    const k = bytes(a[1].replaceAll("/", "%00"));
    const s = proxy_get_property(p(k), k.byteLength, ret, ret + 4);
    if (op == "propstatus") return s.toString();
    if (op == "proplen") return s.toString() + " " + load<u32>(ret + 4).toString();
    return answer(s);
  }
  if (op == "setprop") {
    const k = bytes(a[1].replaceAll("/", "%00"));
    const v = bytes(a[2]);
    return proxy_set_property(p(k), k.byteLength, p(v), v.byteLength).toString();
  }
  if (op == "reply") {
    const d = bytes(a[2]);
    const b = bytes(a[3]);
    const h = serialise(a[4]);
    return proxy_send_local_response(int(a[1]), p(d), d.byteLength, p(b), b.byteLength, p(h), h.byteLength, <i32>int(a[5])).toString();
  }
  if (op == "continue") return proxy_continue_stream(int(a[1])).toString();
  if (op == "close") return proxy_close_stream(int(a[1])).toString();
  if (op == "effective") return proxy_set_effective_context(a[1] == "last" ? lastStream : int(a[1])).toString();
  if (op == "done") return proxy_done().toString();
  if (op == "status") {
    const s = proxy_get_status(ret + 8, ret, ret + 4);
    return s.toString() + " " + load<u32>(ret + 8).toString() + (load<u32>(ret + 4) == 0 ? "" : " [" + show(load<u32>(ret), load<u32>(ret + 4)) + "]");
  }
  if (op == "time") return proxy_time(ret).toString() + (load<u64>(ret) > 1600000000000000000 ? " now" : " wrong");
  if (op == "level") return proxy_get_log_level(ret).toString() + " " + load<u32>(ret).toString();
  if (op == "foreign") {
    const n = bytes(a[1]);
    const d = bytes(a[2]);
    return answer(proxy_foreign(p(n), n.byteLength, p(d), d.byteLength, ret, ret + 4));
  }
  if (op == "foreignnull") {
    const n = bytes(a[1]);
    const d = bytes(a[2]);
    return proxy_foreign(p(n), n.byteLength, p(d), d.byteLength, 0, 0).toString();
  }
  if (op == "expr") {
    const n = String.UTF8.encode("expr_create");
    const d = bytes(a[1]);
    const s = proxy_foreign(p(n), n.byteLength, p(d), d.byteLength, ret, ret + 4);
    if (s != 0) return "create " + s.toString();
    const token = load<u32>(ret);
    const e = String.UTF8.encode("expr_evaluate");
    return "evaluate " + answer(proxy_foreign(p(e), e.byteLength, token, 4, ret, ret + 4));
  }
  if (op == "define") {
    const n = bytes(a[2]);
    const s = proxy_define_metric(int(a[1]), p(n), n.byteLength, ret);
    return s.toString() + " " + load<u32>(ret).toString();
  }
  if (op == "inc") return proxy_increment_metric(int(a[1]), <i64>parseInt(a[2])).toString();
  if (op == "rec") return proxy_record_metric(int(a[1]), <u64>(<i64>parseInt(a[2]))).toString();
  if (op == "metric") {
    const s = proxy_get_metric(int(a[1]), ret);
    return s.toString() + " " + load<u64>(ret).toString();
  }
  if (op == "tick") return proxy_tick(int(a[1])).toString();
  if (op == "setdata") {
    const k = bytes(a[1]);
    const v = bytes(a[2]);
    return proxy_set_shared_data(p(k), k.byteLength, p(v), v.byteLength, int(a[3])).toString();
  }
  if (op == "getdata") {
    const k = bytes(a[1]);
    const s = proxy_get_shared_data(p(k), k.byteLength, ret, ret + 4, ret + 8);
    return answer(s) + (s == 0 ? " " + load<u32>(ret + 8).toString() : "");
  }
  if (op == "queue") {
    const n = bytes(a[1]);
    const s = proxy_register_queue(p(n), n.byteLength, ret);
    return s.toString() + " " + load<u32>(ret).toString();
  }
  if (op == "resolve") {
    const v = bytes(a[1]);
    const n = bytes(a[2]);
    const s = proxy_resolve_queue(p(v), v.byteLength, p(n), n.byteLength, ret);
    return s.toString() + " " + load<u32>(ret).toString();
  }
  if (op == "enqueue") {
    const v = bytes(a[2]);
    return proxy_enqueue(int(a[1]), p(v), v.byteLength).toString();
  }
  if (op == "dequeue") return answer(proxy_dequeue(int(a[1]), ret, ret + 4));
  if (op == "call") {
    const u = bytes(a[1]);
    const h = serialise(a[2]);
    const b = bytes(a[3]);
    const t = serialise(a[4]);
    const s = proxy_http_call(p(u), u.byteLength, p(h), h.byteLength, p(b), b.byteLength, p(t), t.byteLength, int(a[5]), ret);
    return s.toString() + " " + load<u32>(ret).toString();
  }
  if (op == "grpccall" || op == "grpcstream") {
    const g = bytes(a[1]);
    const v = bytes(a[2]);
    const m = bytes(a[3]);
    const h = serialise(a[4]);
    let s: u32;
    if (op == "grpccall") {
      const b = bytes(a[5]);
      s = proxy_grpc_call(p(g), g.byteLength, p(v), v.byteLength, p(m), m.byteLength, p(h), h.byteLength, p(b), b.byteLength, int(a[6]), ret);
    } else s = proxy_grpc_stream(p(g), g.byteLength, p(v), v.byteLength, p(m), m.byteLength, p(h), h.byteLength, ret);
    return s.toString() + " " + load<u32>(ret).toString();
  }
  if (op == "grpcsend") {
    const b = bytes(a[2]);
    return proxy_grpc_send(int(a[1]), p(b), b.byteLength, int(a[3])).toString();
  }
  if (op == "grpccancel") return proxy_grpc_cancel(int(a[1])).toString();
  if (op == "grpcclose") return proxy_grpc_close(int(a[1])).toString();
  if (op == "dns") {
    const n = bytes(a[1]);
    const s = envoy_resolve_dns(p(n), n.byteLength, ret);
    return s.toString() + " " + load<u32>(ret).toString();
  }
  if (op == "grow") return memory.grow(int(a[1])).toString();
  if (op == "write") {
    const d = bytes(a[2]);
    store<u32>(ret, <u32>p(d));
    store<u32>(ret + 4, d.byteLength);
    const s = fd_write(int(a[1]), ret, 1, ret + 8);
    return s.toString() + " " + (s == 0 ? load<u32>(ret + 8).toString() : "");
  }
  if (op == "random") return random_get(ret, 8).toString() + (load<u64>(ret) != 0 ? " some" : " none");
  if (op == "clock") return clock_time_get(int(a[1]), 0, ret).toString();
  if (op == "environ") return environ_sizes_get(ret, ret + 4).toString() + " " + load<u32>(ret).toString();
  if (op == "environment") {
    environ_sizes_get(ret, ret + 4);
    const pointers = heap.alloc(4 * load<u32>(ret) + 4);
    const n = load<u32>(ret + 4);
    const text = heap.alloc(n + 1);
    const s = environ_get(pointers, text);
    const all = show(text, n).split("%00");
    all.sort();
    return s.toString() + " " + n.toString() + " " + all.join(" ");
  }
  if (op == "exit") {
    proc_exit(int(a[1]));
    return "returned";
  }
  if (op == "nomalloc") {
    failMalloc = true;
    const s = proxy_get_pairs(int(a[1]), ret, ret + 4);
    failMalloc = false;
    return s.toString();
  }
  if (op == "badptr") {
    const k = bytes(":path");
    const one = proxy_get_header(0, 0xfffffff0, 100, ret, ret + 4);
    const two = proxy_get_header(0, p(k), 5, 0xfffffff0, ret + 4);
    const three = proxy_get_header(99, p(k), 5, ret, ret + 4);
    return one.toString() + " " + two.toString() + " " + three.toString();
  }
  if (op == "trap") unreachable();
  return "unknown operation";
}

/** Runs what the configuration says for this phase; the answer is what `return` said, or `otherwise`. */
function phase(name: string, ctx: u32, detail: string, otherwise: u32, key: string = ""): u32 {
  let result = otherwise;
  say(name + detail);
  const path = key != "" ? key : paths.has(ctx) ? paths.get(ctx) : "";
  for (let i = 0; i < lines.length; i++) {
    const space = lines[i].indexOf(" ");
    if (space < 0) continue;
    const at = lines[i].indexOf("@");
    const on = at > 0 && at < space;
    if (lines[i].substring(0, on ? at : space) != name) continue;
    if (on && path != lines[i].substring(at + 1, space)) continue;
    const args = lines[i].substring(space + 1).split("|");
    if (args[0] == "return") result = int(args[1]);
    else say("  " + lines[i].substring(space + 1) + " -> " + run(args));
  }
  return result;
}

export function proxy_on_context_create(ctx: u32, parent: u32): void {
  if (parent != 0) lastStream = ctx;
  phase("create", ctx, parent == 0 ? " root" : " stream", 0);
}

export function proxy_on_vm_start(ctx: u32, size: u32): u32 {
  return phase("start", ctx, " " + size.toString(), 1);
}

export function proxy_on_configure(ctx: u32, size: u32): u32 {
  store<u64>(ret, 0);
  const s = proxy_get_buffer(7, 0, size, ret, ret + 4);
  const text = String.UTF8.decodeUnsafe(load<u32>(ret), load<u32>(ret + 4));
  say("configuration " + s.toString() + " " + load<u32>(ret + 4).toString());
  lines = text.split("\n");
  return phase("configure", ctx, " " + size.toString(), 1);
}

export function proxy_on_request_headers(ctx: u32, n: u32, eos: u32): u32 {
  const k = String.UTF8.encode(":path");
  if (proxy_get_header(0, p(k), 5, ret, ret + 4) == 0) paths.set(ctx, String.UTF8.decodeUnsafe(load<u32>(ret), load<u32>(ret + 4)));
  return phase("reqh", ctx, " " + n.toString() + " " + eos.toString(), 0);
}

export function proxy_on_request_body(ctx: u32, size: u32, eos: u32): u32 {
  return phase("reqb", ctx, " " + size.toString() + " " + eos.toString(), 0);
}

export function proxy_on_request_trailers(ctx: u32, n: u32): u32 {
  return phase("reqt", ctx, " " + n.toString(), 0);
}

export function proxy_on_response_headers(ctx: u32, n: u32, eos: u32): u32 {
  return phase("resh", ctx, " " + n.toString() + " " + eos.toString(), 0);
}

export function proxy_on_response_body(ctx: u32, size: u32, eos: u32): u32 {
  return phase("resb", ctx, " " + size.toString() + " " + eos.toString(), 0);
}

export function proxy_on_response_trailers(ctx: u32, n: u32): u32 {
  return phase("rest", ctx, " " + n.toString(), 0);
}

export function proxy_on_tick(ctx: u32): void {
  phase("tick", ctx, "", 0);
}

export function proxy_on_log(ctx: u32): void {
  phase("log", ctx, "", 0);
}

export function proxy_on_done(ctx: u32): u32 {
  return phase("done", ctx, "", 1);
}

export function proxy_on_delete(ctx: u32): void {
  phase("delete", ctx, "", 0);
  paths.delete(ctx);
}

export function proxy_on_http_call_response(ctx: u32, id: u32, headers: u32, size: u32, trailers: u32): void {
  const key = id.toString();
  phase("answer", ctx, " " + key + " " + headers.toString() + " " + size.toString() + " " + trailers.toString(), 0, key);
}

export function proxy_on_grpc_receive_initial_metadata(ctx: u32, id: u32, n: u32): void {
  phase("grpcinitial", ctx, " " + id.toString() + " " + n.toString(), 0, id.toString());
}

export function proxy_on_grpc_receive(ctx: u32, id: u32, size: u32): void {
  phase("grpcmessage", ctx, " " + id.toString() + " " + size.toString(), 0, id.toString());
}

export function proxy_on_grpc_receive_trailing_metadata(ctx: u32, id: u32, n: u32): void {
  phase("grpctrailing", ctx, " " + id.toString() + " " + n.toString(), 0, id.toString());
}

export function proxy_on_grpc_close(ctx: u32, id: u32, status: u32): void {
  phase("grpcclosed", ctx, " " + id.toString() + " " + status.toString(), 0, id.toString());
}

export function proxy_on_queue_ready(ctx: u32, id: u32): void {
  phase("queued", ctx, " " + id.toString(), 0, id.toString());
}

export function proxy_on_foreign_function(ctx: u32, id: u32, size: u32): void {
  phase("foreign", ctx, " " + id.toString() + " " + size.toString(), 0);
}

export function envoy_on_resolve_dns(ctx: u32, token: u32, size: u32): void {
  phase("resolved", ctx, " " + token.toString() + " " + size.toString(), 0, token.toString());
}

export function proxy_on_new_connection(ctx: u32): u32 {
  return phase("connection", ctx, "", 0);
}

export function proxy_on_downstream_data(ctx: u32, size: u32, end: u32): u32 {
  return phase("down", ctx, " " + size.toString() + " " + end.toString(), 0);
}

export function proxy_on_upstream_data(ctx: u32, size: u32, end: u32): u32 {
  return phase("up", ctx, " " + size.toString() + " " + end.toString(), 0);
}

export function proxy_on_downstream_connection_close(ctx: u32, peer: u32): void {
  phase("downclosed", ctx, " " + peer.toString(), 0);
}

export function proxy_on_upstream_connection_close(ctx: u32, peer: u32): void {
  phase("upclosed", ctx, " " + peer.toString(), 0);
}

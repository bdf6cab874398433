// Asks the host everything in every phase and writes down what it got. The imports, the texts and ask() are generated
// from calls.ts. One log line per host function: "§", label, function, then "|" and variant=status:result each.

const HUGE: i32 = 0x7fffffff;
const WILD: i32 = -16;
const UNSET: u32 = 0xa5a5a5a5;
const R: i32 = i32(heap.alloc(64));
const BIG_SIZE: i32 = 65536;
const BIG: i32 = i32(heap.alloc(BIG_SIZE + 8));
const OUT: usize = heap.alloc(1 << 20);
const IOVS: i32 = i32(heap.alloc(16));
const OWN: i32 = i32(heap.alloc(256));
let OWN_SIZE: i32 = 0;
let out: usize = OUT;
let context: i32 = 0;
let TICK: i32 = 0;
memory.fill(BIG, 120, BIG_SIZE);
store<u32>(IOVS, BIG);
store<u32>(IOVS, 3, 4);

export function malloc(size: i32): i32 {
  return i32(heap.alloc(size));
}
export function proxy_abi_version_0_2_1(): void {}

function put(text: string): void {
  for (let i = 0; i < text.length; i++) store<u8>(out++, u8(text.charCodeAt(i)));
}
function putNumber(n: i64): void {
  put(n.toString());
}
function putHex(byte: u32): void {
  put("\\");
  for (let shift = 4; shift >= 0; shift -= 4) {
    const digit = (byte >> shift) & 15;
    store<u8>(out++, u8(digit < 10 ? 48 + digit : 87 + digit));
  }
}
/** Escaped; of a long one the beginning and how long it is. */
function putBytes(at: u32, size: u32): void {
  const shown: u32 = size > 300 ? 40 : size;
  for (let i: u32 = 0; i < shown; i++) {
    const byte = u32(load<u8>(at + i));
    if (byte > 32 && byte < 127 && byte != 92 && byte != 124) store<u8>(out++, u8(byte));
    else putHex(byte);
  }
  if (shown < size) {
    put("...#");
    putNumber(size);
  }
}
function putPairs(at: u32, size: u32): void {
  if (size < 4) return put("?");
  const count = load<u32>(at);
  let text = at + 4 + count * 8;
  for (let i: u32 = 0; i < count; i++) {
    const name = load<u32>(at + 4 + i * 8);
    const value = load<u32>(at + 8 + i * 8);
    put(i ? "," : "");
    putBytes(text, name);
    put("=");
    putBytes(text + name + 1, value);
    text += name + value + 2;
  }
}

/** The transcript's beginning of a line, and the names that are this phase's own. */
let label = "";
function begin(name: string): void {
  out = OUT;
  put("\xc2\xa7" + label + " " + name);
}
function end(): void {
  proxy_log(2, i32(OUT), i32(out - OUT));
}
function clear(): void {
  memory.fill(R, 0xa5, 64);
}
function variant(name: string, status: i32): void {
  put("|" + name + "=");
  putNumber(status);
}
function asU32(): void {
  if (load<u32>(R) == UNSET) return;
  put(":");
  putNumber(load<u32>(R));
}
function asU64(): void {
  if (load<u64>(R) == (u64(UNSET) << 32 | u64(UNSET))) return;
  put(":");
  putNumber(load<i64>(R));
}
function asSize(): void {
  if (load<u32>(R) != UNSET) put(load<u32>(R) ? ":some" : ":0");
}
function asNonzero(): void {
  if (load<u64>(R) != (u64(UNSET) << 32 | u64(UNSET))) put(load<u64>(R) ? ":some" : ":0");
}
function asNonzero32(): void {
  if (load<u32>(R) != UNSET) put(load<u32>(R) ? ":some" : ":0");
}
function asValue(): void {
  for (let i = 0; i < 16; i += 4) {
    put(i ? "," : ":");
    const value = load<u32>(R + i);
    if (value == UNSET) put("-");
    // An address is this module's own affair.
    else if (i == 0 && value > 1024) put("at");
    else putNumber(value);
  }
}
function asData(): void {
  const at = load<u32>(R);
  if (at == UNSET) return;
  put(":");
  putBytes(at, load<u32>(R, 4));
}
function asVarying(): void {
  if (load<u32>(R) == UNSET) return;
  put(":#");
  putNumber(load<u32>(R, 4) > 8 ? 9 : load<u32>(R, 4));
}
function asPairs(): void {
  const at = load<u32>(R);
  if (at == UNSET) return;
  put(":");
  if (load<u32>(R, 4)) putPairs(at, load<u32>(R, 4));
}

// Where we are.
let vm = "?";
let streams = 0;
let ticked = false;
let config = "";
/** Set once the callouts of "calls" are on their way. */
let asksLater = false;
/** A plugin is ending, or soon will. */
let ending = false;
const names = new Map<i32, string>();
const seen = new Map<string, i32>();

function textAt(at: u32, size: u32): string {
  let text = "";
  for (let i: u32 = 0; i < size; i++) text += String.fromCharCode(load<u8>(at + i));
  return text;
}
function nameOf(id: i32): string {
  return names.has(id) ? names.get(id) : "context" + id.toString();
}

/** "PHASE ACTION" in the configuration has the action done there, and asks nothing elsewhere. */
function enter(id: i32, phase: string): void {
  context = id;
  const whole = vm + "." + nameOf(id) + "." + phase;
  const times = seen.has(whole) ? seen.get(whole) + 1 : 1;
  seen.set(whole, times);
  label = times == 1 ? whole : whole + "#" + times.toString();
  OWN_SIZE = 0;
  for (let i = 0; i < label.length && i < 250; i++) {
    store<u8>(OWN + i, u8(label.charCodeAt(i)));
    OWN_SIZE++;
  }
  // When it ticks beside callouts is chance.
  TICK = ticked || config == "acts" || config == "calls" ? 0 : 40;
  begin("enters");
  end();
}
function step(id: i32, phase: string): i32 {
  enter(id, phase);
  // vm1 and vm4 only try a configuration out.
  const root = nameOf(id).startsWith("root");
  ending = vm == "vm1" || vm == "vm4" || ((phase == "done" || phase == "delete") && root);
  // With a configuration of its own it asks only where callouts are answered, or after them.
  if (!config.length || (config == "calls" && asksLater)) {
    ask();
    askMore();
  }
  return act(phase);
}

/** Chains of calls whose arguments come from the call before. */
function askMore(): void {
  begin("chains");
  let status = proxy_register_shared_queue(OWN, OWN_SIZE, R);
  const queue = load<i32>(R);
  variant("register", status);
  variant("enqueue", proxy_enqueue_shared_queue(queue, OWN, 4));
  variant("enqueue empty", proxy_enqueue_shared_queue(queue, 0, 0));
  for (let i = 0; i < 3; i++) {
    clear();
    variant("dequeue", proxy_dequeue_shared_queue(queue, R, R + 4));
    asData();
  }
  for (let type = 0; type < 3; type++) {
    store<u8>(OWN + OWN_SIZE, u8(97 + type));
    clear();
    status = proxy_define_metric(type, OWN, OWN_SIZE + 1, R);
    const metric = load<i32>(R);
    variant("define", status);
    variant("increment", proxy_increment_metric(metric, 3));
    variant("increment 0", proxy_increment_metric(metric, 0));
    variant("decrement", proxy_increment_metric(metric, -2));
    clear();
    variant("get", proxy_get_metric(metric, R));
    asU64();
    variant("record", proxy_record_metric(metric, 7));
    clear();
    variant("get", proxy_get_metric(metric, R));
    asU64();
  }
  clear();
  variant("get property", proxy_get_property(OWN, OWN_SIZE, R, R + 4));
  asData();
  variant("set property", proxy_set_property(OWN, OWN_SIZE, OWN, 3));
  clear();
  variant("get property", proxy_get_property(OWN, OWN_SIZE, R, R + 4));
  asData();
  clear();
  variant("get shared", proxy_get_shared_data(OWN, OWN_SIZE, R, R + 4, R + 8));
  asData();
  const cas = load<u32>(R, 8);
  variant("set by cas", proxy_set_shared_data(OWN, OWN_SIZE, OWN, 2, cas));
  variant("set by old cas", proxy_set_shared_data(OWN, OWN_SIZE, OWN, 3, cas));
  clear();
  variant("get shared", proxy_get_shared_data(OWN, OWN_SIZE, R, R + 4, R + 8));
  asData();
  for (let i = 0; i < 3; i++) {
    clear();
    variant("expr_create", i == 0 ? createCel() : i == 1 ? createCelMap() : createCelRequest());
    store<u32>(R + 32, load<u32>(load<u32>(R) == UNSET ? R : load<u32>(R)));
    clear();
    variant("expr_evaluate", evaluate(R + 32));
    asData();
  }
  end();
}

// Actions of scenarios.
function bytesOf(text: string): i32 {
  const at = i32(heap.alloc(text.length + 1));
  for (let i = 0; i < text.length; i++) store<u8>(at + i, u8(text.charCodeAt(i)));
  return at;
}
/** "put MAP NAME: VALUE", or "add". */
function writes(wanted: string): i32 {
  const map = I32.parseInt(wanted.substring(4, 5));
  const colon = wanted.indexOf(": ", 6);
  const name = wanted.substring(6, colon);
  const value = wanted.substring(colon + 2);
  return wanted.startsWith("put ")
    ? proxy_replace_header_map_value(map, bytesOf(name), name.length, bytesOf(value), value.length)
    : proxy_add_header_map_value(map, bytesOf(name), name.length, bytesOf(value), value.length);
}
/** "remove MAP NAME". */
function removes(wanted: string): i32 {
  const name = wanted.substring(9);
  return proxy_remove_header_map_value(I32.parseInt(wanted.substring(7, 8)), bytesOf(name), name.length);
}
const calls = new Map<i32, string>();
const acts = new Map<i32, string>();
function readAct(): void {
  clear();
  if (!getAct() && load<u32>(R) != UNSET) acts.set(context, textAt(load<u32>(R), load<u32>(R, 4)));
}
function act(phase: string): i32 {
  if (config == "acts" && phase == "request_headers") readAct();
  const told = acts.has(context) ? acts.get(context) : config;
  const wanted = told.startsWith(phase + " ") ? told.substring(phase.length + 1) : told == "calls" ? "calls" : "";
  if (!wanted.length) return 0;
  begin("will");
  variant(wanted, 0);
  end();
  begin("acts");
  let action = 0;
  if (wanted == "reply") {
    variant(wanted, reply());
    action = 1;
  } else if (wanted.startsWith("reply then continue ")) {
    variant(wanted, reply());
    variant("continue", proxy_continue_stream(I32.parseInt(wanted.substring(20))));
    action = 1;
  } else if (wanted.startsWith("reply ") && wanted != "reply and continue") {
    variant(wanted, replyWith(I32.parseInt(wanted.substring(6))));
    action = 1;
  } else if (wanted == "reply and continue") variant(wanted, reply());
  else if (wanted == "pause") action = 1;
  else if (wanted.startsWith("continue ")) variant(wanted, proxy_continue_stream(I32.parseInt(wanted.substring(9))));
  else if (wanted.startsWith("close ")) variant(wanted, proxy_close_stream(I32.parseInt(wanted.substring(6))));
  else if (wanted == "set request") variant(wanted, setRequest());
  else if (wanted == "set nothing") variant(wanted, proxy_set_header_map_pairs(0, 0, 0));
  else if (wanted == "set response") variant(wanted, setResponse());
  else if (wanted == "big header") variant(wanted, bigHeader());
  else if (wanted == "split") variant(wanted, split());
  else if (wanted == "exit") proc_exit(3);
  else if (wanted == "trap") unreachable();
  else if (wanted.startsWith("put ") || wanted.startsWith("add ")) variant(wanted, writes(wanted));
  else if (wanted.startsWith("remove ")) variant(wanted, removes(wanted));
  else if (wanted.startsWith("returns ")) action = I32.parseInt(wanted.substring(8));
  else if (wanted == "calls" && phase == "request_headers") {
    clear();
    variant("http", callHttp());
    calls.set(load<i32>(R), "http");
    names.set(-1, nameOf(context));
    waiting = context;
    clear();
    variant("grpc", callGrpc());
    clear();
    variant("stream", openGrpc());
    variant("send", sendGrpc(load<i32>(R)));
    left = 3;
    asksLater = true;
    action = 1;
  }
  end();
  return action;
}
let waiting = 0;
let left = 0;
function answered(): void {
  if (--left) return;
  label = "last_callout";
  begin("resumes");
  variant("effective", proxy_set_effective_context(waiting));
  variant("continue", proxy_continue_stream(0));
  end();
}

export function proxy_on_context_create(id: i32, parent: i32): void {
  if (parent) names.set(id, "s" + (++streams).toString());
  else names.set(id, "root" + (names.size + 1).toString());
  // A VM's first root comes before its configuration.
  if (vm == "?") enter(id, "context_create");
  else step(id, "context_create");
}
/** Canary, main thread and workers have a VM each; they count themselves. */
function countVm(): void {
  clear();
  proxy_get_shared_data(OWN, 0, R, R + 4, R + 8);
  const count = load<u32>(R) != UNSET && load<u32>(R, 4) == 1 ? i32(load<u8>(load<u32>(R))) + 1 : 49;
  store<u8>(OWN, u8(count));
  proxy_set_shared_data(0, 0, OWN, 1, 0);
  vm = "vm" + String.fromCharCode(count);
}
export function proxy_on_vm_start(id: i32, size: i32): i32 {
  // A plugin that replaces another starts its VM again.
  if (vm == "?") countVm();
  clear();
  if (!proxy_get_buffer_bytes(6, 0, 100, R, R + 4) && load<u32>(R) != UNSET) {
    const text = textAt(load<u32>(R), load<u32>(R, 4));
    if (text.length) config = text;
  }
  step(id, "vm_start");
  return 1;
}
export function proxy_on_configure(id: i32, size: i32): i32 {
  step(id, "configure");
  proxy_set_tick_period_milliseconds(TICK);
  return 1;
}
export function proxy_on_tick(id: i32): void {
  if (ticked) return;
  ticked = true;
  step(id, "tick");
  proxy_set_tick_period_milliseconds(0);
}
export function proxy_on_request_headers(id: i32, count: i32, end: i32): i32 {
  return step(id, "request_headers");
}
export function proxy_on_request_body(id: i32, size: i32, end: i32): i32 {
  return step(id, "request_body");
}
export function proxy_on_request_trailers(id: i32, count: i32): i32 {
  return step(id, "request_trailers");
}
export function proxy_on_response_headers(id: i32, count: i32, end: i32): i32 {
  return step(id, "response_headers");
}
export function proxy_on_response_body(id: i32, size: i32, end: i32): i32 {
  return step(id, "response_body");
}
export function proxy_on_response_trailers(id: i32, count: i32): i32 {
  return step(id, "response_trailers");
}
export function proxy_on_http_call_response(id: i32, call: i32, headers: i32, body: i32, trailers: i32): void {
  if (!calls.has(call)) return;
  step(id, "http_call_response");
  answered();
}
export function proxy_on_grpc_receive_initial_metadata(id: i32, call: i32, count: i32): void {
  step(id, call & 3 ? (call & 3) == 1 ? "grpc_call_initial_metadata" : "grpc_stream_initial_metadata" : "grpc");
}
export function proxy_on_grpc_receive(id: i32, call: i32, size: i32): void {
  step(id, (call & 3) == 1 ? "grpc_call_receive" : "grpc_stream_receive");
  if ((call & 3) == 1) answered();
}
export function proxy_on_grpc_receive_trailing_metadata(id: i32, call: i32, count: i32): void {
  step(id, (call & 3) == 1 ? "grpc_call_trailing_metadata" : "grpc_stream_trailing_metadata");
}
export function proxy_on_grpc_close(id: i32, call: i32, status: i32): void {
  step(id, (call & 3) == 1 ? "grpc_call_close" : "grpc_stream_close");
  answered();
}
export function proxy_on_queue_ready(id: i32, queue: i32): void {
  enter(id, "queue_ready");
}
export function proxy_on_new_connection(id: i32): i32 {
  return step(id, "new_connection");
}
export function proxy_on_downstream_data(id: i32, size: i32, end: i32): i32 {
  return step(id, "downstream_data");
}
export function proxy_on_upstream_data(id: i32, size: i32, end: i32): i32 {
  return step(id, "upstream_data");
}
export function proxy_on_downstream_connection_close(id: i32, peer: i32): void {
  step(id, "downstream_connection_close");
}
export function proxy_on_upstream_connection_close(id: i32, peer: i32): void {
  step(id, "upstream_connection_close");
}
export function proxy_on_log(id: i32): void {
  step(id, "log");
}
export function proxy_on_done(id: i32): i32 {
  step(id, "done");
  return 1;
}
export function proxy_on_delete(id: i32): void {
  step(id, "delete");
}

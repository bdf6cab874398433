// Logs what a filter sees of a request: each map, line by line, and the properties that its configuration names.
@external("env", "proxy_get_header_map_pairs")
declare function proxy_get_header_map_pairs(map: i32, data: usize, size: usize): i32;

let names: string[] = [];

export function proxy_on_configure(root: i32, size: i32): i32 {
  names = bufferText(7, size).split("\n");
  return 1;
}

function shown(at: usize, size: u32): string {
  let text = "";
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(at + i);
    if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += "\\" + (byte < 16 ? "0" : "") + byte.toString(16);
  }
  return text;
}

function map(type: i32, title: string): void {
  proxy_get_header_map_pairs(type, out, out + 4);
  const at: usize = load<u32>(out);
  if (load<u32>(out + 4) == 0) return log(2, title + ": none");
  const count = load<u32>(at);
  let text = at + 4 + 8 * count;
  for (let i: u32 = 0; i < count; i++) {
    const name = load<u32>(at + 4 + 8 * i);
    const value = load<u32>(at + 8 + 8 * i);
    log(2, title + ": " + shown(text, name) + ": " + shown(text + name + 1, value));
    text += name + value + 2;
  }
}

function properties(title: string): void {
  for (let i = 0; i < names.length; i++) {
    const path = String.UTF8.encode(names[i].replaceAll(".", "\0"));
    const status = proxy_get_property(pointer(path), path.byteLength, out, out + 4);
    const value = status == 0 ? "= " + shown(load<u32>(out), load<u32>(out + 4)) : "-> " + status.toString();
    log(2, title + ": " + names[i] + " " + value);
  }
}

export function proxy_on_request_headers(context: i32, count: i32, end: i32): i32 {
  log(2, "request headers" + (end ? ", the end" : ""));
  map(0, "request");
  properties("request");
  const path = header(0, ":path");
  if (path.startsWith("/deny")) {
    reply(403, "x-denied=yes", "denied\n");
    return 1;
  }
  if (path.startsWith("/close")) {
    proxy_close_stream(0);
    return 1;
  }
  return 0;
}

export function proxy_on_request_trailers(context: i32, count: i32): i32 {
  map(1, "request trailer");
  return 0;
}

export function proxy_on_response_headers(context: i32, count: i32, end: i32): i32 {
  log(2, "response headers" + (end ? ", the end" : ""));
  map(2, "response");
  properties("response");
  return 0;
}

export function proxy_on_response_body(context: i32, size: i32, end: i32): i32 {
  if (end && header(0, ":path") == "") {
    if (bufferText(1, size) == "close") proxy_close_stream(1);
  }
  return 0;
}

export function proxy_on_response_trailers(context: i32, count: i32): i32 {
  map(3, "response trailer");
  return 0;
}

export function proxy_on_log(context: i32): void {
  properties("log");
}

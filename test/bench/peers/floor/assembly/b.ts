/* Workload B as fast as AssemblyScript can be: all lines by one host call, compared as bytes, values joined in one buffer. */

import { proxy_get_header_map_pairs, proxy_replace_header_map_value } from "./env";
import { OK, REQUEST, ret } from "./host";

const METHOD = String.UTF8.encode(":method");
const PATH = String.UTF8.encode(":path");
const AGENT = String.UTF8.encode("user-agent");
const LANGUAGE = String.UTF8.encode("accept-language");
const TENANT = String.UTF8.encode("x-tenant");
const ID = String.UTF8.encode("x-request-id");
const ROUTE = String.UTF8.encode("x-bench-route");
const CLIENT = String.UTF8.encode("x-bench-client");
const ORIGIN = String.UTF8.encode("x-bench-origin");

/** Room for two values joined; larger ones are left out. */
const CAPACITY: usize = 16 * 1024;
const joined: usize = heap.alloc(CAPACITY);

/** Address of the value found last, and its length. */
let found: usize = 0;
let foundLength: usize = 0;

function find(pairs: usize, name: ArrayBuffer): bool {
  const count = load<u32>(pairs);
  const length = <u32>name.byteLength;
  let sizes = pairs + 4;
  let data = sizes + ((<usize>count) << 3);
  for (let i: u32 = 0; i < count; i++) {
    const nameLength = load<u32>(sizes);
    const valueLength = load<u32>(sizes, 4);
    if (nameLength == length && memory.compare(data, changetype<usize>(name), length) == 0) {
      found = data + nameLength + 1;
      foundLength = valueLength;
      return true;
    }
    data += nameLength + valueLength + 2;
    sizes += 8;
  }
  return false;
}

function join(pairs: usize, first: ArrayBuffer, second: ArrayBuffer, name: ArrayBuffer): void {
  if (!find(pairs, first)) return;
  const firstPtr = found;
  const firstLength = foundLength;
  if (!find(pairs, second) || firstLength + foundLength > CAPACITY) return;
  memory.copy(joined, firstPtr, firstLength);
  memory.copy(joined + firstLength, found, foundLength);
  proxy_replace_header_map_value(REQUEST, changetype<usize>(name), name.byteLength, joined, firstLength + foundLength);
}

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  store<u64>(ret, 0);
  if (proxy_get_header_map_pairs(REQUEST, ret, ret + 4) == OK) {
    const pairs = load<usize>(ret);
    if (pairs) {
      join(pairs, METHOD, PATH, ROUTE);
      join(pairs, AGENT, LANGUAGE, CLIENT);
      join(pairs, TENANT, ID, ORIGIN);
      heap.free(pairs);
    }
  }
  return 0;
}

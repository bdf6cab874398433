/* Workload B as fast as AssemblyScript can be: all lines by one host call, names and values as bytes where they lie. */

import { proxy_get_header_map_pairs, proxy_replace_header_map_value } from "./env";
import { OK, REQUEST, ret } from "./host";

const METHOD = String.UTF8.encode(":method");
const PATH = String.UTF8.encode(":path");
const AGENT = String.UTF8.encode("user-agent");
const LANGUAGE = String.UTF8.encode("accept-language");
const TENANT = String.UTF8.encode("x-tenant");
const ID = String.UTF8.encode("x-request-id");
const BENCH_PATH = String.UTF8.encode("x-bench-path");
const BENCH_TENANT = String.UTF8.encode("x-bench-tenant");
const BENCH_ID = String.UTF8.encode("x-bench-id");

/** Length of the value that was found last. */
let foundLength: u32 = 0;

/** Address of a header's value, 0 when it is not there. */
function find(pairs: usize, name: ArrayBuffer): usize {
  const length = <u32>name.byteLength;
  let sizes = pairs + 4;
  let data = sizes + ((<usize>load<u32>(pairs)) << 3);
  for (const end = data; sizes < end; sizes += 8) {
    const nameLength = load<u32>(sizes);
    const valueLength = load<u32>(sizes, 4);
    if (nameLength == length && memory.compare(data, changetype<usize>(name), length) == 0) {
      foundLength = valueLength;
      return data + nameLength + 1;
    }
    data += nameLength + valueLength + 2;
  }
  return 0;
}

function set(name: ArrayBuffer, value: usize, length: u32): void {
  proxy_replace_header_map_value(REQUEST, changetype<usize>(name), name.byteLength, value, length);
}

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  store<u64>(ret, 0);
  if (proxy_get_header_map_pairs(REQUEST, ret, ret + 4) != OK) return 0;
  const pairs = load<usize>(ret);
  if (!pairs) return 0;
  if (find(pairs, METHOD) && find(pairs, AGENT) && find(pairs, LANGUAGE)) {
    const path = find(pairs, PATH);
    const pathLength = foundLength;
    const tenant = find(pairs, TENANT);
    const tenantLength = foundLength;
    const requestId = find(pairs, ID);
    if (path && tenant && requestId) {
      set(BENCH_PATH, path, pathLength);
      set(BENCH_TENANT, tenant, tenantLength);
      set(BENCH_ID, requestId, foundLength);
    }
  }
  heap.free(pairs);
  return 0;
}

/* Workload A as fast as AssemblyScript can be: no check, no conversion, names encoded once. */

import {
  proxy_add_header_map_value,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "./env";
import { OK, REQUEST, RESPONSE, ret } from "./host";

const TENANT = String.UTF8.encode("x-tenant");
const BENCH_TENANT = String.UTF8.encode("x-bench-tenant");
const ADDED = String.UTF8.encode("x-bench-added");
const ADDED_VALUE = String.UTF8.encode("1");
const REMOVED = String.UTF8.encode("x-bench-removed");

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  store<u64>(ret, 0);
  if (proxy_get_header_map_value(REQUEST, changetype<usize>(TENANT), 8, ret, ret + 4) == OK) {
    const value = load<usize>(ret);
    proxy_replace_header_map_value(REQUEST, changetype<usize>(BENCH_TENANT), 14, value, load<u32>(ret, 4));
    if (value) heap.free(value);
  }
  return 0;
}

export function proxy_on_response_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  proxy_add_header_map_value(RESPONSE, changetype<usize>(ADDED), 13, changetype<usize>(ADDED_VALUE), 1);
  proxy_remove_header_map_value(RESPONSE, changetype<usize>(REMOVED), 15);
  return 0;
}

/* Workload A by hand, for a filter that must not miss a second line of a name: all lines are read. */

import { proxy_add_header_map_value, proxy_remove_header_map_value, proxy_replace_header_map_value } from "./env";
import { REQUEST, RESPONSE } from "./host";
import { find, freeLines, readLines, value, valueLength } from "./lines";

const TENANT = String.UTF8.encode("x-tenant");
const BENCH_TENANT = String.UTF8.encode("x-bench-tenant");
const ADDED = String.UTF8.encode("x-bench-added");
const ADDED_VALUE = String.UTF8.encode("1");
const REMOVED = String.UTF8.encode("x-bench-removed");

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  if (!readLines()) return 0;
  if (find(TENANT)) proxy_replace_header_map_value(REQUEST, changetype<usize>(BENCH_TENANT), 14, value, valueLength);
  freeLines();
  return 0;
}

export function proxy_on_response_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  proxy_add_header_map_value(RESPONSE, changetype<usize>(ADDED), 13, changetype<usize>(ADDED_VALUE), 1);
  proxy_remove_header_map_value(RESPONSE, changetype<usize>(REMOVED), 15);
  return 0;
}

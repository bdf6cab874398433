/* What a filter must ask of the host to count a request of a key: the headers, the time, the value that stands for the key,
 * read and written back, and a counter. Nothing is decided, and each key has a value of its own. */

import { count } from "./counter";
import { proxy_get_shared_data, proxy_set_shared_data } from "./env";
import { OK, ret } from "./host";
import { find, freeLines, readLines, value, valueLength } from "./lines";
import { clock_time_get } from "./wasi_snapshot_preview1";

const KEY = String.UTF8.encode("x-key");
/** Length and CAS of what was read, and what is written first. */
const cas: usize = memory.data(4, 4);
const fresh: usize = memory.data(32, 8);

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  if (!readLines()) return 0;
  if (find(KEY)) {
    clock_time_get(1, 0, ret);
    const now = load<u64>(ret);
    store<u64>(ret, 0);
    store<u32>(cas, 0);
    if (proxy_get_shared_data(value, valueLength, ret, ret + 4, cas) == OK) {
      const data = load<usize>(ret);
      store<u64>(data, now);
      proxy_set_shared_data(value, valueLength, data, load<u32>(ret, 4), load<u32>(cas));
      heap.free(data);
    } else proxy_set_shared_data(value, valueLength, fresh, 32, 0);
  }
  count();
  freeLines();
  return 0;
}

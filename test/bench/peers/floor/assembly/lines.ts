/* All header lines at once, as a filter must read them that has to see each line of a name. */

import { proxy_get_header_map_pairs } from "./env";
import { OK, REQUEST, ret } from "./host";

let lines: usize = 0;

/** Where the value of the line that `find` has found lies, and its length. */
export let value: usize = 0;
export let valueLength: u32 = 0;

export function readLines(): bool {
  store<u64>(ret, 0);
  if (proxy_get_header_map_pairs(REQUEST, ret, ret + 4) != OK) return false;
  lines = load<usize>(ret);
  return lines != 0;
}

export function freeLines(): void {
  heap.free(lines);
}

/** Finds the first line of a name; the names of all lines are looked at, since there may be a second one. */
export function find(name: ArrayBuffer): bool {
  const wanted = <u32>name.byteLength;
  const count = <usize>load<u32>(lines);
  const end = lines + 4 + (count << 3);
  let data = end;
  let found = false;
  for (let at = lines + 4; at < end; at += 8) {
    const length = load<u32>(at);
    if (length == wanted && memory.compare(data, changetype<usize>(name), length) == 0) {
      if (found) return false;
      found = true;
      value = data + length + 1;
      valueLength = load<u32>(at, 4);
    }
    data += <usize>length + <usize>load<u32>(at, 4) + 2;
  }
  return found;
}

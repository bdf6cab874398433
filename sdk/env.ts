/* Environment variables that the VM was given (vm_config.environment_variables). They do not change while it lives. */

import { environ_get, environ_sizes_get } from "./abi/hostcalls";
import { clearReturn, putString, retLen, retPtr, roomFor, scratchFor } from "./runtime/memory";
import { decodeUtf8 } from "../sdk/std/utf8";

/** More than any process has: a host that says so is not believed. */
const MAX_COUNT: u32 = 16 * 1024;
const MAX_BYTES: u32 = 1024 * 1024;

// "NAME=value" and a zero, for each. What the host adds as pointers into it is not needed, and not believed.
let block: usize = 0;
let blockEnd: usize = 0;
let count: u32 = 0;
// Of the value that `find` has found.
let valueLength: usize = 0;

/** Has the host return all of them, once; false when it refuses. */
function ready(): bool {
  if (block) return true;
  clearReturn();
  if (environ_sizes_get(retPtr(), retLen())) return false;
  const found = load<u32>(retPtr());
  const size = load<u32>(retLen());
  if (found > MAX_COUNT || size > MAX_BYTES) return false;
  const pointers = heap.alloc((<usize>found) << 2);
  // One more, so that the last one ends within.
  const room = heap.alloc(<usize>size + 1);
  memory.fill(room, 0, <usize>size + 1);
  const refused = environ_get(pointers, room);
  heap.free(pointers);
  if (refused) {
    heap.free(room);
    return false;
  }
  block = room;
  blockEnd = room + size;
  store<u8>(blockEnd, 0);
  count = found;
  return true;
}

/** Length of what stands at `at` up to `stop` or the zero. */
function lengthTo(at: usize, stop: u8): usize {
  let end = at;
  for (let byte = load<u8>(end); byte && byte != stop; byte = load<u8>(end)) end++;
  return end - at;
}

/** Address of the value of `name`, which has `valueLength` bytes; 0 when there is none. */
function find(name: string): usize {
  if (!ready()) return 0;
  const wanted = scratchFor(roomFor(name));
  const length = putString(wanted, name);
  let at = block;
  for (let n: u32 = 0; n < count && at < blockEnd; n++, at += lengthTo(at, 0) + 1) {
    if (lengthTo(at, 0x3d) == length && load<u8>(at + length) && !memory.compare(at, wanted, length)) {
      const value = at + length + 1;
      valueLength = lengthTo(value, 0);
      return value;
    }
  }
  return 0;
}

export namespace env {
  /** The variable's value as text, malformed UTF-8 as U+FFFD; null when there is none or the host refuses. */
  export function get(name: string): string | null {
    const value = find(name);
    return value ? decodeUtf8(value, valueLength) : null;
  }

  export function getBytes(name: string): Uint8Array | null {
    const value = find(name);
    if (!value) return null;
    const bytes = new Uint8Array(<i32>valueLength);
    memory.copy(bytes.dataStart, value, valueLength);
    return bytes;
  }

  /** Names of all variables, in the host's order; empty when it refuses. */
  export function names(): string[] {
    const names = new Array<string>();
    if (!ready()) return names;
    let at = block;
    for (let n: u32 = 0; n < count && at < blockEnd; n++, at += lengthTo(at, 0) + 1) {
      names.push(decodeUtf8(at, lengthTo(at, 0x3d)));
    }
    return names;
  }
}

/* The host's clocks. */

import { clock_time_get } from "./abi/hostcalls";
import { clearReturn, retPtr, returnedU64 } from "./runtime/memory";

const REALTIME: i32 = 0;
const MONOTONIC: i32 = 1;

/** Nanoseconds; 0 when the host refuses. */
function read(id: i32): u64 {
  clearReturn();
  return clock_time_get(id, 0, retPtr()) ? 0 : returnedU64();
}

export namespace clock {
  /** Nanoseconds since 1970-01-01 UTC; can be set back. 0 when the host refuses. */
  export function realtime(): u64 {
    return read(REALTIME);
  }

  /** Nanoseconds of a clock that only goes on, the same for all threads of the process. 0 when the host refuses. */
  export function monotonic(): u64 {
    return read(MONOTONIC);
  }
}

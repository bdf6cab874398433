/* Random bytes of the host's cryptographic generator. */

import { random_get } from "./abi/hostcalls";

/** The host refuses more in one call. */
const MAX_PER_CALL: i32 = 64 * 1024;
const MAX_BYTES: i32 = 16 * 1024 * 1024;

export namespace random {
  /** Fills the array; false when the host refuses, and then it must not be used: some of it may be old. */
  export function fill(bytes: Uint8Array): bool {
    for (let at = 0; at < bytes.length; at += MAX_PER_CALL) {
      if (random_get(bytes.dataStart + at, min(MAX_PER_CALL, bytes.length - at))) return false;
    }
    return true;
  }

  /** `count` bytes, 16 MiB at most; null when the host refuses. */
  export function bytes(count: i32): Uint8Array | null {
    if (count < 0 || count > MAX_BYTES) return null;
    const bytes = new Uint8Array(count);
    return fill(bytes) ? bytes : null;
  }
}

/* What a module's memory is used for, for filters that watch themselves. */

import { liveBytes, managedBytes } from "./runtime/gc";
import { handedOverBytes } from "./runtime/memory";

/** Figures in bytes. */
export class MemoryUsage {
  constructor(
    /** Linear memory; it never shrinks. Envoy allows 1 GiB. */
    readonly total: usize,
    /** Objects, garbage that is not collected yet included. */
    readonly managed: usize,
    /** Objects that the last collection has left. */
    readonly live: usize,
    /** Data that the host has returned and that is not freed yet. */
    readonly fromHost: usize,
  ) {}
}

export function memoryUsage(): MemoryUsage {
  return new MemoryUsage((<usize>memory.size()) << 16, managedBytes(), liveBytes(), handedOverBytes());
}

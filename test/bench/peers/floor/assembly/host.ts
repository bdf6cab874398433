/* What every module needs, and callbacks that a meshwasm module may export: the benchmark exports the same ones here. */

export const REQUEST: i32 = 0;
export const RESPONSE: i32 = 2;
export const OK: i32 = 0;

/** Where host calls put a pointer and a length. */
export const ret: usize = memory.data(8, 4);

/** The host calls it with sizes above 0 only; the filter frees what it was given in its callback. */
export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_context_create(id: u32, parent: u32): void {}

export function proxy_on_configure(root: u32, size: u32): u32 {
  return 1;
}

export function proxy_on_response_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  return 0;
}

export function proxy_on_log(id: u32): void {}

export function proxy_on_done(id: u32): u32 {
  return 1;
}

export function proxy_on_delete(id: u32): void {}

/* Memory that crosses the border to the host. What the host returns is allocated by `malloc` outside the garbage
 * collected heap and freed by whoever asked for it; what goes to the host is encoded into one scratch area. */

import { encodedLengthMax, encodeUtf8 } from "../std/utf8";

/** Most bytes that the host may have handed over and that are not freed yet. Above it `malloc` gives 0 and the call that
 * asked returns InvalidMemoryAccess, instead of the trap that an exhausted memory is. */
const MALLOC_CAP: usize = 64 * 1024 * 1024;
/** A larger scratch area is given back when the callback ends. */
const SCRATCH_KEEP: usize = 64 * 1024;

let handedOver: usize = 0;
/** No memory has more. */
const MEMORY_MAX: usize = 0x40000000;
let uncapped: bool = false;

/** For host functions that write to what `malloc` gives without a look: a 0 would crash the proxy. */
export function liftMallocCap(lifted: bool): void {
  uncapped = lifted;
}

/** A block that was freed and is kept for the next call: the host asks for one at a time, of about the same size. */
let spare: usize = 0;
/** A larger one goes back to the allocator. */
const SPARE_MAX: u32 = 16 * 1024;

// In front of the data of a block: u32 capacity, u32 size that the host has asked for.

/** The module's `malloc`, called by the host inside host calls. Never collects. */
export function hostAlloc(size: usize): usize {
  if (size > MALLOC_CAP || handedOver + size > MALLOC_CAP) {
    if (!uncapped || size > MEMORY_MAX) return 0;
  }
  let ptr = spare;
  if (ptr && load<u32>(ptr - 8) >= <u32>size) spare = 0;
  else {
    ptr = heap.alloc(size + 8) + 8;
    store<u32>(ptr - 8, <u32>size);
  }
  store<u32>(ptr - 4, <u32>size);
  handedOver += size;
  return ptr;
}

/** Frees what the host returned; 0 is allowed. */
export function hostFree(ptr: usize): void {
  if (!ptr) return;
  handedOver -= hostSize(ptr);
  if (load<u32>(ptr - 8) <= SPARE_MAX) {
    const kept = spare;
    // The larger one of two serves more calls.
    if (!kept || load<u32>(kept - 8) < load<u32>(ptr - 8)) {
      spare = ptr;
      ptr = kept;
    }
    if (!ptr) return;
  }
  heap.free(ptr - 8);
}

/** Bytes that the host has asked for when it allocated what it returned. */
export function hostSize(ptr: usize): u32 {
  return load<u32>(ptr - 4);
}

/** Bytes that the host has returned and that are not freed yet. */
export function handedOverBytes(): usize {
  return handedOver;
}

// Where host calls put a pointer and a length, or one number.
const ret: usize = memory.data(16, 8);

export function retPtr(): usize {
  return ret;
}
export function retLen(): usize {
  return ret + 4;
}
export function returnedPtr(): usize {
  return load<usize>(ret);
}
/** Never more than the host has allocated. */
export function returnedLength(): u32 {
  const ptr = returnedPtr();
  return ptr ? min(load<u32>(ret, 4), hostSize(ptr)) : 0;
}
export function returnedU64(): u64 {
  return load<u64>(ret);
}

/** Zeroes the return area: a host function that fails leaves it untouched. */
export function clearReturn(): void {
  store<u64>(ret, 0);
}

/** Frees what came with a status other than Ok, so that nothing was returned. */
export function dropReturn(): void {
  hostFree(returnedPtr());
  clearReturn();
}

let scratch: usize = 0;
let scratchSize: usize = 0;

/** The scratch area with room for `size` bytes. A second call may move it: ask once for all that one host call needs. */
export function scratchFor(size: usize): usize {
  if (size > scratchSize) {
    if (scratch) heap.free(scratch);
    scratchSize = max<usize>(size, 1024);
    scratch = heap.alloc(scratchSize);
  }
  return scratch;
}

/** Gives back a scratch area that one large value has made large. */
export function trimScratch(): void {
  if (scratchSize > SCRATCH_KEEP) {
    heap.free(scratch);
    scratch = 0;
    scratchSize = 0;
  }
}

/** Room for `text` as UTF-8. */
export function roomFor(text: string): usize {
  return encodedLengthMax(text);
}

/** Writes `text` as UTF-8 to `ptr`, returns its length in bytes. */
export function putString(ptr: usize, text: string): usize {
  return encodeUtf8(text, ptr);
}

/** Copies host bytes into an array of the collected heap and frees them. */
export function takeBytes(ptr: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length);
  if (length) memory.copy(bytes.dataStart, ptr, length);
  hostFree(ptr);
  return bytes;
}

/* Memory of the pattern engine outside the collected heap. */

/** A growable list of 32-bit numbers. Whoever makes one calls `free`; reading past its length is a bug of the caller. */
export class Ints {
  length: i32 = 0;
  /** Address of the first number; it moves when the list grows. */
  ptr: usize = 0;
  private room: i32 = 0;

  get(index: i32): u32 {
    checked(<u32>index < <u32>this.length);
    return load<u32>(this.ptr + ((<usize>index) << 2));
  }

  set(index: i32, value: u32): void {
    checked(<u32>index < <u32>this.length);
    store<u32>(this.ptr + ((<usize>index) << 2), value);
  }

  push(value: u32): void {
    if (this.length == this.room) this.grow(this.length + 1);
    store<u32>(this.ptr + ((<usize>this.length) << 2), value);
    this.length++;
  }

  /** Makes the list `length` long; what is added is 0. */
  resize(length: i32): void {
    if (length > this.room) this.grow(length);
    if (length > this.length)
      memory.fill(this.ptr + ((<usize>this.length) << 2), 0, (<usize>(length - this.length)) << 2);
    this.length = length;
  }

  /** The numbers as an array of the collected heap. */
  toArray(): StaticArray<u32> {
    const array = new StaticArray<u32>(this.length);
    memory.copy(changetype<usize>(array), this.ptr, (<usize>this.length) << 2);
    return array;
  }

  free(): void {
    if (this.ptr) heap.free(this.ptr);
    this.ptr = 0;
    this.length = 0;
    this.room = 0;
  }

  private grow(length: i32): void {
    this.room = max(max(this.room << 1, length), 16);
    const size = (<usize>this.room) << 2;
    this.ptr = this.ptr ? heap.realloc(this.ptr, size) : heap.alloc(size);
  }
}

/** A bug of the engine is a trap, but only in the build that its tests use. */
// @ts-ignore: a constant of that build
export function checked(holds: bool): void {
  // @ts-ignore: a constant of that build
  if (isDefined(PATTERN_CHECKS)) assert(holds);
}

/** Copies slots, which are few: a loop is faster than the instruction for memory of any size. `size` is a multiple of 8. */
export function copySlots(to: usize, from: usize, size: usize): void {
  for (let i: usize = 0; i < size; i += 8) store<u64>(to + i, load<u64>(from + i));
}

/** Makes slots -1. */
export function clearSlots(slots: usize, size: usize): void {
  for (let i: usize = 0; i < size; i += 8) store<u64>(slots + i, -1);
}

let work: usize = 0;
let workSize: usize = 0;

/** Working memory for one match, shared by all patterns; it is not cleared and moves when it grows. */
export function workspace(size: usize): usize {
  if (size > workSize) {
    const previous = work;
    workSize = max<usize>(size, 4096);
    work = heap.alloc(workSize);
    if (previous) heap.free(previous);
  }
  return work;
}

/** As `workspace`, and what the first `keep` bytes hold stays. */
export function growWorkspace(size: usize, keep: usize): usize {
  if (size > workSize) {
    const previous = work;
    workSize = size;
    work = heap.alloc(size);
    memory.copy(work, previous, keep);
    heap.free(previous);
  }
  return work;
}

// @ts-nocheck: built-ins and decorators that only the AssemblyScript compiler knows.
/* The garbage collector: stop-the-world mark and sweep over two lists, run only while no callback is on the stack, so
 * that compiled code needs no shadow stack. Objects that nothing but the stack holds live until the callback returns.
 * The allocator below it is AssemblyScript's TLSF. The interface is the one that the compiler calls. */

import { BLOCK, BLOCK_OVERHEAD, OBJECT_OVERHEAD, OBJECT_MAXSIZE, TOTAL_OVERHEAD } from "rt/common";
import { visitContexts } from "./contexts";

// @ts-ignore: decorator
@inline const COLOR_MASK: usize = 3;
// @ts-ignore: decorator
@inline const PINNED: i32 = 3;
/** Garbage that is let lie before a collection, so that small heaps are not collected all the time. */
// @ts-ignore: decorator
@inline const MIN_GARBAGE: usize = 16 * 1024;

/** Header of a managed object; its data follows. */
// @ts-ignore: decorator
@unmanaged class Obj extends BLOCK {
  nextWithColor: usize;
  prev: Obj;
  rtId: u32;
  rtSize: u32;

  get next(): Obj {
    return changetype<Obj>(this.nextWithColor & ~COLOR_MASK);
  }
  get color(): i32 {
    return i32(this.nextWithColor & COLOR_MASK);
  }
  get size(): usize {
    return BLOCK_OVERHEAD + (this.mmInfo & ~3);
  }
  unlink(): void {
    const next = this.next;
    if (next == null) return; // static data that no list has seen yet
    const prev = this.prev;
    next.prev = prev;
    prev.nextWithColor = changetype<usize>(next) | (prev.nextWithColor & COLOR_MASK);
  }
  linkTo(list: Obj, color: i32): void {
    const prev = list.prev;
    this.nextWithColor = changetype<usize>(list) | color;
    this.prev = prev;
    prev.nextWithColor = changetype<usize>(this) | (prev.nextWithColor & COLOR_MASK);
    list.prev = this;
  }
}

// @ts-ignore: decorator
@lazy let white: i32 = 0;
/** Bytes of all managed objects, and how many of them the last collection left alive. */
// @ts-ignore: decorator
@lazy let total: usize = 0;
// @ts-ignore: decorator
@lazy let live: usize = 0;
// @ts-ignore: decorator
@lazy let fromSpace = emptyList(changetype<Obj>(memory.data(offsetof<Obj>())));
// @ts-ignore: decorator
@lazy let toSpace = emptyList(changetype<Obj>(memory.data(offsetof<Obj>())));
// @ts-ignore: decorator
@lazy let pinSpace = emptyList(changetype<Obj>(memory.data(offsetof<Obj>())));

function emptyList(list: Obj): Obj {
  list.nextWithColor = changetype<usize>(list);
  list.prev = list;
  return list;
}

/** Bytes to allocate for an object; above the maximum still above it, so that the allocator throws. */
function blockSize(size: usize): usize {
  return OBJECT_OVERHEAD + min(size, OBJECT_MAXSIZE + 1);
}

/** Freed blocks of at most this size, overhead included, are kept in lists by size: most objects live for one callback. */
// @ts-ignore: decorator
@inline const POOLED_MAX: usize = 256;
/** Bytes that the lists hold at most; what is more goes back to the allocator. */
// @ts-ignore: decorator
@inline const POOL_MAX: usize = 16 * 1024;
// First block of each list, by size / 16.
// @ts-ignore: decorator
@lazy const pools: usize = memory.data(68, 4);
// @ts-ignore: decorator
@lazy let pooled: usize = 0;

/** A block for an object of `size` bytes. */
function take(size: usize): Obj {
  if (size <= POOLED_MAX - TOTAL_OVERHEAD) {
    const needed = (size + TOTAL_OVERHEAD + 15) & ~15;
    const list = pools + (needed >> 2);
    const obj = load<Obj>(list);
    if (obj != null) {
      store<usize>(list, obj.nextWithColor);
      pooled -= needed;
      return obj;
    }
  }
  return changetype<Obj>(__alloc(blockSize(size)) - BLOCK_OVERHEAD);
}

function giveBack(obj: Obj): void {
  const size = obj.size;
  if (size <= POOLED_MAX && pooled < POOL_MAX) {
    const list = pools + (size >> 2);
    obj.nextWithColor = load<usize>(list);
    store<Obj>(list, obj);
    pooled += size;
  } else __free(changetype<usize>(obj) + BLOCK_OVERHEAD);
}

// @ts-ignore: decorator
@global @unsafe
function __new(size: usize, id: i32): usize {
  const obj = take(size);
  obj.rtId = id;
  obj.rtSize = <u32>size;
  obj.linkTo(fromSpace, white);
  total += obj.size;
  return changetype<usize>(obj) + TOTAL_OVERHEAD;
}

// @ts-ignore: decorator
@global @unsafe
function __renew(oldPtr: usize, size: usize): usize {
  const oldObj = changetype<Obj>(oldPtr - TOTAL_OVERHEAD);
  if (oldPtr < __heap_base) {
    const copy = __new(size, oldObj.rtId);
    memory.copy(copy, oldPtr, min(size, oldObj.rtSize));
    return copy;
  }
  total -= oldObj.size;
  const newPtr = __realloc(oldPtr - OBJECT_OVERHEAD, blockSize(size)) + OBJECT_OVERHEAD;
  const newObj = changetype<Obj>(newPtr - TOTAL_OVERHEAD);
  newObj.rtSize = <u32>size;
  newObj.next.prev = newObj;
  newObj.prev.nextWithColor = changetype<usize>(newObj) | (newObj.prev.nextWithColor & COLOR_MASK);
  total += newObj.size;
  return newPtr;
}

// @ts-ignore: decorator
@global @unsafe
function __link(parent: usize, child: usize, expectMultiple: bool): void {}

// @ts-ignore: decorator
@global @unsafe
function __visit(ptr: usize, cookie: i32): void {
  if (!ptr) return;
  const obj = changetype<Obj>(ptr - TOTAL_OVERHEAD);
  if (obj.color == white) {
    obj.unlink();
    obj.linkTo(toSpace, i32(!white));
  }
}

// @ts-ignore: decorator
@global @unsafe
function __pin(ptr: usize): usize {
  if (ptr) {
    const obj = changetype<Obj>(ptr - TOTAL_OVERHEAD);
    if (obj.color == PINNED) throw new Error("already pinned");
    obj.unlink();
    obj.linkTo(pinSpace, PINNED);
  }
  return ptr;
}

// @ts-ignore: decorator
@global @unsafe
function __unpin(ptr: usize): void {
  if (!ptr) return;
  const obj = changetype<Obj>(ptr - TOTAL_OVERHEAD);
  if (obj.color != PINNED) throw new Error("not pinned");
  obj.unlink();
  obj.linkTo(fromSpace, white);
}

/** A filter that calls it inside a callback would lose what only the stack holds, so there it does nothing. */
// @ts-ignore: decorator
@global @unsafe
function __collect(): void {}

function collect(): void {
  __visit_globals(0);
  visitContexts();
  for (let obj = pinSpace.next; obj != pinSpace; obj = obj.next) {
    __visit_members(changetype<usize>(obj) + TOTAL_OVERHEAD, 0);
  }
  // Grows while it is walked: what an object holds is appended behind it.
  for (let obj = toSpace.next; obj != toSpace; obj = obj.next) {
    __visit_members(changetype<usize>(obj) + TOTAL_OVERHEAD, 0);
  }
  const from = fromSpace;
  for (let obj = from.next; obj != from; ) {
    const next = obj.next;
    if (changetype<usize>(obj) < __heap_base) {
      obj.nextWithColor = 0; // static data, may be linked again
      obj.prev = changetype<Obj>(0);
    } else {
      total -= obj.size;
      giveBack(obj);
    }
    obj = next;
  }
  emptyList(from);
  fromSpace = toSpace;
  toSpace = from;
  white = i32(!white);
  live = total;
}

/** To be called only when no callback of the module is on the stack. */
// @ts-ignore: decorator
@inline
export function collectGarbage(): void {
  if (total - live > max(MIN_GARBAGE, live)) collect();
}

/** Bytes that managed objects take now, garbage included. */
export function managedBytes(): usize {
  return total;
}

/** Bytes that the last collection left alive. */
export function liveBytes(): usize {
  return live;
}

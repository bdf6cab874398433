/* A map of bounded size from bytes to values, which forgets the entry that was used least recently. Its hash has a key, so
 * nobody outside can choose keys that collide. There is no clock in it: the caller says what time it is. */

import { sipHash13 } from "./hash";

/** Most entries of a map. */
const MAX_CAPACITY: i32 = 1 << 20;

// A node, one per entry. Node 0 holds the list of use together: `older` of it is the newest, `newer` the oldest.
// u64 hash, u64 expires, u32 newer, u32 older, u32 next node of the bucket or of the free list, u32 length of the key.
const NODE_SHIFT: usize = 5;
const EXPIRES: usize = 8;
const NEWER: usize = 16;
const OLDER: usize = 20;
const NEXT: usize = 24;
const KEY_LENGTH: usize = 28;

/**
 * Every operation is O(1). What it keeps is allocated at once, about 48 bytes per entry of the capacity; later only the
 * keys are, and those only when an evicted one's memory does not fit.
 */
export class Lru<V> {
  /** Entries that are there, expired ones included until they are met. */
  size: i32 = 0;
  readonly capacity: i32;
  private nodes: ArrayBuffer;
  private buckets: StaticArray<u32>;
  private keys: StaticArray<ArrayBuffer | null>;
  private values: StaticArray<V>;
  private free: u32 = 0;
  private used: u32 = 0;
  /** One per entry; null: nothing is weighed. */
  private weights: StaticArray<u32> | null = null;
  /** Sum of the weights of all entries. */
  weight: u64 = 0;

  /**
   * `capacity`: 1 to 2^20 entries, else the nearer of the two. `k0`, `k1`: the hash's key, to be random. A key is longer
   * than `maxKey` bytes: it is not kept. The weights of all entries together are at most `maxWeight`; 0: nothing is weighed.
   * `tail`: how many bytes at the end of a key are hashed, 0 for all; only for keys whose ends nobody outside can choose.
   */
  constructor(
    capacity: i32,
    private k0: u64,
    private k1: u64,
    private maxKey: i32 = 1024,
    private maxWeight: u64 = 0,
    private tail: u32 = 0,
  ) {
    const room = min(max(capacity, 1), MAX_CAPACITY) + 1;
    this.capacity = room - 1;
    this.nodes = new ArrayBuffer(room << (<i32>NODE_SHIFT));
    this.buckets = new StaticArray<u32>(1 << (32 - clz(room - 1)));
    this.keys = new StaticArray<ArrayBuffer | null>(room);
    this.values = new StaticArray<V>(room);
    if (maxWeight) this.weights = new StaticArray<u32>(room);
  }

  /** The value of a key, which thereby is the newest; `fallback` when there is none or its time has come. */
  get(ptr: usize, length: usize, fallback: V, now: u64 = 0): V {
    const found = this.live(ptr, length, now);
    if (!found) return fallback;
    this.unlink(found);
    this.linkNewest(found);
    return unchecked(this.values[found]);
  }

  /** Whether there is a value, without making the key the newest. */
  has(ptr: usize, length: usize, now: u64 = 0): bool {
    return this.live(ptr, length, now) != 0;
  }

  /**
   * Sets a value that is gone from time `expires` on. False, and nothing is kept, when the key is too long or the weight
   * is more than all may have; of the weight, as many of the oldest go as it takes.
   */
  set(ptr: usize, length: usize, value: V, expires: u64 = u64.MAX_VALUE, weight: u32 = 0): bool {
    if (length > <usize>max(this.maxKey, 0)) return false;
    const hash = this.hash(ptr, length);
    let index = this.find(hash, ptr, length);
    const weights = this.weights;
    if (weights) {
      // Its old weight does not count any more, and the making of room must not take it away.
      if (index) this.remove(index);
      index = 0;
      if (weight > this.maxWeight) return false;
      while (this.weight + weight > this.maxWeight) this.remove(load<u32>(this.node(0), NEWER));
    }
    if (index) this.unlink(index);
    else index = this.insert(hash, ptr, length);
    if (weights) {
      unchecked((weights[index] = weight));
      this.weight += weight;
    }
    this.linkNewest(index);
    store<u64>(this.node(index), expires, EXPIRES);
    unchecked((this.values[index] = value));
    return true;
  }

  delete(ptr: usize, length: usize): bool {
    const index = this.find(this.hash(ptr, length), ptr, length);
    if (index) this.remove(index);
    return index != 0;
  }

  clear(): void {
    memory.fill(changetype<usize>(this.nodes), 0, this.nodes.byteLength);
    memory.fill(changetype<usize>(this.buckets), 0, this.buckets.length << 2);
    memory.fill(changetype<usize>(this.keys), 0, this.keys.length * sizeof<usize>());
    memory.fill(changetype<usize>(this.values), 0, this.values.length * sizeof<V>());
    this.free = this.used = this.size = 0;
    this.weight = 0;
  }

  // With text as keys: its UTF-16 units. One map has keys of one kind.

  getText(key: string, fallback: V, now: u64 = 0): V {
    return this.get(changetype<usize>(key), (<usize>key.length) << 1, fallback, now);
  }

  hasText(key: string, now: u64 = 0): bool {
    return this.has(changetype<usize>(key), (<usize>key.length) << 1, now);
  }

  setText(key: string, value: V, expires: u64 = u64.MAX_VALUE, weight: u32 = 0): bool {
    return this.set(changetype<usize>(key), (<usize>key.length) << 1, value, expires, weight);
  }

  deleteText(key: string): bool {
    return this.delete(changetype<usize>(key), (<usize>key.length) << 1);
  }

  private hash(ptr: usize, length: usize): u64 {
    const tail = <usize>this.tail;
    if (!tail || length <= tail) return sipHash13(ptr, length, this.k0, this.k1);
    return sipHash13(ptr + length - tail, tail, this.k0, this.k1);
  }

  private node(index: u32): usize {
    return changetype<usize>(this.nodes) + ((<usize>index) << NODE_SHIFT);
  }

  private bucket(hash: u64): usize {
    return changetype<usize>(this.buckets) + (((<usize>hash) & (<usize>(this.buckets.length - 1))) << 2);
  }

  private find(hash: u64, ptr: usize, length: usize): u32 {
    let index = load<u32>(this.bucket(hash));
    for (; index; index = load<u32>(this.node(index), NEXT)) {
      const node = this.node(index);
      if (load<u64>(node) != hash || load<u32>(node, KEY_LENGTH) != <u32>length) continue;
      if (!memory.compare(changetype<usize>(unchecked(this.keys[index])), ptr, length)) break;
    }
    return index;
  }

  /** Finds an entry whose time has not come; one whose time has is removed. */
  private live(ptr: usize, length: usize, now: u64): u32 {
    const index = this.find(this.hash(ptr, length), ptr, length);
    if (!index || now < load<u64>(this.node(index), EXPIRES)) return index;
    this.remove(index);
    return 0;
  }

  /** A node for a new key, in its bucket but not in the list. */
  private insert(hash: u64, ptr: usize, length: usize): u32 {
    if (this.size == this.capacity) this.remove(load<u32>(this.node(0), NEWER));
    let index = this.free;
    if (index) this.free = load<u32>(this.node(index), NEXT);
    else index = ++this.used;
    this.size++;
    let key = unchecked(this.keys[index]);
    const room = key ? <usize>key.byteLength : 0;
    if (!key || room < length || room > length + 64) {
      key = new ArrayBuffer(<i32>((length + 15) & ~15));
      unchecked((this.keys[index] = key));
    }
    memory.copy(changetype<usize>(key), ptr, length);
    const node = this.node(index);
    store<u64>(node, hash);
    store<u32>(node, <u32>length, KEY_LENGTH);
    const bucket = this.bucket(hash);
    store<u32>(node, load<u32>(bucket), NEXT);
    store<u32>(bucket, index);
    return index;
  }

  private remove(index: u32): void {
    this.unlink(index);
    const node = this.node(index);
    let link = this.bucket(load<u64>(node));
    while (load<u32>(link) != index) link = this.node(load<u32>(link)) + NEXT;
    store<u32>(link, load<u32>(node, NEXT));
    store<u32>(node, this.free, NEXT);
    this.free = index;
    this.size--;
    const weights = this.weights;
    if (weights) {
      this.weight -= unchecked(weights[index]);
      // What is weighed is large: its key must not stay beside the new ones.
      unchecked((this.keys[index] = null));
    }
    // Nothing may keep the value alive.
    if (isReference<V>()) memory.fill(changetype<usize>(this.values) + <usize>index * sizeof<V>(), 0, sizeof<V>());
  }

  private unlink(index: u32): void {
    const newer = load<u32>(this.node(index), NEWER);
    const older = load<u32>(this.node(index), OLDER);
    store<u32>(this.node(newer), older, OLDER);
    store<u32>(this.node(older), newer, NEWER);
  }

  private linkNewest(index: u32): void {
    const newest = load<u32>(this.node(0), OLDER);
    store<u32>(this.node(index), 0, NEWER);
    store<u32>(this.node(index), newest, OLDER);
    store<u32>(this.node(newest), index, NEWER);
    store<u32>(this.node(0), index, OLDER);
  }
}

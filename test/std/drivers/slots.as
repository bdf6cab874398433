import { shardOf, SlotTable, slotTableSize } from "../../../sdk/std/slots";
import { give } from "./io";

const table = new SlotTable();
let room: usize = 0;
let roomSize: usize = 0;

export function sizeOf(slots: u32, payload: u32): u32 {
  return <u32>slotTableSize(slots, payload);
}

export function shard(hash: u64, shards: u32): u32 {
  return shardOf(hash, shards);
}

/** Makes an empty table in memory of its own, where the calls below work. */
export function format(kind: u32, slots: u32, payload: u32): i32 {
  if (room) heap.free(room);
  roomSize = slotTableSize(slots, payload);
  room = heap.alloc(roomSize);
  return table.format(room, roomSize, kind, slots, payload);
}

/** Takes bytes over, as from another writer, and opens them. */
export function open(ptr: usize, length: usize, kind: u32, slots: u32, payload: u32): i32 {
  if (room) heap.free(room);
  roomSize = length;
  room = heap.alloc(length);
  memory.copy(room, ptr, length);
  return table.open(room, length, kind, slots, payload);
}

export function bytes(): usize {
  return give(room, roomSize);
}

/** Counts in the payload, u64: what it is now. -1 without a slot. With `isNew` it was 0. */
export function count(hash: u64, now: u64, idle: u64): i64 {
  const payload = table.take(hash, now, idle);
  if (!payload) return -1;
  const before = load<u64>(payload);
  if (table.isNew && before) unreachable();
  store<u64>(payload, before + 1);
  return before + 1;
}

/** What `count` has counted; -1 without a slot. */
export function counted(hash: u64): i64 {
  const payload = table.find(hash);
  return payload ? load<u64>(payload) : -1;
}

export function remove(hash: u64): i32 {
  return i32(table.remove(hash));
}

export function busy(now: u64, idle: u64): u32 {
  return table.busy(now, idle);
}

/** Opens bytes with the shape that their header says, if that is one, and uses them. */
export function verdict(ptr: usize, length: usize): i32 {
  const slots = length >= 16 ? load<u32>(ptr, 8) : 4;
  const payload = length >= 16 ? load<u16>(ptr, 6) : 8;
  const error = table.open(ptr, length, length >= 16 ? load<u32>(ptr, 12) : 0, slots, payload);
  const guard = load<u64>(ptr + length);
  for (let i: u64 = 0; i < 24; i++) {
    const hash = i * 0x9e3779b97f4a7c15;
    const taken = table.take(hash, i * 1000, i & 1 ? 100 : 0);
    if (taken && table.find(hash) != taken) unreachable();
    if (taken && (taken < ptr || taken + payload > ptr + length)) unreachable();
    if (error && taken) unreachable();
    if (i % 5 == 0) table.remove(hash);
  }
  table.busy(1 << 40, 5);
  if (load<u64>(ptr + length) != guard) unreachable();
  return error;
}

/** For measuring. */
export function takeAgain(times: u32): u32 {
  let given: u32 = 0;
  for (let i: u32 = 0; i < times; i++) given += u32(table.take(<u64>i * 0x9e3779b97f4a7c15, i, 0) != 0);
  return given;
}

/** Takes a slot for a random key that follows from a number; 0 when it has none. */
export function fill(number: u64): u64 {
  let hash = (number + 1) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return table.take(hash ^ (hash >> 31), 1, 1) != 0 ? 1 : 0;
}

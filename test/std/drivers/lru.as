import { Lru } from "../../../sdk/std/lru";
import { giveText } from "./io";

class Item {
  constructor(readonly number: i32) {}
}

let numbers = new Lru<i32>(1, 0, 0);
let items = new Lru<Item | null>(1, 0, 0);

/** Two maps that are used alike: one of numbers, one of objects. */
export function create(capacity: i32, maxKey: i32, k0: u64, k1: u64, maxWeight: u64): i32 {
  numbers = new Lru<i32>(capacity, k0, k1, maxKey, maxWeight);
  items = new Lru<Item | null>(capacity, k0, k1, maxKey, maxWeight);
  return numbers.capacity;
}

export function get(ptr: usize, length: usize, now: u64): i32 {
  const number = numbers.get(ptr, length, -1, now);
  const item = items.get(ptr, length, null, now);
  return item ? (item.number == number ? number : -3) : number == -1 ? -1 : -3;
}

export function has(ptr: usize, length: usize, now: u64): i32 {
  const found = numbers.has(ptr, length, now);
  return found == items.has(ptr, length, now) ? i32(found) : -3;
}

export function set(ptr: usize, length: usize, value: i32, expires: u64, weight: u32): i32 {
  const kept = numbers.set(ptr, length, value, expires, weight);
  return kept == items.set(ptr, length, new Item(value), expires, weight) ? i32(kept) : -3;
}

export function remove(ptr: usize, length: usize): i32 {
  const was = numbers.delete(ptr, length);
  return was == items.delete(ptr, length) ? i32(was) : -3;
}

export function clear(): void {
  numbers.clear();
  items.clear();
}

export function size(): i32 {
  return numbers.size == items.size ? numbers.size : -3;
}

export function weight(): i32 {
  return numbers.weight == items.weight ? <i32>numbers.weight : -3;
}

export function text(ptr: usize, length: usize): usize {
  const key = String.UTF8.decodeUnsafe(ptr, length);
  numbers.setText(key, 7);
  let result = numbers.hasText(key) ? "kept" : "not kept";
  result += " " + numbers.getText(key, -1).toString();
  result += " " + (numbers.deleteText(key) ? "deleted" : "not deleted");
  return giveText(result + " " + numbers.getText(key, -1).toString());
}

/** Entries of the map of numbers alone. */
export function numberOf(): i32 {
  return numbers.size;
}

/** In the map of numbers alone: sets `count` keys of eight bytes from `first` on; with `read`, looks each up before. */
export function churn(first: u32, count: u32, read: i32): i32 {
  const key = memory.data(8, 8);
  let found = 0;
  for (let i = first; i < first + count; i++) {
    store<u64>(key, <u64>i * 0x9e3779b97f4a7c15);
    if (read) found += i32(numbers.get(key, 8, -1) >= 0);
    numbers.set(key, 8, <i32>i);
  }
  return found;
}

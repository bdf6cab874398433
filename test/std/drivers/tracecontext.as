import { refusalAt } from "../../../sdk/std/refusal";
import { TraceParent, TraceState } from "../../../sdk/std/tracecontext";
import { giveText } from "./io";

/** Version, trace id, parent id, sampled and random, and how it is written. */
export function parent(ptr: usize, length: usize): usize {
  const parent = TraceParent.parse(ptr, <i32>length);
  if (!parent) return 0;
  return giveText(
    parent.version.toString() +
      " " +
      parent.traceId +
      " " +
      parent.parentIdText +
      " " +
      i32(parent.sampled).toString() +
      i32(parent.random).toString() +
      " " +
      parent.toString(),
  );
}

export function child(ptr: usize, length: usize, spanId: u64, sampled: i32): usize {
  const parent = TraceParent.parse(ptr, <i32>length);
  return parent ? giveText(parent.child(spanId, sampled != 0).toString()) : 0;
}

let state: TraceState = new TraceState();

/** Whether the field was read; then the functions below work on it. */
export function read(ptr: usize, length: usize): i32 {
  const read = TraceState.parse(ptr, <i32>length);
  state = read ? read : new TraceState();
  return i32(read != null);
}

function text(ptr: usize, length: usize): string {
  return String.UTF8.decodeUnsafe(ptr, length);
}

export function set(key: usize, keyLength: usize, value: usize, valueLength: usize): i32 {
  return i32(state.set(text(key, keyLength), text(value, valueLength)));
}

export function remove(key: usize, keyLength: usize): i32 {
  return i32(state.delete(text(key, keyLength)));
}

export function get(key: usize, keyLength: usize): usize {
  const value = state.get(text(key, keyLength));
  return value != null ? giveText(value) : 0;
}

export function written(limit: i32): usize {
  return giveText(state.serialize(limit));
}

/** Bit 1: a traceparent; bit 2: a tracestate; 8 and more: one that is read otherwise the second time, or a bad place of an error. */
export function verdict(ptr: usize, length: usize): i32 {
  let result = 0;
  const parent = TraceParent.parse(ptr, <i32>length);
  if (parent) {
    result = 1;
    const again = TraceParent.parseText(parent.toString());
    if (!again || again.toString() != parent.toString() || again.parentId != parent.parentId) return 8;
  } else if (refusalAt < 0 || refusalAt > <i32>length) return 9;
  const state = TraceState.parse(ptr, <i32>length);
  if (state) {
    result |= 2;
    const text = state.serialize();
    const again = TraceState.parseText(text);
    if (!again || again.serialize() != text || again.length != state.length) return 10;
    for (let i = 0; i < state.length; i++) if (state.get(state.keyAt(i)) != state.valueAt(i)) return 11;
    for (let limit = 0; limit < 64; limit += 7) if (state.serialize(limit).length > limit) return 12;
  } else if (refusalAt < 0 || refusalAt > <i32>length) return 13;
  return result;
}

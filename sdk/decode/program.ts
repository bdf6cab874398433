/* The decoder's parts as a program of its own, which the toolchain runs (toolchain/build/decoder.ts): a configuration is
 * read there by the same code as in a filter. Not for filters. */

import { Config, NoConfig } from "../config";
import { JsonReader } from "../std/json";
import { readDuration } from "./duration";
import { readHeaderName } from "./header-name";
import { readInt64 } from "./int64";
import { writeDouble } from "./numbers";
import { readPrefix } from "./cidr";
import { readPattern } from "./regex";
import { readVariable } from "./secret-env";
import { isStruct, structToJson } from "./struct";
import { readUri } from "./uri";

let json: JsonReader = new JsonReader(0, 0);
let behind: JsonReader = json;
let room: usize = 0;
let converted: usize = 0;

/** Numbers as they are: what a schema makes of them is decided later. */
class Numbers extends NoConfig {
  writeNumber(value: f64, out: usize): usize {
    return writeDouble(value, out);
  }
}

/** Room for a document. */
export function reserve(length: usize): usize {
  if (room) heap.free(room);
  room = heap.alloc(length + 16);
  return room;
}

/** Begins to read what is in the room. */
export function open(length: usize): void {
  if (converted) heap.free(converted);
  converted = 0;
  let ptr = room;
  if (isStruct(ptr, length)) {
    converted = heap.alloc(6 * length + 16);
    length = structToJson(ptr, length, converted, new Numbers());
    ptr = converted;
  } else if (!length) {
    store<u16>(ptr, 0x7d7b);
    length = 2;
  }
  json = new JsonReader(ptr, length);
}

/** Whether the document is a Struct, so that offsets say nothing. */
export function isBinary(): bool {
  return converted != 0;
}

export function ok(): bool {
  return json.ok;
}
export function error(): string {
  return json.error;
}
export function errorAt(): u32 {
  return json.errorAt;
}
export function offset(): u32 {
  return json.offset;
}
export function nesting(): u32 {
  return json.nesting;
}
export function resume(at: u32, depth: u32): void {
  json.resume(at, depth);
}
export function type(): i32 {
  return json.type;
}
export function beginObject(): bool {
  return json.beginObject();
}
export function beginArray(): bool {
  return json.beginArray();
}
export function nextKey(first: bool): bool {
  return json.nextKey(first);
}
export function nextItem(first: bool): bool {
  return json.nextItem(first);
}
export function key(): string {
  return json.key;
}
export function unknownKey(): bool {
  return json.unknownKey();
}
export function duplicateKey(): bool {
  return json.duplicateKey();
}
export function skip(): bool {
  return json.skip();
}
export function end(): bool {
  return json.end();
}
export function text(): string {
  return json.readString();
}
/** Begins a look ahead; `back` ends it. */
export function ahead(): void {
  behind = json;
  json = json.fork();
}
/** Goes back to where the look ahead began, with its error. */
export function back(): void {
  behind.error = json.error;
  behind.errorAt = json.errorAt;
  json = behind;
}
export function flag(): i32 {
  return i32(json.readBool());
}
export function integer(): i64 {
  return json.readInteger();
}
export function double(): f64 {
  return json.readF64();
}
export function duration(): i64 {
  return readDuration(json);
}
export function cidr(): void {
  readPrefix(json);
}
export function regex(): void {
  readPattern(json);
}
export function uri(): string {
  return readUri(json);
}
export function headerName(): string {
  return readHeaderName(json);
}
export function int64(): i64 {
  return readInt64(json);
}
export function secretEnv(): string {
  return readVariable(json);
}

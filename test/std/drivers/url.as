import {
  EncodeSet,
  normalizedPathMax,
  normalizePath,
  PathNormalization,
  percentDecode,
  percentDecoded,
  percentDecodeStrict,
  percentEncode,
  percentEncoded,
  Query,
  QueryReader,
  RequestTarget,
} from "../../../sdk/std/url";
import { give, giveArray, giveText } from "./io";

const GUARD: u8 = 0xa5;

export function encode(ptr: usize, length: usize, set: i32): usize {
  const out = heap.alloc(length * 3 + 1);
  const answer = give(out, percentEncode(ptr, length, out, <EncodeSet>set));
  heap.free(out);
  return answer;
}

export function encodeText(ptr: usize, length: usize, set: i32): usize {
  return giveText(percentEncoded(copy(ptr, length), <EncodeSet>set));
}

/** Decodes in place. */
export function decode(ptr: usize, length: usize, plus: i32): usize {
  return give(ptr, percentDecode(ptr, length, ptr, plus != 0));
}

export function decodeArray(ptr: usize, length: usize, plus: i32): usize {
  return giveArray(percentDecoded(copy(ptr, length), plus != 0));
}

/** Decodes strictly; the number of bytes, or -1 - offset. */
export function decodeStrict(ptr: usize, length: usize): i32 {
  return <i32>percentDecodeStrict(ptr, length, ptr);
}

function copy(ptr: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length);
  memory.copy(bytes.dataStart, ptr, length);
  return bytes;
}

const query = new Query();
const target = new RequestTarget();
let room = 0;
let answer: StaticArray<u8> = new StaticArray<u8>(0);

function start(): void {
  room = 0;
}

function put(ptr: usize, length: usize): void {
  if (room + <i32>length + 4 > answer.length) {
    const larger = new StaticArray<u8>((room + <i32>length + 4) * 2);
    memory.copy(changetype<usize>(larger), changetype<usize>(answer), room);
    answer = larger;
  }
  store<u32>(changetype<usize>(answer) + room, <u32>length);
  memory.copy(changetype<usize>(answer) + room + 4, ptr, length);
  room += 4 + <i32>length;
}

function finish(): usize {
  return give(changetype<usize>(answer), room);
}

/** All names and values of a query, decoded, each with its length in front; 0 when it is refused. */
export function pairs(ptr: usize, length: usize, plus: i32, strict: i32, limit: i32): usize {
  if (!query.parse(ptr, length, plus != 0, strict != 0, limit)) return 0;
  start();
  for (let i = 0; i < query.count; i++) {
    put(query.namePtr(i), query.nameLength(i));
    put(query.valuePtr(i), query.valueLength(i));
  }
  return finish();
}

/** Of the last query: error << 24 | offset. */
export function queryError(): i32 {
  return (query.error << 24) | <i32>query.errorAt;
}

/** Of the last query: the values of a name, each with its length in front. */
export function valuesOf(ptr: usize, length: usize): usize {
  start();
  const name = String.UTF8.decodeUnsafe(ptr, length);
  let first = true;
  for (let i = query.find(name); i >= 0; i = query.find(name, i + 1)) {
    if (first && query.get(name) != query.value(i)) return 0;
    first = false;
    put(query.valuePtr(i), query.valueLength(i));
  }
  return finish();
}

/** The pairs as they stand: name, value, and "=" or nothing. */
export function rawPairs(ptr: usize, length: usize): usize {
  start();
  const reader = new QueryReader(ptr, length);
  while (reader.next()) {
    put(reader.name, reader.nameLength);
    put(reader.value, reader.valueLength);
    put(reader.name + reader.nameLength, usize(reader.hasValue));
  }
  return finish();
}

/** Path, query, and "?" or nothing; 0 for what is refused. */
export function split(ptr: usize, length: usize): usize {
  if (!target.read(ptr, length)) return 0;
  start();
  put(target.path, target.pathLength);
  put(target.query, target.queryLength);
  put(target.path + target.pathLength, usize(target.hasQuery));
  return finish();
}

/** 0 for what is refused. */
export function normalize(ptr: usize, length: usize, how: i32): usize {
  const size = normalizedPathMax(length);
  const out = heap.alloc(size + 1);
  store<u8>(out + size, GUARD);
  const written = normalizePath(ptr, length, out, <PathNormalization>how);
  if (written > <isize>size || load<u8>(out + size) != GUARD) unreachable();
  const result = written < 0 ? 0 : give(out, written);
  heap.free(out);
  return result;
}

/** All variants that fuzz/url.ts names: a bit for each that refuses the path. */
export function everything(ptr: usize, length: usize): i32 {
  const size = normalizedPathMax(length);
  const out = heap.alloc(size + 1);
  store<u8>(out + size, GUARD);
  let refused = 0;
  for (let how = 0; how < 12; how++) {
    if (!((0x99f >> how) & 1)) continue;
    const written = normalizePath(ptr, length, out, <PathNormalization>how);
    if (written > <isize>size || load<u8>(out + size) != GUARD) unreachable();
    if (written < 0) refused |= 1 << how;
    else if (load<u8>(out) != 0x2f) unreachable();
  }
  heap.free(out);
  return refused;
}

export function queryVerdict(ptr: usize, length: usize): i32 {
  return query.parse(ptr, length, true, false, 64) ? query.count : -1;
}

/** For measuring. */
export function normalizeAgain(ptr: usize, length: usize, how: i32, times: i32): void {
  const out = heap.alloc(normalizedPathMax(length));
  for (let i = 0; i < times; i++) normalizePath(ptr, length, out, <PathNormalization>how);
  heap.free(out);
}

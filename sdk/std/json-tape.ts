/* JSON text (RFC 8259) to nodes of eight bytes: the parser behind json-value.ts. It works on a copy of the text, in which
 * it replaces escapes in place, so that every string is a piece of UTF-8. The members of a container lie side by side.
 *
 * A node: bits 0 to 2 the type, bit 3 true or false, bits 4 to 31 where the text begins (of strings and numbers) or the
 * index of the first member, bits 32 to 63 the length in bytes or the number of members. A member of an object is two
 * nodes, key and value. */

import { characterSize } from "./utf8";

export enum JsonType {
  /** There is no value. */
  Missing,
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

const NULL_NODE: u64 = JsonType.Null;
const FALSE_NODE: u64 = JsonType.Bool;
const TRUE_NODE: u64 = JsonType.Bool | 8;

/** What a document may have at most; more is an error. */
export class JsonLimits {
  /** Arrays and objects inside one another. Above 512 it is 512. */
  depth: u32 = 64;
  /** Bytes of the text. Above 64 MiB it is 64 MiB. */
  size: u32 = 1024 * 1024;
  /** Keys of one object. */
  keys: u32 = 10000;
}

const MOST_DEPTH: u32 = 512;
const MOST_SIZE: u32 = 64 * 1024 * 1024;
/** Larger working memory is given back after use. */
const KEEP: usize = 64 * 1024;
/** Zeros behind the copy: it is read by words, and a zero ends everything. */
const PADDING: usize = 16;

/** Reason of the last error; "" after success. */
export let tapeError: string = "";
/** Byte offset of the last error. */
export let tapeErrorAt: usize = 0;

/** The copy of the last text, and its nodes; valid until the next parse. */
export let tapeText: usize = 0;
export let tapeNodes: usize = 0;
/** Bytes of the nodes. */
export let tapeNodesSize: usize = 0;
export let tapeRoot: u64 = 0;

let textEnd: usize = 0;
let textCapacity: usize = 0;
let nodesCapacity: usize = 0;
/** Values of the containers that are open. In front of the members of each is a node with its type and, in bits 32 to 63,
 * how far from the bottom the one around it is. */
let stack: usize = 0;
let stackCapacity: usize = 0;

/** Where the last string ends after its escapes were replaced. */
let stringEnd: usize = 0;

/** Parses; false after an error. releaseTape is to be called when the nodes are no longer needed. */
export function parseTape(ptr: usize, length: usize, limits: JsonLimits | null): bool {
  let mostDepth: u32 = 64;
  let mostSize: u32 = 1024 * 1024;
  let mostKeys: u32 = 10000;
  if (limits) {
    mostDepth = min(limits.depth, MOST_DEPTH);
    mostSize = min(limits.size, MOST_SIZE);
    mostKeys = limits.keys;
  }
  tapeError = "";
  if (length > mostSize) {
    tapeError = "it is too large";
    tapeErrorAt = mostSize;
    return false;
  }
  prepare(length);
  const text = tapeText;
  memory.copy(text, ptr, length);
  textEnd = text + length;
  store<u64>(textEnd, 0);
  store<u64>(textEnd, 0, 8);

  let at = text;
  let top = stack;
  let frame: usize = 0; // of the innermost open container
  let inObject = false;
  let depth: u32 = 0;
  let c: u32;
  while (true) {
    if (top - stack + 32 > stackCapacity) {
      const bottom = stack;
      growStack();
      top += stack - bottom;
      if (frame) frame += stack - bottom;
    }
    c = load<u8>(at);
    if (c <= 0x20) {
      at = skipSpace(at);
      c = load<u8>(at);
    }
    if (inObject) {
      if (c != 0x22) return failed("a key is missing", at);
      const end = scanString(++at);
      if (!end) return false;
      store<u64>(top, piece(JsonType.String, at - text, stringEnd - at));
      top += 8;
      at = end + 1;
      c = load<u8>(at);
      if (c != 0x3a) {
        at = skipSpace(at);
        if (load<u8>(at) != 0x3a) return failed("a colon is missing", at);
      }
      c = load<u8>(++at);
      if (c <= 0x20) {
        at = skipSpace(at);
        c = load<u8>(at);
      }
    }
    if (c == 0x22) {
      const end = scanString(++at);
      if (!end) return false;
      store<u64>(top, piece(JsonType.String, at - text, stringEnd - at));
      at = end + 1;
    } else if (c == 0x7b || c == 0x5b) {
      if (++depth > mostDepth) return failed("it is nested too deep", at);
      inObject = c == 0x7b;
      store<u64>(top, u64(inObject ? JsonType.Object : JsonType.Array) | ((<u64>(frame ? frame - stack : -1)) << 32));
      frame = top;
      top += 8;
      at = skipSpace(at + 1);
      // The brackets of a pair are two apart.
      if (load<u8>(at) != c + 2) continue;
      top -= 8;
    } else if (c - 0x30 < 10 || c == 0x2d) {
      const end = scanDigits(at);
      if (!end) return false;
      store<u64>(top, piece(JsonType.Number, at - text, end - at));
      at = end;
    } else {
      const word = load<u32>(at);
      if (word == 0x65757274) {
        store<u64>(top, TRUE_NODE);
        at += 4;
      } else if (word == 0x6c6c756e) {
        store<u64>(top, NULL_NODE);
        at += 4;
      } else if (word == 0x736c6166 && load<u8>(at, 4) == 0x65) {
        store<u64>(top, FALSE_NODE);
        at += 5;
      } else return failed("a value is missing", at);
    }
    top += 8;

    // A value is complete; perhaps containers are, too.
    while (true) {
      c = load<u8>(at);
      if (c <= 0x20) {
        at = skipSpace(at);
        c = load<u8>(at);
      }
      if (!frame) {
        if (at != textEnd) return failed("text follows its end", at);
        tapeRoot = load<u64>(stack);
        return true;
      }
      if (c == 0x2c) {
        at++;
        break;
      }
      if (c != (inObject ? 0x7d : 0x5d)) return failed("a comma or bracket is missing", at);
      at++;
      depth--;
      const first = frame + 8;
      let count = (top - first) >> 3;
      if (inObject) {
        const keys = count >> 1;
        if (keys > mostKeys) return failed("an object has too many keys", at - 1);
        const again = keys > 1 ? duplicate(first, keys) : 0;
        if (again) return failed("a key is there twice", again);
      }
      const size = top - first;
      if (tapeNodesSize + size > nodesCapacity) growNodes(size);
      const index = tapeNodesSize >> 3;
      let to = tapeNodes + tapeNodesSize;
      for (let from = first; from < top; from += 8, to += 8) store<u64>(to, load<u64>(from));
      tapeNodesSize += size;
      if (inObject) count >>= 1;
      const outer = load<u64>(frame);
      store<u64>(frame, (outer & 7) | ((<u64>index) << 4) | ((<u64>count) << 32));
      top = first;
      const back = <i32>(outer >> 32);
      frame = back < 0 ? 0 : stack + <usize>back;
      inObject = frame ? (load<u8>(frame) & 7) == JsonType.Object : false;
    }
  }
}

function piece(type: u64, offset: usize, length: usize): u64 {
  return type | ((<u64>offset) << 4) | ((<u64>length) << 32);
}

/** Gives back working memory that one large text has made large. */
export function releaseTape(): void {
  if (textCapacity > KEEP) {
    heap.free(tapeText);
    textCapacity = 0;
  }
  if (nodesCapacity > KEEP) {
    heap.free(tapeNodes);
    nodesCapacity = 0;
  }
  if (stackCapacity > KEEP) {
    heap.free(stack);
    stackCapacity = 0;
  }
}

function prepare(length: usize): void {
  tapeNodesSize = 0;
  const size = length + PADDING;
  if (size > textCapacity) {
    if (textCapacity) heap.free(tapeText);
    textCapacity = max<usize>(size, 4096);
    tapeText = heap.alloc(textCapacity);
  }
  if (!nodesCapacity) growNodes(2048);
  if (!stackCapacity) growStack();
}

function growNodes(more: usize): void {
  const old = nodesCapacity;
  nodesCapacity = max<usize>(2 * old, tapeNodesSize + more);
  tapeNodes = old ? heap.realloc(tapeNodes, nodesCapacity) : heap.alloc(nodesCapacity);
}

function growStack(): void {
  const old = stackCapacity;
  stackCapacity = max<usize>(2 * old, 1024);
  stack = old ? heap.realloc(stack, stackCapacity) : heap.alloc(stackCapacity);
}

function failed(reason: string, at: usize): bool {
  tapeError = at < textEnd ? reason : "it ends too early";
  tapeErrorAt = at - tapeText;
  return false;
}

/** The place of the next byte that is no white space. */
function skipSpace(at: usize): usize {
  while (true) {
    const c = <u32>load<u8>(at);
    // Space, tab, line feed, carriage return.
    if (c > 0x20 || !((0x100002600 >> (<u64>c)) & 1)) return at;
    at++;
  }
}

/** The end of the number at `at`; 0 when it is malformed. */
function scanDigits(at: usize): usize {
  let c = <u32>load<u8>(at);
  if (c == 0x2d) c = load<u8>(++at);
  if (c - 0x30 > 9) return refused("a number is malformed", at);
  if (c == 0x30) c = load<u8>(++at);
  else
    do c = load<u8>(++at);
    while (c - 0x30 < 10);
  if (c == 0x2e) {
    c = load<u8>(++at);
    if (c - 0x30 > 9) return refused("a number is malformed", at);
    do c = load<u8>(++at);
    while (c - 0x30 < 10);
  }
  if ((c | 0x20) == 0x65) {
    c = load<u8>(++at);
    if (c == 0x2b || c == 0x2d) c = load<u8>(++at);
    if (c - 0x30 > 9) return refused("a number is malformed", at);
    do c = load<u8>(++at);
    while (c - 0x30 < 10);
  }
  return at;
}

function refused(reason: string, at: usize): usize {
  failed(reason, at);
  return 0;
}

const ONES: u64 = 0x0101010101010101;

/** The closing quote of the string whose first byte is at `at`; sets stringEnd. 0 after an error. */
function scanString(at: usize): usize {
  while (true) {
    const bytes = load<u64>(at);
    // In the lowest byte that has its top bit set: a quote, a backslash, a control character or no ASCII.
    const found =
      (((bytes ^ (ONES * 0x22)) - ONES) | ((bytes ^ (ONES * 0x5c)) - ONES) | (bytes - ONES * 0x20) | bytes) &
      (ONES * 0x80);
    if (!found) {
      at += 8;
      continue;
    }
    at += (<usize>ctz(found)) >> 3;
    const c = <u32>load<u8>(at);
    if (c == 0x22) {
      stringEnd = at;
      return at;
    }
    if (c == 0x5c) return unescape(at);
    if (c < 0x80) return refused("a control character is in a string", at);
    const size = characterSize(load<u32>(at));
    if (!size) return refused("it is not UTF-8", at);
    at += size;
  }
}

/** The rest of a string from its first escape on, which it replaces in place; as scanString. */
function unescape(at: usize): usize {
  let write = at;
  while (true) {
    let c = <u32>load<u8>(at);
    if (c == 0x22) {
      stringEnd = write;
      return at;
    }
    if (c < 0x20) return refused("a control character is in a string", at);
    if (c >= 0x80) {
      const size = characterSize(load<u32>(at));
      if (!size) return refused("it is not UTF-8", at);
      for (const end = at + size; at < end;) store<u8>(write++, load<u8>(at++));
      continue;
    }
    at++;
    if (c == 0x5c) {
      c = load<u8>(at++);
      if (c == 0x6e) c = 10;
      else if (c == 0x74) c = 9;
      else if (c == 0x72) c = 13;
      else if (c == 0x62) c = 8;
      else if (c == 0x66) c = 12;
      else if (c == 0x75) {
        c = hex4(at);
        at += 4;
        if ((c & 0xfffff800) == 0xd800) {
          // A pair of surrogates is one character; one alone is none.
          const low = c < 0xdc00 && load<u16>(at) == 0x755c ? hex4(at + 2) : 0;
          if ((low & 0xfffffc00) != 0xdc00) return refused("half a surrogate pair is in a string", at - 6);
          at += 6;
          c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
          store<u8>(write++, 0xf0 | (c >> 18));
          store<u8>(write++, 0x80 | ((c >> 12) & 0x3f));
          store<u8>(write++, 0x80 | ((c >> 6) & 0x3f));
          c = 0x80 | (c & 0x3f);
        } else if (c > 0xffff) return refused("an escape is malformed", at - 6);
        else if (c >= 0x80) {
          if (c < 0x800) store<u8>(write++, 0xc0 | (c >> 6));
          else {
            store<u8>(write++, 0xe0 | (c >> 12));
            store<u8>(write++, 0x80 | ((c >> 6) & 0x3f));
          }
          c = 0x80 | (c & 0x3f);
        }
      } else if (c != 0x22 && c != 0x5c && c != 0x2f) return refused("an escape is malformed", at - 2);
    }
    store<u8>(write++, c);
  }
}

/** The value of four hexadecimal digits; above 0xffff when they are none. */
export function hex4(at: usize): u32 {
  let value: u32 = 0;
  for (const end = at + 4; at < end; at++) {
    const c = <u32>load<u8>(at);
    const letter = (c | 0x20) - 0x61;
    if (c - 0x30 < 10) value = (value << 4) | (c - 0x30);
    else if (letter < 6) value = (value << 4) | (letter + 10);
    else return 0xffffffff;
  }
  return value;
}

/** Most keys that are looked up by a hash. More are sorted: a sender who knows the hash could make all alike. */
const FEW: usize = 63;
const HASH_FACTOR: u64 = 0x9e3779b97f4a7c15;

/** Where a key begins that is there before; 0 when all differ. Key nodes are every other node from `first` on. */
function duplicate(first: usize, count: usize): usize {
  if (count <= FEW) {
    // Numbers of keys, 0 for none; at least half of the places stay empty.
    const table = memory.data(128);
    const bits = 64 - clz(<u64>count) + 1;
    const mask = ((<usize>1) << (<usize>bits)) - 1;
    for (let i: usize = 0; i <= mask; i += 8) store<u64>(table + i, 0);
    for (let i: usize = 0; i < count; i++) {
      const key = load<u64>(first + (i << 4));
      const text = textOf(key);
      const length = key >> 32;
      // The first and the last eight bytes, or all.
      let mixed = length;
      if (length >= 8) mixed += load<u64>(text) ^ rotl(load<u64>(text + <usize>length - 8), 29);
      else if (length) mixed += load<u64>(text) << (64 - (length << 3));
      let place = <usize>((mixed * HASH_FACTOR) >> (64 - bits));
      for (let other = <usize>load<u8>(table + place); other; other = load<u8>(table + place)) {
        if (!compareKeys(key, load<u64>(first + ((other - 1) << 4)))) return text;
        place = (place + 1) & mask;
      }
      store<u8>(table + place, <u8>(i + 1));
    }
    return 0;
  }
  // The same ones stand side by side when they are sorted.
  const sorted = heap.alloc(count << 3);
  for (let i: usize = 0; i < count; i++) store<u64>(sorted + (i << 3), load<u64>(first + (i << 4)));
  for (let i = count >> 1; i;) sink(sorted, --i, count);
  for (let i = count; --i;) {
    const largest = load<u64>(sorted);
    store<u64>(sorted, load<u64>(sorted + (i << 3)));
    store<u64>(sorted + (i << 3), largest);
    sink(sorted, 0, i);
  }
  let found: usize = 0;
  for (let i: usize = 1; i < count; i++) {
    const a = load<u64>(sorted + (i << 3));
    const b = load<u64>(sorted + ((i - 1) << 3));
    if (compareKeys(a, b)) continue;
    const later = max(textOf(a), textOf(b));
    if (!found || later < found) found = later;
  }
  heap.free(sorted);
  return found;
}

/** Heapsort's step: moves item `i` of a heap down to where none below is larger. */
function sink(items: usize, i: usize, count: usize): void {
  const item = load<u64>(items + (i << 3));
  while (true) {
    let child: usize = 2 * i + 1;
    if (child >= count) break;
    let below = load<u64>(items + (child << 3));
    if (child + 1 < count) {
      const right = load<u64>(items + ((child + 1) << 3));
      if (compareKeys(right, below) > 0) {
        below = right;
        child++;
      }
    }
    if (compareKeys(item, below) >= 0) break;
    store<u64>(items + (i << 3), below);
    i = child;
  }
  store<u64>(items + (i << 3), item);
}

function textOf(node: u64): usize {
  return tapeText + <usize>((node >> 4) & 0x0fffffff);
}

/** Any total order. */
function compareKeys(a: u64, b: u64): i32 {
  const length = <u32>(a >> 32);
  const otherLength = <u32>(b >> 32);
  if (length != otherLength) return length > otherLength ? 1 : -1;
  let left = textOf(a);
  let right = textOf(b);
  let rest = length;
  for (; rest >= 8; rest -= 8) {
    const x = load<u64>(left);
    const y = load<u64>(right);
    if (x != y) return x > y ? 1 : -1;
    left += 8;
    right += 8;
  }
  if (!rest) return 0;
  // What follows the text does not count.
  const shift = 64 - ((<u64>rest) << 3);
  const x = load<u64>(left) << shift;
  const y = load<u64>(right) << shift;
  return x == y ? 0 : x > y ? 1 : -1;
}

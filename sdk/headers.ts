/* Header and trailer maps of the current callback. The first read fetches all lines, later reads are local; a write goes
 * to the host and drops what was read, because Envoy merges lines, lower-cases names and aliases `host`. */

import { LogLevel, MapType, Status } from "./abi/enums";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "./abi/hostcalls";
import {
  clearReturn,
  hostFree,
  hostSize,
  putString,
  retLen,
  retPtr,
  returnedLength,
  returnedPtr,
  roomFor,
  scratchFor,
} from "./runtime/memory";
import { decodeUtf8 } from "../sdk/std/utf8";
import { equalsIgnoreCase, isFieldValue } from "../sdk/std/field";
import { isPseudoValue } from "./runtime/guard";
import { factsOfName, GUARDED, literalFacts, literalLength, literalOf, TOKEN, VALUE } from "./runtime/literals";
import { logAlways } from "./log";

/** The host refuses to write to it. */
const NO_MAP = <MapType>0xff;
const ADD = 0;
const REPLACE = 1;
// What joins several lines of one name, as two little-endian bytes.
const LIST: u16 = 0x202c;
const COOKIE: u16 = 0x203b;

// What `put` has encoded last, and what is known of it.
let putPtr: usize = 0;
let putLength: usize = 0;
let putFacts: u32 = 0;

/** Takes the literal, or encodes the text to `at`, where it has room. */
function put(literal: usize, text: string, at: usize): void {
  if (literal) {
    putPtr = literal;
    putLength = literalLength(literal);
    putFacts = literalFacts(literal);
  } else {
    putPtr = at;
    putLength = putString(at, text);
    putFacts = 0;
  }
}

/** The same for a text that stands alone in the scratch area. */
function putAlone(text: string): void {
  const literal = literalOf(text);
  put(literal, text, literal ? 0 : scratchFor(roomFor(text)));
}

/**
 * One header or trailer map. It can be read and written only in the callbacks in which Envoy offers it: request headers in
 * onRequestHeaders (later too while they are held), response headers in onResponseHeaders, all of them in onLog. Anywhere
 * else reads give null, `status` is BadArgument and an error is logged once per callback.
 */
export class HeaderMap {
  /**
   * How the last call went: Ok, NotFound (no such line), BadArgument (not available here, or refused),
   * SerializationFailure (the host returned what is no header map).
   */
  status: Status = Status.Ok;
  private pairs: usize = 0;
  private count: u32 = 0;
  /** Of a copy: where its lines lie. */
  private kept: ArrayBuffer | null = null;
  /** The next map that holds what was read in this callback. */
  private nextFilled: HeaderMap | null = null;
  private listed: bool = false;
  // Where the last walk over the lines has ended: index and address of a line.
  private at: u32 = 0;
  private line: usize = 0;
  // The line that `find` found last.
  private foundName: usize = 0;
  private foundPtr: usize = 0;
  private foundLength: u32 = 0;

  constructor(private map: MapType) {}

  /** All lines of `name` joined by ", " ("; " for cookie). Several `set-cookie` lines have no joined form: BadArgument, see lines. */
  get(name: string): string | null {
    return this.join(name) ? decodeUtf8(this.foundPtr, this.foundLength) : null;
  }

  /** As `get`, as bytes: what is not UTF-8 survives. */
  getBytes(name: string): Uint8Array | null {
    if (!this.join(name)) return null;
    const bytes = new Uint8Array(<i32>this.foundLength);
    memory.copy(bytes.dataStart, this.foundPtr, this.foundLength);
    return bytes;
  }

  /** The value of each line of `name`, in order; empty when there is none. */
  lines(name: string): string[] {
    const values = new Array<string>();
    for (let i = this.find(name, 0); i >= 0; i = this.find(name, i + 1)) {
      values.push(decodeUtf8(this.foundPtr, this.foundLength));
    }
    if (values.length) this.status = Status.Ok;
    return values;
  }

  /** As `lines`, as bytes: what is not UTF-8 survives. */
  linesBytes(name: string): Uint8Array[] {
    const values = new Array<Uint8Array>();
    for (let i = this.find(name, 0); i >= 0; i = this.find(name, i + 1)) {
      const bytes = new Uint8Array(<i32>this.foundLength);
      memory.copy(bytes.dataStart, this.foundPtr, this.foundLength);
      values.push(bytes);
    }
    if (values.length) this.status = Status.Ok;
    return values;
  }

  has(name: string): bool {
    if (this.find(name, 0) < 0) return false;
    this.status = Status.Ok;
    return true;
  }

  /** Number of lines, pseudo-headers included. */
  get length(): i32 {
    return this.fetch() ? <i32>this.count : 0;
  }

  /** Name of the line at `index`, in lower case; "" beyond the end. */
  nameAt(index: i32): string {
    if (!this.fetch() || <u32>index >= this.count) return "";
    return decodeUtf8(this.lineAt(index), this.nameLength(index));
  }

  /** Value of the line at `index`; "" beyond the end. */
  valueAt(index: i32): string {
    return this.fetch() && <u32>index < this.count ? this.valueText(index) : "";
  }

  /** As valueAt, as bytes. */
  valueBytesAt(index: i32): Uint8Array {
    if (!this.fetch() || <u32>index >= this.count) return new Uint8Array(0);
    const bytes = new Uint8Array(<i32>this.valueLength(index));
    memory.copy(bytes.dataStart, this.valuePtr(index), this.valueLength(index));
    return bytes;
  }

  /** Replaces all lines of `name` by one. BadArgument, and no change, when name or value is not allowed. */
  set(name: string, value: string): Status {
    return this.write(REPLACE, name, value);
  }

  /** Adds a line. Envoy merges it into the existing one for names that allow one line only (`via`, `content-type`, …). */
  append(name: string, value: string): Status {
    return this.write(ADD, name, value);
  }

  setBytes(name: string, value: Uint8Array): Status {
    return this.writeBytes(REPLACE, name, value);
  }

  appendBytes(name: string, value: Uint8Array): Status {
    return this.writeBytes(ADD, name, value);
  }

  /** Removes all lines of `name`; none is no error. Pseudo-headers and `host` cannot be removed. */
  remove(name: string): Status {
    putAlone(name);
    const facts = putFacts || factsOfName(putPtr, putLength);
    if ((facts & (GUARDED | TOKEN)) != TOKEN) return this.refuse();
    return this.wrote(proxy_remove_header_map_value(this.map, putPtr, putLength));
  }

  /** Drops what was read. The runtime calls it when a callback ends. */
  release(): void {
    if (!this.pairs || this.kept) return;
    hostFree(this.pairs);
    this.pairs = 0;
    this.count = 0;
  }

  /** A copy of all lines that can be kept when the callback has ended, and read only. */
  copy(): HeaderMap {
    const size = this.fetch() ? hostSize(this.pairs) : 4;
    const kept = new ArrayBuffer(<i32>size + 4);
    const block = changetype<usize>(kept);
    // As in the host's blocks, the size stands in front.
    store<u32>(block, size);
    if (this.pairs) memory.copy(block + 4, this.pairs, size);
    const copy = new HeaderMap(NO_MAP);
    copy.kept = kept;
    copy.pairs = block + 4;
    copy.count = load<u32>(block, 4);
    copy.line = copy.firstLine();
    return copy;
  }

  /** For `releaseHeaderMaps`: drops what was read, gives the next one. */
  unlist(): HeaderMap | null {
    this.listed = false;
    this.release();
    return this.nextFilled;
  }

  /** Joins the lines of `name` into what then stands in `foundPtr`; false with the reason in `status`. */
  private join(name: string): bool {
    let i = this.find(name, 0);
    if (i < 0) return false;
    const first = this.foundPtr;
    const length = this.foundLength;
    i = this.find(name, i + 1);
    if (i < 0) {
      this.foundPtr = first;
      this.foundLength = length;
    } else {
      const separator = this.separator(name);
      if (!separator) return false;
      // In one piece and outside the heap: strings joined one by one leave garbage by the square of their number. The
      // host's block is always longer.
      const joined = scratchFor(hostSize(this.pairs));
      memory.copy(joined, first, length);
      let end = joined + length;
      for (; i >= 0; i = this.find(name, i + 1)) {
        store<u16>(end, separator);
        memory.copy(end + 2, this.foundPtr, this.foundLength);
        end += <usize>this.foundLength + 2;
      }
      this.foundPtr = joined;
      this.foundLength = <u32>(end - joined);
    }
    this.status = Status.Ok;
    return true;
  }

  /** What joins several lines of `name`, as two little-endian bytes; 0 with status BadArgument when nothing does. */
  private separator(name: string): u16 {
    if (name.length == 10 && equalsIgnoreCase(this.foundName, "set-cookie")) {
      this.status = Status.BadArgument;
      return 0;
    }
    return name.length == 6 && equalsIgnoreCase(this.foundName, "cookie") ? COOKIE : LIST;
  }

  private refuse(): Status {
    return (this.status = Status.BadArgument);
  }

  private wrote(status: Status): Status {
    this.release();
    return (this.status = status);
  }

  private write(how: i32, name: string, value: string): Status {
    const knownName = literalOf(name);
    const knownValue = literalOf(value);
    const nameRoom: usize = knownName ? <usize>0 : roomFor(name);
    const scratch = scratchFor(nameRoom + (knownValue ? <usize>0 : roomFor(value)));
    put(knownName, name, scratch);
    const namePtr = putPtr;
    const nameLength = putLength;
    const nameFacts = putFacts;
    put(knownValue, value, scratch + nameRoom);
    return this.send(how, namePtr, nameLength, nameFacts, putPtr, putLength, putFacts);
  }

  private writeBytes(how: i32, name: string, value: Uint8Array): Status {
    putAlone(name);
    return this.send(how, putPtr, putLength, putFacts, value.dataStart, value.length, 0);
  }

  private send(
    how: i32,
    name: usize,
    nameLength: usize,
    nameFacts: u32,
    value: usize,
    valueLength: usize,
    valueFacts: u32,
  ): Status {
    if (!(valueFacts ? valueFacts & VALUE : u32(isFieldValue(value, valueLength)))) return this.refuse();
    const facts = nameFacts || factsOfName(name, nameLength);
    if (facts & GUARDED) {
      // The parts of the request line can be set, if the result is one that Envoy can route.
      if (how != REPLACE || !isPseudoValue(this.map, name, nameLength, value, valueLength)) return this.refuse();
    } else if (!(facts & TOKEN)) return this.refuse();
    return this.wrote(
      how == REPLACE
        ? proxy_replace_header_map_value(this.map, name, nameLength, value, valueLength)
        : proxy_add_header_map_value(this.map, name, nameLength, value, valueLength),
    );
  }

  /** Index of the first line of `name` from `from` on, or -1 with the reason in `status`. */
  private find(name: string, from: i32): i32 {
    if (!this.fetch()) return -1;
    // Envoy keeps it under that name, and writes to `host` go there.
    if (this.map == MapType.HttpRequestHeaders && name.length == 4 && isHost(name)) name = ":authority";
    const length = <u32>name.length;
    let data = this.lineAt(from);
    const sizes = this.pairs + 4;
    const end = sizes + ((<usize>this.count) << 3);
    for (let at = sizes + ((<usize>from) << 3); at < end; at += 8) {
      const both = load<u64>(at);
      const nameLength = <u32>both;
      if (nameLength == length && equalsIgnoreCase(data, name)) {
        const i = <u32>((at - sizes) >> 3);
        this.at = i;
        this.line = data;
        this.foundName = data;
        this.foundPtr = data + nameLength + 1;
        this.foundLength = <u32>(both >> 32);
        return i;
      }
      data += <usize>nameLength + <usize>(<u32>(both >> 32)) + 2;
    }
    this.status = Status.NotFound;
    return -1;
  }

  private fetch(): bool {
    if (this.pairs) return true;
    clearReturn();
    const status = proxy_get_header_map_pairs(this.map, retPtr(), retLen());
    const pairs = returnedPtr();
    const length = returnedLength();
    // The host answers Ok with nothing for a map that is not there; a header map that is there is never empty.
    if (status != Status.Ok || length < 4) {
      hostFree(pairs);
      this.status = status == Status.Ok ? Status.BadArgument : status;
      if (this.map == MapType.HttpRequestHeaders || this.map == MapType.HttpResponseHeaders) complain();
      return false;
    }
    if (!isHeaderMap(pairs, length)) {
      hostFree(pairs);
      this.status = Status.SerializationFailure;
      return false;
    }
    this.pairs = pairs;
    this.count = load<u32>(pairs);
    this.at = 0;
    this.line = this.firstLine();
    if (!this.listed) {
      this.listed = true;
      this.nextFilled = firstFilled;
      firstFilled = this;
    }
    return true;
  }

  private nameLength(index: u32): u32 {
    return load<u32>(this.pairs + 4 + ((<usize>index) << 3));
  }

  private valueLength(index: u32): u32 {
    return load<u32>(this.pairs + 8 + ((<usize>index) << 3));
  }

  private firstLine(): usize {
    return this.pairs + 4 + ((<usize>this.count) << 3);
  }

  /** Address of the line at `index`, which is `count` at most. A walk in order goes on where the last one has ended. */
  private lineAt(index: u32): usize {
    let at = this.at;
    let line = this.line;
    if (index < at) {
      at = 0;
      line = this.firstLine();
    }
    for (; at < index; at++) line += <usize>this.nameLength(at) + <usize>this.valueLength(at) + 2;
    this.at = at;
    this.line = line;
    return line;
  }

  private valuePtr(index: u32): usize {
    return this.lineAt(index) + this.nameLength(index) + 1;
  }

  private valueText(index: u32): string {
    return decodeUtf8(this.valuePtr(index), this.valueLength(index));
  }
}

function isHost(name: string): bool {
  return (load<u64>(changetype<usize>(name)) | 0x0020002000200020) == 0x00740073006f0068;
}

/** Whether count and lengths stay within the `size` bytes, 4 at least, so that no line reaches beyond them. */
function isHeaderMap(pairs: usize, size: u32): bool {
  const count = load<u32>(pairs);
  if (count > (size - 4) >> 3) return false;
  const lines = pairs + 4 + ((<usize>count) << 3);
  let needed: u64 = lines - pairs;
  for (let at = pairs + 4; at < lines; at += 8) needed += <u64>load<u32>(at) + <u64>load<u32>(at, 4) + 2;
  return needed <= <u64>size;
}

/** Maps that hold what was read, so that callbacks that read none pay nothing at their end. */
let firstFilled: HeaderMap | null = null;
let complained: bool = false;

/** Without it a policy that reads too late would pass for one that found nothing. */
function complain(): void {
  if (complained) return;
  complained = true;
  logAlways(LogLevel.Error, "headers cannot be read in this callback");
}

// One object per map: a map belongs to the running callback, of which there is one at a time.
export const requestHeaders = new HeaderMap(MapType.HttpRequestHeaders);
export const requestTrailers = new HeaderMap(MapType.HttpRequestTrailers);
export const responseHeaders = new HeaderMap(MapType.HttpResponseHeaders);
export const responseTrailers = new HeaderMap(MapType.HttpResponseTrailers);

/** Ends what was read: at the end of a callback and when the effective context changes. */
export function releaseHeaderMaps(): void {
  let map = firstFilled;
  while (map) map = map.unlist();
  firstFilled = null;
  complained = false;
}

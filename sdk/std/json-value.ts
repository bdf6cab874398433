/* JSON documents (RFC 8259) of any shape: one parse, then values that are looked at where they are needed. Text that is
 * not JSON, not UTF-8, has half a surrogate pair, a key twice in an object or is above a limit is refused as a whole.
 * Nothing traps. A document takes its own copy of the text and eight bytes for every value and key. */

import { JsonLimits, JsonType, parseTape, releaseTape, tapeError, tapeErrorAt } from "./json-tape";
import { tapeNodes, tapeNodesSize, tapeRoot, tapeText } from "./json-tape";
import { isExact, scannedF64, scannedI64, scannedU64, scanNumber } from "./number";
import { decodeUtf8, encodedLength, toUtf8 } from "./utf8";

export { JsonLimits, JsonType } from "./json-tape";

/** Missing: type JsonType.Missing, so that chains of get and at need no checks. */
const MISSING_NODE: u64 = JsonType.Missing;

export class JsonDocument {
  /** Why the text was refused; "" when it was not. */
  error: string = "";
  /** Byte offset at which it was. */
  errorAt: u32 = 0;
  /** For JsonValue: keeps text and nodes, where these begin, the root. */
  data: ArrayBuffer | null = null;
  nodes: usize = 0;
  rootNode: u64 = MISSING_NODE;

  /** Parses `length` bytes at `ptr`, with the default limits when none are given. */
  static parse(ptr: usize, length: usize, limits: JsonLimits | null = null): JsonDocument {
    const document = new JsonDocument();
    if (parseTape(ptr, length, limits)) {
      const size = (length + 7) & ~7;
      // @ts-ignore: built into the compiler; a new ArrayBuffer would be filled with zeros first
      const text = __new(size + tapeNodesSize, idof<ArrayBuffer>());
      memory.copy(text, tapeText, length);
      memory.copy(text + size, tapeNodes, tapeNodesSize);
      document.data = changetype<ArrayBuffer>(text);
      document.nodes = text + size;
      document.rootNode = tapeRoot;
    } else {
      document.error = tapeError;
      document.errorAt = <u32>tapeErrorAt;
    }
    releaseTape();
    return document;
  }

  static fromBytes(bytes: Uint8Array, limits: JsonLimits | null = null): JsonDocument {
    return JsonDocument.parse(bytes.dataStart, bytes.length, limits);
  }

  static fromText(text: string, limits: JsonLimits | null = null): JsonDocument {
    return JsonDocument.fromBytes(toUtf8(text), limits);
  }

  get ok(): bool {
    return !this.error.length;
  }

  /** The value that the text is; missing when it was refused. */
  get root(): JsonValue {
    return new JsonValue(this, this.rootNode);
  }
}

/** A value of a document. What is asked of a value of another type, or of none, gives the fallback or a missing value. */
export class JsonValue {
  constructor(
    /** Which it keeps in memory. */
    readonly document: JsonDocument,
    private readonly node: u64,
  ) {}

  get type(): JsonType {
    return <JsonType>(this.node & 7);
  }

  get isMissing(): bool {
    return this.type == JsonType.Missing;
  }
  get isNull(): bool {
    return this.type == JsonType.Null;
  }
  get isBool(): bool {
    return this.type == JsonType.Bool;
  }
  get isNumber(): bool {
    return this.type == JsonType.Number;
  }
  get isString(): bool {
    return this.type == JsonType.String;
  }
  get isArray(): bool {
    return this.type == JsonType.Array;
  }
  get isObject(): bool {
    return this.type == JsonType.Object;
  }

  bool(fallback: bool = false): bool {
    return this.isBool ? (this.node & 8) != 0 : fallback;
  }

  /** A number that is an integer and fits; 1.0 and 1e2 are integers. */
  i64(fallback: i64 = 0): i64 {
    if (!this.scan()) return fallback;
    const value = scannedI64();
    return isExact ? value : fallback;
  }

  u64(fallback: u64 = 0): u64 {
    if (!this.scan()) return fallback;
    const value = scannedU64();
    return isExact ? value : fallback;
  }

  /** The nearest double of a number; one that is too large for a double has none. */
  f64(fallback: f64 = NaN): f64 {
    if (!this.scan()) return fallback;
    const value = scannedF64();
    return isFinite(value) ? value : fallback;
  }

  private scan(): bool {
    return this.isNumber && scanNumber(this.textPtr, this.textPtr + this.textLength) != 0;
  }

  /** A string. */
  text(fallback: string = ""): string {
    return this.isString ? decodeUtf8(this.textPtr, this.textLength) : fallback;
  }

  /** Whether it is this string. Allocates nothing. */
  equals(text: string): bool {
    return this.isString && this.textLength == <u32>encodedLength(text) && same(this.textPtr, this.textLength, text);
  }

  /** Where the bytes of a string (UTF-8 without escapes) or a number (as it was written) are, while the value lives. */
  get textPtr(): usize {
    return changetype<usize>(this.document.data) + offsetOf(this.node);
  }

  /** How many of them; 0 for other types. */
  get textLength(): u32 {
    return this.isString || this.isNumber ? <u32>(this.node >> 32) : 0;
  }

  /** Items of an array, members of an object; 0 for other types. */
  get length(): i32 {
    return this.type >= JsonType.Array ? <i32>(this.node >> 32) : 0;
  }

  /** The item of an array, or the value of a member of an object, in the order of the text. */
  at(index: i32): JsonValue {
    if (<u32>index >= <u32>this.length) return this.missing();
    const object = i32(this.isObject);
    return new JsonValue(this.document, this.member((index << object) + object));
  }

  /** The key of a member of an object; "" when there is none. */
  keyText(index: i32): string {
    if (!this.isObject || <u32>index >= <u32>this.length) return "";
    const key = this.member(index << 1);
    return decodeUtf8(this.textOf(key), <u32>(key >> 32));
  }

  /** The same as a value. */
  key(index: i32): JsonValue {
    if (!this.isObject || <u32>index >= <u32>this.length) return this.missing();
    return new JsonValue(this.document, this.member(index << 1));
  }

  /** The value of a member of an object. */
  get(key: string): JsonValue {
    if (!this.isObject) return this.missing();
    const size = <u32>encodedLength(key);
    let at = this.document.nodes + (offsetOf(this.node) << 3);
    for (const end = at + ((<usize>this.length) << 4); at < end; at += 16) {
      const node = load<u64>(at);
      if (<u32>(node >> 32) == size && same(this.textOf(node), size, key)) {
        return new JsonValue(this.document, load<u64>(at, 8));
      }
    }
    return this.missing();
  }

  has(key: string): bool {
    return !this.get(key).isMissing;
  }

  /** A missing value. */
  missing(): JsonValue {
    return this.isMissing ? this : new JsonValue(this.document, MISSING_NODE);
  }

  private member(index: i32): u64 {
    return load<u64>(this.document.nodes + ((offsetOf(this.node) + <usize>index) << 3));
  }

  private textOf(node: u64): usize {
    return changetype<usize>(this.document.data) + offsetOf(node);
  }
}

/** What the bits 4 to 31 of a node say. */
function offsetOf(node: u64): usize {
  return <usize>((node >> 4) & 0x0fffffff);
}

/** Whether well-formed bytes are the text, which encodes to as many. */
function same(ptr: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return decodeUtf8(ptr, length) == text;
  // As many characters as bytes: ASCII.
  const units = changetype<usize>(text);
  for (let i: usize = 0; i < length; i++) if (load<u8>(ptr + i) != load<u16>(units + (i << 1))) return false;
  return true;
}

/* Who sent a request, by what proxies say: Forwarded (RFC 7239) and X-Forwarded-For. Only what trusted proxies have added at
 * the right end is worth anything; all to the left of it a client can write. */

import { IpAddress } from "./cidr";
import { FieldReader } from "./fieldreader";
import { refuse } from "./refusal";
import { isBlank, isDigit, Slice } from "./slice";
import { decodeUtf8 } from "./utf8";

/** Longest Forwarded field, in bytes. */
export const FORWARDED_MAX_LENGTH: i32 = 65536;
export const FORWARDED_MAX_ELEMENTS: i32 = 256;
/** Of one element. */
export const FORWARDED_MAX_PARAMETERS: i32 = 16;

export enum NodeKind {
  /** Not as section 6 has it. */
  Malformed,
  IPv4,
  IPv6,
  /** The word `unknown`. */
  Unknown,
  /** A name that begins with an underscore. */
  Obfuscated,
}

/** Who stands in `for` or `by` (section 6). */
export class ForwardedNode {
  kind: NodeKind = NodeKind.Malformed;
  /** The name without port and brackets. */
  name: Slice;
  /** 0 to 65535, or -1 when there is none. */
  port: i32 = -1;
  /** A port that is hidden behind a name with an underscore. */
  hiddenPort: Slice | null = null;

  constructor(
    /** All of it. */
    readonly text: Slice,
  ) {
    this.name = text;
    this.kind = this.read();
  }

  private read(): NodeKind {
    const text = this.text;
    const ptr = text.ptr;
    const length = text.length;
    let nameEnd = 0;
    let rest = 0;
    let kind = NodeKind.Malformed;
    if (length && load<u8>(ptr) == 0x5b) {
      while (nameEnd < length && load<u8>(ptr + nameEnd) != 0x5d) nameEnd++;
      rest = nameEnd + 1;
      if (rest > length || !isAddress(ptr + 1, nameEnd - 1, true)) return NodeKind.Malformed;
      kind = NodeKind.IPv6;
      this.name = text.part(1, nameEnd);
    } else {
      while (nameEnd < length && load<u8>(ptr + nameEnd) != 0x3a) nameEnd++;
      rest = nameEnd;
      this.name = text.first(nameEnd);
      if (this.name.isIgnoringCase("unknown")) kind = NodeKind.Unknown;
      else if (isAddress(ptr, nameEnd, false)) kind = NodeKind.IPv4;
      else if (isHidden(ptr, nameEnd)) kind = NodeKind.Obfuscated;
      else return NodeKind.Malformed;
    }
    if (rest == length) return kind;
    const portLength = length - rest - 1;
    if (load<u8>(ptr + rest) != 0x3a || !portLength) return NodeKind.Malformed;
    const portPtr = ptr + rest + 1;
    if (isHidden(portPtr, portLength)) this.hiddenPort = text.part(rest + 1, length);
    else {
      this.port = portOf(portPtr, portLength);
      if (this.port < 0) return NodeKind.Malformed;
    }
    return kind;
  }
}

/** What one proxy has written. */
export class ForwardedElement {
  /** Names in small letters, each once. */
  names: Slice[] = new Array<Slice>();
  values: Slice[] = new Array<Slice>();

  /** Value of a parameter, whose name is given in small letters, or null. */
  param(name: string): Slice | null {
    for (let i = 0; i < this.names.length; i++) if (this.names[i].isIgnoringCase(name)) return this.values[i];
    return null;
  }

  /** Who made the request to the proxy (`for`), or null. */
  get client(): ForwardedNode | null {
    const value = this.param("for");
    return value ? new ForwardedNode(value) : null;
  }

  /** Where the request came in at the proxy (`by`), or null. */
  get by(): ForwardedNode | null {
    const value = this.param("by");
    return value ? new ForwardedNode(value) : null;
  }

  /** The Host that the client has sent, or "". */
  get host(): string {
    const value = this.param("host");
    return value ? value.toString() : "";
  }

  /** The scheme that the client has used, or "". */
  get proto(): string {
    const value = this.param("proto");
    return value ? value.toString() : "";
  }
}

export class Forwarded {
  /** In order: the proxy next to here is the last one. */
  elements: ForwardedElement[] = new Array<ForwardedElement>();

  /**
   * Null when the field is malformed anywhere: a quote that a client has left open would reach over what trusted proxies
   * have added, so nothing of it can be relied on. White space around semicolons, which section 4 does not have but proxies
   * write, is allowed. A node that is malformed by itself is no error: see NodeKind.
   */
  static parse(ptr: usize, length: i32): Forwarded | null {
    if (length > FORWARDED_MAX_LENGTH) return noForwarded("is too long", FORWARDED_MAX_LENGTH);
    const reader = new FieldReader(ptr, length);
    const result = new Forwarded();
    for (reader.skipEmptyMembers(); !reader.atEnd; reader.skipEmptyMembers()) {
      if (result.elements.length == FORWARDED_MAX_ELEMENTS) return noForwarded("has too many elements", reader.at);
      const element = readElement(reader);
      if (!element) return null;
      if (element.names.length) result.elements.push(element);
      if (!reader.atEnd && reader.peek() != 0x2c) return noForwarded("needs a comma between elements", reader.at);
    }
    return result;
  }

  static parseText(text: string): Forwarded | null {
    const bytes = Slice.of(text);
    return Forwarded.parse(bytes.ptr, bytes.length);
  }

  /** The element that is left when `skip` are left out at the right end, or null. 0 is what the proxy next to here wrote. */
  fromRight(skip: i32): ForwardedElement | null {
    const index = this.elements.length - 1 - skip;
    return skip >= 0 && index >= 0 ? this.elements[index] : null;
  }
}

function noForwarded(reason: string, at: i32): Forwarded | null {
  refuse(reason, at);
  return null;
}

function readElement(reader: FieldReader): ForwardedElement | null {
  const element = new ForwardedElement();
  do {
    reader.skipBlanks();
    const next = reader.peek();
    if (next != 0x3b && next != 0x2c && !reader.atEnd) {
      const start = reader.at;
      const name = reader.token();
      if (!name) return null;
      if (!reader.skip(0x3d)) return noElement("needs = after a name", reader.at);
      const value = reader.value();
      if (!value) return null;
      for (let i = 0; i < element.names.length; i++) {
        if (element.names[i].sameIgnoringCase(name)) return noElement("has a parameter twice in one element", start);
      }
      if (element.names.length == FORWARDED_MAX_PARAMETERS) return noElement("has too many parameters", start);
      element.names.push(name);
      element.values.push(value);
      reader.skipBlanks();
    }
  } while (reader.skip(0x3b));
  return element;
}

function noElement(reason: string, at: i32): ForwardedElement | null {
  refuse(reason, at);
  return null;
}

/**
 * The address in an X-Forwarded-For field that is left when `skip` entries are left out at the right end, counted as Envoy
 * counts xff_num_trusted_hops. Several lines are joined with a comma first. Null when there are not so many entries or the
 * entry is no IPv4 or IPv6 address: with a port or in brackets it is none for Envoy either, with a zone only here. It reads from
 * the right end only, so nothing that a client has put further left matters.
 */
export function xffAddress(ptr: usize, length: i32, skip: i32): string | null {
  if (skip < 0) return null;
  let end = length;
  for (let i = 0; i < skip; i++) {
    end = lastComma(ptr, end);
    if (end < 0) return null;
  }
  let start = lastComma(ptr, end) + 1;
  while (start < end && isBlank(load<u8>(ptr + start))) start++;
  while (end > start && isBlank(load<u8>(ptr + end - 1))) end--;
  const entry = ptr + start;
  return new IpAddress().parse(entry, end - start) ? decodeUtf8(entry, end - start) : null;
}

/** As xffAddress, for text. */
export function xffAddressText(text: string, skip: i32): string | null {
  const bytes = Slice.of(text);
  return xffAddress(bytes.ptr, bytes.length, skip);
}

/** Offset of the last comma before `end`, or -1. */
function lastComma(ptr: usize, end: i32): i32 {
  let at = end - 1;
  while (at >= 0 && load<u8>(ptr + at) != 0x2c) at--;
  return at;
}

/** Whether the bytes are an IPv4 or, when `v6` is set, an IPv6 address. */
function isAddress(ptr: usize, length: i32, v6: bool): bool {
  let colon = false;
  for (let i = 0; i < length && !colon; i++) colon = load<u8>(ptr + i) == 0x3a;
  return colon == v6 && new IpAddress().parse(ptr, length);
}

/** An obfnode or obfport: an underscore, then letters, digits and some marks. */
function isHidden(ptr: usize, length: i32): bool {
  if (length < 2 || load<u8>(ptr) != 0x5f) return false;
  for (let i = 1; i < length; i++) {
    const c = <u32>load<u8>(ptr + i);
    const isWord = (c | 0x20) - 0x61 < 26 || isDigit(c);
    if (!isWord && c != 0x2e && c != 0x5f && c != 0x2d) return false;
  }
  return true;
}

/** One to five digits up to 65535, or -1. */
function portOf(ptr: usize, length: i32): i32 {
  if (length > 5) return -1;
  let port = 0;
  for (let i = 0; i < length; i++) {
    const c = load<u8>(ptr + i);
    if (!isDigit(c)) return -1;
    port = port * 10 + c - 0x30;
  }
  return port > 65535 ? -1 : port;
}

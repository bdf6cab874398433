/* Media types as the WHATWG MIME Sniffing Standard parses them (section 4.4), and the choice among several by an Accept
 * field (RFC 9110, section 12.5.1). */

import { isToken, isTokenChar } from "./field";
import { FieldReader, lowerCase, writeQuoted } from "./fieldreader";
import { refuse } from "./refusal";
import { Slice } from "./slice";
import { ByteWriter } from "./bytewriter";

/** Longest media type or Accept field, in bytes. */
export const MEDIA_TYPE_MAX_LENGTH: i32 = 8192;
export const MEDIA_TYPE_MAX_PARAMETERS: i32 = 64;
export const ACCEPT_MAX_RANGES: i32 = 256;

export class MediaType {
  /** Names of the parameters, in small letters, in order; each once. */
  names: Slice[] = new Array<Slice>();
  /** Their values: bytes, which above ASCII are of no known encoding. */
  values: Slice[] = new Array<Slice>();

  constructor(
    /** In small letters. */
    readonly type: Slice,
    /** In small letters. */
    readonly subtype: Slice,
  ) {}

  /**
   * Reads a Content-Type. As browsers do, it leaves out parameters that are malformed or repeated, and white space (line
   * breaks too) at both ends and around parameters does not matter. Null when there is no type and subtype, or a limit is
   * passed.
   */
  static parse(ptr: usize, length: i32): MediaType | null {
    if (length > MEDIA_TYPE_MAX_LENGTH) return none("is too long", MEDIA_TYPE_MAX_LENGTH);
    while (length && isSpace(load<u8>(ptr + length - 1))) length--;
    const reader = new FieldReader(ptr, length);
    while (isSpace(reader.peek())) reader.at++;
    const type = reader.token();
    if (!type) return null;
    if (!reader.skip(0x2f)) return none("needs a slash after the type", reader.at);
    const subtype = reader.token();
    if (!subtype) return null;
    while (isSpace(reader.peek())) reader.at++;
    if (!reader.atEnd && reader.peek() != 0x3b) return none("has a bad character in the subtype", reader.at);
    lowerCase(type.ptr, type.length);
    lowerCase(subtype.ptr, subtype.length);
    const result = new MediaType(type, subtype);
    while (reader.skip(0x3b)) {
      if (!result.readParameter(reader)) return none("has too many parameters", reader.at);
    }
    return result;
  }

  static parseText(text: string): MediaType | null {
    const bytes = Slice.of(text);
    return MediaType.parse(bytes.ptr, bytes.length);
  }

  /** `type/subtype`, in small letters. */
  get essence(): string {
    return this.type.toString() + "/" + this.subtype.toString();
  }

  /** Whether type and subtype are these, given in small letters. */
  is(essence: string): bool {
    const slash = this.type.length;
    return (
      essence.length == slash + 1 + this.subtype.length &&
      essence.charCodeAt(slash) == 0x2f &&
      this.type.is(essence.substring(0, slash)) &&
      this.subtype.is(essence.substring(slash + 1))
    );
  }

  /** Value of a parameter, whose name is given in small letters, or null. */
  param(name: string): Slice | null {
    for (let i = 0; i < this.names.length; i++) if (this.names[i].is(name)) return this.values[i];
    return null;
  }

  /** Section 4.5: values that are no token are quoted. */
  writeTo(out: ByteWriter): void {
    out.bytes(this.type.ptr, this.type.length);
    out.byte(0x2f);
    out.bytes(this.subtype.ptr, this.subtype.length);
    for (let i = 0; i < this.names.length; i++) {
      const value = this.values[i];
      out.byte(0x3b);
      out.bytes(this.names[i].ptr, this.names[i].length);
      out.byte(0x3d);
      if (isToken(value.ptr, value.length)) out.bytes(value.ptr, value.length);
      else writeQuoted(out, value.ptr, value.length);
    }
  }

  /** As bytes: a value can hold any byte above ASCII. */
  toBytes(): Uint8Array {
    const out = new ByteWriter(2 * MEDIA_TYPE_MAX_LENGTH);
    this.writeTo(out);
    return out.toBytes();
  }

  /** One parameter, from behind the semicolon up to the next one. False when there are too many. */
  private readParameter(reader: FieldReader): bool {
    while (isSpace(reader.peek())) reader.at++;
    let start = reader.at;
    let isName = true;
    for (; !reader.atEnd; reader.at++) {
      const c = reader.peek();
      if (c == 0x3b || c == 0x3d) break;
      if (!isTokenChar(c)) isName = false;
    }
    const name = reader.sliceFrom(start);
    if (!name.length) isName = false;
    if (!reader.skip(0x3d)) return true;
    let value: Slice;
    if (reader.peek() == 0x22) {
      value = looseQuotedString(reader);
      while (!reader.atEnd && reader.peek() != 0x3b) reader.at++;
    } else {
      start = reader.at;
      while (!reader.atEnd && reader.peek() != 0x3b) reader.at++;
      value = withoutEndSpace(reader.sliceFrom(start));
      if (!value.length) return true;
    }
    if (!isName || !isValue(value)) return true;
    lowerCase(name.ptr, name.length);
    for (let i = 0; i < this.names.length; i++) if (this.names[i].same(name)) return true;
    if (this.names.length == MEDIA_TYPE_MAX_PARAMETERS) return false;
    this.names.push(name);
    this.values.push(value);
    return true;
  }
}

function none(reason: string, at: i32): MediaType | null {
  refuse(reason, at);
  return null;
}

/** HTTP whitespace of the Fetch Standard. */
function isSpace(c: u32): bool {
  return c == 0x20 || c == 9 || c == 10 || c == 13;
}

/** A quoted string that may have no end and may have any byte in it, decoded in place. */
function looseQuotedString(reader: FieldReader): Slice {
  const start = ++reader.at;
  let write = reader.here();
  let length = 0;
  for (; !reader.atEnd; reader.at++) {
    let c: u32 = load<u8>(reader.here());
    if (c == 0x22) break;
    if (c == 0x5c && reader.at + 1 < reader.length) {
      reader.at++;
      c = load<u8>(reader.here());
    }
    store<u8>(write++, c);
    length++;
  }
  const end = reader.at;
  reader.at = start + length;
  const value = reader.sliceFrom(start);
  reader.at = min(end + 1, reader.length);
  return value;
}

function withoutEndSpace(value: Slice): Slice {
  let length = value.length;
  while (length && isSpace(load<u8>(value.ptr + length - 1))) length--;
  return value.first(length);
}

/** HTTP quoted-string token code points only. */
function isValue(value: Slice): bool {
  for (let i = 0; i < value.length; i++) {
    const c = load<u8>(value.ptr + i);
    if (c == 0x7f || (c < 0x20 && c != 9)) return false;
  }
  return true;
}

/** One member of an Accept field. */
export class MediaRange {
  constructor(
    /** Type, subtype and parameters other than q; `*` stands for any. */
    readonly media: MediaType,
    /** Weight in thousandths, 0 to 1000. */
    readonly quality: i32,
  ) {}

  /** How exactly the range is the media type: the higher, the more precedence (section 12.5.1). -1 when it does not match. */
  precedence(media: MediaType): i32 {
    const range = this.media;
    if (range.type.is("*")) return range.names.length ? this.withParameters(media, 0) : 0;
    if (!range.type.same(media.type)) return -1;
    if (range.subtype.is("*")) return this.withParameters(media, 1000);
    return range.subtype.same(media.subtype) ? this.withParameters(media, 2000) : -1;
  }

  private withParameters(media: MediaType, base: i32): i32 {
    const range = this.media;
    for (let i = 0; i < range.names.length; i++) {
      const name = range.names[i];
      let found: bool = false;
      for (let j = 0; j < media.names.length && !found; j++) {
        if (!media.names[j].same(name)) continue;
        const value = media.values[j];
        // The names of character sets have no case (RFC 9110, section 8.3.2); of other values nothing is known.
        found = value.same(range.values[i]) || (name.is("charset") && value.sameIgnoringCase(range.values[i]));
      }
      if (!found) return -1;
    }
    return base + range.names.length;
  }
}

/** What a client accepts. A request without the field accepts everything; that is for the caller to know. */
export class Accept {
  ranges: MediaRange[] = new Array<MediaRange>();
  /** Members that were malformed and left out. */
  ignored: i32 = 0;

  /** Null only when a limit is passed: the rest of the field could not be relied on. */
  static parse(ptr: usize, length: i32): Accept | null {
    if (length > MEDIA_TYPE_MAX_LENGTH) {
      refuse("is too long", MEDIA_TYPE_MAX_LENGTH);
      return null;
    }
    const reader = new FieldReader(ptr, length);
    const accept = new Accept();
    for (reader.skipEmptyMembers(); !reader.atEnd; reader.skipEmptyMembers()) {
      const end = endOfMember(reader);
      const range = readRange(reader);
      reader.skipBlanks();
      if (range && reader.at == end) accept.ranges.push(range);
      else accept.ignored++;
      reader.at = end;
      if (accept.ranges.length > ACCEPT_MAX_RANGES) {
        refuse("has too many members", end);
        return null;
      }
    }
    return accept;
  }

  static parseText(text: string): Accept | null {
    const bytes = Slice.of(text);
    return Accept.parse(bytes.ptr, bytes.length);
  }

  /** Weight of the media type in thousandths; 0 when it is not acceptable. */
  quality(media: MediaType): i32 {
    let best = -1;
    let quality = 0;
    for (let i = 0; i < this.ranges.length; i++) {
      const range = this.ranges[i];
      const precedence = range.precedence(media);
      if (precedence < best || precedence < 0) continue;
      quality = precedence > best ? range.quality : max(quality, range.quality);
      best = precedence;
    }
    return quality;
  }

  /** Index of the media type that the client likes best, of equals the first; -1 when none is acceptable. */
  best(offers: MediaType[]): i32 {
    let best = -1;
    let most = 0;
    for (let i = 0; i < offers.length; i++) {
      const quality = this.quality(offers[i]);
      if (quality > most) {
        most = quality;
        best = i;
      }
    }
    return best;
  }
}

/** Where the comma is that ends this member, one outside of quotes. */
function endOfMember(reader: FieldReader): i32 {
  const start = reader.at;
  let quoted = false;
  for (; !reader.atEnd; reader.at++) {
    const c = reader.peek();
    if (c == 0x22) quoted = !quoted;
    else if (c == 0x5c && quoted) reader.at++;
    else if (c == 0x2c && !quoted) break;
  }
  const end = min(reader.at, reader.length);
  reader.at = start;
  return end;
}

function readRange(reader: FieldReader): MediaRange | null {
  const type = reader.token();
  if (!type || !reader.skip(0x2f)) return null;
  const subtype = reader.token();
  if (!subtype || (type.is("*") && !subtype.is("*"))) return null;
  lowerCase(type.ptr, type.length);
  lowerCase(subtype.ptr, subtype.length);
  const media = new MediaType(type, subtype);
  let quality = -1;
  for (reader.skipBlanks(); reader.skip(0x3b); reader.skipBlanks()) {
    reader.skipBlanks();
    const next = reader.peek();
    // Empty parameters are allowed (RFC 9110, section 5.6.6).
    if (next == 0x3b || next == 0x2c || reader.atEnd) continue;
    const name = reader.token();
    if (!name || !reader.skip(0x3d)) return null;
    const quoted = reader.peek() == 0x22;
    const value = reader.value();
    if (!value) return null;
    lowerCase(name.ptr, name.length);
    // q is the weight wherever it stands (RFC 9110, section 12.5.1).
    if (name.is("q")) {
      if (quality >= 0 || quoted) return null;
      quality = weight(value);
      if (quality < 0) return null;
    } else if (media.names.length < MEDIA_TYPE_MAX_PARAMETERS) {
      media.names.push(name);
      media.values.push(value);
    } else return null;
  }
  return new MediaRange(media, quality < 0 ? 1000 : quality);
}

/** A qvalue in thousandths, or -1 (RFC 9110, section 12.4.2). */
function weight(value: Slice): i32 {
  const length = value.length;
  const first = load<u8>(value.ptr) - 0x30;
  if (length > 5 || first > 1 || (length > 1 && load<u8>(value.ptr, 1) != 0x2e)) return -1;
  let result = <i32>first;
  for (let i = 2; i < 5; i++) {
    const digit = i < length ? <u32>load<u8>(value.ptr + i) - 0x30 : 0;
    if (digit > 9) return -1;
    result = result * 10 + digit;
  }
  return result > 1000 ? -1 : result;
}

/* Text with places for values: `${name}`, `${name|encoder}`, `${name|default=text|encoder}`. It is compiled once, when a
 * filter is configured; rendering then only copies and encodes. */

import { refuse } from "./refusal";
import { isDigit, Slice } from "./slice";
import { ByteWriter } from "./bytewriter";
import { writeDisplayString, writeString } from "./structured";
import { decodeUtf8, encodedLengthMax, encodeUtf8 } from "./utf8";

/** Longest template in bytes, most places in it, and most bytes of a result unless said otherwise. */
export const TEMPLATE_MAX_LENGTH: i32 = 65536;
export const TEMPLATE_MAX_PLACES: i32 = 256;
export const TEMPLATE_MAX_RESULT: i32 = 65536;

/** How a value is made fit for where it stands. */
export enum Encoder {
  /** `none`: the bytes as they are. */
  None,
  /** `url`: percent-encoded but for the unreserved characters of RFC 3986, fit for a path segment or a query value. */
  Url,
  /** `json`: fit for between the quotes of a JSON string; what is no UTF-8 becomes U+FFFD. */
  Json,
  /** `html`: & < > " ' as entities, fit for text and quoted attributes. */
  Html,
  /** `header`: control characters other than tab become spaces, as RFC 9110, section 5.5, has it for CR, LF and NUL. */
  Header,
  /** `base64`: with padding (RFC 4648, section 4). */
  Base64,
  /** `sf`: a structured field's String with its quotes or, with other than printable ASCII, a Display String. */
  Sf,
}

/** The encoder of this name, or -1. */
export function encoderNamed(name: string): i32 {
  if (name == "none") return Encoder.None;
  if (name == "url") return Encoder.Url;
  if (name == "json") return Encoder.Json;
  if (name == "html") return Encoder.Html;
  if (name == "header") return Encoder.Header;
  if (name == "base64") return Encoder.Base64;
  if (name == "sf") return Encoder.Sf;
  return -1;
}

/** Where values come from. Extend it: `indexOf` is asked when a template is compiled, `load` when it is rendered. */
export abstract class TemplateValues {
  /** The value that `load` has found. */
  ptr: usize = 0;
  length: i32 = 0;
  private held: ArrayBuffer | null = null;

  /** A number of your own for the name, from 0 on, or -1 when there is no such value: the template is then refused. */
  abstract indexOf(name: string): i32;

  /** Finds the value: return this.give(…) or this.giveText(…), or false when the request has none. */
  abstract load(index: i32): bool;

  /** The value is these bytes, which must stay where they are until the next one is asked for. */
  protected give(ptr: usize, length: i32): bool {
    this.ptr = ptr;
    this.length = length;
    return true;
  }

  protected giveText(text: string): bool {
    const buffer = new ArrayBuffer(<i32>encodedLengthMax(text));
    this.held = buffer;
    return this.give(changetype<usize>(buffer), <i32>encodeUtf8(text, changetype<usize>(buffer)));
  }
}

/** A place for a value, and the text that stands before it. */
class Place {
  /** What stands for a value that is not there. */
  fallback: Slice | null = null;
  encoder: Encoder;

  constructor(
    readonly before: Slice,
    readonly index: i32,
    encoder: Encoder,
  ) {
    this.encoder = encoder;
  }
}

export class Template {
  private places: Place[] = new Array<Place>();

  private constructor(private after: Slice) {}

  /**
   * Reads `text`. `$$` stands for one `$`, which elsewhere means itself unless `{` follows. `encoder` is used where a place
   * names none. Null, with `refusalReason` and `refusalAt`, when a place has no end, its name is not one of `values`, or an
   * encoder is not known.
   */
  static compile(text: string, values: TemplateValues, encoder: Encoder = Encoder.None): Template | null {
    const source = Slice.of(text);
    if (source.length > TEMPLATE_MAX_LENGTH) return bad("is too long", TEMPLATE_MAX_LENGTH);
    const template = new Template(source);
    const ptr = source.ptr;
    const out = new ByteWriter(TEMPLATE_MAX_LENGTH);
    for (let at = 0; at < source.length;) {
      const c = load<u8>(ptr + at);
      const next: u32 = at + 1 < source.length ? load<u8>(ptr + at, 1) : 0;
      if (c != 0x24 || (next != 0x24 && next != 0x7b)) {
        out.byte(c);
        at++;
        continue;
      }
      if (next == 0x24) {
        out.byte(0x24);
        at += 2;
        continue;
      }
      let end = at + 2;
      while (end < source.length && load<u8>(ptr + end) != 0x7d) end++;
      if (end == source.length) return bad("has a ${ without }", at);
      if (template.places.length == TEMPLATE_MAX_PLACES) return bad("has too many places", at);
      const before = Slice.copy(out.ptr, out.length);
      const place = readPlace(source.part(at + 2, end), before, values, encoder, at + 2);
      if (!place) return null;
      template.places.push(place);
      out.clear();
      at = end + 1;
    }
    template.after = Slice.copy(out.ptr, out.length);
    return template;
  }

  /** Whether it has no places, so that it always gives the same. */
  get isConstant(): bool {
    return !this.places.length;
  }

  /**
   * Writes the result with the values of now, which must be of the class that it was compiled with. False when the writer's
   * limit is passed: what was written is then not to be used.
   */
  renderTo(out: ByteWriter, values: TemplateValues): bool {
    for (let i = 0; i < this.places.length; i++) {
      const place = this.places[i];
      out.bytes(place.before.ptr, place.before.length);
      if (values.load(place.index)) encode(out, place.encoder, values.ptr, values.length);
      else {
        const fallback = place.fallback;
        if (fallback) encode(out, place.encoder, fallback.ptr, fallback.length);
        else encode(out, place.encoder, 0, 0);
      }
      if (out.overflow) return refuse("the result is too long");
    }
    out.bytes(this.after.ptr, this.after.length);
    return !out.overflow || refuse("the result is too long");
  }

  /** As renderTo, with a writer of its own; null when the limit is passed. */
  render(values: TemplateValues, limit: i32 = TEMPLATE_MAX_RESULT): Uint8Array | null {
    const out = new ByteWriter(limit);
    return this.renderTo(out, values) ? out.toBytes() : null;
  }

  /** As render, as text. */
  renderText(values: TemplateValues, limit: i32 = TEMPLATE_MAX_RESULT): string | null {
    const out = new ByteWriter(limit);
    return this.renderTo(out, values) ? out.toString() : null;
  }
}

/** Reads what stands between the braces. */
function readPlace(text: Slice, before: Slice, values: TemplateValues, encoder: Encoder, at: i32): Place | null {
  let end = endOfPart(text, 0);
  const index = values.indexOf(text.first(end).toString());
  if (index < 0) {
    bad("has a name that is not known", at);
    return null;
  }
  const place = new Place(before, index, encoder);
  let encoders = 0;
  while (end < text.length) {
    const start = end + 1;
    end = endOfPart(text, start);
    const part = text.part(start, end).toString();
    if (part.startsWith("default=")) {
      if (place.fallback) {
        bad("has a default twice", at + start);
        return null;
      }
      place.fallback = text.part(start + 8, end);
      continue;
    }
    const named = encoderNamed(part);
    if (named < 0 || encoders++) {
      bad(named < 0 ? "has an encoder that is not known" : "has two encoders in one place", at + start);
      return null;
    }
    place.encoder = <Encoder>named;
  }
  return place;
}

/** Where the part that begins at `start` ends: at a bar or the end. */
function endOfPart(text: Slice, start: i32): i32 {
  let end = start;
  while (end < text.length && load<u8>(text.ptr + end) != 0x7c) end++;
  return end;
}

function bad(reason: string, at: i32): Template | null {
  refuse(reason, at);
  return null;
}

/** Writes bytes through an encoder. */
export function encode(out: ByteWriter, encoder: Encoder, ptr: usize, length: i32): void {
  // No encoder makes anything shorter, so what does not fit as it is need not be looked at.
  if (encoder == Encoder.None || length > out.limit - out.length) {
    out.bytes(ptr, length);
    return;
  }
  if (encoder == Encoder.Base64) {
    out.base64(ptr, length);
    return;
  }
  if (encoder == Encoder.Sf) {
    const value = Slice.copy(ptr, length);
    if (isPrintable(value)) writeString(out, value);
    else writeDisplayString(out, Slice.of(value.toString()));
    return;
  }
  if (encoder == Encoder.Json && !isAsciiOnly(ptr, length)) {
    // By way of a string, which leaves nothing malformed.
    const text = Slice.of(decodeUtf8(ptr, length));
    escape(out, encoder, text.ptr, text.length);
    return;
  }
  escape(out, encoder, ptr, length);
}

/** Writes runs of characters that are good as they are in one piece, others one by one. */
function escape(out: ByteWriter, encoder: Encoder, ptr: usize, length: i32): void {
  let start = 0;
  for (let i = 0; i < length && !out.overflow; i++) {
    const c = load<u8>(ptr + i);
    if (isGood(encoder, c)) continue;
    out.bytes(ptr + start, i - start);
    start = i + 1;
    if (encoder == Encoder.Url) {
      out.byte(0x25);
      writeHex(out, c);
    } else if (encoder == Encoder.Json) {
      if (c < 0x20) {
        out.ascii("\\u00");
        writeHex(out, c);
      } else {
        out.byte(0x5c);
        out.byte(c);
      }
    } else if (encoder == Encoder.Html) {
      out.ascii(c == 0x26 ? "&amp;" : c == 0x3c ? "&lt;" : c == 0x3e ? "&gt;" : c == 0x22 ? "&quot;" : "&#39;");
    } else out.byte(0x20);
  }
  out.bytes(ptr + start, length - start);
}

function isGood(encoder: Encoder, c: u32): bool {
  if (encoder == Encoder.Json) return c >= 0x20 && c != 0x22 && c != 0x5c;
  if (encoder == Encoder.Header) return c == 9 || (c >= 0x20 && c != 0x7f);
  if (encoder == Encoder.Html) return c != 0x26 && c != 0x3c && c != 0x3e && c != 0x22 && c != 0x27;
  return (c | 0x20) - 0x61 < 26 || isDigit(c) || c == 0x2d || c == 0x2e || c == 0x5f || c == 0x7e;
}

function isAsciiOnly(ptr: usize, length: i32): bool {
  for (let i = 0; i < length; i++) if (load<u8>(ptr + i) > 0x7f) return false;
  return true;
}

function isPrintable(value: Slice): bool {
  for (let i = 0; i < value.length; i++) {
    const c = load<u8>(value.ptr + i);
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

function writeHex(out: ByteWriter, c: u32): void {
  out.byte(upperHex(c >> 4));
  out.byte(upperHex(c & 15));
}

function upperHex(value: u32): u32 {
  return value < 10 ? value + 0x30 : value + 0x37;
}

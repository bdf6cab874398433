/* Structured fields for HTTP (RFC 9651): parse and serialise items, lists and dictionaries. */

import { refuse } from "./refusal";
import { copyBytes, hexValue, isBlank, isDigit, Slice } from "./slice";
import { ByteWriter } from "./bytewriter";
import { isTokenChar } from "./field";
import { isUtf8 } from "./utf8";

// RFC 9651 asks for at least 1024 members, 256 items of an inner list and 256 parameters.
/** Longest field that is parsed, in bytes. */
export const SF_MAX_LENGTH: i32 = 262144;
export const SF_MAX_MEMBERS: i32 = 1024;
export const SF_MAX_INNER_ITEMS: i32 = 256;
export const SF_MAX_PARAMETERS: i32 = 256;

/** Largest integer and date; also the largest decimal, in thousandths. */
const MAX_INTEGER: i64 = 999999999999999;

export enum SfType {
  Integer,
  Decimal,
  String,
  Token,
  ByteSequence,
  Boolean,
  Date,
  DisplayString,
}

/** A bare item. */
export class SfValue {
  private constructor(
    readonly type: SfType,
    /** An integer, a decimal in thousandths, a date in seconds since 1970, a boolean as 0 or 1. */
    readonly number: i64,
    private content: Slice | null,
  ) {}

  static integer(value: i64): SfValue {
    return new SfValue(SfType.Integer, value, null);
  }

  static decimal(thousandths: i64): SfValue {
    return new SfValue(SfType.Decimal, thousandths, null);
  }

  /** A decimal rounded to three digits behind the point, halves to even. What is no number or too large is not serialised. */
  static decimalOf(value: f64): SfValue {
    const scaled = nearest(value * 1000);
    return SfValue.decimal(abs(scaled) <= <f64>MAX_INTEGER ? <i64>scaled : i64.MAX_VALUE);
  }

  static string(text: string): SfValue {
    return new SfValue(SfType.String, 0, Slice.of(text));
  }

  static token(text: string): SfValue {
    return new SfValue(SfType.Token, 0, Slice.of(text));
  }

  static bytes(bytes: Uint8Array): SfValue {
    return new SfValue(SfType.ByteSequence, 0, Slice.copy(bytes.dataStart, bytes.length));
  }

  static boolean(value: bool): SfValue {
    return new SfValue(SfType.Boolean, i64(value), null);
  }

  static date(seconds: i64): SfValue {
    return new SfValue(SfType.Date, seconds, null);
  }

  static displayString(text: string): SfValue {
    return new SfValue(SfType.DisplayString, 0, Slice.of(text));
  }

  /** For the parser. */
  static of(type: SfType, number: i64, content: Slice | null): SfValue {
    return new SfValue(type, number, content);
  }

  get isTrue(): bool {
    return this.type == SfType.Boolean && this.number != 0;
  }

  /** The number as floating point, of an integer, decimal or date. */
  get float(): f64 {
    return this.type == SfType.Decimal ? <f64>this.number / 1000 : <f64>this.number;
  }

  /** Content of a string, token, byte sequence or display string; "" for others. */
  get text(): string {
    const content = this.content;
    return content ? content.toString() : "";
  }

  /** As `text`, as bytes. */
  get bytes(): Uint8Array {
    const content = this.content;
    return content ? content.toBytes() : new Uint8Array(0);
  }

  /** Whether it is of this type and has this ASCII text. */
  is(type: SfType, text: string): bool {
    const content = this.content;
    return this.type == type && content != null && content.is(text);
  }

  /** Writes it; false when the type does not allow the value. */
  writeTo(out: ByteWriter): bool {
    const content = this.content;
    switch (this.type) {
      case SfType.Integer:
        return writeInteger(out, this.number);
      case SfType.Decimal:
        return writeDecimal(out, this.number);
      case SfType.Boolean:
        out.byte(0x3f);
        out.byte(this.number ? 0x31 : 0x30);
        return true;
      case SfType.Date:
        out.byte(0x40);
        return writeInteger(out, this.number);
      case SfType.Token:
        return content != null && writeToken(out, content);
      case SfType.String:
        return content != null && writeString(out, content);
      case SfType.ByteSequence:
        return content != null && writeBytes(out, content);
      default:
        return content != null && writeDisplayString(out, content);
    }
  }
}

/** Keys with what belongs to them, in order; setting a key again keeps its place. */
export class SfParameters {
  private keys: SfKeys = new SfKeys();
  private values: SfValue[] = new Array<SfValue>();

  get length(): i32 {
    return this.values.length;
  }

  get(key: string): SfValue | null {
    const index = this.keys.find(key);
    return index < 0 ? null : this.values[index];
  }

  keyAt(index: i32): string {
    return this.keys.at(index);
  }

  /** Null beyond the end. */
  valueAt(index: i32): SfValue | null {
    return <u32>index < <u32>this.values.length ? this.values[index] : null;
  }

  set(key: string, value: SfValue): void {
    this.put(Slice.of(key), value);
  }

  put(key: Slice, value: SfValue): void {
    const index = this.keys.add(key);
    if (index < this.values.length) this.values[index] = value;
    else this.values.push(value);
  }

  writeTo(out: ByteWriter): bool {
    for (let i = 0; i < this.values.length; i++) {
      const value = this.values[i];
      out.byte(0x3b);
      if (!this.keys.write(i, out)) return false;
      if (value.isTrue) continue;
      out.byte(0x3d);
      if (!value.writeTo(out)) return false;
    }
    return true;
  }
}

/** What a list or dictionary holds: an SfItem or an SfInnerList. */
export abstract class SfMember {
  /** Null while there are none. */
  params: SfParameters | null = null;

  /** The parameter, or null. */
  param(key: string): SfValue | null {
    const params = this.params;
    return params ? params.get(key) : null;
  }

  setParam(key: string, value: SfValue): void {
    let params = this.params;
    if (!params) this.params = params = new SfParameters();
    params.set(key, value);
  }

  /** This as an item, or null. */
  asItem(): SfItem | null {
    return null;
  }

  /** This as an inner list, or null. */
  asInnerList(): SfInnerList | null {
    return null;
  }

  abstract writeTo(out: ByteWriter): bool;

  protected writeParams(out: ByteWriter): bool {
    const params = this.params;
    return params == null || params.writeTo(out);
  }
}

export class SfItem extends SfMember {
  constructor(public value: SfValue) {
    super();
  }

  /** Null when it is no item; `refusalReason` and `refusalAt` then say why. */
  static parse(ptr: usize, length: i32): SfItem | null {
    const parser = SfParser.of(ptr, length);
    if (!parser) return null;
    const item = parser.item();
    return item && parser.end() ? item : null;
  }

  static parseText(text: string): SfItem | null {
    const bytes = Slice.of(text);
    return SfItem.parse(bytes.ptr, bytes.length);
  }

  asItem(): SfItem | null {
    return this;
  }

  writeTo(out: ByteWriter): bool {
    return this.value.writeTo(out) && this.writeParams(out);
  }

  /** Null when a value or key is not allowed. */
  serialize(): string | null {
    const out = newWriter();
    return finish(out, this.writeTo(out));
  }
}

export class SfInnerList extends SfMember {
  items: SfItem[] = new Array<SfItem>();

  asInnerList(): SfInnerList | null {
    return this;
  }

  writeTo(out: ByteWriter): bool {
    out.byte(0x28);
    for (let i = 0; i < this.items.length; i++) {
      if (i) out.byte(0x20);
      if (!this.items[i].writeTo(out)) return false;
    }
    out.byte(0x29);
    return this.writeParams(out);
  }
}

export class SfList {
  members: SfMember[] = new Array<SfMember>();

  /** Null when it is no list. An empty field is an empty list. Join several lines with a comma first. */
  static parse(ptr: usize, length: i32): SfList | null {
    const parser = SfParser.of(ptr, length);
    if (!parser) return null;
    const list = new SfList();
    return parser.list(list.members) && parser.end() ? list : null;
  }

  static parseText(text: string): SfList | null {
    const bytes = Slice.of(text);
    return SfList.parse(bytes.ptr, bytes.length);
  }

  get length(): i32 {
    return this.members.length;
  }

  /** Null when a value or key is not allowed. "" for an empty list, which is not sent at all (section 4.1). */
  serialize(): string | null {
    const out = newWriter();
    for (let i = 0; i < this.members.length; i++) {
      if (i) out.ascii(", ");
      if (!this.members[i].writeTo(out)) return null;
    }
    return finish(out, true);
  }
}

export class SfDictionary {
  private keys: SfKeys = new SfKeys();
  private members: SfMember[] = new Array<SfMember>();

  /** Null when it is no dictionary. An empty field is an empty one. Of several values of a key the last counts. */
  static parse(ptr: usize, length: i32): SfDictionary | null {
    const parser = SfParser.of(ptr, length);
    if (!parser) return null;
    const dictionary = new SfDictionary();
    return parser.dictionary(dictionary) && parser.end() ? dictionary : null;
  }

  static parseText(text: string): SfDictionary | null {
    const bytes = Slice.of(text);
    return SfDictionary.parse(bytes.ptr, bytes.length);
  }

  get length(): i32 {
    return this.members.length;
  }

  get(key: string): SfMember | null {
    const index = this.keys.find(key);
    return index < 0 ? null : this.members[index];
  }

  keyAt(index: i32): string {
    return this.keys.at(index);
  }

  /** Null beyond the end. */
  memberAt(index: i32): SfMember | null {
    return <u32>index < <u32>this.members.length ? this.members[index] : null;
  }

  set(key: string, member: SfMember): void {
    this.put(Slice.of(key), member);
  }

  put(key: Slice, member: SfMember): void {
    const index = this.keys.add(key);
    if (index < this.members.length) this.members[index] = member;
    else this.members.push(member);
  }

  /** Null when a value or key is not allowed. "" for an empty one, which is not sent at all (section 4.1). */
  serialize(): string | null {
    const out = newWriter();
    for (let i = 0; i < this.members.length; i++) {
      const member = this.members[i];
      if (i) out.ascii(", ");
      if (!this.keys.write(i, out)) return null;
      const item = member.asItem();
      if (item && item.value.isTrue) {
        const params = item.params;
        if (params && !params.writeTo(out)) return null;
      } else {
        out.byte(0x3d);
        if (!member.writeTo(out)) return null;
      }
    }
    return finish(out, true);
  }
}

/** From this number of keys on a trie finds them: all pairs of keys compared would be quadratic. */
const FEW_KEYS: i32 = 16;

/** The keys of a map in order. */
class SfKeys {
  private keys: Slice[] = new Array<Slice>();
  /** Per node: byte, first child, next sibling, index of the key that ends here plus 1. Node 0 is the root; 0 is none. */
  private nodes: Array<i32> | null = null;

  at(index: i32): string {
    return <u32>index < <u32>this.keys.length ? this.keys[index].toString() : "";
  }

  find(key: string): i32 {
    for (let i = 0; i < this.keys.length; i++) if (this.keys[i].is(key)) return i;
    return -1;
  }

  /** Index of the key, which is added at the end when it is not there. */
  add(key: Slice): i32 {
    const keys = this.keys;
    const count = keys.length;
    if (count < FEW_KEYS) {
      for (let i = 0; i < count; i++) if (keys[i].same(key)) return i;
    } else {
      let nodes = this.nodes;
      if (!nodes) {
        this.nodes = nodes = [0, 0, 0, 0];
        for (let i = 0; i < count; i++) trieAdd(nodes, keys[i], i);
      }
      const index = trieAdd(nodes, key, count);
      if (index < count) return index;
    }
    keys.push(key);
    return count;
  }

  write(index: i32, out: ByteWriter): bool {
    const key = this.keys[index];
    if (keyLength(key.ptr, key.length) != key.length || !key.length) return refuse("a key is malformed");
    out.bytes(key.ptr, key.length);
    return true;
  }
}

/** Index that the key has; it gets `index` when it is new. */
function trieAdd(nodes: i32[], key: Slice, index: i32): i32 {
  let node = 0;
  for (let i: usize = 0; i < <usize>key.length; i++) {
    const c = <i32>load<u8>(key.ptr + i);
    let child = nodes[node + 1];
    while (child && nodes[child] != c) child = nodes[child + 2];
    if (!child) {
      child = nodes.length;
      nodes.push(c);
      nodes.push(0);
      nodes.push(nodes[node + 1]);
      nodes.push(0);
      nodes[node + 1] = child;
    }
    node = child;
  }
  const found = nodes[node + 3];
  if (found) return found - 1;
  nodes[node + 3] = index + 1;
  return index;
}

/** Section 4.2, on a copy of the field, in which strings are decoded in place. */
class SfParser {
  private at: i32 = 0;

  private constructor(
    private buffer: ArrayBuffer,
    private length: i32,
  ) {}

  static of(ptr: usize, length: i32): SfParser | null {
    if (length > SF_MAX_LENGTH) {
      refuse("is too long", SF_MAX_LENGTH);
      return null;
    }
    const parser = new SfParser(copyBytes(ptr, length), length);
    parser.skipSpaces();
    return parser;
  }

  list(members: SfMember[]): bool {
    while (this.at < this.length) {
      if (members.length == SF_MAX_MEMBERS) return refuse("has too many members", this.at);
      const member = this.member();
      if (!member) return false;
      members.push(member);
      if (!this.nextMember()) return this.at == this.length;
    }
    return true;
  }

  dictionary(result: SfDictionary): bool {
    while (this.at < this.length) {
      const start = this.at;
      const key = this.key();
      if (!key) return false;
      let member: SfMember | null;
      if (this.peek() == 0x3d) {
        this.at++;
        member = this.member();
      } else {
        member = this.withParams(new SfItem(SfValue.boolean(true)));
      }
      if (!member) return false;
      result.put(key, member);
      if (result.length > SF_MAX_MEMBERS) return refuse("has too many members", start);
      if (!this.nextMember()) return this.at == this.length;
    }
    return true;
  }

  item(): SfItem | null {
    const value = this.bareItem();
    return value ? changetype<SfItem | null>(this.withParams(new SfItem(value))) : null;
  }

  /** Expects nothing more. */
  end(): bool {
    this.skipSpaces();
    return this.at == this.length || refuse("has text after its end", this.at);
  }

  /** Past a comma to the next member. False at the end and, without being there, after an error. */
  private nextMember(): bool {
    this.skipBlanks();
    if (this.at == this.length) return false;
    if (this.peek() != 0x2c) return refuse("needs a comma between members", this.at);
    const comma = this.at++;
    this.skipBlanks();
    if (this.at < this.length) return true;
    this.at = comma;
    return refuse("ends with a comma", comma);
  }

  private member(): SfMember | null {
    if (this.peek() == 0x28) return this.innerList();
    return this.item();
  }

  private innerList(): SfMember | null {
    const list = new SfInnerList();
    const start = this.at++;
    while (this.at < this.length) {
      this.skipSpaces();
      if (this.peek() == 0x29) {
        this.at++;
        return this.withParams(list);
      }
      if (list.items.length == SF_MAX_INNER_ITEMS) {
        refuse("has too many items in an inner list", this.at);
        return null;
      }
      const item = this.item();
      if (!item) return null;
      list.items.push(item);
      const next = this.peek();
      if (next != 0x20 && next != 0x29) {
        refuse("needs a space between the items of an inner list", this.at);
        return null;
      }
    }
    refuse("has an inner list without an end", start);
    return null;
  }

  private withParams(member: SfMember): SfMember | null {
    let params: SfParameters | null = null;
    while (this.peek() == 0x3b) {
      this.at++;
      this.skipSpaces();
      const start = this.at;
      const key = this.key();
      if (!key) return null;
      let value: SfValue | null = null;
      if (this.peek() == 0x3d) {
        this.at++;
        value = this.bareItem();
        if (!value) return null;
      } else {
        value = SfValue.boolean(true);
      }
      if (!params) member.params = params = new SfParameters();
      params.put(key, value);
      if (params.length > SF_MAX_PARAMETERS) {
        refuse("has too many parameters", start);
        return null;
      }
    }
    return member;
  }

  private key(): Slice | null {
    const length = keyLength(this.here(), this.length - this.at);
    if (!length) {
      refuse("needs a key", this.at);
      return null;
    }
    const key = new Slice(this.buffer, this.at, length);
    this.at += length;
    return key;
  }

  private bareItem(): SfValue | null {
    const c = this.peek();
    if (c == 0x2d || isDigit(c)) return this.number();
    if (c == 0x22) return this.string();
    if (c == 0x2a || isLetter(c)) return this.token();
    if (c == 0x3a) return this.byteSequence();
    if (c == 0x3f) return this.boolean();
    if (c == 0x40) return this.date();
    if (c == 0x25) return this.displayString();
    return this.no("needs an item", this.at);
  }

  private number(): SfValue | null {
    const start = this.at;
    const negative = this.peek() == 0x2d;
    if (negative) this.at++;
    let value: i64 = 0;
    const first = this.at;
    for (; isDigit(this.peek()); this.at++) {
      if (this.at - first == 15) return this.no("has a number with too many digits", start);
      value = value * 10 + (this.peek() - 0x30);
    }
    const whole = this.at - first;
    if (!whole) return this.no("needs a digit", this.at);
    if (this.peek() != 0x2e) return SfValue.integer(negative ? -value : value);
    if (whole > 12) return this.no("has a decimal with too many digits", start);
    const point = ++this.at;
    for (; isDigit(this.peek()); this.at++) {
      if (this.at - point == 3) return this.no("has a decimal with more than three digits behind the point", start);
      value = value * 10 + (this.peek() - 0x30);
    }
    if (this.at == point) return this.no("needs a digit behind the point", point);
    for (let i = this.at - point; i < 3; i++) value *= 10;
    return SfValue.decimal(negative ? -value : value);
  }

  private date(): SfValue | null {
    const start = ++this.at;
    const c = this.peek();
    if (c != 0x2d && !isDigit(c)) return this.no("needs a digit", start);
    const number = this.number();
    if (!number) return null;
    return number.type == SfType.Integer ? SfValue.date(number.number) : this.no("has a date with a fraction", start);
  }

  private boolean(): SfValue | null {
    const digit = this.peekAt(1) - 0x30;
    if (digit > 1) return this.no("needs ?0 or ?1", this.at);
    this.at += 2;
    return SfValue.boolean(digit == 1);
  }

  private token(): SfValue | null {
    const start = this.at;
    for (; ; this.at++) {
      const c = this.peek();
      if (!isTokenChar(c) && c != 0x3a && c != 0x2f) break;
    }
    return SfValue.of(SfType.Token, 0, new Slice(this.buffer, start, this.at - start));
  }

  private string(): SfValue | null {
    const start = this.at++;
    let write = this.here();
    for (; this.at < this.length; this.at++, write++) {
      let c = this.peek();
      if (c == 0x22) return this.content(SfType.String, start + 1, write);
      if (c == 0x5c) {
        c = this.peekAt(1);
        if (c != 0x22 && c != 0x5c) return this.no("has a bad escape in a string", this.at);
        this.at++;
      } else if (c < 0x20 || c > 0x7e) return this.no("has a bad character in a string", this.at);
      store<u8>(write, c);
    }
    return this.no("has a string without an end", start);
  }

  private displayString(): SfValue | null {
    const start = this.at;
    if (this.peekAt(1) != 0x22) return this.no("needs a quote after %", start);
    this.at += 2;
    let write = this.here();
    for (; this.at < this.length; this.at++, write++) {
      let c = this.peek();
      if (c == 0x22) {
        const first = changetype<usize>(this.buffer) + start + 2;
        if (!isUtf8(first, write - first)) return this.no("has a display string that is not UTF-8", start);
        return this.content(SfType.DisplayString, start + 2, write);
      }
      if (c == 0x25) {
        const high = lowerHex(this.peekAt(1));
        const low = lowerHex(this.peekAt(2));
        c = (high << 4) | low;
        if ((high | low) > 15) return this.no("has a bad escape in a display string", this.at);
        this.at += 2;
      } else if (c < 0x20 || c > 0x7e) return this.no("has a bad character in a display string", this.at);
      store<u8>(write, c);
    }
    return this.no("has a display string without an end", start);
  }

  private byteSequence(): SfValue | null {
    const start = this.at++;
    let write = this.here();
    let bits: u32 = 0;
    let count = 0;
    for (; this.at < this.length; this.at++) {
      const value = base64Value(this.peek());
      if (value > 63) break;
      bits = (bits << 6) | value;
      if (++count & 3) {
        // Every letter but the first of four completes a byte.
        if ((count & 3) > 1) store<u8>(write++, bits >> ((4 - (count & 3)) << 1));
      } else store<u8>(write++, bits);
    }
    let padding = 0;
    for (; this.peek() == 0x3d; this.at++) padding++;
    if (this.peek() != 0x3a) return this.no("has a bad character in a byte sequence, or no end of it", this.at);
    // Without padding is allowed, and so are bits that are left over (section 4.2.7).
    if ((count & 3) == 1 || (padding && (padding > 2 || ((count + padding) & 3) != 0))) {
      return this.no("has a byte sequence of a bad length", start);
    }
    return this.content(SfType.ByteSequence, start + 1, write);
  }

  /** The value whose content stands from `start` up to the address `end`; the reader is at its closing character. */
  private content(type: SfType, start: i32, end: usize): SfValue {
    this.at++;
    const length = <i32>(end - changetype<usize>(this.buffer)) - start;
    return SfValue.of(type, 0, new Slice(this.buffer, start, length));
  }

  private no(reason: string, at: i32): SfValue | null {
    refuse(reason, at);
    return null;
  }

  /** 0 at the end: no item has that character. */
  private peek(): u32 {
    return this.at < this.length ? load<u8>(this.here()) : 0;
  }

  private peekAt(offset: i32): u32 {
    return this.at + offset < this.length ? load<u8>(this.here() + offset) : 0;
  }

  private here(): usize {
    return changetype<usize>(this.buffer) + this.at;
  }

  private skipSpaces(): void {
    while (this.peek() == 0x20) this.at++;
  }

  private skipBlanks(): void {
    while (isBlank(this.peek())) this.at++;
  }
}

/** How many bytes at `ptr` are a key. */
function keyLength(ptr: usize, limit: i32): i32 {
  for (let i = 0; i < limit; i++) {
    const c = <u32>load<u8>(ptr + i);
    const begins = c - 0x61 < 26 || c == 0x2a;
    if (!begins && (!i || (!isDigit(c) && c != 0x5f && c != 0x2d && c != 0x2e))) return i;
  }
  return limit;
}

function isLetter(c: u32): bool {
  return (c | 0x20) - 0x61 < 26;
}

/** Value of a digit or small letter of a hexadecimal number; above 15 when it is none. */
function lowerHex(c: u32): u32 {
  return c - 0x41 < 6 ? 16 : hexValue(c);
}

function base64Value(c: u32): u32 {
  if (c - 0x41 < 26) return c - 0x41;
  if (c - 0x61 < 26) return c - 0x61 + 26;
  if (isDigit(c)) return c - 0x30 + 52;
  return c == 0x2b ? 62 : c == 0x2f ? 63 : 64;
}

function newWriter(): ByteWriter {
  return new ByteWriter(SF_MAX_LENGTH);
}

function finish(out: ByteWriter, good: bool): string | null {
  if (!good) return null;
  if (!out.overflow) return out.toString();
  refuse("is too long");
  return null;
}

function writeInteger(out: ByteWriter, value: i64): bool {
  if (value > MAX_INTEGER || value < -MAX_INTEGER) return refuse("a number has more than 15 digits");
  out.integer(value);
  return true;
}

function writeDecimal(out: ByteWriter, thousandths: i64): bool {
  if (thousandths > MAX_INTEGER || thousandths < -MAX_INTEGER) return refuse("a decimal has more than 12 digits");
  let rest: u64 = thousandths < 0 ? -thousandths : thousandths;
  if (thousandths < 0) out.byte(0x2d);
  out.integer(rest / 1000);
  out.byte(0x2e);
  let digits: u64 = rest % 1000;
  let width = 3;
  for (; width > 1 && digits % 10 == 0; digits /= 10) width--;
  out.padded(digits, width);
  return true;
}

function writeToken(out: ByteWriter, content: Slice): bool {
  const ptr = content.ptr;
  const first: u32 = content.length ? load<u8>(ptr) : 0;
  let good = isLetter(first) || first == 0x2a;
  for (let i = 0; i < content.length && good; i++) {
    const c = load<u8>(ptr + i);
    good = isTokenChar(c) || c == 0x3a || c == 0x2f;
  }
  if (!good) return refuse("a token has a character that it must not have");
  out.bytes(ptr, content.length);
  return true;
}

/** Writes a String; false when the bytes are not all printable ASCII. */
export function writeString(out: ByteWriter, content: Slice): bool {
  out.byte(0x22);
  for (let i = 0; i < content.length; i++) {
    const c = load<u8>(content.ptr + i);
    if (c < 0x20 || c > 0x7e) return refuse("a string has a character that is not printable ASCII");
    if (c == 0x22 || c == 0x5c) out.byte(0x5c);
    out.byte(c);
  }
  out.byte(0x22);
  return true;
}

/** Writes a Display String; the content must be UTF-8. */
export function writeDisplayString(out: ByteWriter, content: Slice): bool {
  out.ascii('%"');
  for (let i = 0; i < content.length; i++) {
    const c = load<u8>(content.ptr + i);
    if (c < 0x20 || c > 0x7e || c == 0x25 || c == 0x22) {
      out.byte(0x25);
      out.byte(hexDigit(c >> 4));
      out.byte(hexDigit(c & 15));
    } else out.byte(c);
  }
  out.byte(0x22);
  return true;
}

function hexDigit(value: u32): u32 {
  return value < 10 ? value + 0x30 : value + 0x57;
}

function writeBytes(out: ByteWriter, content: Slice): bool {
  out.byte(0x3a);
  out.base64(content.ptr, content.length);
  out.byte(0x3a);
  return true;
}

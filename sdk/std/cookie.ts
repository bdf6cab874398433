/* Cookies on the server's side (RFC 6265bis): reading a Cookie field, writing a Set-Cookie field. */

import { equalsIgnoreCase, isToken } from "./field";
import { refuse } from "./refusal";
import { copyBytes, isAscii, isBlank, Slice } from "./slice";
import { ByteWriter } from "./bytewriter";
import { decodeUtf8 } from "./utf8";
import { formatHttpDate, INVALID_TIME } from "./time";

/**
 * Walks over the pairs of a Cookie field, in order, repeated names included. It reads the bytes where they are and
 * allocates nothing. Semicolons part the pairs; white space around a pair is no part of it; what is empty is left out. The
 * name ends at the first `=`, and a pair without one is a value without a name, as browsers send it. Quotes and
 * percent-escapes are kept as they are.
 */
export class CookieReader {
  namePtr: usize = 0;
  nameLength: i32 = 0;
  valuePtr: usize = 0;
  valueLength: i32 = 0;
  private at: usize;
  private end: usize;

  constructor(ptr: usize, length: i32) {
    this.at = ptr;
    this.end = ptr + length;
  }

  /** To the next pair; false when there is none. */
  next(): bool {
    const limit = this.end;
    while (this.at < limit) {
      let start = this.at;
      let end = start;
      let equals: usize = 0;
      for (; end < limit; end++) {
        const c = load<u8>(end);
        if (c == 0x3b) break;
        if (c == 0x3d && !equals) equals = end;
      }
      this.at = end + 1;
      while (start < end && isBlank(load<u8>(start))) start++;
      while (end > start && isBlank(load<u8>(end - 1))) end--;
      if (start == end) continue;
      this.namePtr = start;
      this.nameLength = equals ? <i32>(equals - start) : 0;
      this.valuePtr = equals ? equals + 1 : start;
      this.valueLength = <i32>(end - this.valuePtr);
      return true;
    }
    return false;
  }

  get name(): string {
    return decodeUtf8(this.namePtr, this.nameLength);
  }

  get value(): string {
    return decodeUtf8(this.valuePtr, this.valueLength);
  }

  /** Whether the name is this ASCII text; names have case. */
  nameIs(name: string): bool {
    return isAscii(this.namePtr, this.nameLength, name);
  }

  /** Whether the pair is as servers may set it (section 4.1.1): the name is a token, the value cookie-octets, maybe in quotes. */
  get wellFormed(): bool {
    return isToken(this.namePtr, this.nameLength) && isCookieValue(this.valuePtr, this.valueLength);
  }
}

/** A Cookie field that is kept, to look up cookies by name. */
export class Cookies {
  private buffer: ArrayBuffer;

  constructor(
    ptr: usize,
    private length: i32,
  ) {
    this.buffer = copyBytes(ptr, length);
  }

  static of(text: string): Cookies {
    const bytes = Slice.of(text);
    return new Cookies(bytes.ptr, bytes.length);
  }

  /** Value of the first cookie of this name, or null. More than one is often an attack: see `count`. */
  get(name: string): string | null {
    const reader = this.reader();
    while (reader.next()) if (reader.nameIs(name)) return reader.value;
    return null;
  }

  /** Values of all cookies of this name, in order. */
  all(name: string): string[] {
    const values = new Array<string>();
    const reader = this.reader();
    while (reader.next()) if (reader.nameIs(name)) values.push(reader.value);
    return values;
  }

  /** How many cookies have this name. */
  count(name: string): i32 {
    let count = 0;
    const reader = this.reader();
    while (reader.next()) if (reader.nameIs(name)) count++;
    return count;
  }

  /** A walk over all; good as long as this object is. */
  reader(): CookieReader {
    return new CookieReader(changetype<usize>(this.buffer), this.length);
  }
}

/** Most bytes of name and value together, and of an attribute: browsers drop what is longer (section 5.6). */
export const COOKIE_MAX_LENGTH: i32 = 4096;
export const COOKIE_MAX_ATTRIBUTE: i32 = 1024;

export enum SameSite {
  /** The attribute is left out: browsers take Lax, with exceptions. */
  Default,
  Lax,
  Strict,
  None,
}

/** A cookie to be set. */
export class SetCookie {
  /** Seconds since 1970, or INVALID_TIME for none. */
  expires: i64 = INVALID_TIME;
  /** Seconds; 0 and less delete the cookie; i64.MIN_VALUE for none. */
  maxAge: i64 = i64.MIN_VALUE;
  /** "" for none: the cookie is for this host only. */
  domain: string = "";
  /** "" for none. */
  path: string = "";
  secure: bool = false;
  httpOnly: bool = false;
  sameSite: SameSite = SameSite.Default;
  partitioned: bool = false;

  constructor(
    readonly name: string,
    /** Cookie-octets: printable ASCII without space, quote, comma, semicolon, backslash; quotes around all are allowed. */
    readonly value: string,
  ) {}

  /** One that deletes the cookie of this name; give it the same domain and path. */
  static deleting(name: string): SetCookie {
    const cookie = new SetCookie(name, "");
    cookie.expires = 0;
    cookie.maxAge = 0;
    return cookie;
  }

  /**
   * The value of a Set-Cookie field. Null, with `refusalReason`, when a browser would refuse the cookie or read it
   * otherwise: characters that are not allowed, too long, a name with __Secure- or __Host- (in any case) without what the
   * prefix demands, SameSite=None or Partitioned without Secure.
   */
  serialize(): string | null {
    if (!this.isSound()) return null;
    const out = new ByteWriter(16384);
    out.ascii(this.name);
    out.byte(0x3d);
    out.ascii(this.value);
    if (this.path.length) {
      out.ascii("; Path=");
      out.ascii(this.path);
    }
    if (this.domain.length) {
      out.ascii("; Domain=");
      out.ascii(this.bareDomain());
    }
    if (this.expires != INVALID_TIME) {
      out.ascii("; Expires=");
      out.ascii(formatHttpDate(this.expires));
    }
    if (this.maxAge != i64.MIN_VALUE) {
      out.ascii("; Max-Age=");
      out.integer(max<i64>(this.maxAge, 0));
    }
    if (this.httpOnly) out.ascii("; HttpOnly");
    if (this.secure) out.ascii("; Secure");
    if (this.sameSite == SameSite.Lax) out.ascii("; SameSite=Lax");
    else if (this.sameSite == SameSite.Strict) out.ascii("; SameSite=Strict");
    else if (this.sameSite == SameSite.None) out.ascii("; SameSite=None");
    if (this.partitioned) out.ascii("; Partitioned");
    return out.toString();
  }

  private isSound(): bool {
    const name = Slice.of(this.name);
    const value = Slice.of(this.value);
    if (!isToken(name.ptr, name.length)) return refuse("the cookie's name is no token");
    if (!isCookieValue(value.ptr, value.length))
      return refuse("the cookie's value has a character that it must not have");
    if (name.length + value.length > COOKIE_MAX_LENGTH) return refuse("the cookie is too long");
    if (!isPath(this.path)) return refuse("the cookie's path is malformed");
    if (!isDomain(this.bareDomain()) && this.domain.length) return refuse("the cookie's domain is malformed");
    if (this.expires != INVALID_TIME && !formatHttpDate(this.expires).length) {
      return refuse("the cookie's time is beyond the year 9999");
    }
    if (!this.secure) {
      if (this.sameSite == SameSite.None) return refuse("SameSite=None needs Secure");
      if (this.partitioned) return refuse("Partitioned needs Secure");
      if (beginsWith(name, "__Secure-") || beginsWith(name, "__Host-"))
        return refuse("the cookie's prefix needs Secure");
    }
    if (beginsWith(name, "__Host-") && (this.domain.length || this.path != "/")) {
      return refuse("__Host- needs the path / and no domain");
    }
    return true;
  }

  /** Without the dot in front, which has no meaning (section 5.6.3). */
  private bareDomain(): string {
    return this.domain.startsWith(".") ? this.domain.substring(1) : this.domain;
  }
}

function beginsWith(name: Slice, prefix: string): bool {
  return name.length >= prefix.length && equalsIgnoreCase(name.ptr, prefix);
}

function isCookieValue(ptr: usize, length: i32): bool {
  if (length > 1 && load<u8>(ptr) == 0x22 && load<u8>(ptr + length - 1) == 0x22) {
    ptr++;
    length -= 2;
  }
  for (let i = 0; i < length; i++) {
    const c = load<u8>(ptr + i);
    if (c < 0x21 || c > 0x7e || c == 0x22 || c == 0x2c || c == 0x3b || c == 0x5c) return false;
  }
  return true;
}

/** Begins with a slash, else browsers take another one, and has neither semicolon nor control characters. */
function isPath(path: string): bool {
  if (!path.length) return true;
  if (path.length > COOKIE_MAX_ATTRIBUTE || path.charCodeAt(0) != 0x2f) return false;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c < 0x20 || c > 0x7e || c == 0x3b) return false;
  }
  // White space at the end would be cut.
  return path.charCodeAt(path.length - 1) != 0x20;
}

/** Labels of letters, digits, hyphens and underscores. */
function isDomain(domain: string): bool {
  if (!domain.length || domain.length > 255) return false;
  let before = 0x2e;
  for (let i = 0; i < domain.length; i++) {
    const c = domain.charCodeAt(i);
    const isWord = c < 0x80 && (<u32>(c | 0x20) - 0x61 < 26 || <u32>c - 0x30 < 10 || c == 0x5f);
    if (!isWord && ((c != 0x2d && c != 0x2e) || before == 0x2e)) return false;
    if (c == 0x2e && before == 0x2d) return false;
    before = c;
  }
  return before != 0x2e && before != 0x2d;
}

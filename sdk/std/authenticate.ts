/* Challenges and credentials: WWW-Authenticate, Proxy-Authenticate, Authorization (RFC 9110, section 11), Bearer (RFC 6750). */

import { equalsIgnoreCase, isToken } from "./field";
import { FieldReader, writeQuoted } from "./fieldreader";
import { refuse } from "./refusal";
import { isDigit, Slice } from "./slice";
import { ByteWriter } from "./bytewriter";

/** Longest field that is read, in bytes. */
export const AUTH_MAX_LENGTH: i32 = 65536;
export const AUTH_MAX_CHALLENGES: i32 = 64;
/** Of one challenge. */
export const AUTH_MAX_PARAMETERS: i32 = 64;

/** One challenge or the credentials: a scheme, then a token68, or parameters, or nothing. */
export class Challenge {
  token68: Slice | null = null;
  /** Each once, whatever its case. */
  names: Slice[] = new Array<Slice>();
  values: Slice[] = new Array<Slice>();
  private quoted: bool[] = new Array<bool>();

  constructor(readonly scheme: Slice) {}

  /** For a challenge to be sent; an empty scheme is not serialised. */
  static of(scheme: string): Challenge {
    return new Challenge(Slice.of(scheme));
  }

  /** Whether the scheme is this, without regard to case. */
  is(scheme: string): bool {
    return this.scheme.isIgnoringCase(scheme);
  }

  /** Value of a parameter, without regard to the case of its name, or null. */
  param(name: string): Slice | null {
    for (let i = 0; i < this.names.length; i++) if (this.names[i].isIgnoringCase(name)) return this.values[i];
    return null;
  }

  /** Adds a parameter that is sent as a quoted string, as realm has to be. */
  add(name: string, value: string): Challenge {
    this.push(Slice.of(name), Slice.of(value), true);
    return this;
  }

  /** Adds a parameter that is sent as a token, as `stale` and `algorithm` of Digest have to be. */
  addToken(name: string, value: string): Challenge {
    this.push(Slice.of(name), Slice.of(value), false);
    return this;
  }

  push(name: Slice, value: Slice, quoted: bool): void {
    this.names.push(name);
    this.values.push(value);
    this.quoted.push(quoted);
  }

  /** Null when the scheme or a name is no token, a name is there twice, or a value has what cannot be sent. */
  serialize(): string | null {
    const out = new ByteWriter(AUTH_MAX_LENGTH);
    if (!isToken(this.scheme.ptr, this.scheme.length)) return no("the scheme is no token");
    out.bytes(this.scheme.ptr, this.scheme.length);
    const token68 = this.token68;
    if (token68) {
      if (this.names.length || token68Length(token68.ptr, token68.length) != token68.length || !token68.length) {
        return no("the token68 is malformed");
      }
      out.byte(0x20);
      out.bytes(token68.ptr, token68.length);
    }
    for (let i = 0; i < this.names.length; i++) {
      const name = this.names[i];
      const value = this.values[i];
      if (!isToken(name.ptr, name.length)) return no("the name of a parameter is no token");
      for (let j = 0; j < i; j++) if (this.names[j].sameIgnoringCase(name)) return no("a parameter is there twice");
      out.ascii(i ? ", " : " ");
      out.bytes(name.ptr, name.length);
      out.byte(0x3d);
      if (this.quoted[i]) {
        if (!isPrintable(value) || !writeQuoted(out, value.ptr, value.length)) {
          return no("a value has a character that is not printable ASCII");
        }
      } else {
        if (!isToken(value.ptr, value.length)) return no("a value is no token");
        out.bytes(value.ptr, value.length);
      }
    }
    return out.overflow ? no("is too long") : out.toString();
  }
}

/**
 * The challenges of a WWW-Authenticate or Proxy-Authenticate field; several lines are joined with a comma first. Null when
 * the field is malformed, or a parameter is there twice in one challenge.
 */
export function parseChallenges(ptr: usize, length: i32): Challenge[] | null {
  const reader = open(ptr, length);
  const challenges = new Array<Challenge>();
  if (!reader) return null;
  for (reader.skipEmptyMembers(); !reader.atEnd; reader.skipEmptyMembers()) {
    if (challenges.length == AUTH_MAX_CHALLENGES) {
      refuse("has too many challenges", reader.at);
      return null;
    }
    const challenge = readChallenge(reader);
    if (!challenge) return null;
    challenges.push(challenge);
  }
  return challenges;
}

/** As parseChallenges, for text. */
export function parseChallengesText(text: string): Challenge[] | null {
  const bytes = Slice.of(text);
  return parseChallenges(bytes.ptr, bytes.length);
}

/** The credentials of an Authorization or Proxy-Authorization field; null when they are malformed. */
export function parseCredentials(ptr: usize, length: i32): Challenge | null {
  const reader = open(ptr, length);
  if (!reader) return null;
  const credentials = readChallenge(reader);
  if (!credentials) return null;
  if (reader.atEnd) return credentials;
  refuse("has more than one credential", reader.at);
  return null;
}

/** As parseCredentials, for text. */
export function parseCredentialsText(text: string): Challenge | null {
  const bytes = Slice.of(text);
  return parseCredentials(bytes.ptr, bytes.length);
}

/**
 * Where in an Authorization field the bearer token begins, which then goes on to the end; -1 when the field is not `Bearer`,
 * spaces and a b64token (RFC 6750, section 2.1). It allocates nothing.
 */
export function bearerTokenAt(ptr: usize, length: i32): i32 {
  if (length < 8 || !equalsIgnoreCase(ptr, "bearer") || load<u8>(ptr, 6) != 0x20) return -1;
  let start = 7;
  while (start < length && load<u8>(ptr + start) == 0x20) start++;
  return start < length && token68Length(ptr + start, length - start) == length - start ? start : -1;
}

/**
 * The challenge of a resource that wants a bearer token (RFC 6750, section 3). What is "" is left out. Null when a text has a
 * character that it must not have. Errors: invalid_request (400), invalid_token (401), insufficient_scope (403).
 */
export function bearerChallenge(
  realm: string,
  error: string = "",
  description: string = "",
  scope: string = "",
): string | null {
  const challenge = Challenge.of("Bearer");
  if (realm.length) challenge.add("realm", realm);
  if (scope.length) challenge.add("scope", scope);
  if (error.length) challenge.add("error", error);
  if (description.length) challenge.add("error_description", description);
  for (let i = realm.length ? 1 : 0; i < challenge.values.length; i++) {
    const value = challenge.values[i];
    for (let j = 0; j < value.length; j++) {
      const c = load<u8>(value.ptr + j);
      if (c == 0x22 || c == 0x5c) return no("error and scope must not have quotes and backslashes");
    }
  }
  return challenge.serialize();
}

function no(reason: string): string | null {
  refuse(reason);
  return null;
}

function open(ptr: usize, length: i32): FieldReader | null {
  if (length <= AUTH_MAX_LENGTH) return new FieldReader(ptr, length);
  refuse("is too long", AUTH_MAX_LENGTH);
  return null;
}

function bad(reason: string, at: i32): Challenge | null {
  refuse(reason, at);
  return null;
}

/** Reads one challenge and stops at the end or at the comma before the next one. */
function readChallenge(reader: FieldReader): Challenge | null {
  const scheme = reader.token();
  if (!scheme) return null;
  const challenge = new Challenge(scheme);
  const afterScheme = reader.at;
  while (reader.skip(0x20)) {}
  const spaced = reader.at > afterScheme;
  if (spaced) {
    const start = reader.at;
    reader.at += token68Length(reader.here(), reader.length - start);
    if (reader.at > start) {
      const token68 = reader.sliceFrom(start);
      if (endsMember(reader)) {
        challenge.token68 = token68;
        return challenge;
      }
    }
    reader.at = start;
    if (reader.peek() == 9 && !endsMember(reader)) return bad("has a tab before a parameter", start);
  } else if (!endsMember(reader)) return bad("needs a space after the scheme", reader.at);
  // Without a space a comma ends the challenge, with one an empty parameter may stand before it.
  if (!spaced) return challenge;
  while (!reader.atEnd) {
    const end = reader.at;
    reader.skipEmptyMembers();
    if (reader.atEnd) break;
    const start = reader.at;
    const name = reader.token();
    if (!name) return null;
    reader.skipBlanks();
    if (!reader.skip(0x3d)) {
      // No parameter, so the next challenge; there was a comma before it, or it would have been the first parameter.
      reader.at = end;
      if (endsMember(reader) && reader.at < start) return challenge;
      return bad("needs = after the name of a parameter", start);
    }
    reader.skipBlanks();
    const quoted = reader.peek() == 0x22;
    const value = reader.value();
    if (!value) return null;
    for (let i = 0; i < challenge.names.length; i++) {
      if (challenge.names[i].sameIgnoringCase(name)) return bad("has a parameter twice", start);
    }
    if (challenge.names.length == AUTH_MAX_PARAMETERS) return bad("has too many parameters", start);
    challenge.push(name, value, quoted);
    if (!endsMember(reader)) return bad("needs a comma after a parameter", reader.at);
  }
  return challenge;
}

/** Past white space; whether the end or a comma follows. */
function endsMember(reader: FieldReader): bool {
  reader.skipBlanks();
  return reader.atEnd || reader.peek() == 0x2c;
}

/** How many bytes at `ptr` are a token68, which is also RFC 6750's b64token. */
function token68Length(ptr: usize, limit: i32): i32 {
  let i = 0;
  for (; i < limit; i++) {
    const c = <u32>load<u8>(ptr + i);
    const isWord = (c | 0x20) - 0x61 < 26 || isDigit(c);
    if (!isWord && c != 0x2d && c != 0x2e && c != 0x5f && c != 0x7e && c != 0x2b && c != 0x2f) break;
  }
  if (!i) return 0;
  while (i < limit && load<u8>(ptr + i) == 0x3d) i++;
  return i;
}

function isPrintable(value: Slice): bool {
  for (let i = 0; i < value.length; i++) {
    const c = load<u8>(value.ptr + i);
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

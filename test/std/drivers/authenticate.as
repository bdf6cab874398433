import { bearerChallenge, bearerTokenAt, Challenge, parseChallenges, parseCredentials } from "../../../sdk/std/authenticate";
import { ByteWriter } from "../../../sdk/std/bytewriter";
import { refusalAt, refusalReason } from "../../../sdk/std/refusal";
import { Slice } from "../../../sdk/std/slice";
import { give, giveText } from "./io";

function hex(out: ByteWriter, slice: Slice): void {
  for (let i = 0; i < slice.length; i++) {
    const c = <u32>load<u8>(slice.ptr + i);
    out.byte("0123456789abcdef".charCodeAt(c >> 4));
    out.byte("0123456789abcdef".charCodeAt(c & 15));
  }
}

/** Scheme, then `~token68` or `;name=value`, all in hexadecimal. */
function dump(out: ByteWriter, challenge: Challenge): void {
  hex(out, challenge.scheme);
  const token68 = challenge.token68;
  if (token68) {
    out.byte(0x7e);
    hex(out, token68);
  }
  for (let i = 0; i < challenge.names.length; i++) {
    out.byte(0x3b);
    hex(out, challenge.names[i]);
    out.byte(0x3d);
    hex(out, challenge.values[i]);
  }
}

/** Challenges parted by commas. */
export function challenges(ptr: usize, length: usize): usize {
  const all = parseChallenges(ptr, <i32>length);
  if (!all) return 0;
  const out = new ByteWriter(1048576);
  for (let i = 0; i < all.length; i++) {
    if (i) out.byte(0x2c);
    dump(out, all[i]);
  }
  return give(out.ptr, out.length);
}

export function credentials(ptr: usize, length: usize): usize {
  const one = parseCredentials(ptr, <i32>length);
  if (!one) return 0;
  const out = new ByteWriter(1048576);
  dump(out, one);
  return give(out.ptr, out.length);
}

export function reason(): usize {
  return giveText(refusalReason);
}

/** Where the token begins; -1 when there is none. */
export function bearer(ptr: usize, length: usize): i32 {
  return bearerTokenAt(ptr, <i32>length);
}

let built: Challenge = Challenge.of("");

export function begin(scheme: usize, schemeLength: usize): i32 {
  built = Challenge.of(String.UTF8.decodeUnsafe(scheme, schemeLength));
  return 0;
}

export function add(name: usize, nameLength: usize, value: usize, valueLength: usize, quoted: i32): i32 {
  const key = String.UTF8.decodeUnsafe(name, nameLength);
  const content = String.UTF8.decodeUnsafe(value, valueLength);
  if (quoted) built.add(key, content);
  else built.addToken(key, content);
  return 0;
}

export function addToken68(value: usize, valueLength: usize): i32 {
  built.token68 = Slice.copy(value, <i32>valueLength);
  return 0;
}

export function serialized(): usize {
  const text = built.serialize();
  return text ? giveText(text) : 0;
}

export function bearerError(
  realm: usize,
  realmLength: usize,
  error: usize,
  errorLength: usize,
  description: usize,
  descriptionLength: usize,
  scope: usize,
  scopeLength: usize,
): usize {
  const text = bearerChallenge(
    String.UTF8.decodeUnsafe(realm, realmLength),
    String.UTF8.decodeUnsafe(error, errorLength),
    String.UTF8.decodeUnsafe(description, descriptionLength),
    String.UTF8.decodeUnsafe(scope, scopeLength),
  );
  return text ? giveText(text) : 0;
}

/** Bit 1: challenges; 2: credentials; 4: a bearer token; 8 and more for a disagreement. */
export function verdict(ptr: usize, length: usize): i32 {
  let result = 0;
  if (parseChallenges(ptr, <i32>length)) result = 1;
  else if (refusalAt < 0 || refusalAt > <i32>length) return 8;
  const one = parseCredentials(ptr, <i32>length);
  if (one) {
    result |= 2;
    const text = one.serialize();
    if (text) {
      const again = Slice.of(text);
      const second = parseCredentials(again.ptr, again.length);
      if (!second || second.serialize() != text) return 9;
    }
  } else if (refusalAt < 0 || refusalAt > <i32>length) return 10;
  const at = bearerTokenAt(ptr, <i32>length);
  if (at >= 0) {
    result |= 4;
    if (!one || !one.is("bearer")) return 11;
    const token = one.token68;
    if (!token || token.length != <i32>length - at) return 12;
  }
  return result;
}

/* Ed25519 signatures (RFC 8032, section 5.1), verified without a cofactor as OpenSSL and BoringSSL do. There is one form of
 * each: S below the order of the group, R and the key canonical. Keys of small order, under which anything can be signed,
 * are refused. */

import { fieldAdd, fieldFromBytes, fieldInvert, fieldIsZero, fieldMultiply, fieldRootPower } from "./field25519";
import { fieldSet, fieldSquare, fieldSubtract, fieldToBytes } from "./field25519";
import { Modulus } from "./montgomery";
import { refuse } from "./refusal";
import { Sha512 } from "./sha512";
import { newBuffer } from "./slice";

/** Bytes of a public key. */
export const ED25519_KEY_SIZE: i32 = 32;
/** Bytes of a signature. */
export const ED25519_SIGNATURE_SIZE: i32 = 64;

// A point is X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z; one that is to be added again and again Y+X, Y-X, Z, 2dT.
const FIELD: i32 = 40;
const POINT: i32 = 160;
/** Odd multiples of the key, and of the base point, in their tables. */
const KEY_MULTIPLES: i32 = 8;
const BASE_MULTIPLES: i32 = 32;

export class Ed25519Key {
  private constructor(
    private readonly bytes: ArrayBuffer,
    private readonly multiples: ArrayBuffer,
  ) {}

  /** The key of 32 bytes; null, with a refusalReason, unless they are the one form of a point that is not of small order. */
  static of(ptr: usize, length: usize): Ed25519Key | null {
    if (length != <usize>ED25519_KEY_SIZE) return none("an Ed25519 key has 32 bytes");
    const point = memory.data(POINT);
    if (!readPoint(point, ptr)) return none("the bytes are no point of Ed25519");
    // The key's negative: R = SB - kA is asked for.
    negate(point);
    const eightfold = memory.data(POINT);
    memory.copy(eightfold, point, POINT);
    for (let i = 0; i < 3; i++) double(eightfold);
    if (fieldIsZero(eightfold)) return none("the key is of small order");
    const bytes = newBuffer(ED25519_KEY_SIZE);
    memory.copy(changetype<usize>(bytes), ptr, ED25519_KEY_SIZE);
    const multiples = newBuffer(KEY_MULTIPLES * POINT);
    fillMultiples(changetype<usize>(multiples), point, KEY_MULTIPLES);
    return new Ed25519Key(bytes, multiples);
  }

  /** Whether the signature, of 64 bytes, is that of the text. */
  verify(text: usize, textLength: usize, signature: usize, signatureLength: usize): bool {
    if (signatureLength != <usize>ED25519_SIGNATURE_SIZE) return false;
    const s = signature + 32;
    if (!isBelowOrder(s)) return false;
    const hash = memory.data(64);
    const k = memory.data(32);
    sha()
      .update(signature, 32)
      .update(changetype<usize>(this.bytes), ED25519_KEY_SIZE)
      .update(text, textLength)
      .finish(hash);
    order().reduceDouble(k, hash);
    const digitsOfKey = memory.data(256);
    const digitsOfBase = memory.data(256);
    digits(digitsOfKey, k, 15);
    digits(digitsOfBase, s, 63);
    const point = memory.data(POINT);
    neutral(point);
    let i: usize = 256;
    while (i && !(load<i8>(digitsOfKey + i - 1) | load<i8>(digitsOfBase + i - 1))) i--;
    const keys = changetype<usize>(this.multiples);
    const bases = baseMultiples();
    while (i--) {
      const ofKey = <i32>load<i8>(digitsOfKey + i);
      const ofBase = <i32>load<i8>(digitsOfBase + i);
      double(point);
      if (ofKey) addMultiple(point, keys, ofKey);
      if (ofBase) addMultiple(point, bases, ofBase);
    }
    const found = memory.data(32);
    writePoint(found, point);
    return memory.compare(found, signature, 32) == 0;
  }
}

let hasher: Sha512 | null = null;

function sha(): Sha512 {
  let found = hasher;
  if (!found) hasher = found = new Sha512();
  found.reset();
  return found;
}

let modulus: Modulus | null = null;

/** 2^252 + 27742317777372353535851937790883648493, big-endian. */
function orderBytes(): usize {
  return memory.data<u8>([
    0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0xde, 0xf9,
    0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
  ]);
}

/** The order of the base point. */
function order(): Modulus {
  let found = modulus;
  if (!found) modulus = found = Modulus.of(orderBytes(), 32)!;
  return found;
}

function isBelowOrder(s: usize): bool {
  const bytes = orderBytes();
  for (let i: usize = 0; i < 32; i++) {
    const left = load<u8>(s + 31 - i);
    const right = load<u8>(bytes + i);
    if (left != right) return left < right;
  }
  return false;
}

/** d of the curve, 2d and a root of -1, behind one another. */
function constants(): usize {
  const at = memory.data(3 * FIELD);
  if (load<i32>(at)) return at;
  const bytes = memory.data<u64>([
    0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73, 0xc4ee1b274a0ea0b0,
    0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b,
  ]);
  fieldFromBytes(at, bytes);
  const one = memory.data(FIELD);
  fieldSet(one, 1);
  fieldAdd(at + FIELD, at, at);
  fieldMultiply(at + FIELD, at + FIELD, one);
  fieldFromBytes(at + 2 * FIELD, bytes + 32);
  return at;
}

function d(): usize {
  return constants();
}

function twiceD(): usize {
  return constants() + FIELD;
}

function rootOfMinusOne(): usize {
  return constants() + 2 * FIELD;
}

function baseMultiples(): usize {
  const table = memory.data(BASE_MULTIPLES * POINT);
  if (load<i32>(table)) return table;
  const base = memory.data(POINT);
  readPoint(base, memory.data<u64>([0x6666666666666658, 0x6666666666666666, 0x6666666666666666, 0x6666666666666666]));
  fillMultiples(table, base, BASE_MULTIPLES);
  return table;
}

/** 1, 3, 5, … times the point, made ready to be added. */
function fillMultiples(table: usize, point: usize, count: usize): void {
  const multiple = memory.data(POINT);
  const twice = memory.data(POINT);
  memory.copy(multiple, point, POINT);
  double(multiple);
  toAddend(twice, multiple);
  memory.copy(multiple, point, POINT);
  for (let i: usize = 0; i < count; i++) {
    if (i) add(multiple, twice, false);
    toAddend(table + i * POINT, multiple);
  }
}

function addMultiple(point: usize, table: usize, digit: i32): void {
  add(point, table + <usize>(abs(digit) >> 1) * POINT, digit < 0);
}

/** 256 signed digits of a number below 2^253: each is 0 or odd and within ±most, and most of them are 0. */
function digits(out: usize, number: usize, most: i32): void {
  for (let i: usize = 0; i < 256; i++) store<u8>(out + i, (load<u8>(number + (i >> 3)) >> ((<u8>i) & 7)) & 1);
  for (let i: usize = 0; i < 256; i++) {
    if (!load<i8>(out + i)) continue;
    for (let b: usize = 1; i + b < 256 && 1 << (<i32>b) <= most + 1; b++) {
      const more = (<i32>load<i8>(out + i + b)) << (<i32>b);
      if (!more) continue;
      const digit = <i32>load<i8>(out + i);
      if (digit + more <= most) store<i8>(out + i, digit + more);
      else if (digit - more >= -most) {
        store<i8>(out + i, digit - more);
        // One more above.
        for (let k = i + b; k < 256; k++) {
          if (!load<i8>(out + k)) {
            store<i8>(out + k, 1);
            break;
          }
          store<i8>(out + k, 0);
        }
        continue;
      } else break;
      store<i8>(out + i + b, 0);
    }
  }
}

function neutral(point: usize): void {
  memory.fill(point, 0, POINT);
  store<i32>(point + FIELD, 1);
  store<i32>(point + 2 * FIELD, 1);
}

function negate(point: usize): void {
  const zero = memory.data(FIELD);
  fieldSubtract(point, zero, point);
  fieldSubtract(point + 3 * FIELD, zero, point + 3 * FIELD);
}

/** The point that the bytes are the one form of; false when they are of none. */
function readPoint(point: usize, bytes: usize): bool {
  const x = point;
  const y = point + FIELD;
  const z = point + 2 * FIELD;
  fieldFromBytes(y, bytes);
  const again = memory.data(32);
  fieldToBytes(again, y);
  const sign = load<u8>(bytes, 31) >> 7;
  store<u8>(again, load<u8>(again, 31) | (sign << 7), 31);
  if (memory.compare(again, bytes, 32)) return false;
  fieldSet(z, 1);
  // x² = u / v with u = y² - 1, v = dy² + 1; x = u v³ (u v⁷)^((p - 5) / 8), if there is one, or that times a root of -1.
  const u = memory.data(FIELD);
  const v = memory.data(FIELD);
  const v3 = memory.data(FIELD);
  const check = memory.data(FIELD);
  fieldSquare(u, y);
  fieldMultiply(v, u, d());
  fieldSubtract(u, u, z);
  fieldAdd(v, v, z);
  fieldSquare(v3, v);
  fieldMultiply(v3, v3, v);
  fieldSquare(x, v3);
  fieldMultiply(x, x, v);
  fieldMultiply(x, x, u);
  fieldRootPower(x, x);
  fieldMultiply(x, x, v3);
  fieldMultiply(x, x, u);
  const square = memory.data(FIELD);
  fieldSquare(square, x);
  fieldMultiply(square, square, v);
  fieldSubtract(check, square, u);
  if (!fieldIsZero(check)) {
    fieldAdd(check, square, u);
    if (!fieldIsZero(check)) return false;
    fieldMultiply(x, x, rootOfMinusOne());
  }
  if (fieldIsZero(x)) {
    if (sign) return false;
  } else if (isNegative(x) != sign) {
    const zero = memory.data(FIELD);
    fieldSubtract(x, zero, x);
  }
  fieldMultiply(point + 3 * FIELD, x, y);
  return true;
}

/** Its lowest bit. */
function isNegative(f: usize): u8 {
  const bytes = memory.data(32);
  fieldToBytes(bytes, f);
  return load<u8>(bytes) & 1;
}

function writePoint(out: usize, point: usize): void {
  const inverse = memory.data(FIELD);
  const x = memory.data(FIELD);
  const y = memory.data(FIELD);
  fieldInvert(inverse, point + 2 * FIELD);
  fieldMultiply(x, point, inverse);
  fieldMultiply(y, point + FIELD, inverse);
  fieldToBytes(out, y);
  store<u8>(out, load<u8>(out, 31) ^ (isNegative(x) << 7), 31);
}

function toAddend(out: usize, point: usize): void {
  fieldAdd(out, point + FIELD, point);
  fieldSubtract(out + FIELD, point + FIELD, point);
  memory.copy(out + 2 * FIELD, point + 2 * FIELD, FIELD);
  fieldMultiply(out + 3 * FIELD, point + 3 * FIELD, twiceD());
}

/** point = 2 × point (dbl-2008-hwcd). */
function double(point: usize): void {
  const parts = memory.data(POINT);
  const e = parts;
  const h = parts + FIELD;
  const g = parts + 2 * FIELD;
  const f = parts + 3 * FIELD;
  const sum = memory.data(FIELD);
  const square = memory.data(FIELD);
  fieldSquare(e, point);
  fieldSquare(g, point + FIELD);
  fieldSquare(f, point + 2 * FIELD, 1);
  fieldAdd(sum, point, point + FIELD);
  fieldSquare(square, sum);
  fieldAdd(h, g, e);
  fieldSubtract(g, g, e);
  fieldSubtract(e, square, h);
  fieldSubtract(f, f, g);
  complete(point, parts);
}

/** point = point ± addend (add-2008-hwcd-3), for any two of them. */
function add(point: usize, addend: usize, negative: bool): void {
  const parts = memory.data(POINT);
  const e = parts;
  const h = parts + FIELD;
  const g = parts + 2 * FIELD;
  const f = parts + 3 * FIELD;
  const other = negative ? FIELD : 0;
  const a = memory.data(FIELD);
  const b = memory.data(FIELD);
  const c = memory.data(FIELD);
  const twice = memory.data(FIELD);
  fieldAdd(e, point + FIELD, point);
  fieldSubtract(h, point + FIELD, point);
  fieldMultiply(a, e, addend + other);
  fieldMultiply(b, h, addend + (FIELD - other));
  fieldMultiply(c, point + 3 * FIELD, addend + 3 * FIELD);
  fieldMultiply(twice, point + 2 * FIELD, addend + 2 * FIELD);
  fieldAdd(twice, twice, twice);
  fieldSubtract(e, a, b);
  fieldAdd(h, a, b);
  if (negative) {
    fieldSubtract(g, twice, c);
    fieldAdd(f, twice, c);
  } else {
    fieldAdd(g, twice, c);
    fieldSubtract(f, twice, c);
  }
  complete(point, parts);
}

/** X = EF, Y = GH, Z = FG, T = EH. */
function complete(point: usize, parts: usize): void {
  const e = parts;
  const h = parts + FIELD;
  const g = parts + 2 * FIELD;
  const f = parts + 3 * FIELD;
  fieldMultiply(point, e, f);
  fieldMultiply(point + FIELD, g, h);
  fieldMultiply(point + 2 * FIELD, f, g);
  fieldMultiply(point + 3 * FIELD, e, h);
}

function none(reason: string): Ed25519Key | null {
  refuse(reason);
  return null;
}

/* Numbers as decimal text, exactly: JSON's numbers (RFC 8259, section 6) to integers of 64 bits and to the nearest double,
 * and doubles to the shortest text that is read back as the same, in the form of JavaScript's Number.prototype.toString.
 * (AssemblyScript's parseFloat is off by one or more units for 1.5 % of all doubles, its toString is not shortest for 28 %.)
 *
 * Doubles are read as Eisel and Lemire do (https://arxiv.org/abs/2101.11408), with big integers where 128 bits of a power
 * of ten do not decide, and written as Schubfach does (R. Giulietti, "The Schubfach way to render doubles"). */

// --- Powers of ten.

/** Top 192 bits of 10^(27 i - 351), rounded down: most significant word first. */
function powers(): usize {
  return memory.data<u64>([
    0x8049a4ac0c5811ae, 0x205b896d777d6278, 0xac261e9f5141430b, 0xcf42894a5dce35ea, 0x52064cac828675b9,
    0x475f2b7d7df1ad7a, 0xa76c582338ed2621, 0xaf2af2b80af6f24e, 0x657c8f4d43323a36, 0x873e4f75e2224e68,
    0x5a7744a6e804a291, 0xcc35eddfcf0996d7, 0xda7f5bf590966848, 0xaf39a475506a899e, 0xa30294cc2934e662,
    0xb080392cc4349dec, 0xbd8d794d96aacfb3, 0xfe13a5c86af64418, 0x8e938662882af53e, 0x547eb47b7282ee9c,
    0x41b0230e1421487d, 0xe65829b3046b0afa, 0x0cb4a5a3112a5112, 0xa3b561b1cb208396, 0xba121a4650e4ddeb,
    0x92f34d62616ce413, 0x21a0183e10583cd3, 0x964e858c91ba2655, 0x3a6a07f8d510f86f, 0xe9082f25e9c5e9ec,
    0xf2d56790ab41c2a2, 0xfae27299423fb9c3, 0x3695dad7e8858901, 0xc428d05aa4751e4c, 0xaa97e14c3c26b886,
    0x96842dc95323f5a8, 0x9e74d1b791e07e48, 0x775ea264cf55347d, 0xca49f1c05120c9c7, 0x8000000000000000,
    0x0000000000000000, 0x0000000000000000, 0xcecb8f27f4200f3a, 0x0000000000000000, 0x0000000000000000,
    0xa70c3c40a64e6c51, 0x999090b65f67d924, 0x0000000000000000, 0x86f0ac99b4e8dafd, 0x69a028bb3ded71a3,
    0xdf9f915627c04e28, 0xda01ee641a708de9, 0xe80e6f4820cc9495, 0xd74baad03bc1d8d3, 0xb01ae745b101e9e4,
    0x5ec05dcff72e7f8f, 0xc04c79ffe324301f, 0x8e41ade9fbebc27d, 0x14588f13be847307, 0x23bd6a2059c002f5,
    0xe5d3ef282a242e81, 0x8f1668c8a86da5fa, 0xf0b5ccf5176ecc7c, 0xb9a74a0637ce2ee1, 0x6d953e2bd7173692,
    0x88efb0037ac08bde, 0x95f83d0a1fb69cd9, 0x4abdaf101564f98e, 0x0d5a4af7b3a98e47, 0xf24a01a73cf2dccf,
    0xbc633b39673c8cec, 0x3d9c44cd2f36917c, 0xc3b8358109e84f07, 0x0a862f80ec4700c8, 0x02606ea01029dc37,
    0x9e19db92b4e31ba9, 0x6c07a2c26a8346d1, 0x4944d9f52cd0dec2,
  ]);
}

/** Top 128 bits of the last power, rounded down; the first is set. */
export let powerHigh: u64 = 0;
export let powerLow: u64 = 0;

/** 10^q for q from -351 to 350: powerHigh and powerLow are its top bits. */
export function power(q: i32): void {
  let n = <u32>(q + 351);
  const row = powers() + (n / 27) * 24;
  n %= 27;
  let five: u64 = 1;
  for (let square: u64 = 5; n; n >>= 1) {
    if (n & 1) five *= square;
    square *= square;
  }
  let top = load<u64>(row);
  let middle = load<u64>(row, 8);
  let high = multiplyHigh(top, five);
  const carry = multiplyHigh(load<u64>(row, 16), five);
  const low = middle * five + carry;
  middle = multiplyHigh(middle, five) + u64(low < carry);
  top = top * five + middle;
  high += u64(top < middle);
  const shift = clz(high);
  if (shift == 64) {
    powerHigh = top;
    powerLow = low;
  } else {
    powerHigh = (high << shift) | (top >> (64 - shift));
    powerLow = (top << shift) | (low >> (64 - shift));
  }
}

/** floor(log2(10^q)). */
function log2OfPower(q: i32): i32 {
  return (q * 1741647) >> 19;
}

/** The upper 64 bits of a product. */
function multiplyHigh(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const b0 = b & 0xffffffff;
  a >>= 32;
  b >>= 32;
  const middle = a * b0 + ((a0 * b0) >> 32);
  return a * b + (middle >> 32) + ((a0 * b + (middle & 0xffffffff)) >> 32);
}

// --- From text.

/** An exponent above it is large enough whatever follows: a text of 100 MB has no more digits to take it back. */
const MOST_POWER: i32 = 100000000;

/** What scanNumber has found: ±digits × 10^exponent, and a bit more when digits did not fit. */
let negative: bool = false;
let digits: u64 = 0;
let exponent: i32 = 0;
/** 0: all digits fit. 1: but for zeros. Above: others did not. */
let dropped: u64 = 0;
/** The text of the digits, with its point. */
let digitsStart: usize = 0;
let digitsEnd: usize = 0;

/** Whether the last scannedI64 or scannedU64 is the number: it is an integer and in range. */
export let isExact: bool = false;
/** Whether it is an integer, perhaps a larger one. */
export let isInteger: bool = false;

/** Reads the longest JSON number at `at`. Returns where it ends; 0 when there is none. */
export function scanNumber(at: usize, end: usize): usize {
  negative = at < end && load<u8>(at) == 0x2d;
  if (negative) at++;
  digitsStart = at;
  digits = 0;
  exponent = 0;
  dropped = 0;
  if (at >= end) return 0;
  let c = <u32>load<u8>(at) - 0x30;
  if (c > 9) return 0;
  if (!c) at++;
  else at = scanDigits(at, end, false);
  if (at < end && load<u8>(at) == 0x2e) {
    const next = scanDigits(at + 1, end, true);
    if (next == at + 1) return 0;
    at = next;
  }
  digitsEnd = at;
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    let sign: u32 = 0;
    if (++at < end) {
      sign = <u32>load<u8>(at);
      if (sign == 0x2b || sign == 0x2d) at++;
    }
    const first = at;
    let value: i32 = 0;
    for (; at < end; at++) {
      c = <u32>load<u8>(at) - 0x30;
      if (c > 9) break;
      if (value < MOST_POWER) value = value * 10 + <i32>c;
    }
    if (at == first) return 0;
    exponent += sign == 0x2d ? -value : value;
  }
  return at;
}

/** Adds the digits at `at` to what was found; where they end. */
function scanDigits(at: usize, end: usize, fraction: bool): usize {
  for (; at < end; at++) {
    const c = <u64>load<u8>(at) - 0x30;
    if (c > 9) break;
    if (!dropped && (digits < u64.MAX_VALUE / 10 || (digits == u64.MAX_VALUE / 10 && c <= u64.MAX_VALUE % 10))) {
      digits = digits * 10 + c;
      exponent -= i32(fraction);
    } else {
      dropped |= 1 | (c << 1);
      exponent += i32(!fraction);
    }
  }
  return at;
}

/** What scanNumber has read last as an integer; 1.0 and 1e2 are integers. See isExact. */
export function scannedU64(): u64 {
  isExact = !negative || !digits;
  return magnitude();
}

export function scannedI64(): i64 {
  isExact = true;
  const value = magnitude();
  if (value > u64(i64.MAX_VALUE) + u64(negative)) isExact = false;
  return negative ? -(<i64>value) : <i64>value;
}

/** Clears isExact for what is no integer below 2^64. */
function magnitude(): u64 {
  let value = digits;
  isInteger = true;
  if (!value) return 0;
  let power = exponent;
  for (; power < 0 && value % 10 == 0; power++) value /= 10;
  for (; power > 0 && value <= u64.MAX_VALUE / 10; power--) value *= 10;
  if (power < 0) isInteger = false;
  if (power || dropped > 1) isExact = false;
  return value;
}

/** What scanNumber has read last as the nearest double (ties to even): infinite when it is too large. */
export function scannedF64(): f64 {
  return copysign(reinterpret<f64>(doubleBits()), negative ? -1 : 1);
}

const INFINITE: u64 = 0x7ff0000000000000;

/** Largest q for which 10^q has no more than its 128 bits. */
const MOST_EXACT: u32 = 55;

function doubleBits(): u64 {
  if (!digits || exponent < -343) return 0;
  if (exponent > 308) return INFINITE;
  if (!exponent && !dropped) return reinterpret<u64>(<f64>digits);
  // Three words whose first bit is worth 2^binary. They are rounded down.
  const shift = clz(digits);
  const factor = digits << shift;
  power(exponent);
  const part = factor * powerHigh;
  const middle = part + multiplyHigh(factor, powerLow);
  const top = multiplyHigh(factor, powerHigh) + u64(middle < part);
  const lead = <i32>clz(top);
  const binary = log2OfPower(exponent) + 64 - <i32>shift - lead;
  if (binary > 1023) return INFINITE;
  // What the double has room for: 53 bits, less below 2^-1022. The rest decides about rounding.
  const kept = min(53, binary + 1075);
  // Half of the smallest double may be what the next bit would have made it.
  if (kept < 0) return kept == -1 && u64.MAX_VALUE - (top << lead) < 20 ? u64(compareText(1, -1075) > 0) : 0;
  const cut = 64 - lead - kept;
  const bits = cut < 64 ? top >> cut : 0;
  const rest = top - (bits << cut);
  const half = (<u64>1) << (cut - 1);
  const exact = <u32>exponent <= MOST_EXACT && dropped < 2;
  let up = rest >= half;
  if (up) {
    // In the middle, to the even one. What is not exact is above.
    if (exact && rest == half && !(middle | (factor * powerLow))) up = (bits & 1) != 0;
  } else if (!exact) {
    // At most one unit of the last word is missing for each of the power, nine of the first for digits that did not fit.
    if (dropped > 1 ? half - rest < 10 : half - rest == 1 && middle == u64.MAX_VALUE) {
      const order = compareText((bits << 1) | 1, binary - kept);
      up = order > 0 || (order == 0 && (bits & 1) != 0);
    }
  }
  return ((<u64>(max(binary, -1022) + 1022)) << 52) + bits + u64(up);
}

/** Digits that are looked at one by one; between two doubles there is no middle with more. */
const MOST_DIGITS: i32 = 770;
/** Bytes of a big integer: how many words it has, and these, least significant first. */
const BIG: usize = 4 + 128 * 4;

/** The sign of the scanned number's magnitude less odd × 2^scale. */
function compareText(odd: u64, scale: i32): i32 {
  const left = heap.alloc(2 * BIG);
  const right = left + BIG;
  let power = exponent;
  setBig(left, digits);
  if (dropped > 1) {
    let skipped = 0;
    for (let rest = digits; rest; rest /= 10) skipped++;
    let count = 0;
    for (let at = digitsStart; at < digitsEnd; at++) {
      let c = <u32>load<u8>(at) - 0x30;
      if (c > 9 || (!count && !c)) continue; // the point, a zero in front
      if (++count <= skipped) continue;
      // One digit stands for all that are too many.
      const last = count > MOST_DIGITS;
      if (last && !c) continue;
      multiplyAdd(left, 10, last ? 1 : c);
      power--;
      if (last) break;
    }
  }
  setBig(right, odd);
  const fives = power < 0 ? right : left;
  let n = abs(power);
  for (; n >= 13; n -= 13) multiplyAdd(fives, 1220703125, 0);
  for (; n; n--) multiplyAdd(fives, 5, 0);
  if (power > scale) shiftLeft(left, power - scale);
  else shiftLeft(right, scale - power);
  const order = compareBig(left, right);
  heap.free(left);
  return order;
}

function setBig(big: usize, value: u64): void {
  store<u32>(big, 2);
  store<u64>(big, value, 4);
}

function multiplyAdd(big: usize, factor: u64, add: u64): void {
  const length = load<u32>(big);
  const end = big + 4 + ((<usize>length) << 2);
  for (let at = big + 4; at < end; at += 4) {
    add += <u64>load<u32>(at) * factor;
    store<u32>(at, <u32>add);
    add >>= 32;
  }
  if (add) {
    store<u32>(end, <u32>add);
    store<u32>(big, length + 1);
  }
}

function shiftLeft(big: usize, bits: i32): void {
  const words = bits >> 5;
  const length = load<u32>(big);
  memory.copy(big + 4 + ((<usize>words) << 2), big + 4, (<usize>length) << 2);
  memory.fill(big + 4, 0, (<usize>words) << 2);
  store<u32>(big, length + words);
  multiplyAdd(big, (<u64>1) << (bits & 31), 0);
}

function compareBig(left: usize, right: usize): i32 {
  const a = significant(left);
  const b = significant(right);
  if (a != b) return a > b ? 1 : -1;
  for (let at = a; at; at -= 4) {
    const x = load<u32>(left + at);
    const y = load<u32>(right + at);
    if (x != y) return x > y ? 1 : -1;
  }
  return 0;
}

/** Bytes without the zero words on top. */
function significant(big: usize): usize {
  let size = (<usize>load<u32>(big)) << 2;
  while (size && !load<u32>(big + size)) size -= 4;
  return size;
}

// --- To text.

/** Most bytes that writeF64 and writeI64 write. */
export const NUMBER_ROOM: usize = 32;

/** Writes a number to `out` as JavaScript does: 0.1, 1e+21, -1.5e-7; NaN, infinities as null. Returns the length. */
export function writeF64(value: f64, out: usize): usize {
  const ieee = reinterpret<u64>(value);
  const biased = <i32>((ieee >> 52) & 0x7ff);
  const fraction = ieee & 0x000fffffffffffff;
  if (biased == 0x7ff) {
    store<u32>(out, 0x6c6c756e);
    return 4;
  }
  let write = out;
  if (value < 0) store<u8>(write++, 0x2d);
  value = abs(value);
  if (value < 9007199254740992 && value == floor(value)) return write - out + writeU64(<u64>value, write);
  shortest(biased ? fraction | (1 << 52) : fraction, max(biased, 1) - 1075, !fraction && biased > 1);
  while (digits % 10 == 0) {
    digits /= 10;
    exponent++;
  }
  const length = <i32>writeU64(digits, write);
  const point = length + exponent; // digits in front of it
  if (exponent >= 0 && point <= 21) {
    memory.fill(write + length, 0x30, exponent);
    return write - out + point;
  }
  if (point > 0 && point <= 21) {
    memory.copy(write + point + 1, write + point, length - point);
    store<u8>(write + point, 0x2e);
    return write - out + length + 1;
  }
  if (point <= 0 && point > -6) {
    memory.copy(write + 2 - point, write, length);
    memory.fill(write, 0x30, 2 - point);
    store<u8>(write, 0x2e, 1);
    return write - out + length + 2 - point;
  }
  if (length > 1) {
    memory.copy(write + 2, write + 1, length - 1);
    store<u8>(write, 0x2e, 1);
    write++;
  }
  write += length;
  store<u8>(write, 0x65);
  store<u8>(write, point > 0 ? 0x2b : 0x2d, 1);
  return write + 2 - out + writeU64(abs(point - 1), write + 2);
}

/** Sets digits × 10^exponent to the shortest decimal that is read as significand × 2^scale. */
function shortest(significand: u64, scale: i32, closeBelow: bool): void {
  // Of the interval that is read as this double, in quarters of its last bit; the bounds belong to it when it is even.
  const odd = significand & 1;
  const k = (scale * 1262611 - (closeBelow ? 524031 : 0)) >> 22;
  const shift = scale + log2OfPower(-k) + 1;
  power(-k);
  // Rounded up.
  if (<u32>-k > MOST_EXACT && !++powerLow) powerHigh++;
  const four = significand << 2;
  const value = scaled(four << shift);
  const lower = scaled((four - 2 + u64(closeBelow)) << shift) + odd;
  const upper = scaled((four + 2) << shift) - odd;
  const down = value >> 2;
  // One digit less, if exactly one such number is inside; else the nearest.
  const less = down / 10;
  const belowInside = lower <= less * 40;
  const aboveInside = less * 40 + 40 <= upper;
  if (down >= 10 && belowInside != aboveInside) {
    digits = less + u64(aboveInside);
    exponent = k + 1;
    return;
  }
  exponent = k;
  const downInside = lower <= down << 2;
  const upInside = (down << 2) + 4 <= upper;
  const middle = (down << 2) | 2;
  digits = down + u64(downInside != upInside ? upInside : value > middle || (value == middle && (down & 1) != 0));
}

/** The upper third of a product with the power; its last bit is set when the rest is not zero (but for what was rounded). */
function scaled(factor: u64): u64 {
  const part = factor * powerHigh;
  const low = part + multiplyHigh(factor, powerLow);
  return (multiplyHigh(factor, powerHigh) + u64(low < part)) | u64(low > 1);
}

/** Writes an integer to `out`; the length. */
export function writeU64(value: u64, out: usize): usize {
  let length: usize = 1;
  for (let rest = value; rest >= 10; rest /= 10) length++;
  let at = out + length;
  // Divisions of 64 bits are slow.
  while (value > u32.MAX_VALUE) {
    const rest = value / 100000000;
    let eight = <u32>(value - rest * 100000000);
    value = rest;
    for (let i = 0; i < 8; i++) {
      store<u8>(--at, 0x30 + (eight % 10));
      eight /= 10;
    }
  }
  let rest = <u32>value;
  do {
    store<u8>(--at, 0x30 + (rest % 10));
    rest /= 10;
  } while (rest);
  return length;
}

export function writeI64(value: i64, out: usize): usize {
  if (value >= 0) return writeU64(value, out);
  store<u8>(out, 0x2d);
  return 1 + writeU64(0 - <u64>value, out + 1);
}

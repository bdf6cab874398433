/* Numbers modulo 2^255 - 19, for Ed25519: ten signed limbs of 26 and 25 bits in turn, at an address (40 bytes). Bounds of the
 * limbs are those of the reference implementation of Bernstein and others: what multiply and square give is reduced, and
 * they take sums of up to three of such. Nothing here takes a secret. */

/** Bytes of an element. */
export const FIELD_SIZE: usize = 40;

/** Reads 32 bytes, little-endian; the highest bit is left out. */
export function fieldFromBytes(out: usize, ptr: usize): void {
  for (let i: usize = 0, bit: usize = 0; i < 40; i += 4) {
    const width: u32 = i & 4 ? 25 : 26;
    store<i32>(out + i, (load<u32>(ptr + (bit >> 3)) >> ((<u32>bit) & 7)) & ((1 << width) - 1));
    bit += width;
  }
}

/** Writes the 32 bytes of the least number, little-endian. */
export function fieldToBytes(out: usize, f: usize): void {
  // How often 2^255 - 19 goes into it.
  let quotient = (19 * <i64>load<i32>(f, 36) + (1 << 24)) >> 25;
  for (let i: usize = 0; i < 40; i += 4) quotient = (<i64>load<i32>(f + i) + quotient) >> (i & 4 ? 25 : 26);
  let carry = 19 * quotient;
  let bits: u64 = 0;
  let count: u64 = 0;
  for (let i: usize = 0; i < 40; i += 4) {
    const width: i64 = i & 4 ? 25 : 26;
    const limb = <i64>load<i32>(f + i) + carry;
    carry = limb >> width;
    bits |= (<u64>(limb - (carry << width))) << count;
    count += width;
    for (; count >= 8; count -= 8) {
      store<u8>(out++, bits);
      bits >>= 8;
    }
  }
  store<u8>(out, bits);
}

export function fieldSet(out: usize, value: i32): void {
  memory.fill(out, 0, 40);
  store<i32>(out, value);
}

export function fieldAdd(out: usize, f: usize, g: usize): void {
  for (let i: usize = 0; i < 40; i += 4) store<i32>(out + i, load<i32>(f + i) + load<i32>(g + i));
}

export function fieldSubtract(out: usize, f: usize, g: usize): void {
  for (let i: usize = 0; i < 40; i += 4) store<i32>(out + i, load<i32>(f + i) - load<i32>(g + i));
}

export function fieldMultiply(out: usize, f: usize, g: usize): void {
  const f0 = <i64>load<i32>(f);
  const f1 = <i64>load<i32>(f, 4);
  const f2 = <i64>load<i32>(f, 8);
  const f3 = <i64>load<i32>(f, 12);
  const f4 = <i64>load<i32>(f, 16);
  const f5 = <i64>load<i32>(f, 20);
  const f6 = <i64>load<i32>(f, 24);
  const f7 = <i64>load<i32>(f, 28);
  const f8 = <i64>load<i32>(f, 32);
  const f9 = <i64>load<i32>(f, 36);
  const g0 = <i64>load<i32>(g);
  const g1 = <i64>load<i32>(g, 4);
  const g2 = <i64>load<i32>(g, 8);
  const g3 = <i64>load<i32>(g, 12);
  const g4 = <i64>load<i32>(g, 16);
  const g5 = <i64>load<i32>(g, 20);
  const g6 = <i64>load<i32>(g, 24);
  const g7 = <i64>load<i32>(g, 28);
  const g8 = <i64>load<i32>(g, 32);
  const g9 = <i64>load<i32>(g, 36);
  const f1x2 = f1 << 1;
  const f3x2 = f3 << 1;
  const f5x2 = f5 << 1;
  const f7x2 = f7 << 1;
  const f9x2 = f9 << 1;
  const g1x19 = 19 * g1;
  const g2x19 = 19 * g2;
  const g3x19 = 19 * g3;
  const g4x19 = 19 * g4;
  const g5x19 = 19 * g5;
  const g6x19 = 19 * g6;
  const g7x19 = 19 * g7;
  const g8x19 = 19 * g8;
  const g9x19 = 19 * g9;
  carry(
    out,
    f0 * g0 +
      f1x2 * g9x19 +
      f2 * g8x19 +
      f3x2 * g7x19 +
      f4 * g6x19 +
      f5x2 * g5x19 +
      f6 * g4x19 +
      f7x2 * g3x19 +
      f8 * g2x19 +
      f9x2 * g1x19,
    f0 * g1 +
      f1 * g0 +
      f2 * g9x19 +
      f3 * g8x19 +
      f4 * g7x19 +
      f5 * g6x19 +
      f6 * g5x19 +
      f7 * g4x19 +
      f8 * g3x19 +
      f9 * g2x19,
    f0 * g2 +
      f1x2 * g1 +
      f2 * g0 +
      f3x2 * g9x19 +
      f4 * g8x19 +
      f5x2 * g7x19 +
      f6 * g6x19 +
      f7x2 * g5x19 +
      f8 * g4x19 +
      f9x2 * g3x19,
    f0 * g3 + f1 * g2 + f2 * g1 + f3 * g0 + f4 * g9x19 + f5 * g8x19 + f6 * g7x19 + f7 * g6x19 + f8 * g5x19 + f9 * g4x19,
    f0 * g4 +
      f1x2 * g3 +
      f2 * g2 +
      f3x2 * g1 +
      f4 * g0 +
      f5x2 * g9x19 +
      f6 * g8x19 +
      f7x2 * g7x19 +
      f8 * g6x19 +
      f9x2 * g5x19,
    f0 * g5 + f1 * g4 + f2 * g3 + f3 * g2 + f4 * g1 + f5 * g0 + f6 * g9x19 + f7 * g8x19 + f8 * g7x19 + f9 * g6x19,
    f0 * g6 +
      f1x2 * g5 +
      f2 * g4 +
      f3x2 * g3 +
      f4 * g2 +
      f5x2 * g1 +
      f6 * g0 +
      f7x2 * g9x19 +
      f8 * g8x19 +
      f9x2 * g7x19,
    f0 * g7 + f1 * g6 + f2 * g5 + f3 * g4 + f4 * g3 + f5 * g2 + f6 * g1 + f7 * g0 + f8 * g9x19 + f9 * g8x19,
    f0 * g8 + f1x2 * g7 + f2 * g6 + f3x2 * g5 + f4 * g4 + f5x2 * g3 + f6 * g2 + f7x2 * g1 + f8 * g0 + f9x2 * g9x19,
    f0 * g9 + f1 * g8 + f2 * g7 + f3 * g6 + f4 * g5 + f5 * g4 + f6 * g3 + f7 * g2 + f8 * g1 + f9 * g0,
  );
}

/** f², twice that with `doubling` 1. */
export function fieldSquare(out: usize, f: usize, doubling: i64 = 0): void {
  const f0 = <i64>load<i32>(f);
  const f1 = <i64>load<i32>(f, 4);
  const f2 = <i64>load<i32>(f, 8);
  const f3 = <i64>load<i32>(f, 12);
  const f4 = <i64>load<i32>(f, 16);
  const f5 = <i64>load<i32>(f, 20);
  const f6 = <i64>load<i32>(f, 24);
  const f7 = <i64>load<i32>(f, 28);
  const f8 = <i64>load<i32>(f, 32);
  const f9 = <i64>load<i32>(f, 36);
  const f0x2 = f0 << 1;
  const f1x2 = f1 << 1;
  const f2x2 = f2 << 1;
  const f3x2 = f3 << 1;
  const f4x2 = f4 << 1;
  const f5x2 = f5 << 1;
  const f6x2 = f6 << 1;
  const f7x2 = f7 << 1;
  const f8x2 = f8 << 1;
  const f9x2 = f9 << 1;
  const f5x19 = 19 * f5;
  const f6x19 = 19 * f6;
  const f7x19 = 19 * f7;
  const f8x19 = 19 * f8;
  const f9x19 = 19 * f9;
  const f5x38 = 38 * f5;
  const f7x38 = 38 * f7;
  const f9x38 = 38 * f9;
  carry(
    out,
    (f0 * f0 + f1x2 * f9x38 + f2x2 * f8x19 + f3x2 * f7x38 + f4x2 * f6x19 + f5x2 * f5x19) << doubling,
    (f0x2 * f1 + f2x2 * f9x19 + f3x2 * f8x19 + f4x2 * f7x19 + f5x2 * f6x19) << doubling,
    (f0x2 * f2 + f1x2 * f1 + f3x2 * f9x38 + f4x2 * f8x19 + f5x2 * f7x38 + f6 * f6x19) << doubling,
    (f0x2 * f3 + f1x2 * f2 + f4x2 * f9x19 + f5x2 * f8x19 + f6x2 * f7x19) << doubling,
    (f0x2 * f4 + f1x2 * f3x2 + f2 * f2 + f5x2 * f9x38 + f6x2 * f8x19 + f7x2 * f7x19) << doubling,
    (f0x2 * f5 + f1x2 * f4 + f2x2 * f3 + f6x2 * f9x19 + f7x2 * f8x19) << doubling,
    (f0x2 * f6 + f1x2 * f5x2 + f2x2 * f4 + f3x2 * f3 + f7x2 * f9x38 + f8 * f8x19) << doubling,
    (f0x2 * f7 + f1x2 * f6 + f2x2 * f5 + f3x2 * f4 + f8x2 * f9x19) << doubling,
    (f0x2 * f8 + f1x2 * f7x2 + f2x2 * f6 + f3x2 * f5x2 + f4 * f4 + f9x2 * f9x19) << doubling,
    (f0x2 * f9 + f1x2 * f8 + f2x2 * f7 + f3x2 * f6 + f4x2 * f5) << doubling,
  );
}

/** Stores sums of products as limbs of their widths. */
function carry(
  out: usize,
  h0: i64,
  h1: i64,
  h2: i64,
  h3: i64,
  h4: i64,
  h5: i64,
  h6: i64,
  h7: i64,
  h8: i64,
  h9: i64,
): void {
  let c: i64;
  c = (h0 + (1 << 25)) >> 26;
  h1 += c;
  h0 -= c << 26;
  c = (h4 + (1 << 25)) >> 26;
  h5 += c;
  h4 -= c << 26;
  c = (h1 + (1 << 24)) >> 25;
  h2 += c;
  h1 -= c << 25;
  c = (h5 + (1 << 24)) >> 25;
  h6 += c;
  h5 -= c << 25;
  c = (h2 + (1 << 25)) >> 26;
  h3 += c;
  h2 -= c << 26;
  c = (h6 + (1 << 25)) >> 26;
  h7 += c;
  h6 -= c << 26;
  c = (h3 + (1 << 24)) >> 25;
  h4 += c;
  h3 -= c << 25;
  c = (h7 + (1 << 24)) >> 25;
  h8 += c;
  h7 -= c << 25;
  c = (h4 + (1 << 25)) >> 26;
  h5 += c;
  h4 -= c << 26;
  c = (h8 + (1 << 25)) >> 26;
  h9 += c;
  h8 -= c << 26;
  c = (h9 + (1 << 24)) >> 25;
  h0 += 19 * c;
  h9 -= c << 25;
  c = (h0 + (1 << 25)) >> 26;
  h1 += c;
  h0 -= c << 26;
  store<i32>(out, <i32>h0);
  store<i32>(out, <i32>h1, 4);
  store<i32>(out, <i32>h2, 8);
  store<i32>(out, <i32>h3, 12);
  store<i32>(out, <i32>h4, 16);
  store<i32>(out, <i32>h5, 20);
  store<i32>(out, <i32>h6, 24);
  store<i32>(out, <i32>h7, 28);
  store<i32>(out, <i32>h8, 32);
  store<i32>(out, <i32>h9, 36);
}

/** f^(2^times). */
function squares(out: usize, f: usize, times: i32): void {
  fieldSquare(out, f);
  while (--times) fieldSquare(out, out);
}

/** f^-1; 0 of 0. */
export function fieldInvert(out: usize, f: usize): void {
  const chain = memory.data(80);
  power250(chain, chain + 40, f);
  squares(chain, chain, 5);
  fieldMultiply(out, chain, chain + 40);
}

/** f^((p - 5) / 8), from which square roots are made. */
export function fieldRootPower(out: usize, f: usize): void {
  const chain = memory.data(80);
  power250(chain, chain + 40, f);
  squares(chain, chain, 2);
  fieldMultiply(out, chain, f);
}

/** f^(2^250 - 1), and f^11 on the way. */
function power250(out: usize, power11: usize, f: usize): void {
  const a = memory.data(40);
  const b = memory.data(40);
  fieldSquare(power11, f);
  squares(a, power11, 2);
  fieldMultiply(a, f, a);
  fieldMultiply(power11, power11, a);
  fieldSquare(b, power11);
  fieldMultiply(a, a, b);
  // a = f^(2^5 - 1)
  squares(b, a, 5);
  fieldMultiply(a, b, a);
  squares(b, a, 10);
  fieldMultiply(out, b, a);
  squares(b, out, 20);
  fieldMultiply(b, b, out);
  squares(b, b, 10);
  fieldMultiply(a, b, a);
  // a = f^(2^50 - 1)
  squares(b, a, 50);
  fieldMultiply(out, b, a);
  squares(b, out, 100);
  fieldMultiply(b, b, out);
  squares(b, b, 50);
  fieldMultiply(out, b, a);
}

/** Whether it is 0. */
export function fieldIsZero(f: usize): bool {
  const bytes = memory.data(32);
  fieldToBytes(bytes, f);
  return (load<u64>(bytes) | load<u64>(bytes, 8) | load<u64>(bytes, 16) | load<u64>(bytes, 24)) == 0;
}

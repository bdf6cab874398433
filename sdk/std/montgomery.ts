/* Arithmetic modulo an odd number (Montgomery 1985), for public values: nothing here takes the same time for all of them.
 * Numbers are limbs of 32 bits, the lowest first, as many as the modulus has; R is 2^32 to their number. */

import { newBuffer } from "./slice";

/** Most bytes of a modulus: 8192 bits. */
export const MODULUS_MAX: i32 = 1024;

export class Modulus {
  private constructor(
    /** Bytes of a number: a multiple of sixteen. */
    readonly size: usize,
    private readonly buffer: ArrayBuffer,
    /** -1 / n modulo 2^32. */
    private readonly inverse: u32,
  ) {}

  /** Null unless the big-endian bytes are an odd number above 1 of up to MODULUS_MAX bytes. */
  static of(ptr: usize, length: usize): Modulus | null {
    while (length && !load<u8>(ptr)) {
      ptr++;
      length--;
    }
    if (!length || length > <usize>MODULUS_MAX) return null;
    const last = <u32>load<u8>(ptr + length - 1);
    if (!(last & 1) || (length == 1 && last == 1)) return null;
    const size = (length + 15) & ~15;
    const buffer = newBuffer(size << 1);
    const n = changetype<usize>(buffer);
    limbsOf(ptr, length, n, size);
    // Newton: each step doubles the bits that are right, of which there are three.
    const low = load<u32>(n);
    let inverse = low;
    for (let i = 0; i < 4; i++) inverse *= 2 - low * inverse;
    const modulus = new Modulus(size, buffer, 0 - inverse);
    modulus.findSquare();
    return modulus;
  }

  /** The modulus. */
  get n(): usize {
    return changetype<usize>(this.buffer);
  }

  /** R² modulo n: multiply(out, a, square) is a × R. */
  get square(): usize {
    return changetype<usize>(this.buffer) + this.size;
  }

  /** Big-endian bytes as a number; false when they are not below n. */
  read(ptr: usize, length: usize, out: usize): bool {
    for (; length > this.size; length--) if (load<u8>(ptr++)) return false;
    limbsOf(ptr, length, out, this.size);
    return isBelow(out, this.n, this.size);
  }

  /** A number as `length` big-endian bytes, the lowest of it. */
  write(a: usize, ptr: usize, length: usize): void {
    for (let i: usize = 0; i < length; i++) store<u8>(ptr + length - 1 - i, i < this.size ? load<u8>(a + i) : 0);
  }

  /** out = a × b / R modulo n, for any a and for b below n; `out` may be either. */
  multiply(out: usize, a: usize, b: usize): void {
    multiply(out, a, b, this.n, this.size, this.inverse);
  }

  /** out = base ^ exponent modulo n, for a base below n and an odd exponent above 1; `out` is not `base`. */
  power(out: usize, base: usize, exponent: u64): void {
    const form = memory.data(MODULUS_MAX);
    this.multiply(form, base, this.square);
    memory.copy(out, form, this.size);
    for (let bit: i64 = 62 - clz(exponent); bit >= 0; bit--) {
      this.multiply(out, out, out);
      // The last one by the number itself, which divides by R.
      if ((exponent >> bit) & 1) this.multiply(out, out, bit ? form : base);
    }
  }

  /** out = a modulo n, where a has twice the limbs. */
  reduceDouble(out: usize, a: usize): void {
    const high = memory.data(MODULUS_MAX);
    const one = memory.data(MODULUS_MAX);
    memory.fill(one, 0, this.size);
    store<u8>(one, 1);
    this.multiply(high, a + this.size, this.square);
    this.multiply(out, a, this.square);
    this.multiply(out, out, one);
    this.add(out, out, high);
  }

  /** out = a + b modulo n. */
  private add(out: usize, a: usize, b: usize): void {
    let carry: u64 = 0;
    for (let i: usize = 0; i < this.size; i += 4) {
      carry += <u64>load<u32>(a + i) + <u64>load<u32>(b + i);
      store<u32>(out + i, <u32>carry);
      carry >>= 32;
    }
    if (carry || !isBelow(out, this.n, this.size)) subtract(out, this.n, this.size);
  }

  private findSquare(): void {
    const n = this.n;
    const square = this.square;
    const size = this.size;
    const bits = <u32>(size << 3);
    // R modulo n, from the highest power of 2 below n.
    let top = size - 4;
    while (!load<u32>(n + top)) top -= 4;
    const highest = <u32>(top << 3) + 31 - clz(load<u32>(n + top));
    memory.fill(square, 0, size);
    store<u32>(square + ((highest >> 5) << 2), 1 << (highest & 31));
    for (let i = highest; i < bits; i++) this.add(square, square, square);
    // That stands for 2^0; 2^bits is wanted, by squaring and doubling.
    for (let bit = 31 - <i32>clz(bits); bit >= 0; bit--) {
      this.multiply(square, square, square);
      if ((bits >> bit) & 1) this.add(square, square, square);
    }
  }
}

function limbsOf(ptr: usize, length: usize, out: usize, size: usize): void {
  for (let i: usize = 0; i < size; i++) store<u8>(out + i, i < length ? load<u8>(ptr + length - 1 - i) : 0);
}

function isBelow(a: usize, b: usize, size: usize): bool {
  for (let i = size; i > 0;) {
    i -= 4;
    const left = load<u32>(a + i);
    const right = load<u32>(b + i);
    if (left != right) return left < right;
  }
  return false;
}

function subtract(a: usize, b: usize, size: usize): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < size; i += 4) {
    borrow += <i64>load<u32>(a + i) - <i64>load<u32>(b + i);
    store<u32>(a + i, <u32>borrow);
    borrow >>= 32;
  }
}

/** Both sums, a limb × b and m × n, in one pass; m makes the lowest limb zero, which then falls off. */
function multiply(out: usize, a: usize, b: usize, n: usize, size: usize, inverse: u32): void {
  // In front of the sum there is a place for the limb that falls off.
  const sum = memory.data(MODULUS_MAX + 4) + 4;
  memory.fill(sum, 0, size);
  let top: u64 = 0;
  for (let i: usize = 0; i < size; i += 4) {
    // All operands are u64: a product of two u32 would lose its upper half.
    const x = <u64>load<u32>(a + i);
    const low: u32 = (load<u32>(sum) + load<u32>(a + i) * load<u32>(b)) * inverse;
    const m = <u64>low;
    let carry: u64 = 0;
    let carryOfN: u64 = 0;
    for (let j: usize = 0; j < size; j += 16) {
      const at = sum + j;
      carry += <u64>load<u32>(at) + x * <u64>load<u32>(b + j);
      carryOfN += (carry & 0xffffffff) + m * <u64>load<u32>(n + j);
      store<u32>(at - 4, <u32>carryOfN);
      carry = (carry >> 32) + <u64>load<u32>(at, 4) + x * <u64>load<u32>(b + j, 4);
      carryOfN = (carryOfN >> 32) + (carry & 0xffffffff) + m * <u64>load<u32>(n + j, 4);
      store<u32>(at, <u32>carryOfN);
      carry = (carry >> 32) + <u64>load<u32>(at, 8) + x * <u64>load<u32>(b + j, 8);
      carryOfN = (carryOfN >> 32) + (carry & 0xffffffff) + m * <u64>load<u32>(n + j, 8);
      store<u32>(at, <u32>carryOfN, 4);
      carry = (carry >> 32) + <u64>load<u32>(at, 12) + x * <u64>load<u32>(b + j, 12);
      carryOfN = (carryOfN >> 32) + (carry & 0xffffffff) + m * <u64>load<u32>(n + j, 12);
      store<u32>(at, <u32>carryOfN, 8);
      carry >>= 32;
      carryOfN >>= 32;
    }
    top += carry + carryOfN;
    store<u32>(sum + size - 4, <u32>top);
    top >>= 32;
  }
  if (top || !isBelow(sum, n, size)) subtract(sum, n, size);
  memory.copy(out, sum, size);
}

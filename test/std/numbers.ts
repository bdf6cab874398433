/* Numbers of any size and their big-endian bytes, for tests of cryptography. */

import { generatePrimeSync } from "node:crypto";

export function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);
}

/** The fewest bytes, or `size` of them. */
export function bytesOfNumber(value: bigint, size = 0): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length & 1 ? `0${hex}` : hex, "hex");
  return bytes.length < size ? Buffer.concat([Buffer.alloc(size - bytes.length), bytes]) : bytes;
}

export function modPow(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n % modulus;
  let square = base % modulus;
  for (; exponent; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function modInverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (b) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  if (a !== 1n) throw new Error("no inverse");
  return ((x % modulus) + modulus) % modulus;
}

export interface BigRsaKey {
  readonly n: Buffer;
  readonly e: Buffer;
  /** The number signed, as long as n. */
  sign(message: Uint8Array): Buffer;
}

/** A key of exactly so many bits with any exponent. Of several primes, so that it takes no minutes. */
export function rsaKey(bits: number, exponent: bigint): BigRsaKey {
  while (true) {
    let n = 1n;
    let order = 1n;
    while (n.toString(2).length < bits) {
      const left = bits - n.toString(2).length;
      const size = left < 700 ? left + 1 : 512;
      const prime = generatePrimeSync(size, { bigint: true });
      n *= prime;
      order *= prime - 1n;
    }
    if (n.toString(2).length !== bits) continue;
    let d: bigint;
    try {
      d = modInverse(exponent, order);
    } catch {
      continue;
    }
    const bytes = bytesOfNumber(n);
    return {
      n: bytes,
      e: bytesOfNumber(exponent),
      sign: (message) => bytesOfNumber(modPow(numberOf(message), d, n), bytes.length),
    };
  }
}

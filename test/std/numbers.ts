/* Numbers of any size and their big-endian bytes, for tests of cryptography. */

import { createPrivateKey, createPublicKey, generatePrimeSync, type KeyObject } from "node:crypto";

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

/** A pair of Node's of exactly so many bits, of which its generator makes only some. */
export function rsaPair(bits: number): { publicKey: KeyObject; privateKey: KeyObject } {
  const e = 65537n;
  while (true) {
    const p = generatePrimeSync((bits + 1) >> 1, { bigint: true });
    const q = generatePrimeSync(bits >> 1, { bigint: true });
    const n = p * q;
    if (n.toString(2).length !== bits || p === q || (p - 1n) % e === 0n || (q - 1n) % e === 0n) continue;
    const d = modInverse(e, (p - 1n) * (q - 1n));
    const text = (value: bigint): string => bytesOfNumber(value).toString("base64url");
    const jwk = {
      kty: "RSA",
      ...{ n: text(n), e: text(e), d: text(d), p: text(p), q: text(q) },
      ...{ dp: text(d % (p - 1n)), dq: text(d % (q - 1n)), qi: text(modInverse(q, p)) },
    };
    const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
    return { privateKey, publicKey: createPublicKey(privateKey) };
  }
}

/* RSA signatures (RFC 8017): PKCS #1 v1.5 and PSS, verified. Keys of 2048 to 8192 bits. A signature has one form: as long as
 * the modulus, a number below it, and with PKCS #1 v1.5 the one DigestInfo in DER, with its NULL. */

import { Digest, DIGEST_MAX } from "./digest";
import { Modulus, MODULUS_MAX } from "./montgomery";
import { refuse } from "./refusal";

export const RSA_MIN_BITS: i32 = 2048;
export const RSA_MAX_BITS: i32 = 8192;

export class RsaKey {
  private constructor(
    private readonly modulus: Modulus,
    private readonly exponent: u64,
    /** Of the modulus. */
    readonly bits: i32,
  ) {}

  /**
   * The key of a modulus and an exponent, big-endian and without zeros in front; all that can be worked out beforehand is
   * kept. Null, with a refusalReason, unless the modulus is odd and of 2048 to 8192 bits, the exponent odd and from 3 to 2^33 - 1.
   * A modulus with the mark of ROCA is refused: whoever sees it can factor it.
   */
  static of(n: usize, nLength: usize, e: usize, eLength: usize): RsaKey | null {
    if (!nLength || !load<u8>(n)) return none("the modulus is empty or begins with zero");
    if (nLength > <usize>MODULUS_MAX) return none("the modulus has more than 8192 bits");
    const bits = ((<i32>nLength) << 3) - (clz<u32>(load<u8>(n)) - 24);
    if (bits < RSA_MIN_BITS) return none("the modulus has fewer than 2048 bits");
    if (!(load<u8>(n + nLength - 1) & 1)) return none("the modulus is even");
    if (!eLength || !load<u8>(e)) return none("the exponent is empty or begins with zero");
    if (eLength > 5) return none("the exponent is too large");
    let exponent: u64 = 0;
    for (let i: usize = 0; i < eLength; i++) exponent = (exponent << 8) | (<u64>load<u8>(e + i));
    if (exponent >> 33) return none("the exponent is too large");
    if (exponent < 3 || !(exponent & 1)) return none("the exponent is even or 1");
    if (isRoca(n, nLength)) return none("the modulus is of a broken generator (ROCA, CVE-2017-15361)");
    const modulus = Modulus.of(n, nLength);
    return modulus ? new RsaKey(modulus, exponent, bits) : none("the modulus is none");
  }

  /** Bytes of a signature. */
  get size(): i32 {
    return (this.bits + 7) >> 3;
  }

  /** RSASSA-PKCS1-v1_5: RS256, RS384, RS512 of RFC 7518. */
  verifyPkcs1(digest: Digest, text: usize, textLength: usize, signature: usize, signatureLength: usize): bool {
    const found = memory.data(MODULUS_MAX);
    const expected = memory.data(MODULUS_MAX);
    if (!this.open(signature, signatureLength, found)) return false;
    // 0 1 ff… 0 DigestInfo: the whole of it is made anew and compared, so nothing is parsed.
    const size = <usize>this.size;
    const hashSize = <usize>digest.size;
    const info = expected + size - hashSize - 19;
    memory.fill(expected, 0xff, size);
    store<u16>(expected, 0x0100);
    store<u8>(info - 1, 0);
    memory.copy(
      info,
      memory.data<u8>([0x30, 0, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 0, 5, 0, 4, 0]),
      19,
    );
    store<u8>(info, hashSize + 17, 1);
    store<u8>(info, digest.arc, 14);
    store<u8>(info, hashSize, 18);
    digest.reset();
    digest.update(text, textLength).finish(info + 19);
    return memory.compare(found, expected, size) == 0;
  }

  /**
   * RSASSA-PSS with MGF1 of the same hash: PS256, PS384, PS512 of RFC 7518, whose salt is as long as the hash. Another length
   * of the salt can be given, and no other is then right.
   */
  verifyPss(
    digest: Digest,
    text: usize,
    textLength: usize,
    signature: usize,
    signatureLength: usize,
    saltLength: i32 = -1,
  ): bool {
    const found = memory.data(MODULUS_MAX);
    if (!this.open(signature, signatureLength, found)) return false;
    const hashSize = <usize>digest.size;
    const salt = <usize>(saltLength < 0 ? digest.size : saltLength);
    // One bit less than the modulus has: with 2048 bits a byte that is whole, with 2049 none of the first byte.
    const bits = this.bits - 1;
    const size = <usize>((bits + 7) >> 3);
    let at = found;
    if (size < <usize>this.size && load<u8>(at++)) return false;
    if (salt > size || size < hashSize + salt + 2 || load<u8>(at + size - 1) != 0xbc) return false;
    const maskedSize = size - hashSize - 1;
    const unused: u32 = 0xff00 >> (<u32>((size << 3) - bits));
    if ((<u32>load<u8>(at)) & unused & 0xff) return false;
    const hash = at + maskedSize;
    unmask(digest, at, maskedSize, hash);
    store<u8>(at, (<u32>load<u8>(at)) & ~unused);
    const zeros = maskedSize - salt - 1;
    let wrong: u32 = (<u32>load<u8>(at + zeros)) ^ 1;
    for (let i: usize = 0; i < zeros; i++) wrong |= load<u8>(at + i);
    if (wrong) return false;
    const expected = memory.data(DIGEST_MAX);
    digest.reset();
    digest.update(text, textLength).finish(expected);
    digest
      .update(memory.data(8), 8)
      .update(expected, hashSize)
      .update(at + zeros + 1, salt)
      .finish(expected);
    return memory.compare(expected, hash, hashSize) == 0;
  }

  /** The number that was signed, as many bytes as the modulus has. */
  private open(signature: usize, length: usize, out: usize): bool {
    if (length != <usize>this.size) return false;
    const base = memory.data(MODULUS_MAX);
    const result = memory.data(MODULUS_MAX);
    if (!this.modulus.read(signature, length, base)) return false;
    this.modulus.power(result, base, this.exponent);
    this.modulus.write(result, out, length);
    return true;
  }
}

/** MGF1 (RFC 8017, B.2.1) of the hash at `seed`, over `length` bytes. */
function unmask(digest: Digest, ptr: usize, length: usize, seed: usize): void {
  const mask = memory.data(DIGEST_MAX);
  const counter = memory.data(4);
  const size = <usize>digest.size;
  digest.reset();
  for (let at: usize = 0, count: u32 = 0; at < length; at += size, count++) {
    store<u32>(counter, bswap(count));
    digest.update(seed, size).update(counter, 4).finish(mask);
    const end = min(size, length - at);
    for (let i: usize = 0; i < end; i++) store<u8>(ptr + at + i, load<u8>(ptr + at + i) ^ load<u8>(mask + i));
  }
}

/**
 * Whether the modulus was made by the generator of CVE-2017-15361 ("The Return of Coppersmith's Attack", section 3.1): by each
 * small prime it leaves a power of 65537. Of other moduli fewer than one in 2^27 do.
 */
function isRoca(n: usize, length: usize): bool {
  for (let prime: u32 = 3; prime < 168; prime += 2) {
    if ((prime > 3 && prime % 3 == 0) || (prime > 5 && prime % 5 == 0) || (prime > 7 && prime % 7 == 0)) continue;
    if (prime > 11 && prime % 11 == 0) continue;
    let left: u32 = 0;
    for (let i: usize = 0; i < length; i++) left = ((left << 8) | (<u32>load<u8>(n + i))) % prime;
    const step: u32 = 65537 % prime;
    let power: u32 = 1;
    let found: bool = false;
    do {
      if (power == left) found = true;
      power = (power * step) % prime;
    } while (power != 1 && power != 0);
    if (!found) return false;
  }
  return true;
}

function none(reason: string): RsaKey | null {
  refuse(reason);
  return null;
}

/* What the hash functions of FIPS 180-4 share: bytes in any pieces, then the digest. HMAC, PBKDF2 and RSA take any of them. */

import { newBuffer } from "./slice";

/** Room for the state, which is eight words. */
const STATE: usize = 64;
/** Bytes of the longest digest. */
export const DIGEST_MAX: i32 = 64;

export abstract class Digest {
  private fed: u64 = 0;
  private buffer: ArrayBuffer;

  constructor(
    /** Bytes of the digest. */
    readonly size: i32,
    /** Bytes that are hashed at a time. */
    readonly blockSize: i32,
    /** What its object identifier ends with, behind 2.16.840.1.101.3.4.2. */
    readonly arc: i32,
  ) {
    this.buffer = newBuffer(STATE + blockSize);
    this.reset();
  }

  /** Another one of the same kind. */
  abstract fresh(): Digest;
  /** Eight words. */
  protected abstract initial(): usize;
  /** Hashes whole blocks. */
  protected abstract compress(ptr: usize, end: usize): void;

  /** Begins again. */
  reset(): void {
    this.fed = 0;
    memory.copy(this.state, this.initial(), this.blockSize >> 1);
  }

  update(ptr: usize, length: usize): Digest {
    const block = <usize>this.blockSize;
    const pending = this.state + STATE;
    const filled = (<usize>this.fed) & (block - 1);
    this.fed += length;
    if (filled) {
      const taken = min(length, block - filled);
      memory.copy(pending + filled, ptr, taken);
      if (filled + taken < block) return this;
      this.compress(pending, pending + block);
      ptr += taken;
      length -= taken;
    }
    const whole = length & ~(block - 1);
    if (whole) this.compress(ptr, ptr + whole);
    memory.copy(pending, ptr + whole, length - whole);
    return this;
  }

  /** Writes `size` bytes to `out` and begins again. */
  finish(out: usize): void {
    const block = <usize>this.blockSize;
    const pending = this.state + STATE;
    let filled = (<usize>this.fed) & (block - 1);
    store<u8>(pending + filled++, 0x80);
    // The number of bits takes an eighth of a block, of which we use eight bytes.
    if (filled > block - (block >> 3)) {
      memory.fill(pending + filled, 0, block - filled);
      this.compress(pending, pending + block);
      filled = 0;
    }
    memory.fill(pending + filled, 0, block - filled);
    store<u64>(pending + block - 8, bswap(this.fed << 3));
    this.compress(pending, pending + block);
    if (block == 64)
      for (let i: usize = 0; i < <usize>this.size; i += 4) store<u32>(out + i, bswap(load<u32>(this.state + i)));
    else for (let i: usize = 0; i < <usize>this.size; i += 8) store<u64>(out + i, bswap(load<u64>(this.state + i)));
    this.reset();
  }

  /** Goes on from where another of the same kind is. */
  copy(from: Digest): void {
    this.fed = from.fed;
    memory.copy(this.state, from.state, STATE + this.blockSize);
  }

  /** The digest of all that was fed. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    this.finish(bytes.dataStart);
    return bytes;
  }

  protected get state(): usize {
    return changetype<usize>(this.buffer);
  }
}

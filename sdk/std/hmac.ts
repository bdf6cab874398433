/* HMAC (RFC 2104) with any digest. The two hashes of the key are made once, so one object serves many messages. */

import { sameInConstantTime } from "./constanttime";
import { Digest, DIGEST_MAX } from "./digest";

/** Bytes of the largest block. */
const BLOCK_MAX: i32 = 128;

export class Hmac {
  private inner: Digest;
  private outer: Digest;
  private running: Digest;

  /** A key of any length; one that is secret has as many bytes as the digest. */
  constructor(digest: Digest, keyPtr: usize, keyLength: usize) {
    const inner = digest.fresh();
    const outer = digest.fresh();
    const block = <usize>digest.blockSize;
    const pad = memory.data(BLOCK_MAX);
    memory.fill(pad, 0, block);
    if (keyLength > block) inner.update(keyPtr, keyLength).finish(pad);
    else memory.copy(pad, keyPtr, keyLength);
    for (let i: usize = 0; i < block; i++) store<u8>(pad + i, load<u8>(pad + i) ^ 0x36);
    inner.update(pad, block);
    for (let i: usize = 0; i < block; i++) store<u8>(pad + i, load<u8>(pad + i) ^ 0x6a); // 0x36 ^ 0x5c
    outer.update(pad, block);
    memory.fill(pad, 0, block);
    this.inner = inner;
    this.outer = outer;
    this.running = digest.fresh();
    this.running.copy(inner);
  }

  /** Bytes of the code. */
  get size(): i32 {
    return this.running.size;
  }

  update(ptr: usize, length: usize): Hmac {
    this.running.update(ptr, length);
    return this;
  }

  /** Writes `size` bytes to `out` and begins again. */
  finish(out: usize): void {
    const running = this.running;
    running.finish(out);
    running.copy(this.outer);
    running.update(out, running.size).finish(out);
    running.copy(this.inner);
  }

  /** Whether this is the code, the whole of it, of what was fed; begins again. Takes the same time wherever it is wrong. */
  verify(ptr: usize, length: usize): bool {
    const code = memory.data(DIGEST_MAX);
    this.finish(code);
    return length == <usize>this.size && sameInConstantTime(code, ptr, length);
  }

  /** The code of all that was fed. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    this.finish(bytes.dataStart);
    return bytes;
  }
}

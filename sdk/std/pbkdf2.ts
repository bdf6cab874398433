/* PBKDF2 (RFC 8018, section 5.2) with HMAC, for passwords that are kept hashed. */

import { Digest, DIGEST_MAX } from "./digest";
import { Hmac } from "./hmac";
import { refuse } from "./refusal";

/** Most rounds of HMAC in one call, those of all blocks together: it takes seconds. */
export const PBKDF2_MAX_ROUNDS: u32 = 10000000;

/**
 * Derives `length` bytes to `out`, which must not overlap the salt. False, with a refusalReason, for no iteration, and for
 * more than PBKDF2_MAX_ROUNDS: iterations × digests that the length needs.
 */
export function pbkdf2(
  digest: Digest,
  password: usize,
  passwordLength: usize,
  salt: usize,
  saltLength: usize,
  iterations: u32,
  out: usize,
  length: usize,
): bool {
  const size = <usize>digest.size;
  const blocks = <u64>((length + size - 1) / size);
  if (!iterations) return refuse("PBKDF2 without an iteration");
  if (blocks * <u64>iterations > <u64>PBKDF2_MAX_ROUNDS) return refuse("PBKDF2 with too many iterations");
  const hmac = new Hmac(digest, password, passwordLength);
  const round = memory.data(DIGEST_MAX);
  const sum = memory.data(DIGEST_MAX);
  const number = memory.data(4);
  for (let block: u32 = 1; length; block++) {
    store<u32>(number, bswap(block));
    hmac.update(salt, saltLength).update(number, 4).finish(round);
    memory.copy(sum, round, size);
    for (let i: u32 = 1; i < iterations; i++) {
      hmac.update(round, size).finish(round);
      for (let at: usize = 0; at < size; at += 8) store<u64>(sum + at, load<u64>(sum + at) ^ load<u64>(round + at));
    }
    const taken = min(length, size);
    memory.copy(out, sum, taken);
    out += taken;
    length -= taken;
  }
  return true;
}

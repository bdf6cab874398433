/* SipHash (Aumasson and Bernstein, 2012): a 64-bit hash under a 128-bit key. Nobody who does not know the key can choose
 * inputs that collide, so it is the hash for tables whose keys come from the outside. It is no MAC for secrets: use HMAC. */

/** SipHash-1-3 of `length` bytes at `ptr`: for hash tables. */
export function sipHash13(ptr: usize, length: usize, k0: u64, k1: u64): u64 {
  return sipHash(ptr, length, k0, k1, 1, 3);
}

/** SipHash-2-4 of `length` bytes at `ptr`: twice the work, the designers' margin. */
export function sipHash24(ptr: usize, length: usize, k0: u64, k1: u64): u64 {
  return sipHash(ptr, length, k0, k1, 2, 4);
}

function sipHash(ptr: usize, length: usize, k0: u64, k1: u64, perWord: i32, atEnd: i32): u64 {
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const last = ptr + (length & ~7);
  let at = ptr;
  // One pass for each word, one for the word with the length, one without a word to finish.
  while (true) {
    let word: u64 = 0;
    let rounds = perWord;
    if (at < last) word = load<u64>(at);
    else if (at == last) word = lastWord(ptr, length);
    else {
      v2 ^= 0xff;
      rounds = atEnd;
    }
    v3 ^= word;
    do {
      v0 += v1;
      v2 += v3;
      v1 = rotl(v1, 13) ^ v0;
      v3 = rotl(v3, 16) ^ v2;
      v0 = rotl(v0, 32) + v3;
      v2 += v1;
      v3 = rotl(v3, 21) ^ v0;
      v1 = rotl(v1, 17) ^ v2;
      v2 = rotl(v2, 32);
    } while (--rounds);
    v0 ^= word;
    if (at > last) break;
    at += 8;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

/** The up to seven bytes behind the last whole word, with the length in the highest byte. */
function lastWord(ptr: usize, length: usize): u64 {
  const rest = length & 7;
  let word: u64 = 0;
  if (rest && length > 7) word = load<u64>(ptr + length - 8) >> ((8 - rest) << 3);
  else for (let i = rest; i > 0; i--) word = (word << 8) | load<u8>(ptr + i - 1);
  return word | ((<u64>length) << 56);
}

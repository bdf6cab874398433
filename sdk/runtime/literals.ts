/* Texts that are literals of the module, encoded and checked once: header names nearly always are. A literal keeps its
 * address, and nothing changes it. */

import { isFieldValue, isToken } from "../std/field";
import { encodedLengthMax, encodeUtf8 } from "../std/utf8";
import { isGuarded } from "./guard";

/** What is known of bytes that are a name or a value. Bits; 0 stands for "nothing yet". */
export const KNOWN: u32 = 1;
/** Allowed as a field value. */
export const VALUE: u32 = 2;
/** Allowed as a field name. */
export const TOKEN: u32 = 4;
/** A pseudo-header or `host`. */
export const GUARDED: u32 = 8;

/**
 * Slots of a table by address: u32 address of the literal, u32 address of its bytes. Literals lie side by side, 16 bytes apart
 * at least, so that those of a module with less than 4 KiB of them never meet in a slot. Of two that meet, the first is kept.
 */
const SLOTS: usize = 256;
const table: usize = memory.data(2048, 8);

/** Address of a literal's bytes, which length and facts stand in front of; 0 when it is none, or its slot is taken. */
export function literalOf(text: string): usize {
  const key = changetype<usize>(text);
  // @ts-ignore: built into the compiler
  if (key >= __heap_base) return 0;
  const at = table + (((key >> 4) & (SLOTS - 1)) << 3);
  const found = load<usize>(at);
  if (!found) {
    store<usize>(at, key);
    store<usize>(at, encode(text), 4);
  } else if (found != key) return 0;
  return load<usize>(at, 4);
}

export function literalLength(bytes: usize): usize {
  return load<u32>(bytes - 8);
}

export function literalFacts(bytes: usize): u32 {
  return load<u32>(bytes - 4);
}

function encode(text: string): usize {
  const bytes = heap.alloc(encodedLengthMax(text) + 8) + 8;
  const length = encodeUtf8(text, bytes);
  store<u32>(bytes - 8, <u32>length);
  store<u32>(bytes - 4, KNOWN | (isFieldValue(bytes, length) ? VALUE : 0) | factsOfName(bytes, length));
  return bytes;
}

export function factsOfName(bytes: usize, length: usize): u32 {
  return (isToken(bytes, length) ? TOKEN : 0) | (isGuarded(bytes, length) ? GUARDED : 0);
}

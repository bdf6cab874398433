import { Ed25519Key } from "../../../sdk/std/ed25519";
import { refusalReason } from "../../../sdk/std/refusal";
import { giveText } from "./io";

/** 1 right, 0 wrong, -1 when the key is none. */
export function verify(key: usize, keyLength: usize, text: usize, length: usize, signature: usize, size: usize): i32 {
  const made = Ed25519Key.of(key, keyLength);
  return made ? i32(made.verify(text, length, signature, size)) : -1;
}

export function reason(): usize {
  return giveText(refusalReason);
}

/** A key, a signature and the text, behind one another. */
export function verdict(ptr: usize, length: usize): i32 {
  if (length < 96) return verify(ptr, length, ptr, 0, ptr, 0);
  return verify(ptr, 32, ptr + 96, length - 96, ptr + 32, 64);
}

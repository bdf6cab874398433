/* Maps: objects whose keys are the user's. */

/** The part of a path that names a member. A long key is cut. */
export function memberPath(key: string): string {
  let plain = key.length > 0 && key.length <= 64;
  for (let i = 0; plain && i < key.length; i++) {
    const c = key.charCodeAt(i);
    const letter = <u32>(c | 0x20) - 0x61 < 26 || c == 0x5f;
    plain = letter || (i > 0 && (<u32>c - 0x30 < 10 || c == 0x2d));
  }
  return plain ? "." + key : '["' + key.slice(0, 64) + '"]';
}

/* Lengths of strings as JSON Schema counts them. */

/** Code points of a well-formed string. */
export function codePoints(text: string): i32 {
  const start = changetype<usize>(text);
  const end = start + ((<usize>text.length) << 1);
  let count = 0;
  for (let at = start; at < end; at += 2) count += i32((load<u16>(at) & 0xfc00) != 0xdc00);
  return count;
}

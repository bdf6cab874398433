/* Which bytes are elements in DER, as drivers/key.as reads them: sequences up to eight levels, numbers that are not
 * negative, bit strings of whole bytes. */

/** The number of elements, -1 when anything is wrong. */
export function elementsOf(bytes: Uint8Array, depth = 0): number {
  let count = 0;
  for (let rest = bytes; rest.length;) {
    const [tag, first = 0] = rest;
    // A tag of 0 ends what the driver reads.
    if (!tag || (tag & 31) === 31 || rest.length < 2) return -1;
    const lengthBytes = first < 128 ? 0 : first - 128;
    if (first === 128 || lengthBytes > 4 || rest.length < 2 + lengthBytes) return -1;
    const length = lengthBytes
      ? [...rest.subarray(2, 2 + lengthBytes)].reduce((sum, byte) => sum * 256 + byte, 0)
      : first;
    if (lengthBytes && (length < 128 || length < 256 ** (lengthBytes - 1))) return -1;
    const content = rest.subarray(2 + lengthBytes, 2 + lengthBytes + length);
    if (content.length < length) return -1;
    const [one, two = 0] = content;
    if (tag === 2 && (one === undefined || one > 127 || (one === 0 && length > 1 && two < 128))) return -1;
    if (tag === 3 && one !== 0) return -1;
    if (tag === 5 && length) return -1;
    const inside = tag === 0x30 && depth < 8 ? elementsOf(content, depth + 1) : 0;
    if (inside < 0) return -1;
    count += 1 + inside;
    rest = rest.subarray(2 + lengthBytes + length);
  }
  return count;
}

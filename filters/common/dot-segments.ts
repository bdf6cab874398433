/* Paths that are not what they seem: /open/../orders begins with /open, and is /orders to who resolves it. */

/**
 * Whether a segment of the path is `.` or `..`, or becomes one for a server that decodes `%2e`, `%2f` and `%5c`, takes a
 * backslash for a slash, or leaves `;` and what follows it away. The query does not count.
 */
export function hasDotSegments(target: Uint8Array): bool {
  let dots = 0;
  // Something else than dots is in the segment.
  let other: bool = false;
  // Behind a `;`, which ends what counts of the segment.
  let parameters: bool = false;
  const length = target.length;
  for (let i = 0; i < length; i++) {
    let c: u32 = target[i];
    if (c == 0x3f) break;
    if (c == 0x25 && i + 2 < length) {
      const decoded = (hexDigit(target[i + 1]) << 4) | hexDigit(target[i + 2]);
      if (decoded == 0x2e || decoded == 0x2f || decoded == 0x5c || decoded == 0x3b) {
        c = decoded;
        i += 2;
      }
    }
    if (c == 0x2f || c == 0x5c) {
      if (!other && (dots == 1 || dots == 2)) return true;
      dots = 0;
      other = false;
      parameters = false;
    } else if (c == 0x3b) parameters = true;
    else if (parameters) continue;
    else if (c == 0x2e) dots++;
    else other = true;
  }
  return !other && (dots == 1 || dots == 2);
}

/** 0x100 and more: none. */
function hexDigit(c: u32): u32 {
  if (c - 0x30 < 10) return c - 0x30;
  const letter = c | 0x20;
  return letter - 0x61 < 6 ? letter - 0x57 : 0x1000;
}

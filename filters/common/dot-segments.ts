/* Paths that are not what they seem: /open/../orders begins with /open, and is /orders to who resolves it. */

/**
 * Whether a segment of the path is `.` or `..`, or becomes one for a server that decodes `%2e`, `%2f`, `%5c` and `%3b`, takes
 * a backslash for a slash, or leaves `;` and what follows it away. What stands behind a `?` does not count.
 */
export function hasDotSegments(target: Uint8Array): bool {
  const mark = target.indexOf(0x3f);
  const end = mark < 0 ? target.length : mark;
  let dots = 0;
  let other = 0;
  for (let i = 0; i <= end; i++) {
    let c: u32 = i < end ? target[i] : 0x2f;
    if (c == 0x25 && i + 2 < end) {
      const meant = unescaped(target[i + 1], target[i + 2] | 0x20);
      if (meant) {
        c = meant;
        i += 2;
      }
    }
    if (c == 0x2f || c == 0x5c || c == 0x3b) {
      if (!other && (dots == 1 || dots == 2)) return true;
      dots = other = 0;
    } else if (c == 0x2e) dots++;
    else other++;
  }
  return false;
}

/** What two hexadecimal digits, of which a letter is small, stand for: . / ; \ or 0 for anything else. */
function unescaped(high: u32, low: u32): u32 {
  if (high == 0x32) return low == 0x65 ? 0x2e : low == 0x66 ? 0x2f : 0;
  if (high == 0x33) return low == 0x62 ? 0x3b : 0;
  return high == 0x35 && low == 0x63 ? 0x5c : 0;
}

/* What Envoy 1.40 makes of a path, step by step over strings; url-envoy.test.ts holds it against the real one. */

const UNRESERVED = /[A-Za-z0-9._~-]/;
const ESCAPED = /["<>^`{|}\x80-\xff]/g;

/** `how` as PathNormalization; the target as Latin-1. Null for what Envoy refuses. */
export function normalizedPath(target: string, how: number): string | null {
  if (!/^\/[^#\0-\x20\x7f]*$/.test(target)) return null;
  const [, before, query] = /^([^?]*)(.*)$/s.exec(target) as unknown as [string, string, string];
  let path = before;
  if (how & 8 && /%2f|%5c/i.test(path)) return null;
  if (how & 4) path = path.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
  if (how & 1) {
    path = path
      .split("/")
      .map((segment) => segment.replace(/^(\.\.?);.*$/s, "$1"))
      .join("/");
    if (/%00/.test(path)) return null;
    path = withoutDots(path.replaceAll("\\", "/").split("/"));
  }
  if (how & 2 && path.includes("//")) {
    path = `/${path.split("/").filter(Boolean).join("/")}${path.endsWith("/") ? "/" : ""}`;
  }
  return path + query;
}

function withoutDots(segments: readonly string[]): string {
  const kept: string[] = [];
  segments.forEach((segment, i) => {
    const dots = segment.replace(/%2e/gi, ".");
    if (dots === ".." && kept.length > 1) kept.pop();
    if (dots !== "." && dots !== "..") kept.push(canonical(segment));
    else if (i === segments.length - 1) kept.push("");
  });
  return kept.join("/");
}

/** Decodes what needs no escape and escapes what does. \x01 stands for a % that begins no escape. */
function canonical(segment: string): string {
  return segment
    .replace(/%([0-9a-f]{2})|%/gi, (escape, hex: string | undefined) => {
      if (!hex) return "\x01";
      const character = String.fromCharCode(parseInt(hex, 16));
      return UNRESERVED.test(character) ? character : escape;
    })
    .replace(/\x01(?=[0-9a-f]{2})/gi, "%25")
    .replaceAll("\x01", "%")
    .replace(ESCAPED, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

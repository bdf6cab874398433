/* What JSON.parse says, and what it leaves unsaid: keys given twice, halves of surrogate pairs, nesting. */

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[[\]{}:,]|true|false|null/gs;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface Reference {
  /** The text again as JSON.stringify would write its parts, order and duplicates kept; null when it is no JSON. */
  readonly normal: string | null;
  readonly hasDuplicate: boolean;
  /** Arrays and objects inside one another. */
  readonly depth: number;
  /** A number that is infinite as a double. */
  readonly isTooLarge: boolean;
}

const NONE: Reference = { normal: null, hasDuplicate: false, depth: 0, isTooLarge: false };

export function reference(bytes: Uint8Array): Reference {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
    JSON.parse(text);
  } catch {
    return NONE;
  }
  const keys: (Set<string> | null)[] = [];
  let normal = "";
  let hasDuplicate = false;
  let isTooLarge = false;
  let depth = 0;
  const tokens = text.match(TOKEN) ?? [];
  for (const [at, token] of tokens.entries()) {
    if (token === "{") keys.push(new Set());
    else if (token === "[") keys.push(null);
    else if (token === "}" || token === "]") keys.pop();
    depth = Math.max(depth, keys.length);
    if (token.startsWith('"')) {
      const value = JSON.parse(token) as string;
      if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value)) return NONE;
      normal += JSON.stringify(value);
      if (tokens[at + 1] !== ":") continue;
      if (keys.at(-1)!.has(value)) hasDuplicate = true;
      keys.at(-1)!.add(value);
    } else if (/^[-\d]/.test(token)) {
      if (!Number.isFinite(Number(token))) isTooLarge = true;
      normal += JSON.stringify(Number(token));
    } else normal += token;
  }
  return { normal, hasDuplicate, depth, isTooLarge };
}

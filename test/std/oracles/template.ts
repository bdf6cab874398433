/* Templates and their encoders in JavaScript. */

export const ENCODERS = ["none", "url", "json", "html", "header", "base64", "sf"] as const;
export type EncoderName = (typeof ENCODERS)[number];

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
/** WHATWG-lossy, as everywhere in sdk/std. */
const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

const HTML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** encodeURIComponent leaves !'()* alone, which RFC 3986 reserves. */
const url = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export function encodedBy(encoder: EncoderName, bytes: Uint8Array): Buffer {
  switch (encoder) {
    case "none":
      return Buffer.from(bytes);
    case "url": // byte by byte: encodeURIComponent takes well-formed text only
      return Buffer.from(
        [...bytes]
          .map((byte) => (byte < 0x80 ? url(String.fromCharCode(byte)) : `%${byte.toString(16).toUpperCase()}`))
          .join(""),
      );
    case "json": // as JSON.stringify, but for the short escapes that it has for some control characters
      return Buffer.from(
        text(bytes).replace(/["\\\0-\x1f]/g, (c) =>
          c === '"' || c === "\\" ? `\\${c}` : `\\u00${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
        ),
      );
    case "html":
      return Buffer.from(
        latin(bytes).replace(/[&<>"']/g, (c) => HTML[c]!),
        "latin1",
      );
    case "header":
      return Buffer.from(latin(bytes).replace(/[\0-\x08\x0a-\x1f\x7f]/g, " "), "latin1");
    case "base64":
      return Buffer.from(Buffer.from(bytes).toString("base64"));
    case "sf":
      if (/^[ -~]*$/.test(latin(bytes))) return Buffer.from(`"${latin(bytes).replace(/["\\]/g, "\\$&")}"`);
      return Buffer.from(
        `%"${latin(Buffer.from(text(bytes))).replace(/[^ -~]|[%"]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`)}"`,
      );
  }
}

/** What a place stands for, or null when there is none. */
export type Values = Readonly<Record<string, Uint8Array | null>>;

/** null when the template is refused. */
export function rendered(template: string, values: Values, byDefault: EncoderName): Buffer | null {
  const parts: Buffer[] = [];
  for (let rest = template; rest;) {
    const place = /^\$\{([^}]*)\}/.exec(rest);
    const plain = /^(?:\$\$|[^$]+|\$(?!\{))/.exec(rest);
    if (place) {
      const [name, ...others] = place[1]!.split("|") as [string, ...string[]];
      const defaults = others.filter((part) => part.startsWith("default="));
      const encoders = others.filter((part) => !part.startsWith("default="));
      if (!(name in values) || defaults.length > 1 || encoders.length > 1) return null;
      const encoder = encoders[0] ?? byDefault;
      if (!ENCODERS.includes(encoder as EncoderName)) return null;
      const value = values[name] ?? Buffer.from(defaults[0]?.slice("default=".length) ?? "");
      parts.push(encodedBy(encoder as EncoderName, value));
      rest = rest.slice(place[0].length);
    } else if (plain) {
      parts.push(Buffer.from(plain[0] === "$$" ? "$" : plain[0]));
      rest = rest.slice(plain[0].length);
    } else return null;
  }
  return Buffer.concat(parts);
}

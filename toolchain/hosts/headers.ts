import type { HeaderLine, HeaderList, HeadersInput } from "./types.js";

/** Header lines in the order they were given; lookup ignores the case of names. */
export class Lines implements HeaderList {
  readonly #lines: readonly HeaderLine[];

  constructor(lines: readonly HeaderLine[]) {
    this.#lines = lines.map(([name, value]) => [name, value] as const);
  }

  get(name: string): string | null {
    const values = this.all(name);
    return values.length === 0 ? null : values.join(", ");
  }

  all(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#lines.filter(([n]) => n.toLowerCase() === wanted).map(([, value]) => value);
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.#lines.some(([n]) => n.toLowerCase() === wanted);
  }

  toJSON(): HeaderLine[] {
    return this.#lines.map(([name, value]) => [name, value] as const);
  }

  [Symbol.iterator](): Iterator<HeaderLine> {
    return this.#lines[Symbol.iterator]();
  }
}

function isLines(input: HeadersInput): input is readonly HeaderLine[] {
  return Array.isArray(input);
}

/** Both accepted forms as lines; an array value of the object form gives one line for each element. */
export function toLines(input: HeadersInput | undefined): HeaderLine[] {
  if (input === undefined) return [];
  if (isLines(input)) return input.map(([name, value]) => [name, value] as const);
  const lines: HeaderLine[] = [];
  for (const [name, value] of Object.entries(input)) {
    if (typeof value === "string") lines.push([name, value]);
    else for (const each of value) lines.push([name, each]);
  }
  return lines;
}

/** Why a message with trailers is refused when it says its length. */
export function trailersForbidden(what: string): string {
  return `The ${what} has trailers and a content-length; HTTP/1.1 carries trailers in chunked bodies only.`;
}

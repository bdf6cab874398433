/** What a person can act on: one line saying what is wrong and what to do next. */
export class OciError extends Error {
  readonly expected = true;
  override readonly name = "OciError";
  /** The HTTP status behind the error, when a registry answered. */
  readonly status?: number;

  constructor(message: string, options: { status?: number; cause?: unknown } = {}) {
    super(printable(message, 1000), options.cause === undefined ? undefined : { cause: options.cause });
    if (options.status !== undefined) this.status = options.status;
  }
}

/** Text from a registry on one line: it may carry terminal escapes, line breaks or a novel. */
export function printable(text: string, max = 200): string {
  const flat = text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, " ")
    .trim();
  return flat.length > max ? `${flat.slice(0, max - 1)}…` : flat;
}

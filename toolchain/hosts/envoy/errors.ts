/** An error whose one-line message is meant for the person at the keyboard: what is wrong and what to do next. */
export class EnvoyError extends Error {
  override readonly name = "EnvoyError";
  /** Tells the CLI to print the message alone, without a stack trace. */
  readonly expected = true;
}

/** Text from elsewhere (a log, a tool's output) made fit for a one-line message. */
export function oneLine(text: string, limit = 600): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

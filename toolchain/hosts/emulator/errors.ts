/** An error whose one-line message is for people: what is wrong and what to do. */
export class EmulatorError extends Error {
  override readonly name = "EmulatorError";
  /** Tells the CLI to print the message alone, without a stack trace. */
  readonly expected = true;
}

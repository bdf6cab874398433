/* What the commands print. Data goes to stdout, progress and errors to stderr. */

import yoctoSpinner from "yocto-spinner";
import { formatDiagnostics, type Diagnostic } from "../toolchain/build/index.js";

/** An error of the command line itself or of a file that it names: one line, no stack trace. */
export class CliError extends Error {
  readonly expected = true;

  constructor(
    message: string,
    /** 1: it failed; 2: the command line is wrong; 3: the answer is no. */
    readonly exitCode: 1 | 2 | 3 = 1,
  ) {
    super(message);
  }
}

/** Runs a long step: a spinner on a terminal, plain lines elsewhere. */
export async function step<T>(text: string, work: (note: (line: string) => void) => Promise<T>): Promise<T> {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  if (!process.stderr.isTTY) {
    process.stderr.write(`${text} …\n`);
    const result = await work((line) => note(`  ${line}`));
    process.stderr.write(`${text}: done in ${seconds()}\n`);
    return result;
  }
  const spinner = yoctoSpinner({ text }).start();
  try {
    const result = await work((line) => (spinner.text = visible(`${text}: ${line}`)));
    spinner.success(`${text} (${seconds()})`);
    return result;
  } catch (error) {
    spinner.error(text);
    throw error;
  }
}

/** Control characters, of registries and modules that may be anybody's, are shown and not sent to the terminal. */
function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

export function print(text: string): void {
  const shown = visible(text);
  process.stdout.write(shown.endsWith("\n") ? shown : `${shown}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** A note that is no result: stderr. */
export function note(text: string): void {
  process.stderr.write(`${visible(text)}\n`);
}

/** Prints an error; its exit code. */
export function report(error: unknown): number {
  const { diagnostics } = error as { diagnostics?: readonly Diagnostic[] };
  if (diagnostics?.length) note(formatDiagnostics(diagnostics));
  note(`meshwasm: ${oneLine(error)}`);
  if (process.env["MESHWASM_DEBUG"] && error instanceof Error) note(error.stack ?? "");
  return error instanceof CliError ? error.exitCode : 1;
}

function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message.replace(/\s*\n\s*/g, " ").trim();
  if ((error as { expected?: boolean }).expected) return text;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM")
    return `no permission for ${path}; change its owner or choose another place`;
  if (code === "ENOSPC") return "the disk is full; make room and try again";
  return `unexpected error: ${text} (set MESHWASM_DEBUG=1 for the stack trace, and please report it)`;
}

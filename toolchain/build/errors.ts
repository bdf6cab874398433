/** One AssemblyScript diagnostic, with the place in the author's file. Lines and columns count from 1. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** The source line with a marker below it. */
  readonly excerpt: string;
}

/** An error for people: one line that says what is wrong and what to do. */
export class BuildError extends Error {
  readonly expected = true;
  override readonly name = "BuildError";

  constructor(
    message: string,
    readonly diagnostics: readonly Diagnostic[] = [],
  ) {
    super(message);
  }
}

/** Diagnostics as they are printed: place, message, excerpt. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map((d) => `${d.file}:${d.line}:${d.column}: ${d.severity} ${d.code}: ${d.message}\n${d.excerpt}`)
    .join("\n");
}

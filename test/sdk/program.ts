import { readFileSync } from "node:fs";
import { compile } from "../../toolchain/build/compile.js";
import { BuildError, formatDiagnostics } from "../../toolchain/build/errors.js";
import { Host } from "../../toolchain/build/testdata/host.js";
import { makeProject, OPTIMISED } from "../../toolchain/build/testdata/project.js";

/** An AssemblyScript program in testdata (not named .ts, so that tsc leaves it alone). */
export function sourceOf(program: string): string {
  return readFileSync(new URL(`./testdata/${program}.as`, import.meta.url), "utf8");
}

/** A host with a module made of a program in testdata. */
export async function hostOf(program: string): Promise<Host> {
  return new Host(await moduleOf({ "assembly/index.ts": sourceOf(program) }));
}

/** The module of a project with these files, optimised as it is shipped. */
export async function moduleOf(files: Record<string, string>): Promise<Uint8Array> {
  try {
    return (await compile(makeProject({ ...OPTIMISED, ...files }))).wasm;
  } catch (error) {
    if (error instanceof BuildError) error.message += `\n${formatDiagnostics(error.diagnostics)}`;
    throw error;
  }
}

/** Header lines as a host serialises them: count, lengths, then names and values with a zero behind each. */
export function headerPairs(lines: readonly (readonly [string, string])[]): Uint8Array {
  const parts = lines.flat().map((text) => Buffer.from(text));
  const head = Buffer.alloc(4 + parts.length * 4);
  head.writeUInt32LE(lines.length, 0);
  parts.forEach((part, i) => head.writeUInt32LE(part.length, 4 + i * 4));
  return Buffer.concat([head, ...parts.flatMap((part) => [part, Buffer.of(0)])]);
}

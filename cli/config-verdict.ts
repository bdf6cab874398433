/* Whether a filter takes a configuration: first by its schema, which tells places and guesses, then by the module itself,
 * whose answer is the one that Envoy will get. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closestMatch } from "leven";
import { checkConfig as checkBySchema, type ConfigError, type ConfigSchema } from "../toolchain/build/index.js";
import { createProxy } from "../toolchain/hosts/index.js";
import type { ConfigFile } from "./config-file.js";
import { CliError } from "./output.js";

/** One reason for which a configuration is refused. */
export interface Refusal {
  readonly line: number | null;
  readonly column: number | null;
  /** As in `$.rules[0].name`. */
  readonly path: string;
  readonly reason: string;
  /** A key that was perhaps meant. */
  readonly suggestion: string | null;
  /** What refuses it: the schema, or the filter's own checks. */
  readonly by: "schema" | "filter";
}

/** Everything that the schema has against a configuration. */
export function refusalsOfSchema(schema: ConfigSchema, config: ConfigFile): Refusal[] {
  return checkBySchema(schema, config.bytes).map((error) => ({
    ...placeOf(config, error.steps, error.key, error.offset),
    path: error.path,
    reason: error.reason,
    suggestion: suggestionFor(error),
    by: "schema",
  }));
}

/** What the module says: null when it takes the configuration. `env` are the variables of its VM. */
export async function refusalOfModule(
  module: string | Uint8Array,
  config: ConfigFile,
  env: Readonly<Record<string, string>> = {},
): Promise<Refusal | null> {
  try {
    await configure(module, config.bytes, env);
    return null;
  } catch (error) {
    const message = (error as Error).message;
    const match = /(?:^|configuration refused: )(\$[^ ]*(?: [^:]*\]\S*)?): ([^]*)$/.exec(message);
    const steps = match ? stepsOf(match[1]!) : [];
    const place = match ? placeOf(config, steps, null, null) : { line: null, column: null };
    return { ...place, path: match?.[1] ?? "$", reason: match?.[2] ?? message, suggestion: null, by: "filter" };
  }
}

/** As a compiler writes it: `file:line:column: path: reason`. */
export function refusalText(file: string, { line, column, path, reason, suggestion }: Refusal): string {
  const place = line === null ? "" : `:${line}:${column}`;
  return `${file}${place}: ${path}: ${reason}${suggestion === null ? "" : `; did you mean "${suggestion}"?`}`;
}

/**
 * Asks the module itself whether it takes a configuration, so that the answer is the one that Envoy will get. Runs on the
 * emulator: no Envoy is needed.
 */
export async function checkConfig(
  module: string | Uint8Array,
  config: Uint8Array,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await configure(module, config, env);
  } catch (error) {
    throw new CliError(`${file}: ${(error as Error).message}`, 3);
  }
}

async function configure(
  module: string | Uint8Array,
  config: Uint8Array,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const dir = typeof module === "string" ? null : mkdtempSync(join(tmpdir(), "meshwasm-"));
  const path = dir ? join(dir, "filter.wasm") : (module as string);
  try {
    if (dir) writeFileSync(path, module);
    const proxy = await createProxy({ filter: path, config, host: "emulator", env });
    await proxy.close();
  } finally {
    if (dir) rmSync(dir, { recursive: true, force: true });
  }
}

function placeOf(
  config: ConfigFile,
  steps: readonly (string | number)[],
  key: string | null,
  offset: number | null,
): { line: number | null; column: number | null } {
  const place = config.place(steps, key, offset);
  return { line: place?.line ?? null, column: place?.column ?? null };
}

/** The known key that is nearest to an unknown one, when it is near. */
function suggestionFor({ key, known }: ConfigError): string | null {
  if (key === null || key.length > 100) return null;
  const folded = known.find((name) => fold(name) === fold(key));
  return folded ?? closestMatch(key, known, { maxDistance: Math.min(3, Math.floor(key.length / 3) + 1) }) ?? null;
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/** Keys and indices of a path such as `$.rules[0]["odd name"]`. */
function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\.([A-Za-z_][\w-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/g)].map(([, name, index, quoted]) =>
    index === undefined ? (name ?? quoted ?? "") : Number(index),
  );
}

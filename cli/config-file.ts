/* Configurations in files: what the filter gets, and where in the file something stands. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import { CliError } from "./output.js";

/** Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface ConfigFile {
  readonly file: string;
  /** What the filter will get: JSON as it stands in the file, YAML turned into JSON text. */
  readonly bytes: Uint8Array;
  /** Where a value is, or its key `key`; `offset` is that in `bytes`. Null when the file is binary. */
  place(steps: readonly (string | number)[], key: string | null, offset: number | null): Place | null;
}

/** The bytes that the filter will get. */
export function readConfigFile(file: string): Uint8Array {
  return openConfigFile(file).bytes;
}

export function openConfigFile(file: string): ConfigFile {
  if (!existsSync(file) || !statSync(file).isFile()) {
    throw new CliError(`--config ${file}: there is no such file; give a JSON or YAML file`);
  }
  const bytes = readFileSync(file);
  return /\.ya?ml$/.test(file) ? openYaml(file, bytes.toString("utf8")) : openJson(file, bytes);
}

function openJson(file: string, bytes: Buffer): ConfigFile {
  return {
    file,
    bytes,
    place: (_steps, _key, offset) => {
      if (offset === null) return null;
      const before = bytes.subarray(0, offset).toString("utf8").split("\n");
      return { line: before.length, column: [...before.at(-1)!].length + 1 };
    },
  };
}

function openYaml(file: string, text: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { uniqueKeys: true, intAsBigInt: false, lineCounter: lines });
  const problem = document.errors[0];
  if (problem) {
    const place = problem.linePos?.[0];
    throw new CliError(`${file}${place ? `:${place.line}:${place.col}` : ""}: ${problem.message.split("\n")[0]}`);
  }
  let bytes: Buffer;
  try {
    bytes = Buffer.from(JSON.stringify(document.toJS() ?? {}));
  } catch (error) {
    // Aliases without an anchor, or too many of them.
    throw new CliError(`${file}: ${(error as Error).message.split("\n")[0]}`);
  }
  return {
    file,
    bytes,
    place: (steps, key) => {
      const { line, col } = lines.linePos(yamlOffset(document, key === null ? steps : [...steps, key], key !== null));
      return { line: line || 1, column: col || 1 };
    },
  };
}

/** Offset of the value under these steps, or of its key; of the nearest one above when it is not in the file itself. */
function yamlOffset(document: Document, steps: readonly (string | number)[], ofKey: boolean): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [i, step] of steps.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((each) => isPair(each) && isScalar(each.key) && String(each.key.value) === step);
      if (!pair) break;
      const last = ofKey && i === steps.length - 1;
      node = last || !isNode(pair.value) || pair.value.range?.[0] === undefined ? pair.key : pair.value;
    } else if (isSeq(node)) node = node.items[Number(step)];
    else break;
    if (isNode(node) && node.range) offset = node.range[0];
  }
  return offset;
}

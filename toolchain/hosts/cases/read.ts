import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { existsSync } from "node:fs";
import * as v from "valibot";
import { isNode, isPair, isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import { ProxyOptionsError } from "../needs.js";
import { severalCases, singleCase, type CaseInput, type CasesInput } from "./format.js";

/** A mistake in a case file; the message begins with file, line and column. */
export class CaseFileError extends ProxyOptionsError {
  override readonly name = "CaseFileError";
}

/** One case with what its file says for all. */
export interface Case {
  readonly name: string;
  /** `file:line` */
  readonly place: string;
  readonly input: CaseInput;
}

export interface CaseFile {
  readonly file: string;
  /** The filter project that the file lies in. */
  readonly project: string;
  readonly cases: readonly Case[];
}

type Path = readonly (string | number)[];

/** Reads a *.case.yaml file. */
export function readCases(file: string): CaseFile {
  const lines = new LineCounter();
  const shown = relative(process.cwd(), file) || file;
  const document = parseDocument(readText(file), { lineCounter: lines, uniqueKeys: true, customTags: ["binary"] });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${shown}:${line}:${col}`;
  };
  const [problem] = document.errors;
  if (problem) throw new CaseFileError(`${at(problem.pos[0])}: ${problem.message.split("\n")[0]}`);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // Aliases without an anchor, or too many of them.
    throw new CaseFileError(`${shown}: ${(error as Error).message.split("\n")[0]}`);
  }
  const several = typeof value === "object" && value !== null && "cases" in value;
  const result = v.safeParse(several ? severalCases : singleCase, value);
  const refuse = (path: Path, message: string, named = path): never => {
    throw new CaseFileError(`${at(offsetOf(document, path))}: ${pathText(named)}${message}`);
  };
  if (!result.success) {
    const [issue] = result.issues;
    const path = (issue.path ?? []).map(({ key }) => key as string | number);
    // The place is that of the key that is too much, but the message names it already.
    return refuse(path, issue.message, issue.expected === "never" ? path.slice(0, -1) : path);
  }
  const found = several ? (result.output as CasesInput) : { cases: [result.output as CaseInput] };
  const { cases, ...common } = found;
  const named = cases.map((input, i): Case => {
    const path = several ? ["cases", i] : [];
    const whole = { ...common, ...input };
    const ways = [whole.request ?? whole.expected, whole.steps, whole.refused].filter((each) => each !== undefined);
    if (ways.length !== 1) {
      refuse(path, "say what happens by request and expected, or by steps, or by refused");
    }
    const place = at(offsetOf(document, path));
    return { name: input.name ?? `case ${i + 1}`, place: place.slice(0, place.lastIndexOf(":")), input: whole };
  });
  return { file, project: projectOf(file), cases: named };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CaseFileError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Where a value of the document stands; for a key that is too much, the key. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const key = path[length - 1]!;
    const parent = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
    if (isMap(parent)) {
      const pair = parent.items.find((each) => isPair(each) && isScalar(each.key) && each.key.value === key);
      const node = pair && isNode(pair.key) ? pair.key : null;
      if (node?.range) return node.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function pathText(path: Path): string {
  if (path.length === 0) return "";
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return `${text.replace(/^\./, "")}: `;
}

/** The nearest folder above that holds a filter.yaml. */
function projectOf(file: string): string {
  const start = dirname(join(process.cwd(), relative(process.cwd(), file)));
  for (let dir = start; ; dir = dirname(dir)) {
    if (existsSync(join(dir, "filter.yaml"))) return dir;
    if (dirname(dir) === dir) {
      throw new CaseFileError(`${file}: it lies in no filter project; there is no filter.yaml above it`);
    }
  }
}

/* AssemblyScript in-process: the virtual entry, our runtime and environment, and the author's diagnostics. */

import { readFile } from "node:fs/promises";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import asc from "assemblyscript/asc";
import * as assemblyscript from "assemblyscript";
import type { Program } from "assemblyscript";
import { BuildError, type Diagnostic } from "./errors.js";
import { holdsHeaders, inspectsBodies, pruneExports, registersFilter } from "./overrides.js";
import { packageRoot } from "./package-root.js";

/** What a filter does with whole bodies: "hold" needs Envoy's allow_on_headers_stop_iteration. */
export type BodyMode = "none" | "inspect" | "hold";

export interface Compiled {
  /** The module with names and a link to its source map. */
  readonly wasm: Uint8Array;
  readonly sourceMap: string;
  readonly bodyMode: BodyMode;
  /** Files that it was made from, absolute, without the compiler's own. */
  readonly inputs: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

const ENTRY = "meshwasm-entry.ts";
const ENTRY_SOURCE = `import "./assembly/index";\nexport * from "meshwasm/sdk/runtime/exports";\n`;
/** Stands for the compiler's minimal runtime: the same contract, our collector. */
const RUNTIME_SOURCE = `import "rt/tlsf";\nimport "meshwasm/sdk/runtime/gc";\nimport "meshwasm/sdk/runtime/abort";\n`;
const DEBUG_FILE = "filter.debug.wasm";

/** Options that a filter cannot do without; they win over the project's asconfig.json. */
const OPTIONS = [
  "--runtime=minimal",
  "--exportStart=_initialize",
  "--use=abort=meshwasm_abort",
  "--use=seed=meshwasm_seed",
  "--use=trace=meshwasm_trace",
  "--debug",
  `--sourceMap=${DEBUG_FILE}.map`,
  `--outFile=${DEBUG_FILE}`,
  "--noColors",
];

let libraryReady = false;

/** The standard library's bindings to a browser and to Node become ours: see sdk/lib. */
function prepareLibrary(): void {
  if (libraryReady) return;
  const files = asc.libraryFiles as Record<string, string>;
  files["rt/index-minimal"] = RUNTIME_SOURCE;
  files["rt/index-incremental"] = `import "rt/tlsf";\nimport "rt/itcms";\nimport "meshwasm/sdk/runtime/abort";\n`;
  files["bindings/dom"] = readFileSync(join(packageRoot, "sdk/lib/dom.ts"), "utf8");
  files["bindings/node"] = readFileSync(join(packageRoot, "sdk/lib/node.ts"), "utf8");
  // The allocator's checks of itself: they cost size and time in every module, and no input reaches them.
  files["rt/common"] = files["rt/common"]!.replace("DEBUG = true", "DEBUG = false");
  inlineMore();
  libraryReady = true;
}

interface Inlining {
  setOneCallerInlineMaxSize(size: number): void;
  setAlwaysInlineMaxSize(size: number): void;
  setAllowInliningFunctionsWithLoops(allowed: boolean): void;
}

/**
 * Limits of inlining, in Binaryen's measure of code, above what the compiler sets when size counts: what is called from one
 * place goes there even if it is long, and so do the smallest functions. Modules stay as large and become faster.
 */
function inlineMore(): void {
  const { prototype } = (assemblyscript as unknown as { Module: { prototype: Inlining } }).Module;
  const { setOneCallerInlineMaxSize, setAlwaysInlineMaxSize, setAllowInliningFunctionsWithLoops } = prototype;
  prototype.setOneCallerInlineMaxSize = function () {
    setOneCallerInlineMaxSize.call(this, 1000);
  };
  prototype.setAlwaysInlineMaxSize = function () {
    setAlwaysInlineMaxSize.call(this, 12);
  };
  prototype.setAllowInliningFunctionsWithLoops = function () {
    setAllowInliningFunctionsWithLoops.call(this, true);
  };
}

/** For measurements of the SDK itself; filters are always built without. */
export interface CompileOptions {
  /** The compiler's own incremental collector instead of ours. `replace` then has to stand in for sdk/runtime/gc.ts. */
  readonly runtime?: "minimal" | "incremental";
  /** Text instead of a file of this package, by its path in it. */
  readonly replace?: Readonly<Record<string, string>>;
}

/** Compiles the project in `dir`. A BuildError carries the diagnostics. */
export async function compile(dir: string, { runtime, replace = {} }: CompileOptions = {}): Promise<Compiled> {
  prepareLibrary();
  const inputs = new Set<string>();
  const sources = new Map<string, string>();
  const outputs = new Map<string, string | Uint8Array>();
  const diagnostics: Diagnostic[] = [];
  const strays = new Set<string>();

  let registered = false;
  let bodyMode: BodyMode = "none";

  class ExportPruning {
    private program: Program | null = null;
    afterInitialize(program: Program): void {
      this.program = program;
      pruneExports(program);
    }
    afterCompile(): void {
      registered = registersFilter(this.program!);
      bodyMode = holdsHeaders(this.program!) ? "hold" : inspectsBodies(this.program!) ? "inspect" : "none";
    }
  }

  const load = async (name: string, baseDir: string): Promise<string | null> => {
    if (name === ENTRY) return ENTRY_SOURCE;
    const wanted = isAbsolute(name) ? name : resolve(baseDir, name);
    const path = existsSync(wanted) ? wanted : ownPackageFile(wanted);
    if (!path) return null;
    const text = replacement(path, replace) ?? (await readFile(path, "utf8").catch(() => null));
    if (text === null) return null;
    if (name.endsWith("asconfig.json")) return withOwnBase(text);
    if (!name.includes("node_modules") && isInside(path, join(packageRoot, "sdk"))) strays.add(name);
    inputs.add(path);
    sources.set(name, text);
    return text;
  };

  const argv = [ENTRY, `--baseDir=${dir}`, ...OPTIONS, ...(runtime ? [`--runtime=${runtime}`] : [])];
  const result = await run(argv, {
    readFile: load,
    writeFile: (name: string, contents: string | Uint8Array) => void outputs.set(name.replaceAll("\\", "/"), contents),
    listFiles: () => [],
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    transforms: [ExportPruning as never],
    reportDiagnostic: (message) => void diagnostics.push(readable(message as unknown as CompilerMessage, sources)),
  });

  const [stray] = strays;
  if (stray) {
    throw new BuildError(
      `${stray} is imported by a relative path, which would compile the SDK twice; import from "meshwasm/sdk" instead`,
    );
  }
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length) {
    const count = errors.length === 1 ? "1 AssemblyScript error" : `${errors.length} AssemblyScript errors`;
    throw new BuildError(`${count}; fix ${errors.length === 1 ? "it" : "them"} and build again`, errors);
  }
  if (result.error) throw new BuildError(`the AssemblyScript compiler failed: ${result.error.message.split("\n")[0]}`);
  if (!registered) {
    throw new BuildError(
      "assembly/index.ts registers no filter; call registerHttpFilter<Filter, Plugin, Config>() in it, or import the file that does",
    );
  }
  const wasm = outputs.get(DEBUG_FILE);
  if (!(wasm instanceof Uint8Array)) throw new BuildError("the AssemblyScript compiler wrote no module");
  return {
    wasm,
    sourceMap: String(outputs.get(`${DEBUG_FILE}.map`) ?? ""),
    bodyMode,
    inputs: [...inputs],
    warnings: diagnostics.filter((d) => d.severity === "warning"),
  };
}

function replacement(path: string, replace: Readonly<Record<string, string>>): string | undefined {
  return Object.keys(replace).length ? replace[relative(realpathSync(packageRoot), realpathSync(path))] : undefined;
}

async function run(argv: string[], options: Parameters<typeof asc.main>[1]): ReturnType<typeof asc.main> {
  try {
    return await asc.main(argv, options);
  } catch (error) {
    throw new BuildError(`the AssemblyScript compiler failed: ${(error as Error).message.split("\n")[0]}`);
  }
}

/** The compiler looks up `extends` by itself, where a global install or this repository is not found. */
function withOwnBase(config: string): string {
  return config.replace(
    /("extends"\s*:\s*)"meshwasm\/asconfig\.json"/,
    (_, key: string) => key + JSON.stringify(join(packageRoot, "asconfig.json")),
  );
}

/** `…/node_modules/meshwasm/x` where no such folder is: this package itself, as for its own filters and a global install. */
function ownPackageFile(path: string): string | null {
  const marker = `${sep}node_modules${sep}meshwasm${sep}`;
  const at = path.lastIndexOf(marker);
  // The compiler looks inside the package first: answering there would mix this package with an installed one.
  if (path.slice(0, at + 1).endsWith(marker)) return null;
  if (at < 0 || existsSync(path.slice(0, at + marker.length))) return null;
  const own = join(packageRoot, path.slice(at + marker.length));
  return existsSync(own) ? own : null;
}

function isInside(path: string, folder: string): boolean {
  const inner = relative(realpathSync(folder), realpathSync(path));
  return inner !== "" && !inner.startsWith("..") && !isAbsolute(inner);
}

interface CompilerMessage {
  code: number;
  category: number;
  message: string;
  range: { start: number; end: number; source: { normalizedPath: string } } | null;
}

const ERROR_CATEGORY = 3;
const BINDINGS = "~lib/bindings/";

/** What a filter cannot have is refused inside the bindings; the author looks for the place that uses it. */
function firstUse(
  api: string,
  sources: ReadonlyMap<string, string>,
): { path: string; start: number; end: number } | null {
  for (const [path, text] of sources) {
    const start = path.includes("node_modules") ? -1 : text.indexOf(api);
    if (start >= 0) return { path, start, end: start + api.length };
  }
  return null;
}

function readable(message: CompilerMessage, sources: ReadonlyMap<string, string>): Diagnostic {
  const { code, category, range } = message;
  const base = {
    code: `${code < 1000 ? "AS" : "TS"}${code}`,
    severity: category === ERROR_CATEGORY ? ("error" as const) : ("warning" as const),
    message: message.message.split("\n")[0]!.replace(/^User-defined: (["'])(.*)\1$/, "$2"),
  };
  const use = range?.source.normalizedPath.startsWith(BINDINGS) ? firstUse(base.message.split(" ")[0]!, sources) : null;
  const { path, start, end } = use ?? {
    path: range?.source.normalizedPath ?? "",
    start: range?.start ?? 0,
    end: range?.end ?? 0,
  };
  if (!path) return { ...base, file: "assembly/index.ts", line: 1, column: 1, excerpt: "" };
  const file = path.replace(/^~lib\//, "node_modules/");
  const source =
    sources.get(path) ?? [...sources].find(([name]) => name.replaceAll("\\", "/").endsWith(file))?.[1] ?? "";
  const before = source.slice(0, start).split("\n");
  const line = before.length;
  const column = before.at(-1)!.length + 1;
  const text = source.split("\n")[line - 1] ?? "";
  const width = Math.max(1, Math.min(end - start, text.length - column + 1));
  const excerpt = `${String(line).padStart(5)} | ${text}\n      | ${" ".repeat(column - 1)}${"^".repeat(width)}`;
  return { ...base, file, line, column, excerpt };
}

/* A project's folder -> build/filter.wasm, its unstripped twin with source map, and build/manifest.json. */

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CALLBACKS } from "./abi.js";
import { shipped } from "./build-id.js";
import { check } from "./check.js";
import { generateConfig, generateShared } from "./codegen.js";
import { withConfigDocs } from "./config-docs.js";
import type { BodyMode } from "./compile.js";
import { BuildError, type Diagnostic } from "./errors.js";
import { packageRoot, packageVersion } from "./package-root.js";
import { readProject, type FilterType, type Project } from "./project.js";
import { bundledSchema, schemaFiles } from "./schema-bundle.js";
import { readSchema, readSharedSchema } from "./schema-read.js";
import { readWasm } from "./wasm.js";

/** What build/manifest.json says about a module. */
export interface ModuleManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly type: FilterType;
  /** Digest of filter.wasm, `sha256:<hex>`. */
  readonly digest: string;
  readonly size: number;
  readonly abi: string;
  /** Host functions that the module can call: its capabilities. */
  readonly hostCalls: readonly string[];
  /** Callbacks that the host calls in it. */
  readonly callbacks: readonly string[];
  /** "hold": the host must set allow_on_headers_stop_iteration. */
  readonly bodyMode: BodyMode;
  readonly schemaDigest: string | null;
  readonly phase: string | null;
  readonly priority: number | null;
  readonly failStrategy: string;
  /** How meshes use it, as filter.yaml says; absent when it says nothing. */
  readonly mesh?: Readonly<Record<string, unknown>>;
  readonly builtWith: { readonly meshwasm: string };
}

export interface BuildResult {
  /** Absolute path of build/filter.wasm. */
  readonly wasm: string;
  readonly manifest: ModuleManifest;
  readonly warnings: readonly Diagnostic[];
  readonly rebuilt: boolean;
}

/**
 * Writes what config.schema.json says: assembly/config.ts, the classes of schemas that filters share, and the table in the
 * README. True when assembly/config.ts has changed.
 */
export function generate(project: Project): boolean {
  const { dir, schemaFile, readmeFile } = project;
  if (!schemaFile) return false;
  const schema = readSchema(schemaFile);
  for (const shared of schemaFiles(schemaFile)) {
    const source = generateShared(readSharedSchema(shared), (other) => moduleOf(other, dirname(shared)));
    writeChanged(join(dirname(shared), "config.ts"), source);
  }
  if (readmeFile) writeChanged(readmeFile, withConfigDocs(readFileSync(readmeFile, "utf8"), schema));
  const source = generateConfig(schema, project.name, (other) => moduleOf(other, join(dir, "assembly")));
  return writeChanged(join(dir, "assembly/config.ts"), source);
}

/** How a file in `from` imports the classes of a shared schema; inside this package always by its name. */
function moduleOf(schemaFile: string, from: string): string {
  const folder = dirname(schemaFile);
  const module = existsSync(join(folder, "index.ts")) ? folder : join(folder, "config");
  const inPackage = relative(packageRoot, module);
  if (!inPackage.startsWith("..") && !inPackage.startsWith("node_modules"))
    return `meshwasm/${inPackage.replaceAll("\\", "/")}`;
  const path = relative(from, module).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

function writeChanged(file: string, text: string): boolean {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  writeAtomically(file, text);
  return true;
}

/**
 * Builds the project in `dir`. Nothing in build/ changes when it fails. `beforeWriting` is called once all is compiled;
 * what it throws ends the build.
 */
export async function build(dir: string, beforeWriting?: () => void): Promise<BuildResult> {
  const project = readProject(dir);
  generate(project);
  const started = Date.now() + 1;
  // The compiler is large: whoever only reads a build does not load it.
  const { compile } = await import("./compile.js");
  const compiled = await compile(project.dir);
  const debug = compiled.wasm;
  const wasm = shipped(debug);
  const findings = check(wasm, { maxBytes: project.maxModuleBytes });
  if (findings[0]) throw new BuildError(findings.map((finding) => finding.message).join("; "));
  const manifest = describe(project, wasm, compiled.bodyMode);
  checkType(manifest);
  const out = join(project.dir, "build");
  beforeWriting?.();
  writeAtomically(join(out, "filter.debug.wasm"), debug);
  writeAtomically(join(out, "filter.debug.wasm.map"), compiled.sourceMap);
  const inputs = [...compiled.inputs, ...(project.schemaFile ? schemaFiles(project.schemaFile) : [])];
  writeAtomically(join(out, "inputs.json"), JSON.stringify(inputs.map((path) => relative(project.dir, path))));
  writeAtomically(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  // Last: a module that is there belongs to everything beside it.
  writeAtomically(join(out, "filter.wasm"), wasm);
  // What changes while a build runs is newer than its module.
  utimesSync(join(out, "filter.wasm"), started / 1000, started / 1000);
  return { wasm: join(out, "filter.wasm"), manifest, warnings: compiled.warnings, rebuilt: true };
}

/** What a build reads besides the sources that inputs.json names. */
const PROJECT_FILES = ["filter.yaml", "package.json", "asconfig.json", "config.schema.json"];

/** Absolute paths of all that a build of the project in `dir` depends on: what the last one read, and every source of the project. */
export function inputsOf(dir: string): string[] {
  const project = readProject(dir);
  let read: string[] = [];
  try {
    read = JSON.parse(readFileSync(join(project.dir, "build/inputs.json"), "utf8")) as string[];
  } catch {
    // Not built yet.
  }
  const sources = readdirSync(join(project.dir, "assembly"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join("assembly", name));
  return [...new Set([...PROJECT_FILES, ...read, ...sources].map((file) => join(project.dir, file)))];
}

/** Builds when an input is newer than the module, or the manifest says something else than a build would now. */
export async function buildIfStale(dir: string): Promise<BuildResult> {
  const project = readProject(dir);
  const out = join(project.dir, "build");
  const wasm = join(out, "filter.wasm");
  try {
    const built = statSync(wasm).mtimeMs;
    const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")) as ModuleManifest;
    const inputs = JSON.parse(readFileSync(join(out, "inputs.json"), "utf8")) as string[];
    const fresh = [...inputs, ...PROJECT_FILES].every((file) => {
      const path = join(project.dir, file);
      return existsSync(path) ? statSync(path).mtimeMs <= built : !inputs.includes(file);
    });
    if (fresh && isDeepStrictEqual(manifest, describe(project, readFileSync(wasm), manifest.bodyMode))) {
      return { wasm, manifest, warnings: [], rebuilt: false };
    }
  } catch {
    // Never built, or not by this version: build.
  }
  return build(dir);
}

/** Facts of a module that stand in the module itself. */
export function inspect(wasm: Uint8Array): Pick<ModuleManifest, "digest" | "size" | "abi" | "hostCalls" | "callbacks"> {
  const module = readWasm(wasm);
  const marker = module.exports.find((e) => e.name.startsWith("proxy_abi_version_"));
  return {
    digest: digestOf(wasm),
    size: wasm.length,
    abi: marker ? marker.name.slice("proxy_abi_version_".length).replaceAll("_", ".") : "unknown",
    hostCalls: module.imports.map((i) => i.name).sort(),
    callbacks: module.exports
      .map((e) => e.name)
      .filter((name) => /^(proxy|envoy)_on_/.test(name) && CALLBACKS[name])
      .sort(),
  };
}

const HTTP_CALLBACK = /^proxy_on_(request|response)_/;
const TCP_CALLBACK = /^proxy_on_(new_connection$|downstream_|upstream_)/;

/** A filter of one kind that is loaded as the other is never called. */
function checkType({ type, callbacks }: ModuleManifest): void {
  const has = (pattern: RegExp): boolean => callbacks.some((name) => pattern.test(name));
  const [own, other] = type === "http" ? [HTTP_CALLBACK, TCP_CALLBACK] : [TCP_CALLBACK, HTTP_CALLBACK];
  if (has(own) || !has(other)) return;
  const is = type === "http" ? "tcp" : "http";
  throw new BuildError(`filter.yaml says type: ${type}, but the module's filters are of type ${is}; write type: ${is}`);
}

function describe(project: Project, wasm: Uint8Array, bodyMode: BodyMode): ModuleManifest {
  return {
    name: project.name,
    version: project.version,
    description: project.description,
    type: project.type,
    ...inspect(wasm),
    bodyMode,
    schemaDigest: project.schemaFile ? digestOf(Buffer.from(bundledSchema(project.schemaFile))) : null,
    phase: project.phase,
    priority: project.priority,
    failStrategy: project.failStrategy,
    ...(project.mesh ? { mesh: project.mesh } : {}),
    builtWith: { meshwasm: packageVersion },
  };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function writeAtomically(file: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, contents);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

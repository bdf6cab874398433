/* A project or a finished module -> an image, with what its bill of materials and provenance say. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import {
  buildIfStale,
  bundledSchema,
  check,
  inspect,
  packageVersion,
  readProject,
  type ModuleManifest,
} from "../../toolchain/build/index.js";
import { readSettings } from "../../toolchain/mesh/index.js";
import { buildImage, commitOf, createdTime, type Image, type ImageInput } from "../../toolchain/oci/index.js";
import type { Component } from "../../toolchain/oci/sign/index.js";
import { CliError, step } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";
import { projectAnnotations } from "./annotations.js";
import { compiledPackages } from "./packages.js";

export interface PrepareOptions {
  /** For a finished module. */
  readonly schema?: string;
  readonly readme?: string;
  readonly annotation?: Readonly<Record<string, string>>;
}

export interface Prepared {
  readonly image: Image;
  /** What the image was made of. */
  readonly input: ImageInput;
  readonly wasm: Uint8Array;
  readonly schema: string | null;
  readonly manifest: ModuleManifest;
  readonly created: Date;
  readonly components: readonly Component[];
  readonly license: string | null;
  readonly source: string | null;
  readonly commit: string | null;
  /** What was given, for the provenance. */
  readonly parameters: Readonly<Record<string, string>>;
}

export async function prepare(path: string, name: string, version: string, options: PrepareOptions): Promise<Prepared> {
  return existsSync(path) && statSync(path).isFile()
    ? prepareFile(path, name, version, options)
    : prepareProject(path, options);
}

export async function prepareProject(dir: string, options: PrepareOptions): Promise<Prepared> {
  for (const key of ["schema", "readme"] as const) {
    if (options[key]) throw new CliError(`--${key} is for a .wasm file; a project has its own`, 2);
  }
  const project = readProject(dir);
  if (project.mesh) readSettings(project.mesh, `${dir}/filter.yaml: mesh`);
  const { wasm: file, manifest } = await step(`Building ${dir}`, () => inWholeSteps(() => buildIfStale(dir)));
  const wasm = readFileSync(file);
  const schema = project.schemaFile ? bundledSchema(project.schemaFile) : null;
  const created = await createdTime(project.dir);
  const input: ImageInput = {
    wasm,
    ...(schema ? { schema } : {}),
    ...(project.readmeFile ? { readme: readFileSync(project.readmeFile) } : {}),
    buildManifest: readFileSync(join(project.dir, "build/manifest.json")),
    created,
    title: project.name,
    description: project.description,
    version: project.version,
    ...(project.source ? { source: project.source } : {}),
    ...(project.license ? { licenses: project.license } : {}),
    annotations: { ...projectAnnotations(project), ...options.annotation },
  };
  const { license, source } = project;
  return {
    image: await buildImage(input),
    input,
    wasm,
    schema,
    manifest,
    created,
    components: compiledPackages(project.dir),
    license,
    source,
    commit: await commitOf(project.dir),
    parameters: { kind: "project", name: project.name, version: project.version },
  };
}

async function prepareFile(file: string, name: string, version: string, options: PrepareOptions): Promise<Prepared> {
  const wasm = readFileSync(file);
  const findings = check(wasm);
  if (findings[0])
    throw new CliError(`${file} is no filter that Envoy can run: ${findings.map((f) => f.message).join("; ")}`);
  const text = (path: string | undefined, what: string): string | null => {
    if (path === undefined) return null;
    if (!existsSync(path) || !statSync(path).isFile()) throw new CliError(`--${what} ${path}: there is no such file`);
    return readFileSync(path, "utf8");
  };
  const schema = text(options.schema, "schema");
  if (schema !== null) jsonOrFail(schema, options.schema!);
  const readme = text(options.readme, "readme");
  const facts = inspect(wasm);
  const tcp = facts.callbacks.some((callback) => /^proxy_on_(new_connection$|downstream_|upstream_)/.test(callback));
  const http = facts.callbacks.some((callback) => /^proxy_on_(request|response)_/.test(callback));
  const manifest: ModuleManifest = {
    name,
    version,
    description: "",
    type: tcp && !http ? "tcp" : "http",
    ...facts,
    bodyMode: "none",
    schemaDigest: null,
    phase: null,
    priority: null,
    failStrategy: "FAIL_RELOAD",
    builtWith: { meshwasm: packageVersion },
  };
  const folder = dirname(resolve(file));
  const created = await createdTime(folder);
  const input: ImageInput = {
    wasm,
    ...(schema === null ? {} : { schema }),
    ...(readme === null ? {} : { readme }),
    buildManifest: `${JSON.stringify(manifest, null, 2)}\n`,
    created,
    title: name,
    version,
    annotations: {
      "io.artifacthub.package.category": "networking",
      "io.artifacthub.package.keywords": "proxy-wasm,envoy",
      ...options.annotation,
    },
  };
  return {
    image: await buildImage(input),
    input,
    wasm,
    schema,
    manifest,
    created,
    components: [],
    license: options.annotation?.["org.opencontainers.image.licenses"] ?? null,
    source: options.annotation?.["org.opencontainers.image.source"] ?? null,
    commit: null,
    parameters: { kind: "module", file: basename(file) },
  };
}

function jsonOrFail(text: string, file: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new CliError(`--schema ${file}: not JSON: ${(error as Error).message}`);
  }
}

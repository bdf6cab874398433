import { existsSync, readFileSync, statSync } from "node:fs";
import { buildIfStale, bundledSchema, readProject } from "../../toolchain/build/index.js";
import {
  formatReference,
  parseReference,
  pull,
  withDefaultTag,
  type Pulled,
  type Reference,
} from "../../toolchain/oci/index.js";
import { CliError, step } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";
import { registryClient, type RegistryOptions } from "./client.js";
import { isLibraryName, libraryFiles, prepareLibrary } from "./library.js";

/** A filter from wherever it is. */
export interface Loaded {
  /** What the person gave. */
  readonly name: string;
  readonly wasm: Uint8Array;
  readonly schema: string | null;
  /** Text of the build's manifest.json. */
  readonly buildManifest: string | null;
  /** The module's file; null when it is in a registry. */
  readonly file: string | null;
  /** From a registry only. */
  readonly image: { readonly pulled: Pulled; readonly reference: Reference } | null;
}

/** Reads a filter: a reference, a .wasm file, a project's folder (built when it is stale), or a name of the library. */
export async function load(target: string, options: RegistryOptions): Promise<Loaded> {
  if (isLibraryName(target)) {
    const { wasm, schema, manifest } = await prepareLibrary(target);
    const { module: file } = libraryFiles(target);
    return { name: target, wasm, schema, buildManifest: JSON.stringify(manifest), file, image: null };
  }
  if (existsSync(target)) {
    if (statSync(target).isFile()) {
      return { name: target, wasm: readFileSync(target), schema: null, buildManifest: null, file: target, image: null };
    }
    const project = readProject(target);
    const { wasm, manifest } = await step(`Building ${target}`, () => inWholeSteps(() => buildIfStale(target)));
    const schema = project.schemaFile ? bundledSchema(project.schemaFile) : null;
    const buildManifest = JSON.stringify(manifest);
    return { name: target, wasm: readFileSync(wasm), schema, buildManifest, file: wasm, image: null };
  }
  if (/^[./]|\.wasm$/.test(target) && !target.includes(":"))
    throw new CliError(
      `${target}: there is no such file or folder; give one, or a reference like host:port/repo/name:tag`,
    );
  const reference = withDefaultTag(parseReference(target));
  const pulled = await step(`Reading ${formatReference(reference)}`, () => pull(registryClient(options), reference));
  return {
    name: target,
    wasm: pulled.wasm,
    schema: pulled.schema ?? null,
    buildManifest: pulled.buildManifest ?? null,
    file: null,
    image: { pulled, reference: { ...reference, digest: pulled.digest } },
  };
}

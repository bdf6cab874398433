/* The filters that come with meshwasm. A package holds them built (dist/library); a checkout builds them from its sources. */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { packageRoot, readProject, type ModuleManifest } from "../../toolchain/build/index.js";
import { buildImage, type ImageInput } from "../../toolchain/oci/index.js";
import { prepareProject, type Prepared } from "./prepare.js";

const SOURCES = join(packageRoot, "filters");
const BUILT = join(packageRoot, "dist/library");
const FILE = { wasm: "filter.wasm", schema: "config.schema.json", readme: "README.md", manifest: "manifest.json" };

/** What an image is made of beside those files. */
interface Facts extends Pick<Prepared, "components" | "license" | "source" | "commit"> {
  readonly created: string;
  readonly image: Omit<ImageInput, "wasm" | "schema" | "readme" | "buildManifest" | "created">;
}

/** Only a checkout has what packages are made with. */
const isCheckout = (): boolean => existsSync(join(packageRoot, "scripts/library.ts"));

/** Names of the library's filters, sorted. */
export function libraryNames(): string[] {
  const folder = isCheckout() ? SOURCES : BUILT;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !isCheckout() || existsSync(join(SOURCES, name, "filter.yaml")))
    .sort();
}

/** Whether this is the name of a filter of the library, and no file or folder here is meant. */
export function isLibraryName(target: string): boolean {
  return /^[a-z0-9-]+$/.test(target) && !existsSync(target) && libraryNames().includes(target);
}

/** Folder with the module and its README. */
export function libraryFiles(name: string): { module: string; readme: string } {
  return isCheckout()
    ? { module: join(SOURCES, name, "build", FILE.wasm), readme: join(SOURCES, name, FILE.readme) }
    : { module: join(BUILT, name, FILE.wasm), readme: join(BUILT, name, FILE.readme) };
}

export async function prepareLibrary(name: string): Promise<Prepared> {
  const prepared = isCheckout() ? await prepareProject(join(SOURCES, name), {}) : await readBuilt(name);
  return { ...prepared, parameters: { kind: "library", name, version: prepared.manifest.version } };
}

async function readBuilt(name: string): Promise<Prepared> {
  const folder = join(BUILT, name);
  const [wasm, schema, readme, buildManifest] = [FILE.wasm, FILE.schema, FILE.readme, FILE.manifest].map((file) =>
    readFileSync(join(folder, file)),
  ) as [Buffer, Buffer, Buffer, Buffer];
  const { created, image, ...facts } = JSON.parse(readFileSync(join(folder, "image.json"), "utf8")) as Facts;
  const input: ImageInput = { ...image, wasm, schema, readme, buildManifest, created: new Date(created) };
  return {
    image: await buildImage(input),
    input,
    wasm,
    schema: schema.toString(),
    manifest: JSON.parse(buildManifest.toString()) as ModuleManifest,
    created: input.created,
    parameters: {},
    ...facts,
  };
}

/** Builds the library into dist/library, from which every copy of the package publishes the same images. */
export async function buildLibrary(): Promise<string[]> {
  const draft = `${BUILT}.new`;
  rmSync(draft, { recursive: true, force: true });
  const names = libraryNames();
  for (const name of names) {
    const project = readProject(join(SOURCES, name));
    const { input, wasm, schema, created, components, license, source, commit } = await prepareProject(project.dir, {});
    const { wasm: _wasm, schema: _schema, readme, buildManifest, created: _created, ...image } = input;
    const facts: Facts = { created: created.toISOString(), components, license, source, commit, image };
    mkdirSync(join(draft, name), { recursive: true });
    for (const [file, content] of [
      [FILE.wasm, wasm],
      [FILE.schema, schema!],
      [FILE.readme, readme!],
      [FILE.manifest, buildManifest!],
      ["image.json", `${JSON.stringify(facts, null, 2)}\n`],
    ] as const)
      writeFileSync(join(draft, name, file), content);
  }
  // What is right stays where it is: another process may be packing it.
  if (same(draft, BUILT)) rmSync(draft, { recursive: true });
  else {
    rmSync(BUILT, { recursive: true, force: true });
    renameSync(draft, BUILT);
  }
  return names;
}

/** Whether two folders hold the same files. */
function same(one: string, other: string): boolean {
  if (!existsSync(other)) return false;
  const [ours, theirs] = [one, other].map((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => /\/[^/]+\.\w+$/.test(file))
      .sort()
      .map((file) => [file, readFileSync(join(folder, file)).toString("base64")]),
  );
  return isDeepStrictEqual(ours, theirs);
}

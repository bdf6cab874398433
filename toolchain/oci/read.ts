import { findInTar, gunzip } from "./archive.js";
import { isDigest } from "./digest.js";
import { OciError } from "./errors.js";
import { checkModule, MAX_MODULE_BYTES, type Descriptor, type ImageManifest } from "./layout.js";
import { bareMediaType, INDEX_TYPES, MEDIA } from "./media.js";

const MAX_TEXT_BYTES = 4 * 1024 * 1024;
// Tar headers and sibling files such as runtime-config.json come on top of the module.
const MAX_ARCHIVE_BYTES = MAX_MODULE_BYTES + 16 * 1024 * 1024;

/** Fetches a layer's verified bytes. */
export type FetchBlob = (descriptor: Descriptor, maxBytes: number) => Promise<Uint8Array>;

export interface ImageContent {
  readonly wasm: Uint8Array;
  readonly schema?: string;
  readonly readme?: string;
  readonly buildManifest?: string;
  /** Digest of the layer that is the module itself; absent in images that hold only an archive. */
  readonly moduleDigest?: string;
}

/** Parses manifest bytes; refuses an index, naming the child to use. `name` is the reference without its digest. */
export function parseManifest(bytes: Uint8Array, mediaType: string, name: string): ImageManifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OciError(`the manifest of ${name} is not JSON; check that the reference names a registry`, { cause });
  }
  const record = isRecord(json) ? json : {};
  const type = bareMediaType(typeof record["mediaType"] === "string" ? record["mediaType"] : mediaType);
  if (INDEX_TYPES.includes(type) || Array.isArray(record["manifests"])) refuseIndex(record["manifests"], name);
  const { config, layers } = record;
  if (record["schemaVersion"] !== 2 || !isDescriptor(config) || !Array.isArray(layers) || !layers.every(isDescriptor)) {
    throw new OciError(`${name} is not an OCI image manifest with config and layers; publish it with meshwasm again`);
  }
  if (layers.length === 0 || layers.length > 128) {
    throw new OciError(`${name} has ${layers.length} layers; a filter image has from 1 to 128`);
  }
  return record as unknown as ImageManifest;
}

function refuseIndex(children: unknown, name: string): never {
  const images = (Array.isArray(children) ? children : []).filter(isDescriptor);
  // Istio and Envoy Gateway take this child too, so it is the one that a mesh would run.
  const best =
    images.find((child) => {
      const platform = (child as { platform?: unknown }).platform;
      return isRecord(platform) && platform["os"] === "linux" && platform["architecture"] === "amd64";
    }) ?? images[0];
  const hint = best ? `use its image ${name}@${best.digest}` : "publish a single image";
  throw new OciError(`${name} is an image index, not an image, and no mesh accepts its digest as a pin; ${hint}`);
}

/** Finds the module as Istio does, then in the other layouts that are in use. */
export async function readImage(manifest: ImageManifest, name: string, fetchBlob: FetchBlob): Promise<ImageContent> {
  const ofType = (type: string): Descriptor[] => manifest.layers.filter((l) => bareMediaType(l.mediaType) === type);
  const raw = ofType(MEDIA.wasm);
  const archived = await readArchive(manifest, name, fetchBlob);

  let module: Descriptor | undefined;
  if (raw.length === 1) module = raw[0];
  else if (archived === null && manifest.layers.length === 2) module = ofType(MEDIA.wasmeContent)[0];
  const plain = module && (await fetchBlob(module, MAX_MODULE_BYTES));

  const wasm = archived ?? plain;
  if (!wasm) {
    const types = manifest.layers.map((layer) => layer.mediaType).join(", ");
    throw new OciError(`${name} holds no Wasm module that a mesh would load (layers: ${types}); check the reference`);
  }
  checkModule(wasm, `the module in ${name}`);
  // Istio would run one and plain Envoy the other, so what was reviewed might not be what runs.
  if (archived && plain && Buffer.compare(archived, plain) !== 0) {
    throw new OciError(`${name} holds two different modules in its layers; do not use it, publish it again`);
  }

  const text = async (type: string): Promise<string | undefined> => {
    const layer = ofType(type)[0];
    return layer && new TextDecoder().decode(await fetchBlob(layer, MAX_TEXT_BYTES));
  };
  const schema = await text(MEDIA.schema);
  const readme = await text(MEDIA.markdown);
  const buildManifest = await text(MEDIA.buildManifest);
  return {
    wasm,
    ...(schema === undefined ? {} : { schema }),
    ...(readme === undefined ? {} : { readme }),
    ...(buildManifest === undefined ? {} : { buildManifest }),
    ...(module ? { moduleDigest: module.digest } : {}),
  };
}

async function readArchive(manifest: ImageManifest, name: string, fetchBlob: FetchBlob): Promise<Uint8Array | null> {
  const last = manifest.layers.at(-1)!;
  const type = bareMediaType(last.mediaType);
  if (type !== MEDIA.layer && type !== MEDIA.dockerLayer) return null;
  const what = `the last layer of ${name}`;
  const tar = gunzip(await fetchBlob(last, MAX_ARCHIVE_BYTES), MAX_ARCHIVE_BYTES, what);
  return findInTar(tar, "plugin.wasm", what);
}

function isDescriptor(value: unknown): value is Descriptor {
  if (!isRecord(value)) return false;
  const { mediaType, digest, size } = value;
  return (
    typeof mediaType === "string" &&
    typeof digest === "string" &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

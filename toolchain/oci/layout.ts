import { gzip, packOne } from "./archive.js";
import { canonicalJson, sha256Digest } from "./digest.js";
import { OciError } from "./errors.js";
import { MEDIA } from "./media.js";

/** The module size that Istio and Envoy Gateway accept by default. */
export const MAX_MODULE_BYTES = 256 * 1024 * 1024;
/** Registries must take a manifest of 4 MiB; larger ones are refused by most. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageInput {
  /** The module as Envoy loads it. */
  readonly wasm: Uint8Array;
  /** Text of config.schema.json. */
  readonly schema?: string | Uint8Array;
  /** Text of README.md. */
  readonly readme?: string | Uint8Array;
  /** Text of the build's manifest.json. */
  readonly buildManifest?: string | Uint8Array;
  /** See `createdTime`. */
  readonly created: Date;
  readonly title?: string;
  readonly description?: string;
  readonly version?: string;
  readonly source?: string;
  readonly licenses?: string;
  /** More manifest annotations, such as those of Artifact Hub; they win over the ones above. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Blob {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export interface Image {
  readonly mediaType: string;
  readonly manifest: Uint8Array;
  /** Digest of `manifest`: what Istio and Envoy Gateway pin. */
  readonly digest: string;
  /** Config first, then the layers in order. */
  readonly blobs: readonly Blob[];
  /** Digest of the raw module layer, so also the module file's SHA-256: what plain Envoy pins. */
  readonly moduleDigest: string;
}

interface Layer {
  readonly mediaType: string;
  readonly title: string;
  readonly bytes: Uint8Array;
  /** The layer before compression, which is what a diff_id names. */
  readonly content: Uint8Array;
}

/**
 * One image manifest that every control plane can read: the raw module first (plain Envoy fetches the blob by URL),
 * the module as tar+gzip last (Istio and Envoy Gateway look only there). The same input gives the same bytes.
 */
export async function buildImage(input: ImageInput): Promise<Image> {
  checkModule(input.wasm, "the module");
  const created = input.created.toISOString().replace(".000Z", "Z");
  const layers = await buildLayers(input);
  const config = canonicalJson({
    // No reader of Wasm images looks at the platform, but tools that wrap an image in an index copy it from here, and
    // Istio and Envoy Gateway then take the linux/amd64 child only, on every node.
    architecture: "amd64",
    os: "linux",
    config: {},
    created,
    rootfs: { type: "layers", diff_ids: layers.map((layer) => sha256Digest(layer.content)) },
  });

  const blobs = [
    { mediaType: MEDIA.config, digest: sha256Digest(config), bytes: config },
    ...layers.map(({ mediaType, bytes }) => ({ mediaType, digest: sha256Digest(bytes), bytes })),
  ];
  const [configBlob, ...layerBlobs] = blobs.map(({ mediaType, digest, bytes }) => ({
    mediaType,
    digest,
    size: bytes.length,
  }));
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: configBlob,
    layers: layerBlobs.map((blob, i) => ({
      ...blob,
      annotations: { "org.opencontainers.image.title": layers[i]!.title },
    })),
    annotations: annotations(input, created),
  });
  if (manifest.length > MAX_MANIFEST_BYTES) {
    throw new OciError(`the image manifest has ${manifest.length} bytes, more than 4 MiB; shorten its annotations`);
  }
  const digest = sha256Digest(manifest);
  return { mediaType: MEDIA.manifest, manifest, digest, blobs, moduleDigest: layerBlobs[0]!.digest };
}

async function buildLayers(input: ImageInput): Promise<Layer[]> {
  const plain = (mediaType: string, title: string, content: string | Uint8Array | undefined): Layer[] => {
    if (content === undefined) return [];
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    return [{ mediaType, title, bytes, content: bytes }];
  };
  const tar = await packOne("plugin.wasm", input.wasm);
  return [
    ...plain(MEDIA.wasm, "filter.wasm", input.wasm),
    ...plain(MEDIA.schema, "config.schema.json", input.schema),
    ...plain(MEDIA.markdown, "README.md", input.readme),
    ...plain(MEDIA.buildManifest, "manifest.json", input.buildManifest),
    { mediaType: MEDIA.layer, title: "plugin.tar.gz", bytes: gzip(tar), content: tar },
  ];
}

function annotations(input: ImageInput, created: string): Record<string, string> {
  const known = {
    "org.opencontainers.image.title": input.title,
    "org.opencontainers.image.description": input.description,
    "org.opencontainers.image.version": input.version,
    "org.opencontainers.image.created": created,
    "org.opencontainers.image.source": input.source,
    "org.opencontainers.image.licenses": input.licenses,
    // Harbor shows the artifact as Wasm by this one.
    "module.wasm.image/variant": "compat",
  };
  const given = Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(given), ...input.annotations };
}

/** Throws OciError unless `wasm` starts as a core module and has a size the control planes accept. */
export function checkModule(wasm: Uint8Array, what: string): void {
  if (wasm.length > MAX_MODULE_BYTES) {
    throw new OciError(`${what} has ${wasm.length} bytes, more than the 256 MiB that Istio accepts; make it smaller`);
  }
  // "\0asm" and version 1; a component (version 0x1000d) loads in no proxy.
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (!magic.every((byte, i) => wasm[i] === byte)) {
    throw new OciError(`${what} is not a WebAssembly core module; build it with \`meshwasm build\``);
  }
}

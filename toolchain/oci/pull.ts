import type { RegistryClient } from "./client.js";
import type { ImageManifest } from "./layout.js";
import { parseManifest, readImage, type ImageContent } from "./read.js";
import { formatReference, withDefaultTag, type Reference } from "./reference.js";

export interface Pulled extends ImageContent {
  /** Digest of the manifest: what a mesh pins. */
  readonly digest: string;
  readonly mediaType: string;
  readonly manifest: ImageManifest;
  readonly manifestBytes: Uint8Array;
}

/** Reads an image, ours or another tool's; every byte is checked against the manifest's digests. */
export async function pull(client: RegistryClient, ref: Reference): Promise<Pulled> {
  const target = withDefaultTag(ref);
  const fetched = await client.getManifest(target);
  const name = formatReference({ ...target, digest: undefined });
  const manifest = parseManifest(fetched.bytes, fetched.mediaType, name);
  const content = await readImage(manifest, name, (blob, maxBytes) => client.getBlob(target, blob, maxBytes));
  const { digest, bytes: manifestBytes, mediaType } = fetched;
  return { digest, mediaType, manifest, manifestBytes, ...content };
}

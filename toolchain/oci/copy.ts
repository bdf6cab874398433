import type { RegistryClient } from "./client.js";
import { OciError } from "./errors.js";
import { MAX_MODULE_BYTES, type Descriptor, type ImageManifest } from "./layout.js";
import { parseManifest } from "./read.js";
import { formatReference, withDefaultTag, type Reference } from "./reference.js";

export interface CopyOptions {
  /** Refuse to move a tag that exists to another digest. */
  readonly immutable?: boolean;
  readonly onProgress?: (what: string) => void;
}

export interface CopyResult {
  readonly status: "copied" | "unchanged";
  readonly digest: string;
  /** The destination with tag and digest. */
  readonly reference: Reference;
  /** How many signatures, SBOMs and the like went along. */
  readonly referrers: number;
}

// Room for the tar and gzip around the largest module.
const MAX_LAYER_BYTES = MAX_MODULE_BYTES + 16 * 1024 * 1024;
const MAX_REFERRERS = 200;

/** Copies an image byte for byte with what refers to it; its digest and so its signatures stay good. The tag comes last. */
export async function copyImage(
  client: RegistryClient,
  from: Reference,
  to: Reference,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const source = withDefaultTag(from);
  const fetched = await client.getManifest(source);
  const { digest } = fetched;
  const tag = to.tag ?? source.tag;
  if (tag === undefined || to.digest !== undefined) {
    throw new OciError(`${formatReference(to)} must name a tag and no digest: the copy gets the digest of its source`);
  }
  const target = { host: to.host, repository: to.repository, tag };
  const existing = await client.resolve(target, "push");
  if (existing !== null && existing !== digest && options.immutable) {
    throw new OciError(
      `${formatReference(target)} exists with ${existing} and would become ${digest}; nothing was written, copy to a new tag`,
    );
  }
  const name = formatReference({ ...source, digest: undefined });
  const manifest = parseManifest(fetched.bytes, fetched.mediaType, name);
  await copyBlobs(client, source, target, manifest, options);
  const place = { host: target.host, repository: target.repository };
  if (existing !== digest) await client.putManifest(place, fetched.bytes, fetched.mediaType);

  const referrers = await client.listReferrers(source, digest);
  if (referrers.length > MAX_REFERRERS) {
    throw new OciError(`${name} has ${referrers.length} referrers, more than ${MAX_REFERRERS}; copy without this tool`);
  }
  for (const { digest: referrer } of referrers) {
    const found = await client.getManifest({ host: source.host, repository: source.repository, digest: referrer });
    options.onProgress?.(`referrer ${referrer}`);
    const what = formatReference({ ...source, tag: undefined, digest: referrer });
    await copyBlobs(client, source, target, parseManifest(found.bytes, found.mediaType, what), options);
    await client.putReferrer(place, found.bytes, digest);
  }
  if (existing !== digest) await client.putManifest(target, fetched.bytes, fetched.mediaType);
  return {
    status: existing === digest ? "unchanged" : "copied",
    digest,
    reference: { ...target, digest },
    referrers: referrers.length,
  };
}

async function copyBlobs(
  client: RegistryClient,
  source: Reference,
  target: Reference,
  manifest: ImageManifest,
  options: CopyOptions,
): Promise<void> {
  const blobs = new Map<string, Descriptor>([manifest.config, ...manifest.layers].map((blob) => [blob.digest, blob]));
  for (const blob of blobs.values()) {
    if (await client.hasBlob(target, blob.digest, "push")) continue;
    options.onProgress?.(`${blob.mediaType} ${blob.size} bytes`);
    const bytes = await client.getBlob(source, blob, MAX_LAYER_BYTES);
    const mount = source.host === target.host ? { mountFrom: source.repository } : {};
    await client.putBlob(target, { ...blob, bytes }, mount);
  }
}

import type { RegistryClient } from "./client.js";
import { OciError } from "./errors.js";
import type { Blob, Image } from "./layout.js";
import type { UploadOptions } from "./upload.js";
import { formatReference, withDefaultTag, type Reference } from "./reference.js";

export interface PublishProgress {
  readonly blob: Pick<Blob, "digest" | "mediaType"> & { readonly size: number };
  /** "exists": the registry has it already. */
  readonly state: "exists" | "uploading" | "mounted" | "uploaded";
  /** Bytes that have arrived. */
  readonly sent: number;
  /** 1-based number of this blob, of `total`. */
  readonly index: number;
  readonly total: number;
}

export interface PublishOptions extends Pick<UploadOptions, "chunkBytes" | "mountFrom"> {
  /** Refuse to move a tag that exists to another digest. */
  readonly immutable?: boolean;
  /** Runs when the image is there and before its tag is: signatures and the like, without which nothing is to be tagged. */
  readonly beforeTag?: (image: Reference) => Promise<void>;
  readonly onProgress?: (progress: PublishProgress) => void;
}

export interface Published {
  /** "unchanged": the tag already had this digest and nothing was written. */
  readonly status: "published" | "unchanged";
  /** With tag and manifest digest. */
  readonly reference: Reference;
  readonly digest: string;
  readonly moduleDigest: string;
  /** What the tag named before. */
  readonly previous?: string;
}

/** Uploads the blobs, then the manifest: a tag never names an image that is not all there. */
export async function publish(
  client: RegistryClient,
  ref: Reference,
  image: Image,
  options: PublishOptions = {},
): Promise<Published> {
  const target = withDefaultTag(ref);
  const name = formatReference(target);
  if (target.digest !== undefined && target.digest !== image.digest) {
    throw new OciError(`${name} names another digest than the image to publish, ${image.digest}; leave the digest out`);
  }
  const tagged = { host: target.host, repository: target.repository, ...(target.tag ? { tag: target.tag } : {}) };
  const existing = await client.resolve(target.tag ? tagged : target, "push");
  const result = {
    reference: { ...tagged, digest: image.digest },
    digest: image.digest,
    moduleDigest: image.moduleDigest,
  };
  const pinned = { host: target.host, repository: target.repository, digest: image.digest };
  if (existing === image.digest) {
    await options.beforeTag?.(pinned);
    return { status: "unchanged", ...result };
  }
  if (existing !== null && options.immutable) {
    throw new OciError(
      `${name} exists with ${existing} and would become ${image.digest}; nothing was written, publish under a new tag`,
    );
  }

  const blobs = [...new Map(image.blobs.map((blob) => [blob.digest, blob])).values()];
  for (const [i, blob] of blobs.entries()) {
    const size = blob.bytes.length;
    const report = (state: PublishProgress["state"], sent: number): void =>
      options.onProgress?.({
        blob: { digest: blob.digest, mediaType: blob.mediaType, size },
        state,
        sent,
        index: i + 1,
        total: blobs.length,
      });
    if (await client.hasBlob(target, blob.digest, "push")) {
      report("exists", size);
      continue;
    }
    report("uploading", 0);
    const { chunkBytes, mountFrom } = options;
    const state = await client.putBlob(target, blob, {
      ...(chunkBytes === undefined ? {} : { chunkBytes }),
      ...(mountFrom === undefined ? {} : { mountFrom }),
      onBytes: (sent) => sent < size && report("uploading", sent),
    });
    report(state, size);
  }
  if (options.beforeTag) {
    await client.putManifest({ host: pinned.host, repository: pinned.repository }, image.manifest, image.mediaType);
    await options.beforeTag(pinned);
  }
  await client.putManifest(tagged, image.manifest, image.mediaType);
  return { status: "published", ...result, ...(existing === null ? {} : { previous: existing }) };
}

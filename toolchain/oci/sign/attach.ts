import type { RegistryClient } from "../client.js";
import { canonicalJson, sha256Digest } from "../digest.js";
import type { Descriptor } from "../layout.js";
import { MEDIA } from "../media.js";
import type { Reference } from "../reference.js";

export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const EMPTY = new TextEncoder().encode("{}");
const EMPTY_MEDIA_TYPE = "application/vnd.oci.empty.v1+json";

export interface Attachment {
  readonly artifactType: string;
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Pushes an artifact that refers to the image `subject`; its digest. The image need not be there yet. */
export async function attach(
  client: RegistryClient,
  ref: Reference,
  subject: Descriptor,
  { artifactType, bytes, annotations }: Attachment,
): Promise<string> {
  const place = { host: ref.host, repository: ref.repository };
  const config = { mediaType: EMPTY_MEDIA_TYPE, digest: sha256Digest(EMPTY), size: EMPTY.length };
  const layer = { mediaType: artifactType, digest: sha256Digest(bytes), size: bytes.length };
  for (const blob of [
    { ...config, bytes: EMPTY },
    { ...layer, bytes },
  ]) {
    if (!(await client.hasBlob(place, blob.digest, "push"))) await client.putBlob(place, blob);
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    artifactType,
    config,
    layers: [layer],
    subject,
    annotations,
  };
  return client.putReferrer(place, canonicalJson(manifest), subject.digest);
}

/** A Sigstore bundle as cosign 3 attaches it. */
export function bundleAttachment(bundle: Uint8Array, predicateType: string, created: string): Attachment {
  return {
    artifactType: BUNDLE_MEDIA_TYPE,
    bytes: bundle,
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": predicateType,
      "org.opencontainers.image.created": created,
    },
  };
}

import {
  bareMediaType,
  IMAGE_TYPES,
  INDEX_TYPES,
  isDigest,
  isTag,
  matchesDigest,
  MAX_MANIFEST_BYTES,
  sha256Digest,
} from "../../toolchain/oci/index.js";
import type { Call } from "./call.js";
import { SpecError } from "./errors.js";
import { checkedDigest } from "./route.js";
import type { Referrer, Store } from "./store.js";

/** A manifest is asked for by its tag or by its digest; the other is null. */
export interface Key {
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: string | null;
}

export async function readManifest(store: Store, key: Key, call: Call): Promise<Response> {
  const digest = await digestOf(store, key);
  const manifest = digest === null ? null : await store.getManifest(key.repository, digest);
  if (!manifest) throw unknown(key);
  const headers = {
    "content-type": manifest.mediaType,
    "content-length": String(manifest.bytes.length),
    "docker-content-digest": manifest.digest,
    etag: `"${manifest.digest}"`,
  };
  return new Response(call.method === "HEAD" ? null : Buffer.from(manifest.bytes), { status: 200, headers });
}

export async function putManifest(store: Store, key: Key, call: Call): Promise<Response> {
  const { wanted, tags } = namesOf(key, call);
  const bytes = await readBody(call);
  if (wanted !== null && !matchesDigest(bytes, wanted)) {
    throw new SpecError("DIGEST_INVALID", `the manifest has ${sha256Digest(bytes)}, not ${wanted}`);
  }
  const manifest = parse(bytes);
  const mediaType = mediaTypeOf(manifest, call.header("content-type"));
  await checkReferences(store, key.repository, manifest);

  const digest = wanted ?? sha256Digest(bytes);
  const subject = digestIn(manifest.subject);
  const referrer =
    subject === null ? null : { digest: subject, referrer: describe(manifest, mediaType, digest, bytes.length) };
  await store.putManifest(key.repository, { bytes, digest, mediaType }, tags, referrer);
  const headers = new Headers({
    location: `/v2/${key.repository}/manifests/${digest}`,
    "docker-content-digest": digest,
    "content-length": "0",
    ...(subject ? { "oci-subject": subject } : {}),
  });
  if (key.digest !== null) for (const tag of tags) headers.append("oci-tag", tag);
  return new Response(null, { status: 201, headers });
}

const MAX_TAGS = 100;

/** By tag, `?digest=` may say which digest is meant; by digest, `?tag=` (repeated) which tags it gets. */
function namesOf(key: Key, call: Call): { wanted: string | null; tags: string[] } {
  if (key.tag !== null) {
    const digest = call.query("digest");
    return { wanted: digest === null ? null : checkedDigest(digest), tags: [key.tag] };
  }
  const tags = call.queryAll("tag");
  if (tags.length > MAX_TAGS) {
    throw new SpecError("UNSUPPORTED", `more than ${MAX_TAGS} tags in one request`, { status: 414 });
  }
  if (!tags.every(isTag)) throw new SpecError("MANIFEST_INVALID", "a tag is not valid");
  return { wanted: key.digest, tags };
}

export async function deleteManifest(store: Store, key: Key): Promise<Response> {
  let found: boolean;
  if (key.tag !== null) found = await store.deleteTag(key.repository, key.tag);
  else {
    const manifest = await store.getManifest(key.repository, key.digest!);
    // The bytes may have been damaged on disk, and must be deletable still.
    const subject = manifest && digestIn(lenient(manifest.bytes)?.subject);
    found = await store.deleteManifest(key.repository, key.digest!, subject);
  }
  if (!found) throw unknown(key);
  return new Response(null, { status: 202 });
}

async function digestOf(store: Store, key: Key): Promise<string | null> {
  return key.digest ?? store.resolveTag(key.repository, key.tag!);
}

function unknown(key: Key): SpecError {
  return new SpecError("MANIFEST_UNKNOWN", `${key.repository} has no manifest ${key.tag ?? key.digest}`);
}

async function readBody(call: Call): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of call.incoming as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_MANIFEST_BYTES) {
      throw new SpecError("SIZE_INVALID", "the manifest is larger than 4 MiB", { status: 413 });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The fields of an image or index that the server looks at; nothing else is checked. */
interface AnyManifest {
  readonly mediaType?: unknown;
  readonly artifactType?: unknown;
  readonly config?: unknown;
  readonly layers?: unknown;
  readonly manifests?: unknown;
  readonly subject?: unknown;
  readonly annotations?: unknown;
}

function parse(bytes: Uint8Array): AnyManifest {
  const json = lenient(bytes);
  if (json === null || (json as { schemaVersion?: unknown }).schemaVersion !== 2) {
    throw new SpecError("MANIFEST_INVALID", "the manifest must be a JSON object with schemaVersion 2");
  }
  return json;
}

function lenient(bytes: Uint8Array): AnyManifest | null {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return json !== null && typeof json === "object" && !Array.isArray(json) ? json : null;
  } catch {
    return null;
  }
}

/** Of the field and the header, which must agree when both are there. */
function mediaTypeOf(manifest: AnyManifest, header: string | null): string {
  const field = typeof manifest.mediaType === "string" ? manifest.mediaType : "";
  const sent = bareMediaType(header);
  const type = sent || field;
  if (![...IMAGE_TYPES, ...INDEX_TYPES].includes(type)) {
    const status = 415;
    throw new SpecError("MANIFEST_INVALID", "only OCI and Docker schema 2 images and indexes are stored", { status });
  }
  if (field !== "" && field !== type) {
    throw new SpecError("MANIFEST_INVALID", "Content-Type and the manifest's mediaType differ");
  }
  return type;
}

/** Everything but the subject must be there before the manifest. */
async function checkReferences(store: Store, repository: string, manifest: AnyManifest): Promise<void> {
  const isIndex = Array.isArray(manifest.manifests);
  const descriptors = isIndex ? (manifest.manifests as unknown[]) : [manifest.config, ...listOf(manifest.layers)];
  if (isIndex === (manifest.config !== undefined)) {
    throw new SpecError("MANIFEST_INVALID", "an image has config and layers, an index has manifests");
  }
  if (manifest.subject !== undefined && digestIn(manifest.subject) === null) {
    throw new SpecError("MANIFEST_INVALID", "the subject is not a descriptor");
  }
  // Distinct ones only, so that 4 MiB of repetitions cost one look each.
  const wanted = new Set<string>();
  for (const descriptor of descriptors) {
    const digest = digestIn(descriptor);
    if (digest === null) throw new SpecError("MANIFEST_INVALID", "a descriptor has no valid digest");
    const { mediaType, urls } = descriptor as { mediaType?: unknown; urls?: unknown };
    // Layers that may not be redistributed lie elsewhere by design.
    const elsewhere = Array.isArray(urls) && /nondistributable|\.foreign\./.test(String(mediaType));
    if (!elsewhere) wanted.add(digest);
  }
  for (const digest of wanted) {
    const present = isIndex
      ? await store.hasManifest(repository, digest)
      : (await store.blobSize(repository, digest)) !== null;
    if (!present)
      throw new SpecError("MANIFEST_BLOB_UNKNOWN", `${repository} has no ${digest}, which the manifest names`);
  }
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new SpecError("MANIFEST_INVALID", "layers must be a list");
  return value;
}

function digestIn(descriptor: unknown): string | null {
  if (descriptor === null || typeof descriptor !== "object") return null;
  const { digest } = descriptor as { digest?: unknown };
  return typeof digest === "string" && isDigest(digest) ? digest : null;
}

function describe(manifest: AnyManifest, mediaType: string, digest: string, size: number): Referrer {
  const config = manifest.config as { mediaType?: unknown } | undefined;
  const type = [manifest.artifactType, config?.mediaType].find((t) => typeof t === "string" && t !== "");
  const { annotations } = manifest;
  return {
    mediaType,
    digest,
    size,
    ...(typeof type === "string" ? { artifactType: type } : {}),
    ...(annotations !== null && typeof annotations === "object"
      ? { annotations: annotations as Record<string, string> }
      : {}),
  };
}

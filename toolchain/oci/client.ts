import { canonicalJson, isDigest, matchesDigest, sha256Digest } from "./digest.js";
import { OciError, printable } from "./errors.js";
import { resolveLocation, type HttpAnswer } from "./http.js";
import { MAX_MANIFEST_BYTES, type Blob, type Descriptor } from "./layout.js";
import { bareMediaType, IMAGE_TYPES, INDEX_TYPES, MEDIA } from "./media.js";
import { isRecord } from "./read.js";
import { formatReference, manifestKey, type Reference } from "./reference.js";
import { explainAnswer, Transport, type Access, type Call, type ClientOptions } from "./transport.js";
import { uploadBlob, type UploadOptions, type UploadResult } from "./upload.js";

export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly mediaType: string;
}

const MAX_PAGES = 100;

/** The calls of the OCI distribution specification that a publisher and a reader need. */
export class RegistryClient {
  readonly #transport: Transport;

  constructor(options: ClientOptions = {}) {
    this.#transport = new Transport(options);
  }

  /** `http://host` or `https://host`, as this client speaks to it. */
  origin(ref: Reference): string {
    return this.#transport.origin(ref);
  }

  /** The digest behind the reference, or null when it does not exist. */
  async resolve(ref: Reference, access: Access = "pull"): Promise<string | null> {
    const doing = `look up ${formatReference(ref)}`;
    const call = {
      method: "HEAD",
      url: this.#transport.url(ref, "manifests", manifestKey(ref)),
      access,
      headers: ACCEPT,
    };
    const answer = await this.#transport.send(ref, doing, call);
    if (answer.status === 404) return null;
    const digest = answer.headers.get("docker-content-digest");
    if (answer.status === 200 && digest && isDigest(digest)) return digest;
    if (answer.status === 200 || answer.status === 405) return (await this.getManifest(ref, access)).digest;
    throw explainAnswer(answer, ref, doing);
  }

  /** The manifest, checked against the digest in the reference and the one that the registry claims. */
  async getManifest(ref: Reference, access: Access = "pull"): Promise<FetchedManifest> {
    const name = formatReference(ref);
    const doing = `read ${name}`;
    const call = {
      method: "GET",
      url: this.#transport.url(ref, "manifests", manifestKey(ref)),
      access,
      headers: ACCEPT,
    };
    const answer = await this.#transport.send(ref, doing, { ...call, maxBytes: MAX_MANIFEST_BYTES, follow: true });
    if (answer.status !== 200) throw explainAnswer(answer, ref, doing);
    const claimed = answer.headers.get("docker-content-digest");
    for (const wanted of [ref.digest, claimed]) {
      if (wanted && !(isDigest(wanted) && matchesDigest(answer.body, wanted))) {
        throw mismatch(`the manifest of ${name}`, wanted, answer.body);
      }
    }
    const mediaType = bareMediaType(answer.headers.get("content-type"));
    return { bytes: answer.body, digest: ref.digest ?? sha256Digest(answer.body), mediaType };
  }

  /** Stores the manifest under the tag of the reference, or under its digest when it has no tag. */
  async putManifest(ref: Reference, bytes: Uint8Array, mediaType: string): Promise<string> {
    return (await this.#putManifest(ref, bytes, mediaType)).digest;
  }

  /**
   * Stores a manifest with a `subject` by its digest. A registry without the referrers API does not answer OCI-Subject; there
   * it is listed in the index under the fallback tag, as the specification says.
   */
  async putReferrer(ref: Reference, bytes: Uint8Array, subject: string): Promise<string> {
    const place = { host: ref.host, repository: ref.repository };
    const { digest, answer } = await this.#putManifest(place, bytes, MEDIA.manifest);
    if (answer.headers.get("oci-subject") === subject) return digest;
    const manifest = jsonObject(bytes, "read the referrer");
    const entry = {
      mediaType: MEDIA.manifest,
      digest,
      size: bytes.length,
      artifactType: manifest["artifactType"],
      annotations: manifest["annotations"],
    };
    const [index] = await this.#fallbackReferrers(ref, subject);
    const listed = index && Array.isArray(index["manifests"]) ? index["manifests"] : [];
    if (listed.some((d) => isRecord(d) && d["digest"] === digest)) return digest;
    const next = { schemaVersion: 2, mediaType: MEDIA.index, manifests: [...listed, entry] };
    await this.#putManifest({ ...place, tag: fallbackTag(subject) }, canonicalJson(next), MEDIA.index);
    return digest;
  }

  async #putManifest(
    ref: Reference,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<{ digest: string; answer: HttpAnswer }> {
    const digest = sha256Digest(bytes);
    const doing = `publish ${formatReference(ref)}`;
    const url = this.#transport.url(ref, "manifests", ref.tag ?? digest);
    const headers = { "content-type": mediaType };
    const answer = await this.#transport.send(ref, doing, { method: "PUT", url, access: "push", headers, body: bytes });
    if (answer.status === 405 || answer.status === 415) {
      throw new OciError(
        `${ref.host} refuses the media type ${mediaType} (HTTP ${answer.status}); use a registry that takes OCI image manifests`,
        { status: answer.status },
      );
    }
    if (answer.status !== 201) throw explainAnswer(answer, ref, doing);
    const stored = answer.headers.get("docker-content-digest");
    if (stored && stored !== digest)
      throw new OciError(`${ref.host} stored ${printable(stored)} where ${digest} was sent`);
    return { digest, answer };
  }

  async hasBlob(ref: Reference, digest: string, access: Access = "pull"): Promise<boolean> {
    const doing = `look up a blob in ${ref.host}/${ref.repository}`;
    const answer = await this.#transport.send(ref, doing, {
      method: "HEAD",
      url: this.#transport.url(ref, "blobs", digest),
      access,
    });
    // A redirect leads to the storage, so the registry has it; its signed URL is often good for GET only.
    if (answer.status === 200 || (answer.status >= 300 && answer.status < 400)) return true;
    if (answer.status === 404 || answer.status === 405) return false;
    throw explainAnswer(answer, ref, doing);
  }

  /** The blob's bytes, at most `maxBytes`, checked against its size and digest. */
  async getBlob(ref: Reference, blob: Descriptor, maxBytes: number): Promise<Uint8Array> {
    const what = `the blob ${blob.digest} of ${ref.host}/${ref.repository}`;
    if (blob.size > maxBytes) {
      throw new OciError(`${what} has ${blob.size} bytes, more than the ${maxBytes} that are accepted; it is not read`);
    }
    const url = this.#transport.url(ref, "blobs", blob.digest);
    const call = { method: "GET", url, access: "pull", maxBytes: blob.size, follow: true } as const;
    const answer = await this.#transport.send(ref, `read ${what}`, call);
    if (answer.status !== 200) throw explainAnswer(answer, ref, `read ${what}`);
    if (answer.body.length !== blob.size || !matchesDigest(answer.body, blob.digest)) {
      throw mismatch(what, blob.digest, answer.body);
    }
    return answer.body;
  }

  /** Uploads the blob in one piece or in chunks; mounts it where another repository of the registry has it. */
  putBlob(ref: Reference, blob: Blob, options: UploadOptions = {}): Promise<UploadResult> {
    return uploadBlob(this.#transport, ref, blob, options);
  }

  /** All tags of the repository, in the registry's order. */
  async listTags(ref: Reference): Promise<string[]> {
    const pages = await this.#pages(ref, "list the tags", this.#transport.url(ref, "tags", "list"));
    return pages
      .flatMap((page) => (Array.isArray(page["tags"]) ? page["tags"] : []))
      .filter((t) => typeof t === "string");
  }

  /** Descriptors of what refers to `digest` (signatures, SBOMs); from the fallback tag where there is no API. */
  async listReferrers(ref: Reference, digest: string, artifactType?: string): Promise<ReferrerDescriptor[]> {
    const url = this.#transport.url(ref, "referrers", digest);
    if (artifactType !== undefined) url.searchParams.set("artifactType", artifactType);
    let pages: Record<string, unknown>[];
    try {
      pages = await this.#pages(ref, "list the referrers", url);
    } catch (error) {
      if (!(error instanceof OciError && error.status === 404)) throw error;
      pages = await this.#fallbackReferrers(ref, digest);
    }
    const all = pages.flatMap((page) => (Array.isArray(page["manifests"]) ? page["manifests"] : []));
    return all
      .filter((d): d is ReferrerDescriptor => isRecord(d) && typeof d["digest"] === "string" && isDigest(d["digest"]))
      .filter((d) => artifactType === undefined || d.artifactType === artifactType);
  }

  async #fallbackReferrers(ref: Reference, digest: string): Promise<Record<string, unknown>[]> {
    const fallback = { host: ref.host, repository: ref.repository, tag: fallbackTag(digest) };
    if ((await this.resolve(fallback)) === null) return [];
    return [jsonObject((await this.getManifest(fallback)).bytes, formatReference(fallback))];
  }

  async #pages(ref: Reference, what: string, first: URL): Promise<Record<string, unknown>[]> {
    const doing = `${what} of ${ref.host}/${ref.repository}`;
    const pages: Record<string, unknown>[] = [];
    for (let url: URL | null = first; url;) {
      const call: Call = { method: "GET", url, access: "pull", maxBytes: MAX_MANIFEST_BYTES, follow: true };
      const answer: HttpAnswer = await this.#transport.send(ref, doing, call);
      if (answer.status !== 200) throw explainAnswer(answer, ref, doing);
      pages.push(jsonObject(answer.body, doing));
      const next = /<([^>]+)>\s*;[^,]*rel="?next"?/i.exec(answer.headers.get("link") ?? "");
      url = next ? resolveLocation(next[1]!, url) : null;
      if (url && pages.length === MAX_PAGES)
        throw new OciError(
          `cannot ${doing}: the answer has more than ${MAX_PAGES} pages; the registry may repeat itself`,
        );
    }
    return pages;
  }
}

export interface ReferrerDescriptor extends Descriptor {
  readonly artifactType?: string;
}

/** The tag under which a registry without the referrers API keeps what refers to a digest. */
function fallbackTag(digest: string): string {
  return digest.replace(":", "-").slice(0, 128);
}

const ACCEPT = { accept: [...IMAGE_TYPES, ...INDEX_TYPES].join(", ") };

function jsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (isRecord(json)) return json;
  } catch {
    // Said below, for other JSON too.
  }
  throw new OciError(`cannot ${what}: the answer is not a JSON object; check that the host is an OCI registry`);
}

function mismatch(what: string, wanted: string, bytes: Uint8Array): OciError {
  return new OciError(
    `${what} does not match its digest: wanted ${printable(wanted)}, got ${sha256Digest(bytes)} (${bytes.length} bytes); do not use it, the registry or the path to it is damaged`,
  );
}

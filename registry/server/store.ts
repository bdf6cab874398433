import { randomUUID } from "node:crypto";
import { open, readFile, rm, stat, mkdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { splitDigest } from "../../toolchain/oci/index.js";
import { list, moveInto, orNull, readText, remove, writeAtomic } from "./files.js";

export interface StoredManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly mediaType: string;
}

/** What the referrers API tells of a manifest that has a subject. */
export interface Referrer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Content-addressed files. Callers pass only names, tags and digests that passed the grammar, so no path can leave
 * the root.
 *
 *     blobs/<algorithm>/<2 hex>/<hex>                    content, shared by all repositories
 *     repositories/<name>/_blobs/<algorithm>-<hex>       the repository has this blob
 *     repositories/<name>/_manifests/<algorithm>-<hex>   the repository has this manifest; holds its media type
 *     repositories/<name>/_tags/<tag>                    holds the manifest's digest
 *     repositories/<name>/_referrers/<subject>/<digest>  holds the descriptor
 *     uploads/                                           temporary files
 *
 * A name's components never begin with "_", so links and nested repositories do not collide.
 */
export class Store {
  readonly #root: string;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes the folders and, unless it is only to read, removes what uploads left when the server last stopped. */
  async open(readOnly: boolean): Promise<void> {
    // Another server may be writing there.
    if (!readOnly) await rm(join(this.#root, "uploads"), { recursive: true, force: true });
    for (const dir of ["blobs", "repositories", "uploads"]) await mkdir(join(this.#root, dir), { recursive: true });
  }

  /** A name for a new temporary file. */
  temporary(id: string = randomUUID()): string {
    return join(this.#root, "uploads", id);
  }

  /** Makes a finished temporary file the content of `digest`, which the caller has verified, and links it. */
  async commitBlob(repository: string, digest: string, temporary: string): Promise<void> {
    await this.#exclusive(async () => {
      await moveInto(temporary, this.#content(digest));
      await this.#write(this.#link(repository, "_blobs", digest), "");
    });
  }

  /** Gives `repository` a blob that `from` has; false when `from` does not have it. */
  async mountBlob(repository: string, from: string, digest: string): Promise<boolean> {
    return this.#exclusive(async () => {
      if ((await this.blobSize(from, digest)) === null) return false;
      await this.#write(this.#link(repository, "_blobs", digest), "");
      return true;
    });
  }

  /** Bytes of the blob, or null when the repository does not have it. */
  async blobSize(repository: string, digest: string): Promise<number | null> {
    if ((await orNull(stat(this.#link(repository, "_blobs", digest)))) === null) return null;
    return (await orNull(stat(this.#content(digest))))?.size ?? null;
  }

  /** The blob opened for reading, or null. Deleting it meanwhile does not disturb the reader. */
  async openBlob(repository: string, digest: string): Promise<FileHandle | null> {
    if ((await this.blobSize(repository, digest)) === null) return null;
    return orNull(open(this.#content(digest), "r"));
  }

  async deleteBlob(repository: string, digest: string): Promise<boolean> {
    return this.#exclusive(async () => {
      if (!(await remove(this.#link(repository, "_blobs", digest)))) return false;
      await this.#dropContent(digest);
      return true;
    });
  }

  /** The digest that a tag names, or null. */
  async resolveTag(repository: string, tag: string): Promise<string | null> {
    return (await readText(this.#tag(repository, tag)))?.trim() ?? null;
  }

  async getManifest(repository: string, digest: string): Promise<StoredManifest | null> {
    const mediaType = await readText(this.#link(repository, "_manifests", digest));
    const bytes = mediaType === null ? null : await orNull(readFile(this.#content(digest)));
    return bytes && { bytes, digest, mediaType: mediaType! };
  }

  async hasManifest(repository: string, digest: string): Promise<boolean> {
    return (await orNull(stat(this.#link(repository, "_manifests", digest)))) !== null;
  }

  /** Stores content, then links, then the tags: a reader that sees a tag sees everything behind it. */
  async putManifest(
    repository: string,
    manifest: StoredManifest,
    tags: readonly string[],
    subject: { digest: string; referrer: Referrer } | null,
  ): Promise<void> {
    const { digest } = manifest;
    await this.#exclusive(async () => {
      await this.#write(this.#content(digest), manifest.bytes);
      await this.#write(this.#link(repository, "_manifests", digest), manifest.mediaType);
      if (subject)
        await this.#write(this.#referrer(repository, subject.digest, digest), JSON.stringify(subject.referrer));
      for (const tag of tags) await this.#write(this.#tag(repository, tag), digest);
    });
  }

  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return this.#exclusive(() => remove(this.#tag(repository, tag)));
  }

  /** Removes the manifest with all tags that name it. */
  async deleteManifest(repository: string, digest: string, subject: string | null): Promise<boolean> {
    return this.#exclusive(async () => {
      for (const tag of await this.tags(repository)) {
        if ((await this.resolveTag(repository, tag)) === digest) await remove(this.#tag(repository, tag));
      }
      if (subject !== null) await remove(this.#referrer(repository, subject, digest));
      if (!(await remove(this.#link(repository, "_manifests", digest)))) return false;
      await this.#dropContent(digest);
      return true;
    });
  }

  /** Tags in code-point order. */
  async tags(repository: string): Promise<string[]> {
    const files = await list(join(this.#repository(repository), "_tags"));
    return files.map(tagOfFile).sort((a, b) => (a < b ? -1 : 1));
  }

  /** True when something was ever stored under the name. */
  async hasRepository(repository: string): Promise<boolean> {
    for (const part of ["_manifests", "_blobs"]) {
      if ((await orNull(stat(join(this.#repository(repository), part)))) !== null) return true;
    }
    return false;
  }

  /** Descriptors of the manifests whose subject is `digest`, by digest. */
  async referrers(repository: string, digest: string): Promise<Referrer[]> {
    const dir = join(this.#repository(repository), "_referrers", fileOfDigest(digest));
    const texts = await Promise.all((await list(dir)).map((file) => readText(join(dir, file))));
    return texts.filter((text) => text !== null).map((text) => JSON.parse(text) as Referrer);
  }

  /** Names of the repositories that hold a manifest, in code-point order. */
  async repositories(): Promise<string[]> {
    const found: string[] = [];
    await this.#walk("", async (name) => {
      if ((await list(join(this.#repository(name), "_manifests"))).length > 0) found.push(name);
    });
    return found.sort((a, b) => (a < b ? -1 : 1));
  }

  /** Calls `visit` with each name under which something is stored. */
  async #walk(prefix: string, visit: (name: string) => Promise<void>): Promise<void> {
    const entries = await list(join(this.#root, "repositories", prefix));
    if (prefix !== "" && entries.some((entry) => entry.startsWith("_"))) await visit(prefix);
    for (const entry of entries.filter((e) => !e.startsWith("_") && !e.startsWith("."))) {
      await this.#walk(prefix === "" ? entry : `${prefix}/${entry}`, visit);
    }
  }

  /** Removes content that no repository links any more. */
  async #dropContent(digest: string): Promise<void> {
    let used = false;
    await this.#walk("", async (name) => {
      for (const kind of ["_blobs", "_manifests"] as const) {
        used ||= (await orNull(stat(this.#link(name, kind, digest)))) !== null;
      }
    });
    if (!used) await remove(this.#content(digest));
  }

  /** One change of links at a time: content must not be dropped between another's check and its link. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  #write(path: string, content: string | Uint8Array): Promise<void> {
    return writeAtomic(path, this.temporary(), content);
  }

  #content(digest: string): string {
    const { algorithm, hex } = splitDigest(digest);
    return join(this.#root, "blobs", algorithm, hex.slice(0, 2), hex);
  }

  #repository(name: string): string {
    return join(this.#root, "repositories", ...name.split("/"));
  }

  #link(repository: string, kind: "_blobs" | "_manifests", digest: string): string {
    return join(this.#repository(repository), kind, fileOfDigest(digest));
  }

  #tag(repository: string, tag: string): string {
    return join(this.#repository(repository), "_tags", fileOfTag(tag));
  }

  #referrer(repository: string, subject: string, digest: string): string {
    return join(this.#repository(repository), "_referrers", fileOfDigest(subject), fileOfDigest(digest));
  }
}

/** Without the colon, which Windows does not allow in a name. */
function fileOfDigest(digest: string): string {
  return digest.replace(":", "-");
}

/** Upper case is marked with "+", as `V1` and `v1` are one file on macOS and Windows but two tags. */
function fileOfTag(tag: string): string {
  return tag.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`);
}

function tagOfFile(file: string): string {
  return file.replace(/\+(.)/g, (_, letter: string) => letter.toUpperCase());
}

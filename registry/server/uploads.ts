import { createHash, randomUUID, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { splitDigest } from "../../toolchain/oci/index.js";
import { SpecError } from "./errors.js";
import type { Store } from "./store.js";

interface Session {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  readonly file: FileHandle;
  hash: Hash;
  size: number;
  lastUsed: number;
  busy: boolean;
}

const IDLE_MS = 60 * 60 * 1000;
const MAX_SESSIONS = 1000;

/** The upload sessions: a temporary file each, hashed while it is written. */
export class Uploads {
  readonly #store: Store;
  readonly #maxBytes: number;
  readonly #sessions = new Map<string, Session>();

  constructor(store: Store, maxBytes: number) {
    this.#store = store;
    this.#maxBytes = maxBytes;
  }

  /** Starts a session and gives its id. */
  async begin(repository: string): Promise<string> {
    await this.#expire();
    if (this.#sessions.size >= MAX_SESSIONS) {
      throw new SpecError("DENIED", "too many uploads are open; try again later", { status: 429 });
    }
    const id = randomUUID();
    const path = this.#store.temporary(id);
    const file = await open(path, "wx");
    const session = { id, repository, path, file, hash: createHash("sha256"), size: 0, busy: false };
    this.#sessions.set(id, { ...session, lastUsed: Date.now() });
    return id;
  }

  /** Bytes received so far. */
  size(repository: string, id: string): number {
    return this.#find(repository, id).size;
  }

  /** Adds a chunk that must start at `range.start`; a chunk that does not arrive whole is taken back. */
  async append(
    repository: string,
    id: string,
    body: AsyncIterable<Uint8Array>,
    range: { start: number; end: number } | null,
  ): Promise<number> {
    return this.#use(repository, id, async (session) => {
      await this.#write(session, body, range);
      return session.size;
    });
  }

  /** Adds the last bytes, verifies the digest and makes the blob visible; a wrong one ends the session. */
  async finish(
    repository: string,
    id: string,
    body: AsyncIterable<Uint8Array>,
    digest: string,
    range: { start: number; end: number } | null,
  ): Promise<void> {
    await this.#use(repository, id, async (session) => {
      try {
        await this.#write(session, body, range);
      } catch (error) {
        // A chunk at the wrong place can be sent again; after a cut last piece the client starts anew.
        if (!(error instanceof SpecError && error.status === 416)) await this.#close(session);
        throw error;
      }
      const { algorithm, hex } = splitDigest(digest);
      const actual =
        algorithm === "sha256" ? session.hash.copy().digest("hex") : await hashFile(session.path, algorithm);
      if (actual !== hex) {
        await this.#close(session);
        throw new SpecError("DIGEST_INVALID", `the content has ${algorithm}:${actual}, not ${digest}`);
      }
      await session.file.sync();
      this.#sessions.delete(session.id);
      await session.file.close();
      try {
        await this.#store.commitBlob(repository, digest, session.path);
      } finally {
        await rm(session.path, { force: true });
      }
    });
  }

  async cancel(repository: string, id: string): Promise<void> {
    await this.#use(repository, id, (session) => this.#close(session));
  }

  /** Ends all sessions. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => this.#close(session)));
  }

  #find(repository: string, id: string): Session {
    const session = this.#sessions.get(id);
    if (!session || session.repository !== repository) {
      throw new SpecError("BLOB_UPLOAD_UNKNOWN", "there is no such upload; start it again");
    }
    return session;
  }

  async #use<T>(repository: string, id: string, work: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#find(repository, id);
    if (session.busy) throw new SpecError("BLOB_UPLOAD_INVALID", "another request writes to this upload");
    session.busy = true;
    try {
      return await work(session);
    } finally {
      session.busy = false;
      session.lastUsed = Date.now();
    }
  }

  async #write(
    session: Session,
    body: AsyncIterable<Uint8Array>,
    range: { start: number; end: number } | null,
  ): Promise<void> {
    const start = session.size;
    const expected = range ? range.end - range.start + 1 : null;
    if (range && range.start !== start) {
      throw new SpecError("BLOB_UPLOAD_INVALID", `the next byte is ${start}, not ${range.start}`, {
        status: 416,
        headers: { range: rangeHeader(start), location: uploadPath(session.repository, session.id) },
      });
    }
    const before = session.hash.copy();
    try {
      for await (const chunk of body) {
        const end = session.size + chunk.length;
        if (end > this.#maxBytes) {
          throw new SpecError("SIZE_INVALID", `the blob is larger than ${this.#maxBytes} bytes`, { status: 413 });
        }
        await writeAll(session.file, chunk, session.size);
        session.hash.update(chunk);
        session.size = end;
      }
      if (expected !== null && session.size - start !== expected) {
        throw new SpecError("SIZE_INVALID", "the chunk's length is not the one in Content-Range");
      }
    } catch (error) {
      session.hash = before;
      session.size = start;
      await session.file.truncate(start);
      throw error;
    }
  }

  async #close(session: Session): Promise<void> {
    this.#sessions.delete(session.id);
    await session.file.close().catch(() => {});
    await rm(session.path, { force: true });
  }

  async #expire(): Promise<void> {
    const limit = Date.now() - IDLE_MS;
    const old = [...this.#sessions.values()].filter((session) => !session.busy && session.lastUsed < limit);
    await Promise.all(old.map((session) => this.#close(session)));
  }
}

/** Where an upload goes on. */
export function uploadPath(repository: string, id: string): string {
  return `/v2/${repository}/blobs/uploads/${id}`;
}

/** The Range header for `size` received bytes; the specification has no form for none but "0-0". */
export function rangeHeader(size: number): string {
  return `0-${Math.max(0, size - 1)}`;
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

async function hashFile(path: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

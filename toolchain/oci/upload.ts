import { OciError } from "./errors.js";
import { ConnectionError, isTransient, resolveLocation, retryWait, withRetries, type HttpAnswer } from "./http.js";
import type { Blob } from "./layout.js";
import type { Reference } from "./reference.js";
import { explainAnswer, type Transport } from "./transport.js";

export interface UploadOptions {
  /** Larger blobs go in chunks of so many bytes, else in one piece. Default 16 MiB; the registry may ask for more. */
  readonly chunkBytes?: number;
  /** Repository of the same registry that may have the blob already: no byte is then sent. */
  readonly mountFrom?: string;
  /** Told how many bytes of the blob have arrived. */
  readonly onBytes?: (sent: number) => void;
}

export type UploadResult = "uploaded" | "mounted";

export const DEFAULT_CHUNK_BYTES = 16 * 1024 * 1024;
const OCTETS = { "content-type": "application/octet-stream" };

/** Uploads a blob. A lost session is begun anew; a chunk that was cut goes on where the registry has got to. */
export async function uploadBlob(
  transport: Transport,
  ref: Reference,
  blob: Blob,
  options: UploadOptions = {},
): Promise<UploadResult> {
  const doing = `upload ${blob.digest} to ${ref.host}/${ref.repository}`;
  return transport.explained(doing, async () => {
    let result: UploadResult = "uploaded";
    const attempt = async (): Promise<HttpAnswer> => {
      const begin = transport.url(ref, "blobs", "uploads/");
      if (options.mountFrom !== undefined) {
        begin.searchParams.set("mount", blob.digest);
        begin.searchParams.set("from", options.mountFrom);
      }
      const begun = await transport.withLogin(ref, {
        method: "POST",
        url: begin,
        access: "push",
        body: new Uint8Array(),
      });
      if (begun.status === 201 && options.mountFrom !== undefined) {
        result = "mounted";
        return begun;
      }
      if (begun.status !== 202) return begun;
      const session = resolveLocation(begun.headers.get("location"), begin);
      const least = Number(begun.headers.get("oci-chunk-min-length") ?? 0);
      const chunk = Math.max(options.chunkBytes ?? DEFAULT_CHUNK_BYTES, Number.isSafeInteger(least) ? least : 0, 1);
      const done =
        blob.bytes.length > chunk
          ? await sendChunks(transport, ref, session, blob, chunk, options)
          : await finish(transport, ref, session, blob, blob.bytes);
      // The session went with a restart of the registry, or lies on another of its replicas.
      if (done.status === 404) throw new ConnectionError("UPLOAD_LOST", session, "the upload session is gone");
      if (done.status < 300) options.onBytes?.(blob.bytes.length);
      return done;
    };
    const answer = await withRetries(attempt, transport.retryDelayMs);
    if (answer.status !== 201 && answer.status !== 204) throw explainAnswer(answer, ref, doing);
    return result;
  });
}

function finish(transport: Transport, ref: Reference, session: URL, blob: Blob, body: Uint8Array): Promise<HttpAnswer> {
  const url = new URL(session);
  url.search += `${url.search ? "&" : "?"}digest=${encodeURIComponent(blob.digest)}`;
  return transport.withLogin(ref, { method: "PUT", url, access: "push", headers: OCTETS, body });
}

const CHUNK_ATTEMPTS = 5;

async function sendChunks(
  transport: Transport,
  ref: Reference,
  begun: URL,
  blob: Blob,
  chunkBytes: number,
  options: UploadOptions,
): Promise<HttpAnswer> {
  let session = begun;
  let sent = 0;
  for (let failures = 0; sent < blob.bytes.length;) {
    const end = Math.min(sent + chunkBytes, blob.bytes.length);
    const body = blob.bytes.subarray(sent, end);
    const headers = { ...OCTETS, "content-range": `${sent}-${end - 1}` };
    let answer: HttpAnswer | null = null;
    try {
      answer = await transport.withLogin(ref, { method: "PATCH", url: session, access: "push", headers, body });
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (++failures >= CHUNK_ATTEMPTS) throw error;
    }
    if (answer && (answer.status === 202 || answer.status === 204)) {
      session = answer.headers.get("location") ? resolveLocation(answer.headers.get("location"), session) : session;
      const received = receivedBytes(answer.headers.get("range"), end);
      if (received <= sent || received > end) {
        throw new OciError(
          `${ref.host} says it has ${received} bytes of ${blob.digest} after ${end} were sent; its uploads are broken`,
        );
      }
      sent = received;
      failures = 0;
      options.onBytes?.(sent);
      continue;
    }
    if (answer && !(isTransient(answer.status) || answer.status === 416)) return answer;
    if (answer && ++failures >= CHUNK_ATTEMPTS) return answer;
    await retryWait(answer, failures, transport.retryDelayMs);
    const state = await transport.withLogin(ref, { method: "GET", url: session, access: "push" });
    if (state.status !== 204) throw new ConnectionError("UPLOAD_LOST", session, "the upload session is gone");
    session = state.headers.get("location") ? resolveLocation(state.headers.get("location"), session) : session;
    sent = Math.min(receivedBytes(state.headers.get("range"), sent), blob.bytes.length);
  }
  return finish(transport, ref, session, blob, new Uint8Array());
}

/** `0-99` is 100 bytes. `0-0` is what registries say of none and of one byte: taken as none, the byte is then sent again. */
function receivedBytes(range: string | null, fallback: number): number {
  const match = /^(?:bytes=)?0-(\d+)$/.exec(range ?? "");
  if (!match) return fallback;
  return match[1] === "0" ? 0 : Number(match[1]) + 1;
}

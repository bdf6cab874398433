import { pipeline } from "node:stream/promises";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { isDigest, isRepository } from "../../toolchain/oci/index.js";
import type { Call } from "./call.js";
import { SpecError } from "./errors.js";
import { checkedDigest } from "./route.js";
import type { Store } from "./store.js";
import { rangeHeader, uploadPath, type Uploads } from "./uploads.js";

export async function readBlob(store: Store, repository: string, digest: string, call: Call): Promise<Response> {
  const file = await store.openBlob(repository, digest);
  if (!file) throw new SpecError("BLOB_UNKNOWN", `${repository} has no blob ${digest}`);
  let handedOver = false;
  try {
    const { size } = await file.stat();
    const headers = {
      "content-type": "application/octet-stream",
      "docker-content-digest": digest,
      "accept-ranges": "bytes",
      etag: `"${digest}"`,
    };
    const range = parseRange(call.header("range"), size);
    if (range === "unsatisfiable") {
      throw new SpecError("SIZE_INVALID", "the range lies outside of the blob", {
        status: 416,
        headers: { "content-range": `bytes */${size}` },
      });
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const status = range ? 206 : 200;
    const all = {
      ...headers,
      "content-length": String(end - start + 1),
      ...(range ? { "content-range": `bytes ${start}-${end}/${size}` } : {}),
    };
    if (call.method === "HEAD" || size === 0) return new Response(null, { status, headers: all });
    call.outgoing.writeHead(status, all);
    handedOver = true;
    // A client that goes away ends the pipeline and closes the file; there is nobody left to tell.
    pipeline(file.createReadStream({ start, end }), call.outgoing).catch(() => {});
    return RESPONSE_ALREADY_SENT;
  } finally {
    if (!handedOver) await file.close();
  }
}

/** One `bytes=` range; several, or another unit, are answered with the whole blob as RFC 9110 allows. */
function parseRange(header: string | null, size: number): { start: number; end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return null;
  const last = size - 1;
  if (match[1] === "") {
    const length = Number(match[2]);
    return length === 0 || size === 0 ? "unsatisfiable" : { start: Math.max(0, size - length), end: last };
  }
  const start = Number(match[1]);
  const end = match[2] === "" ? last : Math.min(Number(match[2]), last);
  if (match[2] !== "" && Number(match[2]) < start) return null;
  return start > last ? "unsatisfiable" : { start, end };
}

export async function deleteBlob(store: Store, repository: string, digest: string): Promise<Response> {
  if (!(await store.deleteBlob(repository, digest))) {
    throw new SpecError("BLOB_UNKNOWN", `${repository} has no blob ${digest}`);
  }
  return new Response(null, { status: 202 });
}

/** Begins an upload; with `mount` and `from`, or with `digest`, it may be done at once. */
export async function beginUpload(store: Store, uploads: Uploads, repository: string, call: Call): Promise<Response> {
  const mount = call.query("mount");
  const from = call.query("from");
  if (mount && from && isDigest(mount) && isRepository(from) && (await store.mountBlob(repository, from, mount))) {
    return created(repository, mount);
  }
  const digest = call.query("digest");
  if (digest !== null) checkedDigest(digest);
  const id = await uploads.begin(repository);
  if (digest !== null) {
    await uploads.finish(repository, id, call.incoming, digest, null);
    return created(repository, digest);
  }
  return progress(repository, id, 0, 202);
}

export async function continueUpload(uploads: Uploads, repository: string, id: string, call: Call): Promise<Response> {
  const size = await uploads.append(repository, id, call.incoming, chunkRange(call));
  return progress(repository, id, size, 202);
}

export async function finishUpload(uploads: Uploads, repository: string, id: string, call: Call): Promise<Response> {
  const digest = checkedDigest(call.query("digest") ?? "");
  await uploads.finish(repository, id, call.incoming, digest, chunkRange(call));
  return created(repository, digest);
}

export function uploadStatus(uploads: Uploads, repository: string, id: string): Response {
  return progress(repository, id, uploads.size(repository, id), 204);
}

export async function cancelUpload(uploads: Uploads, repository: string, id: string): Promise<Response> {
  await uploads.cancel(repository, id);
  return new Response(null, { status: 204 });
}

/** Content-Range of a chunk: `<start>-<end>`, some clients put `bytes ` before and `/<size>` behind. */
function chunkRange(call: Call): { start: number; end: number } | null {
  const header = call.header("content-range");
  if (header === null) return null;
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header);
  const range = match && { start: Number(match[1]), end: Number(match[2]) };
  // A PUT without a last chunk may repeat an empty range; an end before the start is how that is written.
  if (!range || range.end < range.start - 1) {
    throw new SpecError("BLOB_UPLOAD_INVALID", "Content-Range must be <first byte>-<last byte>", { status: 416 });
  }
  return range;
}

function progress(repository: string, id: string, size: number, status: number): Response {
  const headers = { location: uploadPath(repository, id), range: rangeHeader(size), "docker-upload-uuid": id };
  return new Response(null, { status, headers: { ...headers, "content-length": "0" } });
}

function created(repository: string, digest: string): Response {
  const headers = { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest };
  return new Response(null, { status: 201, headers: { ...headers, "content-length": "0" } });
}

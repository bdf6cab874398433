import { gunzipSync } from "node:zlib";
import { gzipSync } from "fflate";
import { extract, pack } from "tar-stream";
import { OciError } from "./errors.js";

/** A tar with one regular file whose metadata never varies. */
export async function packOne(name: string, content: Uint8Array): Promise<Uint8Array> {
  const tar = pack();
  const header = { name, mode: 0o644, uid: 0, gid: 0, uname: "", gname: "", mtime: new Date(0), type: "file" as const };
  tar.entry(header, Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** gzip with equal bytes on every machine: zlib builds differ between Node versions, fflate is pinned. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 9, mtime: 0 });
}

/** Throws OciError when the content would be larger than `maxBytes`, whatever the header claims. */
export function gunzip(bytes: Uint8Array, maxBytes: number, what: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new OciError(`${what} unpacks to more than ${maxBytes} bytes; it is not used`, { cause });
    }
    throw new OciError(`${what} is not valid gzip data; publish the image again`, { cause });
  }
}

/** The first regular file in `tar` whose last path part is `baseName`, or null. Nothing is written to disk. */
export async function findInTar(tar: Uint8Array, baseName: string, what: string): Promise<Uint8Array | null> {
  const reader = extract();
  reader.end(Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength));
  try {
    for await (const entry of reader) {
      const { name, type } = entry.header;
      if (type === "file" && name.split("/").at(-1) === baseName) {
        const chunks: Buffer[] = [];
        for await (const chunk of entry) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks);
      }
      entry.resume();
    }
  } catch (cause) {
    throw new OciError(`${what} is not a valid tar archive; publish the image again`, { cause });
  } finally {
    reader.destroy();
  }
  return null;
}

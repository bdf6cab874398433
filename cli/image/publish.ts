/* An image to a registry, with what is attached to it; `publish` and `library publish` share it. */

import { InvalidArgumentError, Option, type Command } from "commander";
import { formatReference, publish, type PublishProgress, type Reference } from "../../toolchain/oci/index.js";
import { step } from "../output.js";
import type { SignOptions } from "./attachments.js";
import { PLAIN_HTTP, registryClient, type RegistryOptions } from "./client.js";
import type { Prepared } from "./prepare.js";

export interface PushOptions extends RegistryOptions, SignOptions {
  readonly immutable?: boolean;
  readonly chunkSize?: number;
  readonly mountFrom?: string;
}

export interface PublishedImage {
  readonly status: "published" | "unchanged";
  /** Pinned to the digest. */
  readonly reference: string;
  readonly digest: string;
  readonly moduleDigest: string;
  readonly signed: boolean;
  /** What the tag named before. */
  readonly previous?: string;
}

export function pushOptions(command: Command): Command {
  return command
    .option("--immutable", "fail when the tag exists with other content")
    .option("--sign-key <key>", "sign with this ECDSA P-256 key: a PEM file, cosign's, or env://NAME")
    .addOption(
      new Option("--keyless", "sign with the identity of the CI job or of SIGSTORE_ID_TOKEN").conflicts("signKey"),
    )
    .option("--chunk-size <bytes>", "upload larger blobs in chunks of so many bytes (default 16 MiB)", size)
    .option("--mount-from <repo>", "repository of the same registry that may have the blobs already")
    .option(...PLAIN_HTTP);
}

/** Reads the key before anything is made or sent: a wrong one must not leave half a publication. */
export async function publishImage(
  ref: Reference,
  options: PushOptions,
  prepare: () => Promise<Prepared>,
): Promise<PublishedImage> {
  // The signing libraries are large, and most commands do without.
  const { attachAll, signingOf } = await import("./attachments.js");
  const signing = await signingOf(options);
  const prepared = await prepare();
  const client = registryClient(options);
  const result = await step(`Publishing ${formatReference(ref)}`, (note) =>
    publish(client, ref, prepared.image, {
      immutable: options.immutable ?? false,
      ...(options.chunkSize === undefined ? {} : { chunkBytes: options.chunkSize }),
      ...(options.mountFrom === undefined ? {} : { mountFrom: options.mountFrom }),
      onProgress: (progress) => note(describe(progress)),
      beforeTag: (pinned) => attachAll(client, pinned, prepared, signing, note),
    }),
  );
  return {
    status: result.status,
    reference: formatReference({ ...ref, digest: result.digest }),
    digest: result.digest,
    moduleDigest: result.moduleDigest,
    signed: signing !== null,
    ...(result.previous ? { previous: result.previous } : {}),
  };
}

export function publishedText({ status, reference, signed }: PublishedImage): string {
  return `${status}  ${reference}${signed ? "  signed" : ""}`;
}

function describe({ blob, state, sent, index, total }: PublishProgress): string {
  const percent = state === "uploading" && sent > 0 ? ` ${Math.floor((sent / blob.size) * 100)} %` : "";
  return `${index}/${total} ${blob.mediaType} ${blob.size} bytes ${state}${percent}`;
}

function size(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("give a whole number of bytes above 0");
  return value;
}

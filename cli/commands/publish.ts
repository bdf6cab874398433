import { InvalidArgumentError, Option, type Command } from "commander";
import { existsSync, statSync } from "node:fs";
import {
  formatReference,
  parseReference,
  publish,
  type PublishProgress,
  withDefaultTag,
} from "../../toolchain/oci/index.js";
import type { SignOptions } from "../image/attachments.js";
import { PLAIN_HTTP, registryClient, type RegistryOptions } from "../image/client.js";
import { prepare, type PrepareOptions } from "../image/prepare.js";
import { CliError, print, printJson, step } from "../output.js";

interface Options extends RegistryOptions, SignOptions, PrepareOptions {
  immutable?: boolean;
  json?: boolean;
  chunkSize?: number;
  mountFrom?: string;
}

export function addPublish(program: Command): void {
  program
    .command("publish")
    .description("push a project, or a module of any SDK, as an OCI image that Istio, Envoy Gateway and Envoy accept")
    .usage("[options] [dir|file.wasm] <ref>")
    .argument("<dir-or-ref>", "a project's folder (default .) or a .wasm file, then host:port/repo/name:tag")
    .argument("[ref]")
    .option("--immutable", "fail when the tag exists with other content")
    .option("--sign-key <key>", "sign with this ECDSA P-256 key: a PEM file, cosign's, or env://NAME")
    .addOption(
      new Option("--keyless", "sign with the identity of the CI job or of SIGSTORE_ID_TOKEN").conflicts("signKey"),
    )
    .option("--schema <file>", "config.schema.json of a .wasm file")
    .option("--readme <file>", "README of a .wasm file")
    .option("--annotation <key=value>", "another annotation of the image; may be repeated", annotation)
    .option("--chunk-size <bytes>", "upload larger blobs in chunks of so many bytes (default 16 MiB)", size)
    .option("--mount-from <repo>", "repository of the same registry that may have the blobs already")
    .option(...PLAIN_HTTP)
    .option("--json", "print reference and digests")
    .action(async (first: string, second: string | undefined, options: Options) => {
      if (second === undefined && first.endsWith(".wasm") && existsSync(first))
        throw new CliError(`${first} is to be published where? give host:port/repo/name:tag behind it`, 2);
      const path = second === undefined ? "." : first;
      const ref = withDefaultTag(parseReference(second ?? first));
      if (path.endsWith(".wasm") && !(existsSync(path) && statSync(path).isFile()))
        throw new CliError(`${path}: there is no such file; give a .wasm file or a project's folder`);
      // The signing libraries are large, and most commands do without.
      const { attachAll, signingOf } = await import("../image/attachments.js");
      const signing = await signingOf(options);
      const name = ref.repository.split("/").at(-1)!;
      const prepared = await prepare(path, name, ref.tag ?? "0.0.0", options);
      const { image } = prepared;
      const client = registryClient(options);
      const result = await step(`Publishing ${formatReference(ref)}`, (note) =>
        publish(client, ref, image, {
          immutable: options.immutable ?? false,
          ...(options.chunkSize === undefined ? {} : { chunkBytes: options.chunkSize }),
          ...(options.mountFrom === undefined ? {} : { mountFrom: options.mountFrom }),
          onProgress: (progress) => note(describe(progress)),
          beforeTag: (pinned) => attachAll(client, pinned, prepared, signing, note),
        }),
      );
      const pinned = formatReference({ ...ref, digest: result.digest });
      if (options.json) {
        printJson({
          status: result.status,
          reference: pinned,
          digest: result.digest,
          moduleDigest: result.moduleDigest,
          signed: signing !== null,
          ...(result.previous ? { previous: result.previous } : {}),
        });
        return;
      }
      print(`${result.status === "unchanged" ? "unchanged" : "published"}  ${pinned}${signing ? "  signed" : ""}`);
      print(`next: meshwasm manifest ${formatReference(ref)} --for istio`);
    });
}

function describe({ blob, state, sent, index, total }: PublishProgress): string {
  const percent = state === "uploading" && sent > 0 ? ` ${Math.floor((sent / blob.size) * 100)} %` : "";
  return `${index}/${total} ${blob.mediaType} ${blob.size} bytes ${state}${percent}`;
}

function annotation(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("give key=value");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

function size(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("give a whole number of bytes above 0");
  return value;
}

import type { Command } from "commander";
import { copyImage, formatReference, parseReference } from "../../toolchain/oci/index.js";
import { PLAIN_HTTP, registryClient, type RegistryOptions } from "../image/client.js";
import { print, printJson, step } from "../output.js";

interface Options extends RegistryOptions {
  immutable?: boolean;
  json?: boolean;
}

export function addCopy(program: Command): void {
  program
    .command("copy")
    .description("copy an image with its signatures, SBOM and provenance; the digest stays the same")
    .argument("<from>", "host:port/repo/name:tag, or …@sha256:…")
    .argument("<to>", "host:port/repo/name[:tag], by default with the same tag")
    .option("--immutable", "fail when the tag exists with other content")
    .option(...PLAIN_HTTP)
    .option("--json", "print reference and digest")
    .action(async (from: string, to: string, options: Options) => {
      const [source, target] = [parseReference(from), parseReference(to)];
      const result = await step(`Copying ${from} to ${to}`, (note) =>
        copyImage(registryClient(options), source, target, { immutable: options.immutable ?? false, onProgress: note }),
      );
      const reference = formatReference(result.reference);
      if (options.json) printJson({ ...result, reference });
      else print(`${result.status}  ${reference}  with ${result.referrers} referrers`);
    });
}

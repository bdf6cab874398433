import type { Command } from "commander";
import { isTag, parseReference } from "../../toolchain/oci/index.js";
import { PLAIN_HTTP, registryClient, type RegistryOptions } from "../image/client.js";
import { CliError, print, printJson } from "../output.js";

// Not versions: where registries without the referrers API, and cosign before 3, keep signatures.
const INTERNAL = /^sha(256|512)-[0-9a-f]+(\.(sig|att|sbom))?$/;

export function addTags(program: Command): void {
  program
    .command("tags")
    .description("list the tags of a repository")
    .argument("<repo>", "host:port/repo/name")
    .option(...PLAIN_HTTP)
    .option("--json", "print a list")
    .action(async (text: string, options: RegistryOptions & { json?: boolean }) => {
      const ref = parseReference(text);
      if (ref.tag !== undefined || ref.digest !== undefined)
        throw new CliError(`${text} names one image; leave the tag out to list all`, 2);
      const tags = (await registryClient(options).listTags(ref)).filter((tag) => isTag(tag) && !INTERNAL.test(tag));
      if (options.json) printJson(tags);
      else for (const tag of tags) print(tag);
    });
}

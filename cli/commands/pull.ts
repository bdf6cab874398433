import type { Command } from "commander";
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatReference, parseReference, pull, RegistryClient, withDefaultTag } from "../../toolchain/oci/index.js";
import { CliError, print, printJson, step } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";

export function addPull(program: Command): void {
  program
    .command("pull")
    .description("fetch a filter's module from a registry; every digest is verified")
    .argument("<ref>", "host:port/repo/name:tag, or …@sha256:…")
    .requiredOption("-o, --output <file>", "where the module goes")
    .option("--plain-http", "no TLS; automatic for loopback only")
    .option("--json", "print digests and size")
    .action(async (text: string, options: { output: string; plainHttp?: boolean; json?: boolean }) => {
      const ref = withDefaultTag(parseReference(text));
      const folder = dirname(options.output);
      if (!existsSync(folder))
        throw new CliError(`--output ${options.output}: the folder ${folder} does not exist; make it first`);
      if (existsSync(options.output) && statSync(options.output).isDirectory())
        throw new CliError(`--output ${options.output}: this is a folder; give a file in it`);
      const client = new RegistryClient({ plainHttp: options.plainHttp ?? false });
      const image = await step(`Pulling ${formatReference(ref)}`, () => pull(client, ref));
      const temporary = join(folder, `.meshwasm-pull-${process.pid}.tmp`);
      await inWholeSteps(() => {
        try {
          writeFileSync(temporary, image.wasm);
          renameSync(temporary, options.output);
        } finally {
          rmSync(temporary, { force: true });
        }
      });
      const facts = {
        digest: image.digest,
        moduleDigest: image.moduleDigest,
        size: image.wasm.length,
        file: options.output,
      };
      if (options.json) printJson(facts);
      else print(`${options.output}  ${facts.size} bytes  from ${formatReference({ ...ref, digest: image.digest })}`);
    });
}

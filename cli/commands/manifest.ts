import { readFileSync } from "node:fs";
import { Option, type Command } from "commander";
import { kyvernoPolicies, meshManifest, TARGETS, type Target } from "../../toolchain/mesh/index.js";
import { meshInput, meshOptions, type MeshOptions } from "../image/mesh-input.js";
import { CliError, print } from "../output.js";

interface Options extends MeshOptions {
  for: Target;
  kyverno?: boolean;
  verifyKey?: string;
}

export function addManifest(program: Command): void {
  const command = program
    .command("manifest")
    .description("print what a mesh needs to run a filter, pinned to its digest")
    .argument("<ref>", "host:port/repo/name:tag, or a project's folder")
    .addOption(new Option("--for <target>", "control plane").choices([...TARGETS]).makeOptionMandatory());
  meshOptions(command)
    .option("--kyverno", "print also Kyverno's policy that admits only signed filters of this repository")
    .option("--verify-key <file>", "public key for --kyverno, PEM")
    .action(async (from: string, options: Options) => {
      if (options.kyverno && options.verifyKey === undefined)
        throw new CliError("--kyverno needs the key that must have signed; add --verify-key cosign.pub", 2);
      const input = await meshInput(options.for, from, options);
      print(meshManifest(input));
      if (options.kyverno) {
        const { host, repository } = input.reference;
        print(`---\n${kyvernoPolicies(`${host}/${repository}`, readKey(options.verifyKey!), options.for)}`);
      }
    });
}

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new CliError(`--verify-key ${file}: there is no such file; give the PEM of the public key`);
  }
}

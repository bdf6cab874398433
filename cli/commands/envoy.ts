import type { Command } from "commander";
import {
  DEFAULT_VERSION,
  findEnvoy,
  installEnvoy,
  listInstalled,
  SUPPORTED_VERSIONS,
} from "../../toolchain/hosts/envoy/index.js";
import { print, printJson, step } from "../output.js";

export function addEnvoy(program: Command): void {
  const envoy = program.command("envoy").description("the Envoy binaries that tests and run use");
  envoy
    .command("install")
    .description("install an Envoy into the cache")
    .argument("[version]", `one of ${SUPPORTED_VERSIONS.join(", ")}`, DEFAULT_VERSION)
    .option("--json", "print version, path and source")
    .action(async (version: string, options: { json?: boolean }) => {
      const present = listInstalled().find((each) => each.version === version.replace(/^v/, ""));
      const found = present
        ? { ...present, source: "cache" }
        : await step(`Installing Envoy ${version}`, (onProgress) => installEnvoy(version, { onProgress }));
      if (options.json) printJson(found);
      else print(found.path);
    });
  envoy
    .command("list")
    .description("list the installed versions")
    .option("--json", "print version and path of each")
    .action((options: { json?: boolean }) => {
      const installed = listInstalled();
      if (options.json) printJson(installed);
      else if (installed.length) for (const { version, path } of installed) print(`${version}  ${path}`);
      else print(`none installed; install one with: meshwasm envoy install ${DEFAULT_VERSION}`);
    });
  envoy
    .command("path")
    .description("print where the Envoy is that would be used; installs it when there is none")
    .argument("[version]", `default ${DEFAULT_VERSION}, or ENVOY_PATH`)
    .option("--json", "print version, path and source")
    .action(async (version: string | undefined, options: { json?: boolean }) => {
      const found = await findEnvoy({
        ...(version ? { version } : {}),
        onProgress: (line) => process.stderr.write(`${line}\n`),
      });
      if (options.json) printJson(found);
      else print(found.path);
    });
}

import type { Command } from "commander";
import { relative } from "node:path";
import { build, formatDiagnostics } from "../../toolchain/build/index.js";
import { note, print, printJson, step } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";

export function addBuild(program: Command): void {
  program
    .command("build")
    .description("compile a filter project to build/filter.wasm and build/manifest.json")
    .argument("[dir]", "the project's folder", ".")
    .option("--json", "print the manifest")
    .action(async (dir: string, options: { json?: boolean }) => {
      const { wasm, manifest, warnings } = await step(`Building ${dir}`, () => inWholeSteps(() => build(dir)));
      if (warnings.length) note(formatDiagnostics(warnings));
      if (options.json) printJson(manifest);
      else print(`${relative(process.cwd(), wasm)}  ${manifest.size} bytes  ${manifest.digest}`);
    });
}

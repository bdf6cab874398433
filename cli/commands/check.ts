import { InvalidArgumentError, type Command } from "commander";
import { existsSync, readFileSync, statSync } from "node:fs";
import { buildIfStale, check, inspect, readProject } from "../../toolchain/build/index.js";
import { CliError, print, printJson, step } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";

export function addCheck(program: Command): void {
  program
    .command("check")
    .description("tell what in a module would hurt Envoy: start section, imports, exports, ABI, memory, size")
    .argument("<file|dir>", "a .wasm file, or a filter project (built when it is stale)")
    .option("--max-bytes <n>", "size budget; for a project default to its filter.yaml", positive)
    .option("--json", "print findings and facts")
    .action(async (target: string, options: { maxBytes?: number; json?: boolean }) => {
      if (!existsSync(target))
        throw new CliError(`${target}: there is no such file or folder; give a .wasm file or a project`);
      const isProject = statSync(target).isDirectory();
      const file = isProject
        ? (await step(`Building ${target}`, () => inWholeSteps(() => buildIfStale(target)))).wasm
        : target;
      const bytes = readFileSync(file);
      const maxBytes = options.maxBytes ?? (isProject ? readProject(target).maxModuleBytes : undefined);
      const findings = check(bytes, maxBytes === undefined ? {} : { maxBytes });
      const readable = findings[0]?.rule !== "format";
      if (options.json) printJson({ ok: findings.length === 0, findings, ...(readable ? inspect(bytes) : {}) });
      if (findings.length) {
        if (!options.json) for (const { rule, message } of findings) print(`${target}: ${rule}: ${message}`);
        const count = findings.length === 1 ? "1 finding" : `${findings.length} findings`;
        throw new CliError(`${target}: ${count}; Envoy must not load this module`);
      }
      if (!options.json) {
        const { size, abi, hostCalls, callbacks, digest } = inspect(bytes);
        print(`${target}: ok, ABI ${abi}, ${size} bytes, ${digest}`);
        print(`  callbacks: ${callbacks.join(", ") || "none"}`);
        print(`  host calls: ${hostCalls.join(", ") || "none"}`);
      }
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("give a whole number of bytes above 0");
  return value;
}

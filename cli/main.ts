import { Command, CommanderError } from "commander";
import { packageVersion } from "../toolchain/build/package-root.js";
import { report } from "./output.js";
import { addBuild } from "./commands/build.js";
import { addCheck } from "./commands/check.js";
import { addConfig } from "./commands/config.js";
import { addCopy } from "./commands/copy.js";
import { addDiff } from "./commands/diff.js";
import { addInspect } from "./commands/inspect.js";
import { addTags } from "./commands/tags.js";
import { addVerify } from "./commands/verify.js";
import { addEnvoy } from "./commands/envoy.js";
import { addInit } from "./commands/init.js";
import { addLibrary } from "./commands/library.js";
import { addLogin, addLogout } from "./commands/login.js";
import { addManifest } from "./commands/manifest.js";
import { addPublish } from "./commands/publish.js";
import { addPull } from "./commands/pull.js";
import { addRegistry } from "./commands/registry.js";
import { addRollout } from "./commands/rollout.js";
import { addRun } from "./commands/run.js";
import { addSymbolicate } from "./commands/symbolicate.js";
import { addTest } from "./commands/test.js";
import { addValidate } from "./commands/validate.js";

/** Runs the command line; the exit code: 0, 1 when it failed, 2 when the command line is wrong, 3 when the answer is no. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command("meshwasm")
    .description("Wasm filters for Envoy, in AssemblyScript: build, test on a real Envoy, publish, reference.")
    .version(packageVersion)
    .configureOutput({ outputError: (text, write) => write(`meshwasm: ${wrongCommandLine(text)}\n`) })
    .exitOverride();
  for (const add of [
    addInit,
    addBuild,
    addCheck,
    addTest,
    addValidate,
    addConfig,
    addRun,
    addSymbolicate,
    addEnvoy,
    addRegistry,
    addLibrary,
    addPublish,
    addPull,
    addCopy,
    addInspect,
    addDiff,
    addTags,
    addVerify,
    addLogin,
    addLogout,
    addManifest,
    addRollout,
  ]) {
    add(program);
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 || error.code === "commander.help" ? 0 : 2;
    return report(error);
  }
}

/** Commander's message, which may have a second line with a guess, as one line. */
function wrongCommandLine(text: string): string {
  const line = text
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .trim();
  return `${line.replace(/\.$/, "")}; meshwasm help shows all commands`;
}

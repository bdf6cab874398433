import type { Command } from "commander";
import { diffConfigs, type ConfigChange } from "../../toolchain/build/index.js";
import { diffImages, printable, type Change } from "../../toolchain/oci/index.js";
import { PLAIN_HTTP, type RegistryOptions } from "../image/client.js";
import { diffModules, type ModuleDiff, type SetChange } from "../image/diff-modules.js";
import { subjectOf, type Subject } from "../image/subject.js";
import { CliError, note, print, printJson } from "../output.js";

/** Of a line that a schema has a part in. */
const MOST_TEXT = 1000;

export function addDiff(program: Command): void {
  program
    .command("diff")
    .description("what changed between two versions of a filter: capabilities, callbacks, size, configuration, image")
    .argument("<from>", "an image, a project's folder, a .wasm file or a config.schema.json")
    .argument("<to>", "the same of the newer one")
    .option(...PLAIN_HTTP)
    .option("--json", "print the differences")
    .action(async (fromName: string, toName: string, options: RegistryOptions & { json?: boolean }) => {
      const [from, to] = [await subjectOf(fromName, options), await subjectOf(toName, options)];
      const image = from.image && to.image ? diffImages(from.image, to.image) : null;
      const module = image?.sameModule ? null : await modules(from, to);
      const problem = from.problem ?? to.problem;
      if (problem !== null) note(`configurations cannot be compared: ${problem}`);
      const config = problem === null ? diffConfigs(from.schema, to.schema) : [];
      const schema = image ? (from.image!.schema === to.image!.schema ? "same" : "different") : undefined;
      if (options.json) {
        const digests = image ? { from: from.image!.digest, to: to.image!.digest } : { from: fromName, to: toName };
        printJson({ ...digests, ...image, module, ...(schema ? { schema } : {}), config });
      } else if (image?.equal) print(`equal  ${from.image!.digest}`);
      else {
        print(image ? `from  ${from.image!.digest}\nto    ${to.image!.digest}` : `from  ${fromName}\nto    ${toName}`);
        if (module) printModule(module);
        else if (image) print("module  the same");
        if (schema === "different") print("config.schema.json  differs");
        for (const change of config)
          print(printable(`config ${change.kind}  ${change.path}: ${change.text}`, MOST_TEXT));
        for (const change of image?.layers ?? []) printChange("layer", change);
        for (const change of image?.annotations ?? []) printChange("annotation", change);
      }
      refuseBreaks(config, toName);
    });
}

/** What was asked is whether the newer one can take the older one's place: exit code 3 says no. */
function refuseBreaks(config: readonly ConfigChange[], to: string): void {
  const breaks = config.filter(({ kind }) => kind === "breaks").length;
  if (breaks) {
    const count = breaks === 1 ? "1 change" : `${breaks} changes`;
    throw new CliError(`${to} refuses configurations that were taken before (${count})`, 3);
  }
}

async function modules(from: Subject, to: Subject): Promise<ModuleDiff | null> {
  const [a, b] = [await from.module(), await to.module()];
  return a && b && Buffer.compare(a, b) !== 0 ? diffModules(a, b) : null;
}

function printModule({ size, abi, capabilities, callbacks }: ModuleDiff): void {
  print(`module  ${size.from} -> ${size.to} bytes`);
  if (abi.from !== abi.to) print(`ABI  ${abi.from} -> ${abi.to}`);
  printSet("capabilities", capabilities);
  printSet("callbacks", callbacks);
}

function printSet(what: string, { added, removed }: SetChange): void {
  for (const name of added) print(`${what}  + ${name}`);
  for (const name of removed) print(`${what}  - ${name}`);
}

function printChange(kind: string, { what, from, to }: Change): void {
  print(`${kind} ${what}  ${from ?? "none"} -> ${to ?? "none"}`);
}

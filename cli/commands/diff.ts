import type { Command } from "commander";
import {
  diffImages,
  formatReference,
  parseReference,
  pull,
  withDefaultTag,
  type Change,
} from "../../toolchain/oci/index.js";
import { PLAIN_HTTP, registryClient, type RegistryOptions } from "../image/client.js";
import { diffModules, type SetChange } from "../image/diff-modules.js";
import { print, printJson, step } from "../output.js";

export function addDiff(program: Command): void {
  program
    .command("diff")
    .description("what changed between two images: capabilities, callbacks, size, layers, annotations")
    .argument("<from>", "host:port/repo/name:tag, or …@sha256:…")
    .argument("<to>", "the same of the newer one")
    .option(...PLAIN_HTTP)
    .option("--json", "print the differences")
    .action(async (fromText: string, toText: string, options: RegistryOptions & { json?: boolean }) => {
      const client = registryClient(options);
      const get = (text: string) => {
        const ref = withDefaultTag(parseReference(text));
        return step(`Reading ${formatReference(ref)}`, () => pull(client, ref));
      };
      const [from, to] = [await get(fromText), await get(toText)];
      const image = diffImages(from, to);
      const module = image.sameModule ? null : diffModules(from.wasm, to.wasm);
      const schema = from.schema === to.schema ? "same" : "different";
      if (options.json) return printJson({ from: from.digest, to: to.digest, ...image, module, schema });
      if (image.equal) return print(`equal  ${from.digest}`);
      print(`from  ${from.digest}\nto    ${to.digest}`);
      if (module) {
        const { size, abi } = module;
        print(`module  ${size.from} -> ${size.to} bytes`);
        if (abi.from !== abi.to) print(`ABI  ${abi.from} -> ${abi.to}`);
        printSet("capabilities", module.capabilities);
        printSet("callbacks", module.callbacks);
      } else print("module  the same");
      if (schema === "different") print("config.schema.json  differs");
      for (const change of image.layers) printChange("layer", change);
      for (const change of image.annotations) printChange("annotation", change);
    });
}

function printSet(what: string, { added, removed }: SetChange): void {
  for (const name of added) print(`${what}  + ${name}`);
  for (const name of removed) print(`${what}  - ${name}`);
}

function printChange(kind: string, { what, from, to }: Change): void {
  print(`${kind} ${what}  ${from ?? "none"} -> ${to ?? "none"}`);
}

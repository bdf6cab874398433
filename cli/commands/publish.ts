import { existsSync, statSync } from "node:fs";
import { InvalidArgumentError, type Command } from "commander";
import { formatReference, parseReference, withDefaultTag } from "../../toolchain/oci/index.js";
import { prepare, type PrepareOptions } from "../image/prepare.js";
import { publishedText, publishImage, pushOptions, type PushOptions } from "../image/publish.js";
import { CliError, print, printJson } from "../output.js";

interface Options extends PushOptions, PrepareOptions {
  json?: boolean;
}

export function addPublish(program: Command): void {
  const command = program
    .command("publish")
    .description("push a project, or a module of any SDK, as an OCI image that Istio, Envoy Gateway and Envoy accept")
    .usage("[options] [dir|file.wasm] <ref>")
    .argument("<dir-or-ref>", "a project's folder (default .) or a .wasm file, then host:port/repo/name:tag")
    .argument("[ref]");
  pushOptions(command)
    .option("--schema <file>", "config.schema.json of a .wasm file")
    .option("--readme <file>", "README of a .wasm file")
    .option("--annotation <key=value>", "another annotation of the image; may be repeated", annotation)
    .option("--json", "print reference and digests")
    .action(async (first: string, second: string | undefined, options: Options) => {
      if (second === undefined && first.endsWith(".wasm") && existsSync(first))
        throw new CliError(`${first} is to be published where? give host:port/repo/name:tag behind it`, 2);
      const path = second === undefined ? "." : first;
      const ref = withDefaultTag(parseReference(second ?? first));
      if (path.endsWith(".wasm") && !(existsSync(path) && statSync(path).isFile()))
        throw new CliError(`${path}: there is no such file; give a .wasm file or a project's folder`);
      const name = ref.repository.split("/").at(-1)!;
      const published = await publishImage(ref, options, () => prepare(path, name, ref.tag ?? "0.0.0", options));
      if (options.json) return printJson(published);
      print(publishedText(published));
      print(`next: meshwasm manifest ${formatReference(ref)} --for istio`);
    });
}

function annotation(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("give key=value");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

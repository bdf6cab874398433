import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { rolloutFiles, type Target } from "../../toolchain/mesh/index.js";
import { load } from "../image/load.js";
import { readForeign } from "../image/subject.js";
import { meshInput, meshOptions, type MeshOptions } from "../image/mesh-input.js";
import { CliError, print } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";

interface Options extends MeshOptions {
  for: Target;
  stages: string[];
  mirror?: Record<string, string>;
  output: string;
}

export function addRollout(program: Command): void {
  const command = program
    .command("rollout")
    .description("write a Kustomize base with one overlay per stage, and the steps from shadow mode to everywhere")
    .argument("<ref>", "host:port/repo/name:tag")
    .addOption(
      new Option("--for <target>", "kind of the objects").choices(["istio", "istio-trafficextension"]).default("istio"),
    )
    .option("--stages <list>", "in order; the first one begins in shadow mode", stages, ["canary", "prod"])
    .option("--mirror <stage=registry>", "registry that a stage pulls from; may be repeated", mirror)
    .option("-o, --output <dir>", "where the files go; new or empty", "rollout");
  meshOptions(command).action(async (from: string, options: Options) => {
    if (existsSync(options.output) && readdirSync(options.output).length)
      throw new CliError(`--output ${options.output}: the folder is not empty; give another one`);
    const input = await meshInput(options.for, from, options);
    const hasMode = await knowsShadow(from, options);
    const files = rolloutFiles({ input, stages: options.stages, mirrors: options.mirror ?? {}, hasMode });
    await inWholeSteps(() => {
      for (const [path, text] of files) {
        const file = join(options.output, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
    });
    for (const path of files.keys()) print(join(options.output, path));
  });
}

/** By its schema: a module that takes any key does not know what it means. */
async function knowsShadow(from: string, options: MeshOptions): Promise<boolean> {
  const { schema } = readForeign((await load(from, options)).schema);
  const mode = schema?.root.properties.find(({ name }) => name === "mode");
  if (mode?.type.kind !== "enum") return false;
  const { values } = mode.type;
  return ["enforce", "shadow", "off"].every((each) => values.includes(each));
}

function stages(text: string): string[] {
  return text.split(",").map((stage) => stage.trim());
}

function mirror(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [stage, registry] = text.split("=");
  if (!stage || !registry) throw new InvalidArgumentError("give stage=registry.example.com");
  return { ...before, [stage]: registry.replace(/^oci:\/\//, "") };
}

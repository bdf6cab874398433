import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import { bundledSchema, readProject, readSchemaText, starterConfig } from "../../toolchain/build/index.js";
import { PLAIN_HTTP, type RegistryOptions } from "../image/client.js";
import { load } from "../image/load.js";
import { CliError, print } from "../output.js";

interface Options extends RegistryOptions {
  output: string;
  force?: boolean;
}

export function addConfig(program: Command): void {
  program
    .command("config")
    .description("write a configuration to begin with, and its schema beside it, for your editor's completion")
    .argument("<dir|ref>", "a project's folder, or an image")
    .option("-o, --output <file>", "where to", "config.yaml")
    .option("--force", "also when there is a file already")
    .option(...PLAIN_HTTP)
    .action(async (target: string, options: Options) => {
      const { output } = options;
      const schemaFile = join(dirname(output), `${basename(output).replace(/\.ya?ml$/, "")}.schema.json`);
      const text = await schemaText(target, options);
      if (text === null)
        throw new CliError(`${target} has no config.schema.json: nothing says what its configuration is`);
      const schema = readSchemaText(text, `${target}: config.schema.json`);
      // A project's own schema may be there, and is as good.
      const isThere = existsSync(schemaFile) && readFileSync(schemaFile, "utf8") === text;
      for (const file of isThere ? [output] : [output, schemaFile]) {
        if (existsSync(file) && !options.force)
          throw new CliError(`${file} is there already; choose another -o, or add --force to write it again`);
      }
      mkdirSync(dirname(output), { recursive: true });
      writeFileSync(schemaFile, text);
      writeFileSync(output, starterConfig(schema, `./${basename(schemaFile)}`));
      print(output);
      print(schemaFile);
    });
}

async function schemaText(target: string, options: RegistryOptions): Promise<string | null> {
  if (existsSync(target) && statSync(target).isDirectory()) {
    const { schemaFile } = readProject(target);
    return schemaFile ? bundledSchema(schemaFile) : null;
  }
  return (await load(target, options)).schema;
}

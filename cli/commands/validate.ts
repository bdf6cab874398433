import type { Command } from "commander";
import { secretVariables } from "../../toolchain/build/index.js";
import { printable } from "../../toolchain/oci/index.js";
import { openConfigFile } from "../config-file.js";
import { refusalOfModule, refusalsOfSchema, refusalText, type Refusal } from "../config-verdict.js";
import { PLAIN_HTTP, type RegistryOptions } from "../image/client.js";
import { subjectOf } from "../image/subject.js";
import { CliError, note, print, printJson } from "../output.js";

/** Of a line that a schema has a part in. */
const MOST_TEXT = 1000;

interface Options extends RegistryOptions {
  config: string;
  json?: boolean;
}

export function addValidate(program: Command): void {
  program
    .command("validate")
    .description("tell whether a filter takes a configuration, and where in the file it does not")
    .argument("<dir|file|ref>", "a project's folder, a .wasm file, a config.schema.json, or an image")
    .requiredOption("--config <file>", "the configuration, JSON or YAML")
    .option(...PLAIN_HTTP)
    .option("--json", "print the verdict")
    .action(async (target: string, options: Options) => {
      const config = openConfigFile(options.config);
      const subject = await subjectOf(target, options);
      const { schema, problem } = subject;
      if (problem !== null) note(`the schema cannot be read, so the module alone is asked: ${problem}`);
      let refusals: Refusal[] = schema ? refusalsOfSchema(schema, config) : [];
      const secrets = schema ? secretVariables(schema, config.bytes) : [];
      if (!refusals.length) {
        // The secrets themselves are not known here; any value shows what the filter makes of the rest.
        const env = Object.fromEntries(secrets.map((name) => [name, "secret"]));
        const wasm = await subject.module();
        const refusal = wasm ? await refusalOfModule(wasm, config, env) : null;
        if (refusal) refusals = [refusal];
      }
      const valid = refusals.length === 0;
      if (options.json) printJson({ file: options.config, valid, errors: refusals, environment: secrets });
      else {
        for (const refusal of refusals) print(printable(refusalText(options.config, refusal), MOST_TEXT));
        if (valid) print(`${options.config}: ok`);
        if (valid && secrets.length) print(`  needs the environment variables ${secrets.join(", ")}`);
      }
      if (!valid) {
        const count = refusals.length === 1 ? "1 reason" : `${refusals.length} reasons`;
        throw new CliError(`${options.config}: ${target} refuses it for ${count}`, 3);
      }
    });
}

import { existsSync, readFileSync, statSync } from "node:fs";
import { parseDocument } from "yaml";
import { CliError } from "./output.js";

/** The bytes that the filter will get: JSON as it stands in the file, YAML turned into JSON text. */
export function readConfigFile(file: string): Uint8Array {
  if (!existsSync(file) || !statSync(file).isFile()) {
    throw new CliError(`--config ${file}: there is no such file; give a JSON or YAML file`);
  }
  const bytes = readFileSync(file);
  if (!/\.ya?ml$/.test(file)) return bytes;
  const document = parseDocument(bytes.toString("utf8"), { uniqueKeys: true, intAsBigInt: false });
  const problem = document.errors[0];
  if (problem) {
    const place = problem.linePos?.[0];
    throw new CliError(`${file}${place ? `:${place.line}:${place.col}` : ""}: ${problem.message.split("\n")[0]}`);
  }
  try {
    return Buffer.from(JSON.stringify(document.toJS() ?? {}));
  } catch (error) {
    // Aliases without an anchor, or too many of them.
    throw new CliError(`${file}: ${(error as Error).message.split("\n")[0]}`);
  }
}

/* One module with a filter for every schema, and the same bytes to it and to the check of the command line. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { build } from "../../toolchain/build/build.js";
import { generateConfig } from "../../toolchain/build/codegen.js";
import { checkConfig } from "../../toolchain/build/config-check.js";
import { readSchemaText } from "../../toolchain/build/schema-read.js";
import type { ConfigSchema } from "../../toolchain/build/schema.js";
import { Host } from "../../toolchain/build/testdata/host.js";
import { makeProject } from "../../toolchain/build/testdata/project.js";
import { Random, sample, type Sample } from "./random.js";
import { SCHEMAS } from "./schemas.js";

export interface Agreement {
  readonly schema: string;
  readonly configs: number;
  /** Of these as JSON text, and as Struct, and of bytes that were damaged. */
  readonly accepted: number;
  readonly refused: number;
  readonly structs: number;
  /** Compared with ajv as well. */
  readonly withAjv: number;
}

const names = Object.keys(SCHEMAS);

/** The verdict of a module and of the check about the same bytes, as text; null for a configuration that is taken. */
export interface Subject {
  readonly schemas: ReadonlyMap<string, ConfigSchema>;
  module(schema: string, bytes: Uint8Array): string | null;
  check(schema: string, bytes: Uint8Array): string | null;
}

export async function subject(): Promise<Subject> {
  const schemas = new Map(names.map((name) => [name, readSchemaText(JSON.stringify(SCHEMAS[name]), name)]));
  const files: Record<string, string> = {};
  let index = 'import { HttpFilter, Plugin, registerHttpFilter } from "meshwasm/sdk";\n';
  for (const [name, schema] of schemas) {
    const type = `${name[0]!.toUpperCase()}${name.slice(1)}`;
    files[`assembly/${name}.ts`] = generateConfig(schema, name);
    index += `import { ${type}Config } from "./${name}";
class ${type}Plugin extends Plugin<${type}Config> {}
class ${type}Filter extends HttpFilter<${type}Plugin> {}
registerHttpFilter<${type}Filter, ${type}Plugin, ${type}Config>("${name}");
`;
  }
  const dir = makeProject({ ...files, "assembly/index.ts": index });
  const { wasm } = await build(dir);
  const bytes = readFileSync(join(wasm));
  let host = new Host(bytes);
  let root = 0;
  return {
    schemas,
    module(schema, config) {
      // A new VM now and then: one that has refused a thousand documents must still be as good.
      if (root > 2000) {
        host = new Host(bytes);
        root = 0;
      }
      host.rootId = schema;
      host.call("proxy_on_context_create", ++root, 0);
      const reason = host.configure(root, config);
      host.takeLogs();
      host.call("proxy_on_delete", root);
      return reason;
    },
    check(schema, config) {
      const [error] = checkConfig(schemas.get(schema)!, config);
      return error ? `${error.path}: ${error.reason}` : null;
    },
  };
}

/** Compares `count` random configurations of each schema. The first difference is thrown. */
export function agree({ schemas, module, check }: Subject, seed: number, count: number): Agreement[] {
  const random = new Random(seed);
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  return names.map((schema) => {
    const validate = ajv.compile(SCHEMAS[schema]!);
    const tally = { accepted: 0, refused: 0, structs: 0, withAjv: 0 };
    for (let i = 0; i < count; i++) {
      const given = sample(schemas.get(schema)!.root, random);
      const [a, b] = [module(schema, given.bytes), check(schema, given.bytes)];
      const fail = (text: string): never => {
        throw new Error(`seed ${seed}, ${schema}, ${given.what}: ${text}\n${shown(given)}\nmodule ${a}\ncheck  ${b}`);
      };
      if (a !== b) fail("the verdicts differ");
      if (given.good && a !== null) fail("a good configuration is refused");
      if (a === null) tally.accepted++;
      else tally.refused++;
      if (given.what.includes("Struct")) tally.structs++;
      const other = given.what.includes("text") ? verdictOfAjv(given, validate) : null;
      // JSON.parse takes the last of two equal keys.
      if (other !== null && !own(a) && !given.twice) {
        if (other !== (a === null)) fail(`ajv says ${other}`);
        tally.withAjv++;
      }
    }
    return { schema, configs: count, ...tally };
  });
}

/** Reasons that JSON Schema does not know: formats, lone surrogates, limits of integers and of doubles. */
function own(reason: string | null): boolean {
  return (
    reason !== null &&
    /: (is no |is not valid JSON: bad escape|must be an integer of 64 bits|must be an integer within|must be a number that)/.test(
      reason,
    )
  );
}

function verdictOfAjv({ bytes }: Sample, validate: (value: unknown) => boolean): boolean | null {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return validate(JSON.parse(text));
}

function shown({ bytes, what }: Sample): string {
  return what.includes("text") ? new TextDecoder().decode(bytes) : Buffer.from(bytes).toString("hex");
}

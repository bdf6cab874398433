import { readFileSync } from "node:fs";
import { build } from "../../toolchain/build/index.js";
import { makeProject, OPTIMISED } from "../../toolchain/build/testdata/project.js";
import { agree, subject } from "../config/agree.js";
import type { Section } from "./main.js";

/** Configurations of each schema. */
const CONFIGS = 1000;

const string = { type: "string" };
const closed = (properties: object, required: string[] = []) => ({
  ...{ type: "object", additionalProperties: false, properties },
  required,
});
const format = (name: string) => ({ type: "string", format: name });

/** A property of each kind, beside a string. */
const FEATURES: readonly (readonly [string, object, string])[] = [
  ["another string", string, ""],
  ["length of a string", { ...string, minLength: 1, maxLength: 9 }, ""],
  ["const", { const: "v1" }, ""],
  ["enum of three strings", { enum: ["enforce", "shadow", "off"] }, "c.p == 1"],
  ["boolean", { type: "boolean" }, "c.p"],
  ["integer", { type: "integer" }, "c.p == 1"],
  ["integer with a range", { type: "integer", minimum: 1, maximum: 9 }, "c.p == 1"],
  ["number", { type: "number" }, "c.p == 1"],
  ["object of one string", closed({ q: string }), ""],
  ["required object of one string", closed({ q: string }, ["q"]), ""],
  ["array of strings", { type: "array", items: string }, ""],
  ["array of objects of one string", { type: "array", items: closed({ q: string }) }, ""],
  ["map of strings", { type: "object", additionalProperties: string }, ""],
  ["oneOf by type", { oneOf: [string, { type: "boolean" }] }, ""],
  [
    "oneOf by constant",
    {
      oneOf: [closed({ t: { const: "a" }, q: string }, ["t"]), closed({ t: { const: "b" }, r: string }, ["t"])],
    },
    "",
  ],
  ["oneOf by key", { oneOf: [closed({ q: string }, ["q"]), closed({ r: string }, ["r"])] }, ""],
  ...["duration", "int64", "header-name", "secret-env", "uri", "cidr", "regex"].map(
    (name): [string, object, string] => [`format ${name}`, format(name), ""],
  ),
];

async function sizeOf(properties: object, use: string): Promise<number> {
  const schema = closed({ greeting: string, ...properties });
  const index = `import { HeadersAction, HttpFilter, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { SampleConfig } from "./config";
class P extends Plugin<SampleConfig> {}
class F extends HttpFilter<P> {
  onResponseHeaders(endOfStream: bool): HeadersAction {
    const c = this.plugin.config;
    ${use ? `if (${use}) return HeadersAction.Continue;` : ""}
    this.response.headers.set("x-hello", c.greeting);
    return HeadersAction.Continue;
  }
}
registerHttpFilter<F, P, SampleConfig>();
`;
  const files = { ...OPTIMISED, "config.schema.json": JSON.stringify(schema), "assembly/index.ts": index };
  return readFileSync((await build(makeProject(files))).wasm).length;
}

/** The command line and the module about the same bytes, and what each feature of a schema costs in a module. */
export const config: Section = {
  name: "config",
  title: "Configuration",
  async run() {
    const seed = 1 + Math.floor(Math.random() * 999_999_999);
    process.stdout.write(`seed ${seed}\n`);
    const results = agree(await subject(), seed, CONFIGS);
    const sum = (key: "configs" | "accepted" | "refused" | "structs" | "withAjv"): string =>
      results.reduce((all, each) => all + each[key], 0).toLocaleString("en-US");
    const rows = results.map(
      (each) =>
        `| ${each.schema} | ${each.configs} | ${each.accepted} | ${each.refused} | ${each.structs} | ${each.withAjv} |`,
    );
    const base = await sizeOf({}, "");
    const sizes: string[] = [];
    for (const [name, property, use] of FEATURES) {
      const one = (await sizeOf({ p: property }, use)) - base;
      const two =
        (await sizeOf({ p: property, q: property }, use && `${use} && ${use.replaceAll("c.p", "c.q")}`)) - base;
      process.stdout.write(`${name}: ${one}, ${two - one}\n`);
      sizes.push(`| ${name} | ${one.toLocaleString("en-US")} | ${(two - one).toLocaleString("en-US")} |`);
    }
    return `Seed ${seed}. Configurations that are good, that have something changed (keys left out, added, misspelt, doubled; values of
another type, range or format), and bytes that are damaged, as JSON text and as binary Struct, to the generated decoder in a
module and to the check of the command line. Both gave the same verdict, path and reason for every one. Where JSON Schema's
meaning is the same (formats, duplicates and the limits of numbers apart), ajv's verdict is the same too. One difference ends
the run.

| schema | configurations | taken | refused | as Struct | compared with ajv |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
| ${results.length} schemas | ${sum("configs")} | ${sum("accepted")} | ${sum("refused")} | ${sum("structs")} | ${sum("withAjv")} |

What a property adds to a module that has a configuration with one string (${base.toLocaleString("en-US")} bytes), and what a
second one of the same kind adds to that, in bytes:

| property | the first | the second |
| --- | --- | --- |
${sizes.join("\n")}
`;
  },
};

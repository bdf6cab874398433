import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSchemaText } from "../toolchain/build/index.js";
import { openConfigFile } from "./config-file.js";
import { refusalsOfSchema } from "./config-verdict.js";

const dir = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const closed = (properties: object, required: string[] = []) => ({
  ...{ type: "object", additionalProperties: false, properties },
  required,
});
const rule = closed(
  { name: { type: "string" }, ports: { type: "object", additionalProperties: { type: "integer" } } },
  ["name"],
);
const schema = readSchemaText(
  JSON.stringify(
    closed({ rules: { type: "array", items: rule }, "odd key": { type: "boolean" }, maxBytes: { type: "integer" } }),
  ),
  "schema",
);

/** Refusals of a file as `line:column path: reason [guess]`. */
function refusals(name: string, text: string | Uint8Array): string[] {
  const file = join(dir, name);
  writeFileSync(file, text);
  return refusalsOfSchema(schema, openConfigFile(file)).map(
    ({ line, column, path, reason, suggestion }) =>
      `${line}:${column} ${path}: ${reason}${suggestion ? ` [${suggestion}]` : ""}`,
  );
}

test("YAML: values, keys, flow style, anchors and keys that are numbers are found where they stand", () => {
  assert.deepEqual(
    refusals(
      "a.yaml",
      `# a comment
max_bytes: 1
odd key: maybe
rules:
  - &first { name: 3, ports: { 80: x, 443: 1 } }
  - *first
  - ports:
      80: 1.5
  - name: ü
    prots: {}
`,
    ),
    [
      '2:1 $: unknown key "max_bytes" [maxBytes]',
      '3:10 $["odd key"]: must be true or false',
      "5:20 $.rules[0].name: must be a string",
      '5:36 $.rules[0].ports["80"]: must be an integer',
      "5:20 $.rules[1].name: must be a string",
      '5:36 $.rules[1].ports["80"]: must be an integer',
      '8:11 $.rules[2].ports["80"]: must be an integer',
      '7:5 $.rules[2]: required key "name" is missing',
      '10:5 $.rules[3]: unknown key "prots" [ports]',
    ],
  );
  assert.deepEqual(refusals("b.yaml", "maxBytes: 9007199254740993\n"), [
    "1:11 $.maxBytes: must be an integer within ±9007199254740991",
  ]);
  assert.deepEqual(refusals("c.yaml", ""), []);
  assert.deepEqual(refusals("d.yaml", "[]"), ["1:1 $: must be an object"]);
});

test("JSON: columns count characters, and what is malformed ends the list", () => {
  assert.deepEqual(refusals("a.json", '{ "odd key":\n  "ü\u{1f600}", "rules": [{"name": 1}, {"nmae": ""}] }'), [
    '2:3 $["odd key"]: must be true or false',
    "2:28 $.rules[0].name: must be a string",
    '2:33 $.rules[1]: unknown key "nmae" [name]',
    '2:32 $.rules[1]: required key "name" is missing',
  ]);
  assert.deepEqual(refusals("b.json", '{"maxBytes":"x",\n"rules":[{"name":"a"},]}'), [
    "1:13 $.maxBytes: must be an integer",
    "2:23 $.rules: is not valid JSON: trailing comma",
  ]);
  assert.deepEqual(refusals("c.json", '{"maxBytes":1,"maxBytes":"x"}'), ['1:15 $: duplicate key "maxBytes"']);
  assert.deepEqual(refusals("f.json", '{ "a\\\\\\"b" : {"x":[1, {}]} }'), ['1:3 $: unknown key "a\\"b"']);
});

test("a binary Struct has no lines", () => {
  const struct = Buffer.concat([Buffer.from([0x0a, 14, 0x0a, 1, 0x78, 0x12, 9, 0x11]), Buffer.alloc(8)]);
  assert.deepEqual(refusals("d.json", struct), ['null:null $: unknown key "x"']);
});

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { BuildError } from "./errors.js";
import { bundledSchema } from "./schema-bundle.js";
import { readSchema, readSchemaText } from "./schema-read.js";
import type { ConfigSchema, EnumType, ObjectType, UnionType } from "./schema.js";
import { makeProject } from "./testdata/project.js";

const file = join(makeProject(), "config.schema.json");

function readText(text: string): ConfigSchema {
  writeFileSync(file, text);
  return readSchema(file);
}
function read(schema: unknown): ObjectType {
  return readText(JSON.stringify(schema)).root;
}
function closed(properties: unknown, more: object = {}): object {
  return { type: "object", additionalProperties: false, properties, ...more };
}
function refused(schema: unknown, message: string): void {
  assert.throws(
    () => readText(typeof schema === "string" ? schema : JSON.stringify(schema)),
    (error) => {
      assert.ok(error instanceof BuildError, String(error));
      assert.equal(error.message, `config.schema.json ${message}`);
      return true;
    },
  );
}
const string = { type: "string" };

test("types, bounds, defaults and descriptions are read", () => {
  const root = read({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    ...{ $id: "x", $comment: "y", title: "z", examples: [{ s: "x" }] },
    ...closed(
      {
        s: { type: "string", default: "", description: "the s", minLength: 0, maxLength: 3 },
        e: { enum: ["a", "b"], default: "b" },
        i: { type: "integer", default: -5, minimum: -5, exclusiveMaximum: 9 },
        n: { type: "number", default: 0.5 },
        c: { const: 3 },
        m: { type: "object", additionalProperties: { type: "string", format: "cidr" }, maxProperties: 2 },
        l: { type: "array", items: closed({}), maxItems: 1, default: [] },
        "a/b~c": closed({ inner: string }, { required: ["inner"], description: "nested" }),
      },
      { required: ["s"], description: "all of it" },
    ),
  });
  const named = { file: null, description: null };
  const range = { minimum: null, maximum: null, exclusiveMinimum: null, exclusiveMaximum: null, values: null };
  const text = { kind: "string", format: null, minLength: null, maxLength: null, const: null };
  const plain = { required: false, default: undefined, description: null };
  assert.deepEqual([root.pointer, root.description], ["#", "all of it"]);
  assert.deepEqual(root.properties, [
    { name: "s", type: { ...text, minLength: 0, maxLength: 3 }, required: true, default: "", description: "the s" },
    {
      name: "e",
      type: { kind: "enum", pointer: "#/properties/e", ...named, values: ["a", "b"] },
      ...plain,
      default: "b",
    },
    { name: "i", type: { kind: "integer", ...range, minimum: -5, exclusiveMaximum: 9 }, ...plain, default: -5 },
    { name: "n", type: { kind: "number", ...range }, ...plain, default: 0.5 },
    { name: "c", type: { kind: "integer", ...range, values: [3] }, ...plain },
    {
      name: "m",
      type: { kind: "map", values: { ...text, format: "cidr" }, minProperties: null, maxProperties: 2 },
      ...plain,
    },
    {
      name: "l",
      type: {
        kind: "array",
        items: { kind: "object", pointer: "#/properties/l/items", ...named, properties: [] },
        ...{ minItems: null, maxItems: 1 },
      },
      ...plain,
      default: [],
    },
    {
      name: "a/b~c",
      type: {
        kind: "object",
        ...{ pointer: "#/properties/a~1b~0c", file: null, description: "nested" },
        properties: [{ name: "inner", type: text, ...plain, required: true }],
      },
      ...plain,
      description: "nested",
    },
  ]);
});

test("a reference is the type that it leads to, also to itself", () => {
  const root = read(
    closed(
      {
        a: { $ref: "#/$defs/A", description: "mine" },
        all: { type: "array", items: { $ref: "#" } },
      },
      { $defs: { A: closed({ next: { $ref: "#/$defs/A" }, b: { $ref: "#/$defs/B", default: "x" } }), B: string } },
    ),
  );
  const [a, all] = root.properties;
  const type = a!.type as ObjectType;
  assert.equal(a!.description, "mine");
  assert.equal(type.pointer, "#/$defs/A");
  assert.equal(type.properties[0]!.type, type);
  assert.equal(type.properties[1]!.default, "x");
  assert.equal((all!.type as { items: unknown }).items, root);
  refused(closed({ a: { $ref: "#/$defs/A" } }), "#/properties/a/$ref: there is no #/$defs/A");
  refused(
    closed({ a: { $ref: "#/properties/a" } }),
    '#/properties/a/$ref: must be "#", or "#/$defs/NAME" or a property of it, of this file or of another: "FILE#…"',
  );
  refused(
    closed({ a: { $ref: "https://x/y#/$defs/A" } }),
    "#/properties/a/$ref: only files beside the schema can be referred to",
  );
  refused(
    closed({}, { $defs: { A: { type: "array", items: { $ref: "#/$defs/A" } } } }),
    "#/$defs/A: leads to itself without an object or a oneOf in between",
  );
  refused(closed({}, { $defs: { A: { type: "null" } } }), `#/$defs/A/type: must be one of ${TYPES}`);
});

test("a reference leads to a property of a definition, too", () => {
  const dir = makeProject();
  const schema = join(dir, "config.schema.json");
  const shared = {
    $defs: {
      All: closed({ mode: { $ref: "#/$defs/Mode", description: "theirs" }, name: string }),
      Mode: { enum: ["a", "b"] },
    },
  };
  writeFileSync(join(dir, "shared.json"), JSON.stringify(shared));
  const mode = { $ref: "./shared.json#/$defs/All/properties/mode", default: "a", description: "mine" };
  const text = JSON.stringify(closed({ mode, name: { $ref: "./shared.json#/$defs/All/properties/name" } }));
  writeFileSync(schema, text);
  const [first, second] = readSchema(schema).root.properties;
  const type = first!.type as EnumType;
  assert.deepEqual(
    [type.pointer, first!.default, first!.description, second!.type.kind],
    ["#/$defs/Mode", "a", "mine", "string"],
  );
  // What an editor is given stands alone.
  const bundled = JSON.parse(bundledSchema(schema)) as { properties: unknown; $defs: Record<string, unknown> };
  assert.deepEqual(bundled.properties, { mode: { ...mode, $ref: "#/$defs/mode" }, name: { $ref: "#/$defs/name" } });
  assert.deepEqual(bundled.$defs["mode"], { $ref: "#/$defs/Mode", description: "theirs" });
  for (const wrong of ["All/properties/none", "Mode/properties/a", "All/required/0"])
    assert.throws(() => {
      writeFileSync(schema, JSON.stringify(closed({ a: { $ref: `./shared.json#/$defs/${wrong}` } })));
      readSchema(schema);
    }, /#\/properties\/a\/\$ref: (there is no|must be)/);
});

test("a reference into another file is read there", () => {
  const dir = makeProject();
  const schema = join(dir, "filter/config.schema.json");
  mkdirSync(dirname(schema));
  writeFileSync(
    join(dir, "shared.json"),
    JSON.stringify({ $defs: { A: closed({ b: { $ref: "#/$defs/B" } }), B: string } }),
  );
  writeFileSync(schema, JSON.stringify(closed({ a: { $ref: "../shared.json#/$defs/A" } })));
  const a = readSchema(schema).root.properties[0]!.type as ObjectType;
  assert.deepEqual([a.file, a.pointer, a.properties[0]!.name], [join(dir, "shared.json"), "#/$defs/A", "b"]);
  const text = JSON.stringify(closed({ a: { $ref: "../shared.json#/$defs/A" } }));
  assert.throws(() => readSchemaText(text, "image"), /^BuildError: image #\/properties\/a\/\$ref: only files/);
});

test("the branches of a oneOf are told apart by type, constant or key, or it is refused", () => {
  const union = (...oneOf: unknown[]): unknown => closed({ u: { oneOf } });
  const branches = (schema: unknown): unknown => {
    const { tag, branches } = read(schema).properties[0]!.type as UnionType;
    return [tag, branches.map(({ name, key }) => [name, key])];
  };
  assert.deepEqual(branches(union(string, { type: "number" }, closed({}))), [
    null,
    [
      ["text", null],
      ["number", null],
      ["object", null],
    ],
  ]);
  const tagged = (value: string) => closed({ t: { const: value }, v: string }, { required: ["t"] });
  assert.deepEqual(branches(union(tagged("a"), tagged("b"), string)), [
    "t",
    [
      ["a", "a"],
      ["b", "b"],
      ["text", null],
    ],
  ]);
  const keyed = (key: string) => closed({ [key]: string, v: string }, { required: [key] });
  assert.deepEqual(branches(union(keyed("a"), keyed("b"))), [
    null,
    [
      ["a", "a"],
      ["b", "b"],
    ],
  ]);
  const apart =
    'objects of a oneOf must be told apart by a required property with a "const" of its own in each of them, or by a ' +
    "required property that no other has";
  const at = "#/properties/u/oneOf:";
  refused(union(tagged("a"), tagged("a")), `${at} ${apart}`);
  refused(union(closed({ a: string }), closed({ b: string })), `${at} ${apart}`);
  refused(union(keyed("a"), { type: "object", additionalProperties: string }), `${at} ${apart}`);
  refused(union(string, { enum: ["x"] }), `${at} has two branches of the type string, which cannot be told apart`);
  refused(union(string), `${at} must be a list of two schemas or more`);
  refused(
    union({ oneOf: [string, { type: "boolean" }] }, { type: "number" }),
    `${at} a oneOf cannot be a branch of another one; write all branches into one list`,
  );
});

test("a file that is no JSON, or no schema of an object", () => {
  for (const text of ["", "{", "\ufeff{}", "// no"]) {
    assert.throws(() => readText(text), /^BuildError: config\.schema\.json is not valid JSON: [^\n]+$/);
  }
  for (const json of [null, [], 3, "x", true, false]) refused(JSON.stringify(json), "#: must be a schema object");
  for (const type of ["string", "integer", "boolean"]) refused({ type }, '#: type must be "object", with properties');
  refused({ type: "array", items: string }, '#: type must be "object", with properties');
  refused({ type: "object", additionalProperties: string }, '#: type must be "object", with properties');
});

const TYPES = '"object", "array", "string", "integer", "number", "boolean"';

test("types outside the subset", () => {
  refused({}, `#/type: must be one of ${TYPES}`);
  for (const type of ["null", "any", ["string", "null"], null, 3, "__proto__"]) {
    refused(closed({ a: { type } }), `#/properties/a/type: must be one of ${TYPES}`);
  }
  refused(closed({ a: { enum: [null] } }), `#/properties/a/type: must be one of ${TYPES}`);
  refused(closed({ a: true }), "#/properties/a: must be a schema object");
  let deep: object = string;
  for (let i = 0; i < 70; i++) deep = { type: "array", items: deep };
  refused(closed({ a: deep }), `#/properties/a${"/items".repeat(64)}: is nested too deep`);
});

test("keywords that would not be enforced", () => {
  const rules: readonly [object, string[], string][] = [
    [
      { type: "string" },
      ["pattern", "contentEncoding", "x-vendor", "nullable"],
      "default, format, minLength, maxLength, enum, const",
    ],
    [{ type: "string", format: "regex" }, ["minLength", "enum"], "default, format"],
    [{ type: "integer" }, ["multipleOf"], "default, minimum, maximum, exclusiveMinimum, exclusiveMaximum"],
    [{ type: "integer", enum: [1] }, ["minimum"], "default, enum"],
    [{ type: "number" }, ["multipleOf"], "default, minimum, maximum, exclusiveMinimum, exclusiveMaximum"],
    [{ type: "boolean" }, ["enum"], "default, const"],
    [
      { type: "array", items: string },
      ["uniqueItems", "prefixItems", "contains"],
      "items, minItems, maxItems, default",
    ],
    [
      { type: "object", additionalProperties: string },
      ["properties", "propertyNames"],
      "additionalProperties, minProperties, maxProperties, default",
    ],
  ];
  for (const [schema, keywords, supported] of rules) {
    for (const keyword of keywords) {
      const value = keyword === "enum" && !("format" in schema) ? [true] : 1;
      if (keyword === "enum" && "format" in schema) continue;
      refused(
        closed({ a: { ...schema, [keyword]: value } }),
        `#/properties/a/${keyword}: "${keyword}" is not supported here; supported are: type, ${supported}`,
      );
    }
  }
  for (const keyword of ["patternProperties", "minProperties", "allOf", "if", "dependentRequired", "anyOf", "not"]) {
    refused(
      closed({}, { [keyword]: {} }),
      `#/${keyword}: "${keyword}" is not supported here; supported are: type, properties, required, additionalProperties, default, $defs`,
    );
  }
  refused(
    closed({ a: { $ref: "#", type: "object" } }),
    '#/properties/a/type: "type" is not supported here; supported are: $ref, default',
  );
  refused(
    closed({ a: closed({}, { $defs: {} }) }),
    '#/properties/a/$defs: "$defs" is not supported here; supported are: type, properties, required, additionalProperties, default',
  );
  refused(
    closed({ a: { type: "array", items: { type: "string", "a/b~c": 1 } } }),
    '#/properties/a/items/a~1b~0c: "a/b~c" is not supported here; supported are: type, default, format, minLength, maxLength, enum, const',
  );
  refused(
    closed({ a: { type: "string", format: "email" } }),
    "#/properties/a/format: must be one of duration, cidr, regex, uri, header-name, int64, secret-env",
  );
});

test("bounds, lists and constants that are none", () => {
  const bad = (schema: object, message: string): void => refused(closed({ a: schema }), `#/properties/a/${message}`);
  for (const minLength of [-1, 1.5, "1", 2 ** 31]) bad({ type: "string", minLength }, "minLength: must be a count");
  bad({ type: "string", minLength: 2, maxLength: 1 }, "maxLength: is below minLength");
  bad({ type: "array", items: string, minItems: 2, maxItems: 1 }, "maxItems: is below minItems");
  bad({ type: "integer", minimum: 1.5 }, "minimum: must be an integer within ±9007199254740991");
  bad({ type: "number", minimum: "1" }, "minimum: must be a number");
  bad({ type: "number", minimum: 2, maximum: 1 }, "maximum: is below the minimum");
  bad({ type: "string", enum: [] }, "enum: must be a list of strings");
  bad({ enum: ["a", 1] }, "enum: must be a list of strings");
  bad({ enum: ["a", "a"] }, "enum: has a value twice");
  bad({ type: "string", const: 1 }, "const: must be a string");
  bad({ type: "boolean", const: 1 }, "const: must be true or false");
  bad({ type: "integer", enum: [1, 1.5] }, "enum: must be integers within ±9007199254740991");
});

test("objects have to be closed, at every depth", () => {
  const message = 'an object must be closed: add "additionalProperties": false, so that a misspelt key is refused';
  refused({ type: "object" }, `#: ${message}`);
  refused({ type: "object", additionalProperties: true }, `#: ${message}`);
  refused(closed({ a: { type: "object" } }), `#/properties/a: ${message}`);
  refused(closed({ a: { type: "array", items: { type: "object" } } }), `#/properties/a/items: ${message}`);
});

test("properties, required and items that are none", () => {
  for (const properties of [[], 3, "x"]) refused(closed(properties), "#/properties: must be an object");
  for (const required of ["a", {}, [3], [null]]) {
    refused(closed({ a: string }, { required }), "#/required: must be a list of property names");
  }
  for (const name of ["b", "toString", "__proto__"])
    refused(closed({ a: string }, { required: ["a", name] }), `#/required: "${name}" is not among the properties`);
  refused(closed({ a: { type: "array" } }), "#/properties/a/items: must be a schema object");
});

test("an example is a configuration that is taken", () => {
  assert.deepEqual(readText(JSON.stringify(closed({ a: string }, { examples: [{ a: "x" }, {}] }))).example, { a: "x" });
  refused(closed({ a: string }, { examples: [{}, { a: 1 }] }), "#/examples/1: $.a: must be a string");
  refused(closed({}, { examples: {} }), "#/examples: must be a list");
});

test("a default is a value that its schema allows", () => {
  const bad = (schema: object, message: string): void =>
    refused(closed({ "a b": schema }), `#/properties/a b/default: ${message}`);
  bad({ type: "string", default: 3 }, "must be a string");
  bad({ type: "string", default: null }, "must be a string");
  bad({ type: "boolean", default: "x" }, "must be true or false");
  bad({ type: "integer", default: 1.5 }, "must be an integer");
  bad({ type: "integer", default: 0, minimum: 1 }, "must be at least 1");
  bad({ enum: ["a", "b"], default: "c" }, 'must be one of "a", "b"');
  bad({ type: "string", minLength: 2, default: "x" }, "must have at least 2 characters");
  bad(
    { type: "string", format: "duration", default: "5" },
    "is no duration: needs one of the units ns, us, ms, s, m, h",
  );
  bad({ type: "array", items: string, minItems: 1, default: [] }, "must have at least 1 item");
  bad(
    { type: "array", items: closed({}), default: [{}] },
    "may be a string, a number, true, false, a list of these, or {}",
  );
  bad({ ...closed({ x: string }, { required: ["x"] }), default: {} }, 'required key "x" is missing');
  const text = (value: string) =>
    `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"integer","default":${value}}}}`;
  refused(text("9007199254740992"), "#/properties/a/default: must be an integer within ±9007199254740991");
  assert.equal(readText(text("-9007199254740991")).root.properties[0]!.default, -9007199254740991);
});

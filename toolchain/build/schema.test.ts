import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BuildError } from "./errors.js";
import { readSchema, type ObjectType } from "./schema.js";
import { makeProject } from "./testdata/project.js";

const file = join(makeProject(), "config.schema.json");

function readText(text: string): ObjectType {
  writeFileSync(file, text);
  return readSchema(file);
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

test("all that the subset has is read", () => {
  const schema = readText(
    JSON.stringify({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "x",
      $comment: "y",
      title: "z",
      examples: [{}],
      ...closed(
        {
          s: { type: "string", default: "", description: "the s" },
          i: { type: "integer", default: -5 },
          b: { type: "boolean", default: false },
          l: { type: "array", items: { type: "array", items: closed({}) } },
          "a/b~c": closed({ inner: { type: "string" } }, { required: ["inner"], description: "nested" }),
        },
        { required: ["s", "l"], description: "all of it" },
      ),
    }),
  );
  const plain = { required: false, default: null, description: null };
  assert.deepEqual(schema, {
    kind: "object",
    pointer: "#",
    description: "all of it",
    properties: [
      { name: "s", type: { kind: "string" }, required: true, default: "", description: "the s" },
      { name: "i", type: { kind: "integer" }, ...plain, default: -5 },
      { name: "b", type: { kind: "boolean" }, ...plain, default: false },
      {
        name: "l",
        type: {
          kind: "array",
          items: {
            kind: "array",
            items: { kind: "object", pointer: "#/properties/l/items/items", description: null, properties: [] },
          },
        },
        ...plain,
        required: true,
      },
      {
        name: "a/b~c",
        type: {
          kind: "object",
          pointer: "#/properties/a~1b~0c",
          description: "nested",
          properties: [{ name: "inner", type: { kind: "string" }, ...plain, required: true }],
        },
        ...plain,
        description: "nested",
      },
    ],
  });
  assert.deepEqual(readText('{"type":"object","additionalProperties":false}').properties, []);
});

test("a file that is no JSON, or no schema of an object", () => {
  for (const text of ["", "{", "\ufeff{}", "// no"]) {
    assert.throws(() => readText(text), /^BuildError: config\.schema\.json is not valid JSON: [^\n]+$/);
  }
  for (const json of [null, [], 3, "x", true, false]) refused(JSON.stringify(json), "#: must be a schema object");
  for (const type of ["string", "integer", "boolean"]) refused({ type }, '#: type must be "object"');
  refused({ type: "array", items: { type: "string" } }, '#: type must be "object"');
});

test("types outside the subset", () => {
  const types = '"object", "array", "string", "integer", "boolean"';
  refused({}, `#/type: must be one of ${types}`);
  for (const type of ["number", "null", "any", ["string", "null"], null, 3, "__proto__"]) {
    refused(closed({ a: { type } }), `#/properties/a/type: must be one of ${types}`);
  }
  refused(closed({ a: { enum: ["x"] } }), `#/properties/a/type: must be one of ${types}`);
  refused(closed({ a: { $ref: "#" } }), `#/properties/a/type: must be one of ${types}`);
  refused(closed({ a: true }), "#/properties/a: must be a schema object");
});

test("keywords that would not be enforced", () => {
  const rules: Record<string, string[]> = {
    string: ["enum", "const", "pattern", "format", "minLength", "maxLength", "contentEncoding", "x-vendor", "nullable"],
    integer: ["enum", "minimum", "maximum", "exclusiveMinimum", "multipleOf"],
    boolean: ["const", "enum"],
  };
  for (const [type, keywords] of Object.entries(rules)) {
    for (const keyword of keywords) {
      refused(
        closed({ a: { type, [keyword]: 1 } }),
        `#/properties/a/${keyword}: "${keyword}" is not supported here; supported are: type, default`,
      );
    }
  }
  for (const keyword of ["minItems", "maxItems", "uniqueItems", "prefixItems", "contains", "default"]) {
    refused(
      closed({ a: { type: "array", items: { type: "string" }, [keyword]: 1 } }),
      `#/properties/a/${keyword}: "${keyword}" is not supported here; supported are: type, items`,
    );
  }
  const keywords = [
    "patternProperties",
    "minProperties",
    "allOf",
    "$ref",
    "$defs",
    "if",
    "dependentRequired",
    "default",
  ];
  for (const keyword of keywords) {
    refused(
      closed({}, { [keyword]: {} }),
      `#/${keyword}: "${keyword}" is not supported here; supported are: type, properties, required, additionalProperties`,
    );
  }
  refused(
    closed({ a: { type: "array", items: { type: "string", "a/b~c": 1 } } }),
    '#/properties/a/items/a~1b~0c: "a/b~c" is not supported here; supported are: type, default',
  );
});

test("objects have to be closed, at every depth", () => {
  const message = 'an object must be closed: add "additionalProperties": false, so that a misspelt key is refused';
  refused({ type: "object" }, `#: ${message}`);
  refused({ type: "object", additionalProperties: true }, `#: ${message}`);
  refused({ type: "object", additionalProperties: {} }, `#: ${message}`);
  refused(closed({ a: { type: "object" } }), `#/properties/a: ${message}`);
  refused(closed({ a: { type: "array", items: { type: "object" } } }), `#/properties/a/items: ${message}`);
});

test("properties, required and items that are none", () => {
  for (const properties of [[], 3, "x"]) refused(closed(properties), "#/properties: must be an object");
  for (const required of ["a", {}, [3], [null]]) {
    refused(closed({ a: { type: "string" } }, { required }), "#/required: must be a list of property names");
  }
  for (const name of ["b", "toString", "__proto__"]) {
    refused(
      closed({ a: { type: "string" } }, { required: ["a", name] }),
      `#/required: "${name}" is not among the properties`,
    );
  }
  refused(closed({ a: { type: "array" } }), "#/properties/a/items: must be a schema object");
  refused(closed({ a: { type: "array", items: false } }), "#/properties/a/items: must be a schema object");
});

test("defaults have the type of their property", () => {
  const values: unknown[] = ["x", 3, true, null, [], {}, 1.5];
  const fits: Record<string, unknown[]> = { string: ["x"], integer: [3], boolean: [true] };
  for (const [type, good] of Object.entries(fits)) {
    for (const value of values) {
      const schema = closed({ "a b": { type, default: value } });
      if (good.includes(value)) assert.equal(readText(JSON.stringify(schema)).properties[0]!.default, value);
      else refused(schema, `#/properties/a b/default: must be a ${type}`);
    }
  }
  const text = (value: string) =>
    `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"integer","default":${value}}}}`;
  refused(text("9007199254740992"), "#/properties/a/default: must be a integer");
  refused(text("1e400"), "#/properties/a/default: must be a integer");
  assert.equal(readText(text("-9007199254740991")).properties[0]!.default, -9007199254740991);
});

/* What `meshwasm diff` says of two schemas, held against configurations: where it names no break, none that was taken before
 * is refused. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig } from "../../toolchain/build/config-check.js";
import { BuildError } from "../../toolchain/build/errors.js";
import { diffConfigs } from "../../toolchain/build/config-diff.js";
import { readSchemaText } from "../../toolchain/build/schema-read.js";
import type { ConfigSchema } from "../../toolchain/build/schema.js";
import { goodTree, Random, toText } from "./random.js";
import { SCHEMAS } from "./schemas.js";

type Json = Record<string, unknown>;
const read = (schema: unknown): ConfigSchema => readSchemaText(JSON.stringify(schema), "schema");
const closed = (properties: object, required: string[] = []) => ({
  ...{ type: "object", additionalProperties: false, properties },
  required,
});

const SEED = 20261126;
const PAIRS = 600;
const CONFIGS = 40;

/** Objects of a schema, in which something can be changed. */
function nodes(json: unknown): Json[] {
  if (typeof json !== "object" || json === null) return [];
  const inner = Object.values(json).flatMap(nodes);
  return Array.isArray(json) ? inner : [json as Json, ...inner];
}

/** One change as an author makes it; it may make no schema. */
function change(node: Json, random: Random): void {
  const properties = node["properties"] as Json | undefined;
  const names = Object.keys(properties ?? {});
  const changes: (() => void)[] = [
    () => (node["minimum"] = random.int(20) - 5),
    () => (node["maximum"] = random.int(600)),
    () => delete node["minimum"],
    () => delete node["maximum"],
    () => (node["exclusiveMinimum"] = random.int(3)),
    () => (node["minLength"] = random.int(3)),
    () => (node["maxLength"] = random.int(30)),
    () => (node["maxItems"] = random.int(4)),
    () => (node["minItems"] = random.int(2)),
    () => (node["type"] = random.pick(["string", "integer", "number", "boolean"])),
    () => (node["format"] = random.pick(["uri", "regex", "header-name", "int64", "duration"])),
    () => delete node["format"],
    () => (node["required"] = random.chance(50) ? names : []),
    () => delete node["enum"],
    () => (node["enum"] = random.pick([["enforce"], ["enforce", "shadow", "off", "more"], [1, 2, 3], ["", "abc"]])),
    () => delete properties?.[random.pick(names)],
    () => properties && (properties["extra"] = { type: "string" }),
    () => (node["oneOf"] as unknown[] | undefined)?.pop(),
    () => (node["oneOf"] as unknown[] | undefined)?.push({ type: random.pick(["boolean", "number"]) }),
    () => delete node["const"],
  ];
  random.pick(changes)();
}

test(`${PAIRS} pairs of schemas: what is refused was announced, and what is announced happens`, () => {
  const random = new Random(SEED);
  let [pairs, announced, confirmed] = [0, 0, 0];
  while (pairs < PAIRS) {
    const before = random.pick(Object.values(SCHEMAS));
    const after = structuredClone(before) as Json;
    for (let n = 1 + random.int(2); n; n--) change(random.pick(nodes(after)), random);
    if (JSON.stringify(after) === JSON.stringify(before)) continue;
    let next: ConfigSchema;
    try {
      next = read(after);
    } catch (error) {
      assert.ok(error instanceof BuildError, String(error));
      continue;
    }
    pairs++;
    const old = read(before);
    const breaks = diffConfigs(old, next).filter(({ kind }) => kind === "breaks");
    let refused = 0;
    for (let i = 0; i < CONFIGS; i++) {
      const text = toText(goodTree(old.root, random), random);
      const [error] = checkConfig(next, new TextEncoder().encode(text));
      if (!error) continue;
      refused++;
      assert.ok(
        breaks.length,
        `${JSON.stringify(before)}\n${JSON.stringify(after)}\n${text}\n${error.path}: ${error.reason}`,
      );
    }
    if (breaks.length) announced++;
    if (breaks.length && refused) confirmed++;
  }
  assert.ok(announced > 100, `${announced} of ${pairs}`);
  // The rest are breaks that 40 random configurations do not meet.
  assert.ok(confirmed > 0.7 * announced, `${confirmed} of ${announced}`);
});

test("each kind of change is named with its place", () => {
  const from = closed(
    {
      gone: { type: "string" },
      mode: { enum: ["enforce", "shadow", "off"], default: "enforce" },
      n: { type: "integer", minimum: 0, maximum: 100 },
      rules: { type: "array", items: closed({ name: { type: "string" } }) },
      labels: { type: "object", additionalProperties: { type: "string" } },
      auth: { oneOf: [{ type: "string" }, closed({ env: { type: "string" } }, ["env"])] },
    },
    [],
  );
  const to = closed(
    {
      mode: { enum: ["enforce", "off"], default: "off" },
      n: { type: "integer", minimum: 1, exclusiveMaximum: 50 },
      rules: {
        type: "array",
        items: closed({ name: { type: "string", minLength: 1 }, id: { type: "string" } }, ["id"]),
      },
      labels: { type: "object", additionalProperties: { type: "string", format: "header-name" } },
      auth: closed({ env: { type: "string", format: "secret-env" } }, ["env"]),
      fresh: { type: "string" },
    },
    ["mode"],
  );
  const text = (a: unknown, b: unknown): string[] =>
    diffConfigs(a ? read(a) : null, b ? read(b) : null).map((each) => `${each.kind} ${each.path}: ${each.text}`);
  assert.deepEqual(text(from, from), []);
  assert.deepEqual(text(from, to), [
    "breaks $.gone: is no longer known: configurations with it are refused",
    "breaks $.mode: is required now: configurations without it are refused",
    'breaks $.mode: "shadow" is refused',
    "breaks $.n: values below 1 are refused",
    "breaks $.n: values above 49 are refused",
    "breaks $.rules[].name: fewer than 1 characters are refused",
    "breaks $.rules[].id: is new and required: configurations without it are refused",
    "breaks $.labels.*: values that are no header-name are refused (any text was taken)",
    "breaks $.auth: was a string: it is refused",
    "breaks $.auth.env: values that are no secret-env are refused (any text was taken)",
    "new $.fresh: is new",
  ]);
  assert.deepEqual(
    text(closed({ a: { type: "string", default: "x" } }), closed({ a: { type: "string", default: "y" } })),
    ['means $.a: the default was "x" and is "y": configurations without it get the new one'],
  );
  assert.deepEqual(text(closed({ a: { type: "string" } }), null), [
    "breaks $.a: is no longer known: configurations with it are refused",
  ]);
});

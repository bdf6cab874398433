/* The part of JSON Schema 2020-12 that a configuration may use, read into types for the generator. Anything else is
 * refused with its JSON pointer, so that no rule is silently not enforced. */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { BuildError } from "./errors.js";

export type SchemaType =
  | { readonly kind: "string" }
  | { readonly kind: "integer" }
  | { readonly kind: "boolean" }
  | { readonly kind: "array"; readonly items: SchemaType }
  | ObjectType;

export interface ObjectType {
  readonly kind: "object";
  /** JSON pointer in the schema file; names the generated class. */
  readonly pointer: string;
  readonly description: string | null;
  readonly properties: readonly Property[];
}

export interface Property {
  readonly name: string;
  readonly type: SchemaType;
  readonly required: boolean;
  readonly default: string | number | boolean | null;
  readonly description: string | null;
}

const ANNOTATIONS = ["$schema", "$id", "$comment", "title", "description", "examples"];

/** Reads and checks config.schema.json. */
export function readSchema(file: string): ObjectType {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new BuildError(`${basename(file)} is not valid JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  const type = readType(json, "#", basename(file));
  if (type.kind !== "object") throw new BuildError(`${basename(file)} #: type must be "object"`);
  return type;
}

function readType(json: unknown, pointer: string, file: string): SchemaType {
  const bad = (at: string, reason: string) => new BuildError(`${file} ${at}: ${reason}`);
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw bad(pointer, "must be a schema object");
  const schema = json as Record<string, unknown>;
  const allow = (...keys: string[]) => {
    for (const key of Object.keys(schema)) {
      if (![...ANNOTATIONS, "type", ...keys].includes(key)) {
        throw bad(
          `${pointer}/${escape(key)}`,
          `"${key}" is not supported here; supported are: type, ${keys.join(", ")}`,
        );
      }
    }
  };
  switch (schema["type"]) {
    case "string":
    case "integer":
    case "boolean":
      allow("default");
      return { kind: schema["type"] };
    case "array":
      allow("items");
      return { kind: "array", items: readType(schema["items"], `${pointer}/items`, file) };
    case "object": {
      allow("properties", "required", "additionalProperties");
      if (schema["additionalProperties"] !== false) {
        throw bad(
          pointer,
          'an object must be closed: add "additionalProperties": false, so that a misspelt key is refused',
        );
      }
      return readObject(schema, pointer, file);
    }
    default:
      throw bad(`${pointer}/type`, 'must be one of "object", "array", "string", "integer", "boolean"');
  }
}

function readObject(schema: Record<string, unknown>, pointer: string, file: string): ObjectType {
  const bad = (at: string, reason: string) => new BuildError(`${file} ${at}: ${reason}`);
  const properties = schema["properties"] ?? {};
  if (typeof properties !== "object" || properties === null || Array.isArray(properties)) {
    throw bad(`${pointer}/properties`, "must be an object");
  }
  const required = schema["required"] ?? [];
  if (!Array.isArray(required) || required.some((name) => typeof name !== "string")) {
    throw bad(`${pointer}/required`, "must be a list of property names");
  }
  for (const name of required as string[]) {
    if (!Object.hasOwn(properties, name)) throw bad(`${pointer}/required`, `"${name}" is not among the properties`);
  }
  const read = Object.entries(properties as Record<string, unknown>).map(([name, json]): Property => {
    const at = `${pointer}/properties/${escape(name)}`;
    const type = readType(json, at, file);
    const { default: value, description } = json as { default?: unknown; description?: unknown };
    if (value !== undefined && !matches(type, value)) throw bad(`${at}/default`, `must be a ${type.kind}`);
    return {
      name,
      type,
      required: (required as string[]).includes(name),
      default: (value as string | number | boolean | undefined) ?? null,
      description: typeof description === "string" ? description : null,
    };
  });
  const description = schema["description"];
  return {
    kind: "object",
    pointer,
    description: typeof description === "string" ? description : null,
    properties: read,
  };
}

function matches(type: SchemaType, value: unknown): boolean {
  return type.kind === "integer" ? Number.isSafeInteger(value) : typeof value === type.kind;
}

function escape(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

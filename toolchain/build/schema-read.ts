/* The part of JSON Schema 2020-12 that a configuration may use, read into types. Anything else is refused with its JSON
 * pointer, so that no rule is silently not enforced. */

import { readFileSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { checkValue } from "./config-check.js";
import { BuildError } from "./errors.js";
import { atPointer, schemaFile } from "./schema-bundle.js";
import {
  FORMATS,
  jsonKind,
  type ArrayType,
  type Branch,
  type ConfigSchema,
  type EnumType,
  type Format,
  type MapType,
  type NumberType,
  type ObjectType,
  type Property,
  type SchemaType,
  type StringType,
  type UnionType,
} from "./schema.js";

type Json = Readonly<Record<string, unknown>>;

const ANNOTATIONS = ["$schema", "$id", "$comment", "title", "description", "examples"];
const TYPES = ["object", "array", "string", "integer", "number", "boolean"];
/** Schemas inside one another. */
const MOST_DEPTH = 64;

/** Reads and checks a project's config.schema.json. */
export function readSchema(file: string): ConfigSchema {
  const path = resolve(file);
  return new Reader(path).config(readFileSync(path, "utf8"));
}

/** The same for a text that can name no other file, such as that of an image. */
export function readSchemaText(text: string, name: string): ConfigSchema {
  return new Reader(null, name).config(text);
}

/** The types under $defs of a file that filters share. */
export function readSharedSchema(file: string): ReadonlyMap<string, SchemaType> {
  const path = resolve(file);
  return new Reader(path).shared(readFileSync(path, "utf8"));
}

/** One schema file. */
interface Document {
  /** Absolute path; null for the one that is read. */
  readonly file: string | null;
  readonly label: string;
  readonly json: Json;
  readonly named: Map<string, SchemaType>;
  readonly open: Set<string>;
}

class Reader {
  private readonly documents = new Map<string, Document>();
  /** Checks that need everything to be read. */
  private readonly later: (() => void)[] = [];

  constructor(
    private readonly path: string | null,
    private readonly name = path === null ? "schema" : basename(path),
  ) {}

  config(text: string): ConfigSchema {
    const document = this.parse(text, null, this.name);
    const root = this.named(document, "#");
    if (root.kind !== "object") throw bad(document, "#", 'type must be "object", with properties');
    const defs = this.defs(document);
    for (const check of this.later) check();
    const examples = document.json["examples"] ?? [];
    if (!Array.isArray(examples)) throw bad(document, "#/examples", "must be a list");
    examples.forEach((example, i) => {
      const [error] = checkValue(root, new TextEncoder().encode(JSON.stringify(example)));
      if (error) throw bad(document, `#/examples/${i}`, `${error.path}: ${error.reason}`);
    });
    return { root, defs, example: examples[0] as unknown };
  }

  shared(text: string): ReadonlyMap<string, SchemaType> {
    const document = this.parse(text, null, this.name);
    for (const key of Object.keys(document.json)) {
      if (![...ANNOTATIONS, "$defs"].includes(key))
        throw bad(document, `#/${escape(key)}`, "a schema that filters share has $defs alone");
    }
    const defs = this.defs(document);
    for (const check of this.later) check();
    return defs;
  }

  private defs(document: Document): Map<string, SchemaType> {
    const defs = document.json["$defs"] ?? {};
    if (!isJson(defs)) throw bad(document, "#/$defs", "must be an object");
    return new Map(Object.keys(defs).map((name) => [name, this.named(document, `#/$defs/${escape(name)}`)]));
  }

  private parse(text: string, file: string | null, label: string): Document {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new BuildError(`${label} is not valid JSON: ${(error as Error).message.split("\n")[0]}`);
    }
    if (!isJson(json)) throw new BuildError(`${label} #: must be a schema object`);
    return { file, label, json, named: new Map(), open: new Set() };
  }

  /** The root of a file, one of its $defs, or a property of one. It is read once: what refers to it later gets the same type. */
  private named(document: Document, pointer: string): SchemaType {
    const known = document.named.get(pointer);
    if (known) return known;
    if (document.open.has(pointer))
      throw bad(document, pointer, "leads to itself without an object or a oneOf in between");
    document.open.add(pointer);
    const json = atPointer(document.json, pointer);
    const type = this.type(json, document, pointer, 0);
    document.open.delete(pointer);
    document.named.set(pointer, type);
    return type;
  }

  private type(json: unknown, document: Document, pointer: string, depth: number): SchemaType {
    if (!isJson(json)) throw bad(document, pointer, "must be a schema object");
    if (depth > MOST_DEPTH) throw bad(document, pointer, "is nested too deep");
    const node = new Node(json, document, pointer);
    if (json["$ref"] !== undefined) return this.reference(node);
    if (json["oneOf"] !== undefined) return this.union(node, depth);
    switch (typeOf(node)) {
      case "string":
        return readString(node);
      case "integer":
      case "number":
        return readNumber(node);
      case "boolean":
        node.allow("default", "const");
        if (json["const"] !== undefined && typeof json["const"] !== "boolean")
          throw node.bad("const", "must be true or false");
        return { kind: "boolean", const: (json["const"] as boolean | undefined) ?? null };
      case "array":
        return this.array(node, depth);
      default:
        return this.object(node, depth);
    }
  }

  private reference(node: Node): SchemaType {
    node.allow("$ref", "default");
    const ref = node.json["$ref"];
    const match = typeof ref === "string" ? /^([^#]*)(#(?:\/\$defs\/[^/]+(?:\/properties\/[^/]+)?)?)$/.exec(ref) : null;
    if (!match)
      throw node.bad(
        "$ref",
        'must be "#", or "#/$defs/NAME" or a property of it, of this file or of another: "FILE#…"',
      );
    const [, file, pointer] = match;
    const document = file ? this.other(file, node) : node.document;
    if (atPointer(document.json, pointer!) === undefined)
      throw node.bad("$ref", `there is no ${pointer}${file ? ` in ${file}` : ""}`);
    return this.named(document, pointer!);
  }

  private other(name: string, node: Node): Document {
    const base = node.document.file ?? this.path;
    if (base === null || /^[a-z][a-z0-9+.-]*:/i.test(name))
      throw node.bad("$ref", "only files beside the schema can be referred to");
    const file = schemaFile(name, base);
    if (file === this.path) throw node.bad("$ref", 'names its own file; write "#/$defs/NAME"');
    let document = this.documents.get(file);
    if (!document) {
      let text: string;
      try {
        text = readFileSync(file, "utf8");
      } catch {
        throw node.bad("$ref", `there is no file ${name}`);
      }
      document = this.parse(text, file, relative(dirname(this.path!), file));
      this.documents.set(file, document);
    }
    return document;
  }

  private array(node: Node, depth: number): ArrayType {
    node.allow("items", "minItems", "maxItems", "default");
    const [minItems, maxItems] = node.counts("minItems", "maxItems");
    const items = this.type(node.json["items"], node.document, `${node.pointer}/items`, depth + 1);
    return { kind: "array", items, minItems, maxItems };
  }

  private object(node: Node, depth: number): ObjectType | MapType {
    const { json, document, pointer } = node;
    const additional = json["additionalProperties"];
    if (isJson(additional)) {
      node.allow("additionalProperties", "minProperties", "maxProperties", "default");
      const [minProperties, maxProperties] = node.counts("minProperties", "maxProperties");
      const values = this.type(additional, document, `${pointer}/additionalProperties`, depth + 1);
      return { kind: "map", values, minProperties, maxProperties };
    }
    node.allow("properties", "required", "additionalProperties", "default", ...(pointer === "#" ? ["$defs"] : []));
    if (additional !== false) {
      throw bad(
        document,
        pointer,
        'an object must be closed: add "additionalProperties": false, so that a misspelt key is refused',
      );
    }
    const properties: Property[] = [];
    const type: ObjectType = { kind: "object", ...node.name(), properties };
    // Before its properties, which may refer to it.
    document.named.set(pointer, type);
    const all = json["properties"] ?? {};
    if (!isJson(all)) throw node.bad("properties", "must be an object");
    const required = json["required"] ?? [];
    if (!Array.isArray(required) || required.some((name) => typeof name !== "string"))
      throw node.bad("required", "must be a list of property names");
    for (const name of required as string[])
      if (!Object.hasOwn(all, name)) throw node.bad("required", `"${name}" is not among the properties`);
    for (const [name, value] of Object.entries(all)) {
      const at = `${pointer}/properties/${escape(name)}`;
      const read = this.type(value, document, at, depth + 1);
      const { default: given, description } = value as { default?: unknown; description?: unknown };
      if (given !== undefined) this.checkDefault(given, read, document, at);
      properties.push({
        name,
        type: read,
        required: (required as string[]).includes(name),
        default: given,
        description: typeof description === "string" ? description : null,
      });
    }
    return type;
  }

  private checkDefault(value: unknown, type: SchemaType, document: Document, at: string): void {
    const wrong = (reason: string) => bad(document, `${at}/default`, reason);
    const isEmpty = isJson(value) && Object.keys(value).length === 0;
    const isList = Array.isArray(value) && value.every((item) => typeof item !== "object");
    if (typeof value === "object" && value !== null && !isEmpty && !isList)
      throw wrong("may be a string, a number, true, false, a list of these, or {}");
    if (type.kind === "union") throw wrong("a oneOf has no default here: leave it out");
    this.later.push(() => {
      const [error] = checkValue(type, new TextEncoder().encode(JSON.stringify(value)));
      if (error) throw wrong(error.reason);
    });
  }

  private union(node: Node, depth: number): UnionType {
    node.allow("oneOf");
    const { json, document, pointer } = node;
    const list = json["oneOf"];
    if (!Array.isArray(list) || list.length < 2) throw node.bad("oneOf", "must be a list of two schemas or more");
    const branches: Branch[] = [];
    const type = { kind: "union" as const, ...node.name(), branches, tag: null as string | null };
    document.named.set(pointer, type);
    const types = list.map((branch, i) => this.type(branch, document, `${pointer}/oneOf/${i}`, depth + 1));
    // A branch may refer to an object that is not read to its end yet.
    this.later.unshift(() => tellApart(type, types, (list as Json[]).map(titleOf), node));
    return type;
  }
}

/** Where a schema stands, and what may be in it. */
class Node {
  constructor(
    readonly json: Json,
    readonly document: Document,
    readonly pointer: string,
  ) {}

  bad(key: string, reason: string): BuildError {
    return bad(this.document, `${this.pointer}/${escape(key)}`, reason);
  }

  allow(...keys: string[]): void {
    const { json } = this;
    const all = json["$ref"] !== undefined || json["oneOf"] !== undefined ? keys : ["type", ...keys];
    for (const key of Object.keys(json)) {
      if (![...ANNOTATIONS, ...all].includes(key))
        throw this.bad(key, `"${key}" is not supported here; supported are: ${all.join(", ")}`);
    }
  }

  name(): { pointer: string; file: string | null; description: string | null } {
    const description = this.json["description"];
    const { pointer, document } = this;
    return { pointer, file: document.file, description: typeof description === "string" ? description : null };
  }

  /** Two counts, of which the first is not above the second. */
  counts(least: string, most: string): [number | null, number | null] {
    const [a, b] = [least, most].map((key) => {
      const value = this.json[key] ?? null;
      if (value !== null && !(Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31))
        throw this.bad(key, "must be a count");
      return value as number | null;
    });
    if (a !== null && b !== null && a! > b!) throw this.bad(most, `is below ${least}`);
    return [a!, b!];
  }
}

/** `type`, or what the values of enum and const have. */
function typeOf(node: Node): string {
  const { json } = node;
  const value: unknown = json["const"] ?? (Array.isArray(json["enum"]) ? (json["enum"] as unknown[])[0] : undefined);
  const inferred = typeof value === "number" ? "integer" : typeof value;
  const type = json["type"] ?? (["string", "integer", "boolean"].includes(inferred) ? inferred : undefined);
  if (!TYPES.includes(type as string))
    throw node.bad("type", `must be one of ${TYPES.map((name) => `"${name}"`).join(", ")}`);
  return type as string;
}

function readString(node: Node): StringType | EnumType {
  const { json } = node;
  const format = json["format"];
  if (json["enum"] !== undefined) {
    node.allow("default", "enum");
    const values = json["enum"];
    if (!Array.isArray(values) || !values.length || values.some((value) => typeof value !== "string"))
      throw node.bad("enum", "must be a list of strings");
    if (new Set(values).size !== values.length) throw node.bad("enum", "has a value twice");
    return { kind: "enum", ...node.name(), values: values as string[] };
  }
  if (json["const"] !== undefined) {
    node.allow("default", "const");
    if (typeof json["const"] !== "string") throw node.bad("const", "must be a string");
    return { kind: "string", format: null, minLength: null, maxLength: null, const: json["const"] };
  }
  if (format !== undefined && !FORMATS.includes(format as Format))
    throw node.bad("format", `must be one of ${FORMATS.join(", ")}`);
  const isText = format === undefined || format === "uri" || format === "header-name";
  node.allow("default", "format", ...(isText ? ["minLength", "maxLength"] : []), ...(format ? [] : ["enum", "const"]));
  const [minLength, maxLength] = node.counts("minLength", "maxLength");
  return { kind: "string", format: (format as Format | undefined) ?? null, minLength, maxLength, const: null };
}

function readNumber(node: Node): NumberType {
  const { json } = node;
  const kind = json["type"] === "number" ? "number" : "integer";
  const values = json["const"] === undefined ? json["enum"] : [json["const"]];
  const key = json["const"] === undefined ? "enum" : "const";
  if (values !== undefined && kind === "integer") {
    node.allow("default", key);
    if (!Array.isArray(values) || !values.length || values.some((value) => !Number.isSafeInteger(value)))
      throw node.bad(key, "must be integers within ±9007199254740991");
    return { kind, minimum: null, maximum: null, exclusiveMinimum: null, exclusiveMaximum: null, values };
  }
  node.allow("default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
  const limit = (name: string): number | null => {
    const value = json[name];
    if (value === undefined) return null;
    if (kind === "integer" ? !Number.isSafeInteger(value) : !Number.isFinite(value))
      throw node.bad(name, kind === "integer" ? "must be an integer within ±9007199254740991" : "must be a number");
    return value as number;
  };
  const [minimum, exclusiveMinimum] = [limit("minimum"), limit("exclusiveMinimum")];
  const [maximum, exclusiveMaximum] = [limit("maximum"), limit("exclusiveMaximum")];
  const low = Math.max(minimum ?? -Infinity, exclusiveMinimum ?? -Infinity);
  if (low > Math.min(maximum ?? Infinity, exclusiveMaximum ?? Infinity))
    throw node.bad(maximum === null ? "exclusiveMaximum" : "maximum", "is below the minimum");
  return { kind, minimum, maximum, exclusiveMinimum, exclusiveMaximum, values: null };
}

/** Finds how the branches of a oneOf are told apart, so that of a value exactly one can be meant. */
function tellApart(
  union: { branches: Branch[]; tag: string | null },
  types: readonly SchemaType[],
  titles: readonly (string | null)[],
  node: Node,
): void {
  const fail = (reason: string) => node.bad("oneOf", reason);
  const kinds = types.map(jsonKind);
  if (kinds.includes(null)) throw fail("a oneOf cannot be a branch of another one; write all branches into one list");
  for (const kind of new Set(kinds)) {
    if (kind !== "object" && kinds.filter((other) => other === kind).length > 1)
      throw fail(`has two branches of the type ${kind}, which cannot be told apart`);
  }
  const objects = types.filter((type) => type.kind === "object");
  const many = kinds.filter((kind) => kind === "object").length > 1;
  const keys = many ? keysOf(objects, kinds, union, fail) : new Map<SchemaType, string>();
  types.forEach((type, i) => {
    const key = keys.get(type) ?? null;
    const name = key ?? titles[i] ?? (type.kind === "string" || type.kind === "enum" ? "text" : type.kind);
    union.branches.push({ type: type as Branch["type"], name, key });
  });
  if (new Set(union.branches.map(({ name }) => name)).size !== types.length)
    throw fail("has two branches of the same title");
}

function keysOf(
  objects: readonly ObjectType[],
  kinds: readonly (string | null)[],
  union: { tag: string | null },
  fail: (reason: string) => BuildError,
): Map<SchemaType, string> {
  const apart =
    'objects of a oneOf must be told apart by a required property with a "const" of its own in each of them, or by a ' +
    "required property that no other has";
  if (objects.length !== kinds.filter((kind) => kind === "object").length || new Set(objects).size !== objects.length)
    throw fail(apart);
  const constants = (tag: string) =>
    objects.map((object) => {
      const property = object.properties.find(({ name }) => name === tag);
      return property?.required && property.type.kind === "string" ? property.type.const : null;
    });
  const tag = objects[0]!.properties.find(({ name }) => {
    const all = constants(name);
    return !all.includes(null) && new Set(all).size === all.length;
  });
  if (tag) {
    union.tag = tag.name;
    return new Map(objects.map((object, i) => [object, constants(tag.name)[i]!]));
  }
  return new Map(
    objects.map((object) => {
      const others = new Set(
        objects.flatMap((other) => (other === object ? [] : other.properties.map(({ name }) => name))),
      );
      const own = object.properties.find(({ name, required }) => required && !others.has(name));
      if (!own) throw fail(apart);
      return [object, own.name];
    }),
  );
}

function titleOf(json: Json): string | null {
  return typeof json["title"] === "string" ? json["title"] : null;
}

function bad(document: Document, pointer: string, reason: string): BuildError {
  return new BuildError(`${document.label} ${pointer}: ${reason}`);
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function escape(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/* The types of a configuration: what config.schema.json says, as the generator, the check and the tables read it. */

export const FORMATS = ["duration", "cidr", "regex", "uri", "header-name", "int64", "secret-env"] as const;
export type Format = (typeof FORMATS)[number];

export interface StringType {
  readonly kind: "string";
  readonly format: Format | null;
  readonly minLength: number | null;
  readonly maxLength: number | null;
  readonly const: string | null;
}

/** A string out of a list. */
export interface EnumType extends Named {
  readonly kind: "enum";
  readonly values: readonly string[];
}

export interface NumberType {
  readonly kind: "integer" | "number";
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly exclusiveMinimum: number | null;
  readonly exclusiveMaximum: number | null;
  /** The only ones that are allowed; of integers. */
  readonly values: readonly number[] | null;
}

export interface BooleanType {
  readonly kind: "boolean";
  readonly const: boolean | null;
}

export interface ArrayType {
  readonly kind: "array";
  readonly items: SchemaType;
  readonly minItems: number | null;
  readonly maxItems: number | null;
}

/** An object whose keys are the user's. */
export interface MapType {
  readonly kind: "map";
  readonly values: SchemaType;
  readonly minProperties: number | null;
  readonly maxProperties: number | null;
}

/** What becomes a class or an enum of its own. */
export interface Named {
  /** JSON pointer in its file; names what is generated. */
  readonly pointer: string;
  /** Absolute path of another schema file that it stands in; null for this one. */
  readonly file: string | null;
  readonly description: string | null;
}

export interface ObjectType extends Named {
  readonly kind: "object";
  readonly properties: readonly Property[];
}

export interface Property {
  readonly name: string;
  readonly type: SchemaType;
  readonly required: boolean;
  /** Checked against the type; undefined when there is none. */
  readonly default: unknown;
  readonly description: string | null;
}

/** oneOf: kinds of value that are told apart by their JSON type; objects by `tag`, or by the keys of the branches. */
export interface UnionType extends Named {
  readonly kind: "union";
  readonly branches: readonly Branch[];
  /** The property whose constant tells the objects apart; null when their keys do, or when there is one object at most. */
  readonly tag: string | null;
}

export interface Branch {
  readonly type: Exclude<SchemaType, UnionType>;
  /** How it is called in messages, tables and generated code. */
  readonly name: string;
  /** Of an object among several: the constant of the tag, or the key that no other branch has. */
  readonly key: string | null;
}

export type SchemaType =
  StringType | EnumType | NumberType | BooleanType | ArrayType | MapType | ObjectType | UnionType;

/** A schema that was read. */
export interface ConfigSchema {
  readonly root: ObjectType;
  /** Everything under $defs, by name. */
  readonly defs: ReadonlyMap<string, SchemaType>;
  /** The first of the root's examples, which is a good configuration; undefined when there is none. */
  readonly example: unknown;
}

/** JSON's types, as a value's first byte tells them. */
export type JsonKind = "string" | "number" | "boolean" | "array" | "object";

export function jsonKind(type: SchemaType): JsonKind | null {
  switch (type.kind) {
    case "string":
    case "enum":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "object":
    case "map":
      return "object";
    case "union":
      return null;
    default:
      return type.kind;
  }
}

/** Whether `{}` is a value of the object, so that one that is not given stands for its defaults. */
export function allOptional(type: ObjectType): boolean {
  return type.properties.every((property) => !property.required);
}

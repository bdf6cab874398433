/* What the decoder says, written by the generator into the module and by the check on the command line. */

import type { ArrayType, MapType, NumberType, StringType, UnionType } from "./schema.js";

/** A bound that a value can miss: the comparison that tells, in both languages, and what is then said. */
export interface Bound {
  readonly operator: "<" | "<=" | ">" | ">=";
  readonly limit: number;
  readonly message: string;
}

export function rangeBounds(type: NumberType): Bound[] {
  return bounds([
    ["<", type.minimum, (n) => `must be at least ${n}`],
    ["<=", type.exclusiveMinimum, (n) => `must be above ${n}`],
    [">", type.maximum, (n) => `must be at most ${n}`],
    [">=", type.exclusiveMaximum, (n) => `must be below ${n}`],
  ]);
}

export function lengthBounds(type: StringType): Bound[] {
  return bounds([
    ["<", type.minLength, (n) => `must have at least ${count(n, "character")}`],
    [">", type.maxLength, (n) => `must have at most ${count(n, "character")}`],
  ]);
}

export function itemBounds(type: ArrayType): Bound[] {
  return bounds([
    ["<", type.minItems, (n) => `must have at least ${count(n, "item")}`],
    [">", type.maxItems, (n) => `must have at most ${count(n, "item")}`],
  ]);
}

export function memberBounds(type: MapType): Bound[] {
  return bounds([
    ["<", type.minProperties, (n) => `must have at least ${count(n, "key")}`],
    [">", type.maxProperties, (n) => `must have at most ${count(n, "key")}`],
  ]);
}

/** The message of the first bound that the value misses, else null. */
export function missed(all: readonly Bound[], value: number): string | null {
  const misses = ({ operator, limit }: Bound) =>
    operator === "<"
      ? value < limit
      : operator === "<="
        ? value <= limit
        : operator === ">"
          ? value > limit
          : value >= limit;
  return all.find(misses)?.message ?? null;
}

export function mustBe(values: readonly unknown[]): string {
  const list = values.map((value) => JSON.stringify(value)).join(", ");
  return values.length === 1 ? `must be ${list}` : `must be one of ${list}`;
}

/** For a value of none of the types that a union has. */
export function mustBeKind(type: UnionType): string {
  const kinds = [...new Set(type.branches.map((branch) => KINDS[branch.type.kind]!))];
  return `must be ${kinds.join(" or ")}`;
}

export function mustHaveKey(type: UnionType): string {
  const keys = type.branches.flatMap(({ key }) => (key === null ? [] : [JSON.stringify(key)]));
  return `must have one of the keys ${keys.join(", ")}`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a string",
  enum: "a string",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
  map: "an object",
};

/** The part of a path for a property, as the messages show it: `.name`, or `["odd name"]`. */
export function propertyPath(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** As sdk/decode/map.ts writes it for a key that the user has chosen. */
export function memberPath(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(key) ? `.${key}` : `["${key.slice(0, 64)}"]`;
}

function bounds(all: readonly (readonly [Bound["operator"], number | null, (n: number) => string])[]): Bound[] {
  return all.flatMap(([operator, limit, message]) =>
    limit === null ? [] : [{ operator, limit, message: message(limit) }],
  );
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

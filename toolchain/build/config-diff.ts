/* What a change of a schema does to configurations that exist: which are refused from now on, and which mean something else. */

import { isDeepStrictEqual } from "node:util";
import { propertyPath } from "./config-messages.js";
import {
  jsonKind,
  type Branch,
  type ConfigSchema,
  type NumberType,
  type ObjectType,
  type Property,
  type SchemaType,
  type StringType,
  type UnionType,
} from "./schema.js";

export interface ConfigChange {
  /** breaks: a configuration that was taken is refused. means: it is taken, and stands for something else. new: an option. */
  readonly kind: "breaks" | "means" | "new";
  /** As in `$.rules[].name`; [] is any item, .* any key. */
  readonly path: string;
  /** Which configurations, and what happens. */
  readonly text: string;
}

const NOTHING: ObjectType = { kind: "object", pointer: "#", file: null, description: null, properties: [] };

/** What changes from one schema to the other; null stands for a filter that takes no configuration. */
export function diffConfigs(from: ConfigSchema | null, to: ConfigSchema | null): ConfigChange[] {
  const diff = new Diff();
  diff.compare(from?.root ?? NOTHING, to?.root ?? NOTHING, "$");
  return diff.changes;
}

class Diff {
  readonly changes: ConfigChange[] = [];
  /** Pairs that were compared: schemas may refer to themselves. */
  private readonly seen = new Map<SchemaType, Set<SchemaType>>();

  compare(from: SchemaType, to: SchemaType, path: string): void {
    const known = this.seen.get(from) ?? new Set();
    if (known.has(to)) return;
    this.seen.set(from, known.add(to));
    if (from.kind === "union" || to.kind === "union") return this.unions(from, to, path);
    if (from.kind === "string" && to.kind === "string") return this.strings(from, to, path);
    if (jsonKind(from) === "string" && jsonKind(to) === "string") return this.texts(from, to, path);
    if (isNumber(from) && isNumber(to)) return this.numbers(from, to, path);
    if (from.kind === "boolean" && to.kind === "boolean") {
      if (to.const !== null && from.const !== to.const) this.breaks(path, `values other than ${to.const} are refused`);
    } else if (from.kind === "array" && to.kind === "array") {
      this.bounds(path, from.minItems, to.minItems, from.maxItems, to.maxItems, "items");
      this.compare(from.items, to.items, `${path}[]`);
    } else if (from.kind === "map" && to.kind === "map") {
      this.bounds(path, from.minProperties, to.minProperties, from.maxProperties, to.maxProperties, "keys");
      this.compare(from.values, to.values, `${path}.*`);
    } else if (from.kind === "object" && to.kind === "object") this.objects(from, to, path);
    else this.breaks(path, `was ${nameOf(from)} and is ${nameOf(to)}: every value is refused`);
  }

  private objects(from: ObjectType, to: ObjectType, path: string): void {
    const before = new Map(from.properties.map((property) => [property.name, property]));
    const after = new Map(to.properties.map((property) => [property.name, property]));
    for (const [name, property] of before) {
      const at = path + propertyPath(name);
      const next = after.get(name);
      if (!next) this.breaks(at, "is no longer known: configurations with it are refused");
      else this.property(property, next, at);
    }
    for (const [name, property] of after) {
      if (before.has(name)) continue;
      const at = path + propertyPath(name);
      if (property.required) this.breaks(at, "is new and required: configurations without it are refused");
      else this.changes.push({ kind: "new", path: at, text: "is new" });
    }
  }

  private property(from: Property, to: Property, path: string): void {
    if (to.required && !from.required) this.breaks(path, "is required now: configurations without it are refused");
    else if (!to.required && !from.required && !isDeepStrictEqual(from.default, to.default)) {
      const text = (value: unknown): string => (value === undefined ? "none" : JSON.stringify(value));
      this.changes.push({
        kind: "means",
        path,
        text: `the default was ${text(from.default)} and is ${text(to.default)}: configurations without it get the new one`,
      });
    }
    this.compare(from.type, to.type, path);
  }

  private strings(from: StringType, to: StringType, path: string): void {
    if (to.const !== null) {
      if (from.const !== to.const) this.breaks(path, `values other than ${JSON.stringify(to.const)} are refused`);
      return;
    }
    if (from.const !== null) return this.texts(from, to, path);
    if (to.format !== null && to.format !== from.format)
      this.breaks(path, `values that are no ${to.format} are refused (${from.format ?? "any text"} was taken)`);
    this.bounds(path, from.minLength, to.minLength, from.maxLength, to.maxLength, "characters");
  }

  /** Lists of strings, constants, and strings of any kind. */
  private texts(from: SchemaType, to: SchemaType, path: string): void {
    const [old, now] = [valuesOf(from), valuesOf(to)];
    if (now && old) {
      const gone = old.filter((value) => !now.includes(value));
      if (gone.length) this.breaks(path, `${gone.map((value) => JSON.stringify(value)).join(", ")} is refused`);
    } else if (now)
      this.breaks(path, `values other than ${now.map((value) => JSON.stringify(value)).join(", ")} are refused`);
    else if (to.kind === "string" && old && (to.format !== null || to.minLength !== null || to.maxLength !== null)) {
      const fits = (value: string): boolean =>
        to.format === null &&
        [...value].length >= (to.minLength ?? 0) &&
        [...value].length <= (to.maxLength ?? Infinity);
      const gone = old.filter((value) => !fits(value));
      if (gone.length) this.breaks(path, `${gone.map((value) => JSON.stringify(value)).join(", ")} may be refused`);
    }
  }

  private numbers(from: NumberType, to: NumberType, path: string): void {
    if (to.kind === "integer" && from.kind === "number") this.breaks(path, "numbers that are no integers are refused");
    // An integer as it was is at most 2^53-1; a number may be any double.
    if (to.values) {
      const now = to.values;
      const gone = from.values?.filter((value) => !now.includes(value));
      if (!gone) this.breaks(path, `values other than ${now.join(", ")} are refused`);
      else if (gone.length) this.breaks(path, `${gone.join(", ")} is refused`);
      return;
    }
    const misses = (value: number): boolean =>
      value < (to.minimum ?? -Infinity) ||
      value > (to.maximum ?? Infinity) ||
      value <= (to.exclusiveMinimum ?? -Infinity) ||
      value >= (to.exclusiveMaximum ?? Infinity);
    if (from.values) {
      const gone = from.values.filter(misses);
      if (gone.length) this.breaks(path, `${gone.join(", ")} is refused`);
      return;
    }
    this.range(path, from, to);
  }

  private range(path: string, from: NumberType, to: NumberType): void {
    const low = (type: NumberType): [number, boolean] => edge(type.minimum, type.exclusiveMinimum, type, 1);
    const high = (type: NumberType): [number, boolean] => edge(type.maximum, type.exclusiveMaximum, type, -1);
    const [oldLow, oldOpenLow] = low(from);
    const [newLow, newOpenLow] = low(to);
    if (newLow > oldLow || (newLow === oldLow && newOpenLow && !oldOpenLow))
      this.breaks(path, `values ${newOpenLow ? "up to" : "below"} ${newLow} are refused`);
    const [oldHigh, oldOpenHigh] = high(from);
    const [newHigh, newOpenHigh] = high(to);
    if (newHigh < oldHigh || (newHigh === oldHigh && newOpenHigh && !oldOpenHigh))
      this.breaks(path, `values ${newOpenHigh ? "from" : "above"} ${newHigh} are refused`);
  }

  private bounds(
    path: string,
    ...[oldLow, newLow, oldHigh, newHigh, what]: [number | null, number | null, number | null, number | null, string]
  ): void {
    if ((newLow ?? 0) > (oldLow ?? 0)) this.breaks(path, `fewer than ${newLow} ${what} are refused`);
    if ((newHigh ?? Infinity) < (oldHigh ?? Infinity)) this.breaks(path, `more than ${newHigh} ${what} are refused`);
  }

  /** Each branch that there was must have one that takes its values. */
  private unions(from: SchemaType, to: SchemaType, path: string): void {
    const old = branchesOf(from);
    const now = branchesOf(to);
    for (const branch of old) {
      const objects = now.filter((other) => jsonKind(other.type) === jsonKind(branch.type));
      const next = objects.length > 1 ? objects.find((other) => fits(branch, other, to as UnionType)) : objects[0];
      const shown = from.kind === "union" && branch.key !== null ? `${path}<${branch.name}>` : path;
      if (next) this.compare(branch.type, next.type, shown);
      else
        this.breaks(
          shown,
          `was ${nameOf(branch.type)}${branch.key === null ? "" : ` (${branch.name})`}: it is refused`,
        );
    }
  }

  private breaks(path: string, text: string): void {
    this.changes.push({ kind: "breaks", path, text });
  }
}

/** Whether what a branch takes is led to this branch of the other schema. */
function fits(branch: Branch, other: Branch, to: UnionType): boolean {
  const type = branch.type as ObjectType;
  if (type.kind !== "object") return false;
  if (to.tag === null) return type.properties.some(({ name, required }) => required && name === other.key);
  const tag = type.properties.find(({ name }) => name === to.tag);
  return tag?.required === true && tag.type.kind === "string" && tag.type.const === other.key;
}

function branchesOf(type: SchemaType): readonly Branch[] {
  return type.kind === "union" ? type.branches : [{ type, name: type.kind, key: null }];
}

function isNumber(type: SchemaType): type is NumberType {
  return type.kind === "integer" || type.kind === "number";
}

/** The only strings that are taken; null when others are. */
function valuesOf(type: SchemaType): readonly string[] | null {
  return type.kind === "enum" ? type.values : type.kind === "string" && type.const !== null ? [type.const] : null;
}

/** A bound, and whether it is itself out; of integers always in. */
function edge(closed: number | null, open: number | null, type: NumberType, side: 1 | -1): [number, boolean] {
  const limit = type.kind === "integer" ? side * -Number.MAX_SAFE_INTEGER : side * -Infinity;
  const inner = (a: number, b: number): number => (side > 0 ? Math.max(a, b) : Math.min(a, b));
  const first = inner(closed ?? limit, limit);
  if (open === null) return [first, false];
  if (type.kind === "integer") return [inner(first, open + side), false];
  return side * open >= side * first ? [open, true] : [first, false];
}

function nameOf(type: SchemaType): string {
  const names = {
    string: "a string",
    enum: "a string",
    integer: "an integer",
    number: "a number",
    boolean: "a boolean",
  };
  const more = { array: "an array", object: "an object", map: "a map", union: "one of several" };
  return { ...names, ...more }[type.kind];
}

/* Names in the generated assembly/config.ts. */

import type { Named, ObjectType, Property } from "./schema.js";

/** Words that cannot name a class field, because the language or the base class has them. */
const RESERVED = new Set(
  (
    "break case catch class const continue debugger default delete do else enum export extends false finally for function if " +
    "implements import in instanceof interface let new null package private protected public return static super switch this " +
    "throw true try typeof var void while with yield abstract declare override constructor decode decodeFrom writeNumber"
  ).split(" "),
);

/** Names that the generated file uses itself, or would by the function that reads an enum. */
export const USED =
  "Config JsonReader JsonType Array StaticArray Map Pattern IpPrefix SecretEnv Duration Prefix Int64 HeaderName Uri NoConfig".split(
    " ",
  );

/** A name for each type that becomes a class or an enum; the root's is the one that the author imports. */
export function typeNames(
  types: readonly Named[],
  root: Named | null,
  rootName: string,
  imported: readonly string[],
): Map<Named, string> {
  const names = new Map<Named, string>();
  const taken = new Set([...USED, ...imported]);
  const give = (type: Named, base: string): void => {
    let name = base;
    for (let n = 2; taken.has(name) || taken.has(`${name}Kind`); n++) name = `${base}${n}`;
    // The enum beside the class of a oneOf.
    taken.add(name).add(`${name}Kind`);
    names.set(type, name);
  };
  // First, so that no property takes it.
  if (root) give(root, rootName);
  for (const type of types) {
    if (type === root) continue;
    give(type, nameOf(type.pointer));
  }
  return names;
}

/** As a type is called when nothing else has the name; what filters share is always called so, since importers must know. */
export function nameOf(pointer: string): string {
  const segments = pointer
    .split("/")
    .filter((part) => !["#", "properties", "items", "$defs", "oneOf", "additionalProperties"].includes(part));
  return segments.map(pascal).join("") || "Item";
}

/** Field names for properties: camel case where the property is no identifier, made unique. */
export function fieldNames(properties: readonly Property[]): Map<string, string> {
  return unique(
    properties.map(({ name }) => name),
    (name) => {
      const field = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : camel(name);
      return RESERVED.has(field) ? `${field}_` : field;
    },
    "_",
  );
}

/** Members of an enum. */
export function memberNames(values: readonly string[]): Map<string, string> {
  return unique(values, pascal, "_", ["Unset"]);
}

/** Fields of the class of a oneOf, one for each branch. */
export function branchNames(names: readonly string[]): Map<string, string> {
  return unique(names, (name) => (RESERVED.has(camel(name)) ? `${camel(name)}_` : camel(name)), "_", ["kind"]);
}

function unique(
  keys: readonly string[],
  make: (key: string) => string,
  more: string,
  reserved: readonly string[] = [],
): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set(reserved);
  for (const key of keys) {
    let name = make(key);
    while (taken.has(name)) name += more;
    taken.add(name);
    names.set(key, name);
  }
  return names;
}

export function pascal(text: string): string {
  const name = text
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word.length > 0)
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join("");
  return /^[A-Za-z]/.test(name) ? name : `X${name}`;
}

function camel(text: string): string {
  const name = pascal(text);
  return name[0]!.toLowerCase() + name.slice(1);
}

/** Whether the property of an object must be null until it is given: a value by default would have no end. */
export function isEndless(owner: ObjectType, property: Property, holds: (type: ObjectType) => ObjectType[]): boolean {
  const seen = new Set<ObjectType>();
  const reaches = (type: ObjectType): boolean =>
    type === owner || (!seen.has(type) && (seen.add(type), holds(type).some(reaches)));
  return property.type.kind === "object" && reaches(property.type);
}

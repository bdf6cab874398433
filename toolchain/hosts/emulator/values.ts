import { Status } from "./abi.js";
import { serialisePairs } from "./headermap.js";

/** A value of Envoy's attributes and expressions (CEL), and how a filter gets it as bytes; text is latin1. */
export type Value =
  | { readonly kind: "string" | "bytes"; readonly value: string }
  | { readonly kind: "int" | "uint" | "duration" | "timestamp"; readonly value: bigint }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | ValueMap
  | Message
  | { readonly kind: "null" };

/** A map that is asked for text. What is not listed may be there all the same, as request.path is. */
export interface ValueMap {
  readonly kind: "map";
  get(key: string): Value | null;
  /** null: it cannot be listed. */
  entries(): readonly (readonly [Value, Value])[] | null;
}

/** A protobuf message: its bytes, and its fields by name. null: there is no such field. */
export interface Message {
  readonly kind: "message";
  readonly bytes: string;
  field(name: string): Value | null;
}

export const string = (value: string): Value => ({ kind: "string", value });
export const int = (value: number | bigint): Value => ({ kind: "int", value: BigInt(value) });
export const uint = (value: number | bigint): Value => ({ kind: "uint", value: BigInt(value) });
export const bool = (value: boolean): Value => ({ kind: "bool", value });
export const duration = (nanoseconds: bigint): Value => ({ kind: "duration", value: nanoseconds });
export const timestamp = (nanoseconds: bigint): Value => ({ kind: "timestamp", value: nanoseconds });

/** A map with what the getters give; a getter's null is a key that is not there. It cannot be listed. */
export function attributes(getters: Readonly<Record<string, () => Value | null>>): ValueMap {
  return {
    kind: "map",
    get: (key) => (Object.hasOwn(getters, key) ? getters[key]!() : null),
    entries: () => null,
  };
}

/** A map of plain text. */
export function textMap(entries: readonly (readonly [string, string])[]): ValueMap {
  return {
    kind: "map",
    get: (key) => {
      const found = entries.find(([each]) => each === key);
      return found === undefined ? null : string(found[1]);
    },
    entries: () => entries.map(([key, value]) => [string(key), string(value)] as const),
  };
}

function eightBytes(value: bigint): string {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt.asUintN(64, value));
  return b.toString("latin1");
}

/** The bytes of a value, or the status that says why there are none. */
export function serialiseValue(value: Value): string | number {
  switch (value.kind) {
    case "string":
    case "bytes":
      return value.value;
    case "int":
    case "uint":
    case "duration":
    case "timestamp":
      return eightBytes(value.value);
    case "double": {
      const b = Buffer.alloc(8);
      b.writeDoubleLE(value.value);
      return b.toString("latin1");
    }
    case "bool":
      return value.value ? "\x01" : "\0";
    case "message":
      return value.bytes;
    case "list":
      return serialiseEntries(value.items.map((item) => [item, null]));
    case "map": {
      const entries = value.entries();
      return entries === null ? Status.SerializationFailure : serialiseEntries(entries);
    }
    case "null":
      return Status.SerializationFailure;
  }
}

/** A list is pairs without values. */
function serialiseEntries(entries: readonly (readonly [Value, Value | null])[]): string | number {
  const pairs: [string, string][] = [];
  for (const [key, value] of entries) {
    const k = serialiseValue(key);
    const v = value === null ? "" : serialiseValue(value);
    if (typeof k === "number" || typeof v === "number") return Status.SerializationFailure;
    pairs.push([k, v]);
  }
  return serialisePairs(pairs);
}

/** One step of a path into a value; null: there is nothing. */
export function step(value: Value, part: string): Value | null {
  if (value.kind === "map") return value.get(part);
  if (value.kind === "message") return value.field(part);
  if (value.kind !== "list" || !/^\s*[+-]?\d+\s*$/.test(part)) return null;
  return value.items[Number(part)] ?? null;
}

/* Random configurations of a schema, good and broken, as bytes. */

import { fromJson, toBinary, type JsonObject } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import type { ObjectType, SchemaType } from "../../toolchain/build/schema.js";

/** A document before it is written: members in an order, numbers as text. */
export type Tree =
  string | boolean | null | { readonly number: string } | Tree[] | { readonly members: [string, Tree][] };

export interface Sample {
  readonly bytes: Uint8Array;
  /** Null when only the two readers can tell. */
  readonly good: boolean | null;
  readonly what: string;
  /** An object in it has a key twice. */
  readonly twice: boolean;
}

export class Random {
  constructor(private state: number) {}

  /** From 0 up to, not including, `below` (mulberry32). */
  int(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  }
  chance(percent: number): boolean {
    return this.int(100) < percent;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }
}

const TEXTS = [
  "",
  "a",
  "abc",
  "x-é",
  "\u{1f600}",
  "日本",
  'q"\\/',
  "\n\t\u0001",
  "a".repeat(40),
  "\u2028",
  "null",
  "1",
];
const GOOD: Readonly<Record<string, readonly string[]>> = {
  duration: ["0", "250ms", "1h30m", "1.5s", "10µs", "2562047h", "+3s"],
  cidr: ["10.0.0.0/8", "192.168.1.7", "2001:db8::/32", "::1", "0.0.0.0/0", "::ffff:1.2.3.4/120"],
  regex: ["", "^a+$", "(?i)x|y", "\\d{1,3}", "[^/]+", "(?P<n>a)", "[[:alpha:]]", "é*"],
  uri: ["https://h/p?q#f", "http://u:p@[::1]:80/", "urn:a:b", "mailto:a@b", "a:", "x://h:/%20"],
  "header-name": ["x-a", "A", "!#$%&'*+-.^_`|~", "content-type"],
  int64: ["0", "-1", "9223372036854775807", "-9223372036854775808", "42"],
  "secret-env": ["A", "_x1", "MY_SECRET"],
};
const BAD: Readonly<Record<string, readonly string[]>> = {
  duration: ["", "5", "-1s", "1d", "9999999h", "1s ", "PT1S", "1..2s", "."],
  cidr: ["", "10.0.0.0/33", "10.0.0", "::/129", "01.2.3.4", "10.0.0.0/08", "x", "1.2.3.4/ 8"],
  regex: ["(", "a**", "[b-a]", "\\1", "(?=a)", "x{1001}", "\\pL", "*", "\\"],
  uri: [
    "",
    "/p",
    "h/p",
    "http://h/ x",
    "http://h/%2",
    "1a:b",
    ":x",
    "http://[::1",
    "http://h:8x/",
    "a:é",
    "http://a@b@c/",
    "x:#a#b",
  ],
  "header-name": ["", "a b", "a:", ":path", "é", "a\n"],
  int64: [
    "",
    "-",
    "-0",
    "00",
    "01",
    "1.0",
    "+1",
    "9223372036854775808",
    "-9223372036854775809",
    " 1",
    "99999999999999999999",
    "18446744073709551617",
  ],
  "secret-env": ["", "1A", "A-B", "é", "A B"],
};
const NUMBERS = [
  "0",
  "1",
  "-1",
  "1.0",
  "1e2",
  "0.5",
  "-0",
  "9007199254740991",
  "9007199254740992",
  "1e400",
  "123456789012345678901",
  "0.30000000000000004",
  "10",
  "1E+1",
  "400",
  "599",
  "600",
  "1.5e300",
];

/** A document that a schema allows. */
export function goodTree(type: SchemaType, random: Random, depth = 0): Tree {
  switch (type.kind) {
    case "string": {
      if (type.const !== null) return type.const;
      const low = type.minLength ?? 0;
      const high = type.maxLength ?? Infinity;
      const all = type.format === null ? TEXTS : GOOD[type.format]!;
      const fits = all.filter((text) => [...text].length >= low && [...text].length <= high);
      return fits.length ? random.pick(fits) : "é".repeat(low);
    }
    case "enum":
      return random.pick(type.values);
    case "integer":
    case "number": {
      if (type.values) return { number: String(random.pick(type.values)) };
      const fits = NUMBERS.filter((text) => {
        const value = Number(text);
        if (type.kind === "integer" ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return false;
        return (
          value >= (type.minimum ?? -Infinity) &&
          value <= (type.maximum ?? Infinity) &&
          value > (type.exclusiveMinimum ?? -Infinity) &&
          value < (type.exclusiveMaximum ?? Infinity)
        );
      });
      return { number: random.pick(fits) };
    }
    case "boolean":
      return type.const ?? random.chance(50);
    case "array": {
      const low = type.minItems ?? 0;
      const most = Math.min(type.maxItems ?? 4, depth > 5 ? low : low + 3);
      return Array.from({ length: low + random.int(most - low + 1) }, () => goodTree(type.items, random, depth + 1));
    }
    case "map": {
      const low = type.minProperties ?? 0;
      const most = Math.min(type.maxProperties ?? 4, depth > 5 ? low : low + 3);
      const keys = new Set<string>();
      for (const wanted = low + random.int(most - low + 1); keys.size < wanted;)
        keys.add(random.pick([...TEXTS, "key", "k-1", "_"]));
      return { members: [...keys].map((key) => [key, goodTree(type.values, random, depth + 1)]) };
    }
    case "object": {
      const given = type.properties.filter(({ required }) => required || random.chance(depth > 5 ? 0 : 60));
      const members = given.map(({ name, type }): [string, Tree] => [name, goodTree(type, random, depth + 1)]);
      return { members: shuffled(members, random) };
    }
    case "union": {
      // The last branch ends a recursion.
      const branch = depth > 5 ? type.branches.at(-1)! : random.pick(type.branches);
      return goodTree(branch.type, random, depth + 1);
    }
  }
}

/** Changes one thing somewhere, which most of the time makes the document a wrong one. */
export function brokenTree(tree: Tree, root: ObjectType, random: Random): Tree {
  const places: ((change: (tree: Tree) => Tree) => Tree)[] = [];
  const visit = (node: Tree, put: (changed: Tree) => Tree): void => {
    places.push((change) => put(change(node)));
    if (Array.isArray(node)) node.forEach((item, i) => visit(item, (changed) => put(node.with(i, changed))));
    else if (node !== null && typeof node === "object" && "members" in node) {
      node.members.forEach(([key, value], i) =>
        visit(value, (changed) => put({ members: node.members.with(i, [key, changed]) })),
      );
    }
  };
  visit(tree, (changed) => changed);
  return random.pick(places)((node) => change(node, root, random));
}

function change(node: Tree, root: ObjectType, random: Random): Tree {
  if (node !== null && typeof node === "object" && "members" in node && !node.members.length)
    return { members: [[random.pick([...TEXTS, ...root.properties.map(({ name }) => name)]), null]] };
  if (node !== null && typeof node === "object" && "members" in node && random.chance(80)) {
    const { members } = node;
    const i = random.int(members.length);
    const [key, value] = members[i]!;
    switch (random.int(5)) {
      case 0:
        return { members: members.filter((_, at) => at !== i) };
      case 1:
        return { members: shuffled([...members, [random.pick(TEXTS), value]], random) };
      case 2:
        return { members: members.with(i, [key.slice(1) + key.slice(0, 1), value]) };
      case 3:
        return { members: [...members, [key, value]] };
      default: {
        const other = random.pick([...root.properties.map(({ name }) => name), "type", "env", "all", "cluster", "url"]);
        return { members: [...members, [other, value]] };
      }
    }
  }
  if (Array.isArray(node) && random.chance(60))
    return random.chance(50) ? node.slice(1) : [...node, ...(node.length ? [...node, ...node] : [null])];
  if (typeof node === "string" && random.chance(70))
    return random.pick([
      ...TEXTS,
      ...Object.values(BAD).flat(),
      ...Object.values(GOOD).flat(),
      node.toUpperCase(),
      node + "x",
    ]);
  return random.pick<Tree>([
    null,
    true,
    false,
    "",
    [],
    { members: [] },
    { members: [["x", "y"]] },
    ...NUMBERS.map((number) => ({ number })),
  ]);
}

/** JSON text, with white space and escapes as they come. */
export function toText(tree: Tree, random: Random): string {
  const space = (): string => (random.chance(10) ? random.pick([" ", "\n", "\t", "\r\n "]) : "");
  const text = (value: string): string =>
    random.chance(15)
      ? `"${[...value].map((c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")).join("")}"`
      : JSON.stringify(value);
  const write = (node: Tree): string => {
    if (typeof node === "string") return text(node);
    if (node === null || typeof node === "boolean") return String(node);
    if (Array.isArray(node)) return `[${node.map((item) => space() + write(item)).join(`${space()},`)}${space()}]`;
    if ("number" in node) return node.number;
    return `{${space()}${node.members.map(([key, value]) => text(key) + space() + ":" + space() + write(value)).join(`,${space()}`)}}`;
  };
  return space() + write(tree) + space();
}

/** As Envoy hands a Struct on; null for what a Struct cannot hold. */
export function toStruct(tree: Tree): Uint8Array | null {
  try {
    const json = JSON.parse(toText(tree, new Random(1))) as JsonObject;
    if (JSON.stringify(json).includes("__proto__")) return null;
    return toBinary(StructSchema, fromJson(StructSchema, json));
  } catch {
    return null;
  }
}

/** One document of a kind that the number chooses. */
export function sample(root: ObjectType, random: Random): Sample {
  const tree = goodTree(root, random);
  const kind = random.int(20);
  if (kind < 6) return { bytes: encode(toText(tree, random)), good: true, what: "good text", twice: false };
  if (kind < 8) {
    const bytes = toStruct(tree);
    // A number that is finite in no double has no place in a good tree; an empty Struct is no bytes at all.
    if (bytes) return { bytes, good: true, what: "good Struct", twice: false };
  }
  let broken = brokenTree(tree, root, random);
  if (random.chance(30)) broken = brokenTree(broken, root, random);
  if (kind < 15)
    return { bytes: encode(toText(broken, random)), good: null, what: "changed text", twice: hasTwice(broken) };
  const struct = kind < 17 ? toStruct(broken) : null;
  if (struct) return { bytes: struct, good: null, what: "changed Struct", twice: false };
  const bytes = (random.chance(25) && toStruct(tree)) || encode(toText(tree, random));
  return { bytes: damaged(bytes, random), good: null, what: "damaged bytes", twice: false };
}

function hasTwice(tree: Tree): boolean {
  if (tree === null || typeof tree !== "object" || "number" in tree) return false;
  if (Array.isArray(tree)) return tree.some(hasTwice);
  const keys = tree.members.map(([key]) => key);
  return new Set(keys).size !== keys.length || tree.members.some(([, value]) => hasTwice(value));
}

/** Bytes with one to three of them changed, put in or taken out, or cut off. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  let list = [...bytes];
  for (let n = 1 + random.int(3); n; n--) {
    const at = random.int(list.length + 1);
    const byte = random.chance(60)
      ? random.pick([...'{}[]",:\\0-.eE \n\u0000'].map((c) => c.charCodeAt(0)))
      : random.int(256);
    const how = random.int(4);
    if (how === 0) list = list.slice(0, at);
    else list.splice(at, how === 1 ? 1 : how === 2 ? 0 : 1, ...(how === 1 ? [] : [byte]));
  }
  return Uint8Array.from(list);
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

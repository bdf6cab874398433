/* Arbitrary bytes into the parsers of sdk/std. Each file of fuzz/ exports FUZZED, the parsers of one subject. An input
 * follows from the seed and its number alone, so one number is enough to meet it again. */

import { readdirSync } from "node:fs";
import { Random } from "../fuzz/inputs.js";
import { stdProgram, type StdProgram } from "./program.js";

export interface Fuzzed {
  /** Of the row; unique. */
  readonly name: string;
  /** drivers/<driver>.as, and its export: (pointer, length) -> number. */
  readonly driver: string;
  readonly export: string;
  /** What inputs are made of; a string is UTF-8. */
  readonly corpus: readonly (string | Uint8Array)[];
  /** Pieces that mutation puts in. */
  readonly dictionary?: readonly (string | Uint8Array)[];
  /** Longest input in bytes. Default 512. */
  readonly longest?: number;
  /** Throws when the export's number, or what other exports say about the input, is not what the oracle says. */
  readonly check?: (input: Buffer, result: number, program: StdProgram) => void;
  /** So many times slower than others: where many millions of inputs are wanted, it gets fewer. */
  readonly slowness?: number;
  /** The oracle's name. */
  readonly oracle?: string;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly count: number;
  /** One input in so many is given to `check`. */
  readonly checkEvery: number;
}

export interface FuzzResult {
  readonly inputs: number;
  readonly checked: number;
  /** Linear memory at the end, bytes. */
  readonly memory: number;
}

/** All parsers, sorted by name. */
export async function parsers(): Promise<Fuzzed[]> {
  const files = readdirSync(new URL("fuzz", import.meta.url)).filter((name) => name.endsWith(".ts"));
  const modules = await Promise.all(
    files.map((name) => import(new URL(`fuzz/${name}`, import.meta.url).href) as Promise<{ FUZZED: Fuzzed[] }>),
  );
  const all = modules.flatMap(({ FUZZED }) => FUZZED).sort((a, b) => (a.name < b.name ? -1 : 1));
  all.forEach(({ name }, i) => {
    if (name === all[i + 1]?.name) throw new Error(`two parsers are called ${name}`);
  });
  return all;
}

/** Memory that may still be asked for in the second half, when all sizes of inputs have been seen: a garbage collector's slack. */
const SLACK = 2 * 1024 * 1024;

/** Throws at the first trap and the first disagreement. */
export async function fuzz(parser: Fuzzed, { seed, count, checkEvery }: FuzzOptions): Promise<FuzzResult> {
  const program = await stdProgram(parser.driver);
  const call = program.export(parser.export);
  const longest = parser.longest ?? 512;
  const at = program.reserve(longest + 16);
  const corpus = parser.corpus.map(bytesOf);
  const dictionary = [...(parser.dictionary ?? []).map(bytesOf), ...PIECES];
  const random = new Random();
  let memory = new Uint8Array(program.memory.buffer);
  let area = memory.subarray(at, at + longest);
  let checked = 0;
  let half = 0;
  for (let i = 0; i < count; i++) {
    if (i === count >> 1) half = program.memory.buffer.byteLength;
    if (memory.buffer !== program.memory.buffer) {
      memory = new Uint8Array(program.memory.buffer);
      area = memory.subarray(at, at + longest);
    }
    random.seed(seed, i);
    const length = fill(area, random, corpus, dictionary);
    // A copy, as far as it can be needed: the parser may write to its input, and a check calls it again.
    const input = parser.check && i % checkEvery === 0 ? Buffer.from(area.slice(0, length)) : null;
    try {
      const result = Number(call(at, length));
      if (input) {
        checked++;
        parser.check!(input, result, program);
      }
    } catch (error) {
      const again = new Uint8Array(longest);
      random.seed(seed, i);
      const bytes = again.subarray(0, fill(again, random, corpus, dictionary));
      const text = `${parser.name}, seed ${seed}, input ${i}: ${Buffer.from(bytes).toString("hex")}`;
      throw new Error(`${text}\n${(error as Error).message}`, { cause: error });
    }
  }
  const end = program.memory.buffer.byteLength;
  if (end > half + SLACK) throw new Error(`${parser.name}, seed ${seed}: memory grew from ${half} to ${end} bytes`);
  return { inputs: count, checked, memory: end };
}

function bytesOf(item: string | Uint8Array): Uint8Array {
  return typeof item === "string" ? Buffer.from(item) : item;
}

/** Pieces that are wrong in many languages. */
const PIECES = [
  ...["\0", "\n", "\r\n", "\t", " ", '"', "'", "\\", ",", ";", ":", "=", "&", "%", "/", "..", "-", "+", "0", "9"],
  ...[
    "00",
    "1e9",
    "-1",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551616",
  ],
  ...["(", ")", "[", "]", "{", "}", "<", ">", "*", "?", "|", "^", "$", "#", "@", "!", "~", "é", "\u{1f600}"],
]
  .map(bytesOf)
  .concat(
    [[0x80], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f], [0xe2, 0x82], [0xff, 0xff, 0xff, 0xff, 0x7f]].map(
      (bytes) => Uint8Array.from(bytes),
    ),
  );

/** Writes an input; its length. */
function fill(
  area: Uint8Array,
  random: Random,
  corpus: readonly Uint8Array[],
  dictionary: readonly Uint8Array[],
): number {
  const kind = random.below(16);
  let length = 0;
  if (kind === 0 || !corpus.length) {
    length = random.below(Math.min(area.length, 48) + 1);
    for (let i = 0; i < length; i++) area[i] = random.next() >>> 11;
    return length;
  }
  if (kind === 1) {
    for (let n = random.below(12); n; n--) length = insert(area, length, length, random.pick(dictionary));
    return length;
  }
  length = insert(area, 0, 0, random.pick(corpus));
  // Some are right: they go all the way.
  if (kind === 2) return length;
  for (let n = 1 + random.below(4); n; n--) length = mutate(area, length, random, corpus, dictionary);
  return length;
}

function mutate(
  area: Uint8Array,
  length: number,
  random: Random,
  corpus: readonly Uint8Array[],
  dictionary: readonly Uint8Array[],
): number {
  const where = random.below(length + 1);
  const most = length - where;
  switch (random.below(10)) {
    case 0: // any byte
      if (most) area[where] = random.next() >>> 11;
      return length;
    case 1: // one bit
      if (most) area[where]! ^= 1 << random.below(8);
      return length;
    case 2: // one more or less
      if (most) area[where]! += random.below(2) ? 1 : 255;
      return length;
    case 3: // cut off
      return where;
    case 4: {
      // out of the middle
      const gone = random.below(Math.min(most, 16) + 1);
      area.copyWithin(where, where + gone, length);
      return length - gone;
    }
    case 5: {
      // once more
      const size = random.below(Math.min(most, 32) + 1);
      return insert(area, length, random.below(length + 1), area.slice(where, where + size));
    }
    case 6: {
      // many times
      const size = 1 + random.below(3);
      const piece = area.slice(where, Math.min(length, where + size));
      for (let n = random.below(24); n; n--) length = insert(area, length, where, piece);
      return length;
    }
    case 7: {
      // the end of another
      const other = random.pick(corpus);
      return insert(area, where, where, other.subarray(random.below(other.length + 1)));
    }
    default:
      return insert(area, length, where, random.pick(dictionary));
  }
}

/** As much of `piece` as fits, at `where`; the new length. */
function insert(area: Uint8Array, length: number, where: number, piece: Uint8Array): number {
  const size = Math.min(piece.length, area.length - length);
  area.copyWithin(where + size, where, length);
  area.set(size === piece.length ? piece : piece.subarray(0, size), where);
  return length + size;
}

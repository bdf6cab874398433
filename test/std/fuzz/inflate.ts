import assert from "node:assert/strict";
import { constants, deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateRawSync, inflateSync } from "node:zlib";
import type { Fuzzed } from "../fuzz.js";

const LIMIT = 65536;

type Unpack = (bytes: Uint8Array, options: object) => unknown;

/** What Node's zlib makes of it, if it uses up all of it; -1 malformed, -2 too large. */
function expected(unpack: Unpack, input: Uint8Array): number {
  try {
    const { buffer, engine } = unpack(input, { info: true, maxOutputLength: LIMIT }) as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (engine.bytesWritten !== input.length) return -1;
    let sum = 0;
    for (const byte of buffer) sum = (Math.imul(sum, 31) + byte) >>> 0;
    return buffer.length * 2 ** 32 + sum;
  } catch (error) {
    return (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" ? -2 : -1;
  }
}

const texts = [
  "",
  "a",
  "hello hello hello hello",
  "abcdefghij".repeat(30),
  JSON.stringify({ a: [1, 2, 3], b: "é".repeat(40) }),
];
const options = [
  { level: 9 },
  { level: 0 },
  { level: 6, strategy: constants.Z_FIXED },
  { level: 9, strategy: constants.Z_HUFFMAN_ONLY },
  { level: 1, strategy: constants.Z_RLE },
];
const all = (pack: (text: string, o: object) => Uint8Array): Uint8Array[] =>
  options.flatMap((each) => texts.map((text) => pack(text, each)));

function fuzzed(name: string, unpack: Unpack, corpus: readonly Uint8Array[]): Fuzzed {
  return {
    name: `inflate, ${name}`,
    driver: "inflate",
    export: name,
    corpus,
    dictionary: [
      [0x78, 0x9c],
      [0x1f, 0x8b, 8, 0x1f],
      [0x03, 0x00],
      [0x01, 0, 0, 0xff, 0xff],
      [0xed, 0xc0],
    ].map((bytes) => Uint8Array.from(bytes)),
    check(input, result) {
      const wanted = expected(unpack, input);
      // What comes out before the error may already be too much: which of the two is said follows from who looks first.
      if (result === -2 && wanted === -1) return;
      assert.equal(result, wanted);
    },
    oracle: "Node's zlib",
  };
}

export const FUZZED: Fuzzed[] = [
  fuzzed("raw", inflateRawSync as Unpack, all(deflateRawSync)),
  fuzzed("zlib", inflateSync as Unpack, all(deflateSync)),
  fuzzed("gzip", gunzipSync as Unpack, [
    ...all(gzipSync),
    Buffer.concat([gzipSync("one"), gzipSync("two")]),
    // Extra field, name, comment and the header's checksum.
    Buffer.from("1f8b0803000000000003", "hex"),
    Buffer.concat([
      Buffer.from("1f8b081c00000000000302006162", "hex"),
      Buffer.from("name\0words\0"),
      gzipSync("x").subarray(10),
    ]),
  ]),
];

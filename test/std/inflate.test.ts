import assert from "node:assert/strict";
import { before, test } from "node:test";
import { constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20261126;
const MIB = 1024 * 1024;
const ZLIB = 0;
const GZIP = 1;
const RAW = 2;

let program: StdProgram;
before(async () => {
  program = await stdProgram("inflate");
});

const unpack = (bytes: Uint8Array, limit: number, compression: number): Buffer | null =>
  program.bytesOrNull("unpacked", bytes, limit, compression);
const isTooLarge = (): boolean => program.number("tooLarge") === 1;

/** Bytes that repeat themselves at near and far distances. */
const repeating = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 400 })), { maxLength: 12 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

test(`what zlib packs in all its ways comes out again, up to the byte of the limit (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.oneof(repeating, fc.uint8Array({ maxLength: 3000 })), options, (data, how) => {
      const text = Buffer.from(data);
      for (const [compression, packed] of [
        [ZLIB, deflateSync(text, how)],
        [GZIP, gzipSync(text, how)],
        [RAW, deflateRawSync(text, how)],
      ] as const) {
        assert.deepEqual(unpack(packed, text.length, compression), text);
        if (!text.length) continue;
        assert.equal(unpack(packed, text.length - 1, compression), null);
        assert.ok(isTooLarge());
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test("what is cut off, or goes on, is refused", () => {
  const text = Buffer.from("some text, some text, some other text ".repeat(20));
  for (const [compression, packed] of [
    [ZLIB, deflateSync(text)],
    [GZIP, gzipSync(text)],
    [RAW, deflateRawSync(text)],
  ] as const) {
    assert.deepEqual(unpack(packed, MIB, compression), text);
    for (let end = 0; end < packed.length; end++) {
      assert.equal(unpack(packed.subarray(0, end), MIB, compression), null, `${compression}: ${end}`);
      assert.ok(!isTooLarge());
    }
    assert.equal(unpack(Buffer.concat([packed, Buffer.of(0)]), MIB, compression), null);
  }
});

test("each byte of a checksum counts", () => {
  for (const [compression, packed, last] of [
    [ZLIB, deflateSync("text"), 4],
    [GZIP, gzipSync("text"), 8],
  ] as const) {
    for (let i = 1; i <= last; i++) {
      const spoilt = Buffer.from(packed);
      spoilt[spoilt.length - i]! ^= 1;
      assert.equal(unpack(spoilt, MIB, compression), null);
    }
  }
});

test("gzip: several members, and a header with all there can be", () => {
  const members = [gzipSync("one "), gzipSync(""), gzipSync("two ".repeat(100))];
  assert.equal(String(unpack(Buffer.concat(members), MIB, GZIP)), `one ${"two ".repeat(100)}`);
  // The limit is for all of them.
  assert.equal(unpack(Buffer.concat(members), 403, GZIP), null);
  assert.ok(isTooLarge());
  const head = Buffer.concat([
    Buffer.from("1f8b081e000000000003", "hex"),
    Buffer.from("0300616263", "hex"),
    Buffer.from("name\0words\0"),
  ]);
  const { crc32 } = checksums();
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc32(head) & 0xffff);
  const body = gzipSync("text").subarray(10);
  assert.equal(String(unpack(Buffer.concat([head, sum, body]), MIB, GZIP)), "text");
  sum[0]! ^= 1;
  assert.equal(unpack(Buffer.concat([head, sum, body]), MIB, GZIP), null);
  // Flags without a meaning.
  head[3]! |= 0x20;
  assert.equal(unpack(Buffer.concat([head, sum, body]), MIB, GZIP), null);
});

test("a bomb costs what its limit allows", () => {
  const bomb = deflateSync(Buffer.alloc(64 * MIB), { level: 9 });
  const begin = process.hrtime.bigint();
  assert.equal(unpack(bomb, MIB, ZLIB), null);
  assert.ok(isTooLarge());
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  assert.ok(milliseconds < 500, `${milliseconds} ms`);
  assert.ok(program.memory.buffer.byteLength < 16 * MIB, `${program.memory.buffer.byteLength} bytes`);
});

test("nothing and nonsense are no streams", () => {
  for (const compression of [ZLIB, GZIP, RAW]) {
    assert.equal(unpack(Buffer.alloc(0), MIB, compression), null);
    assert.equal(unpack(Buffer.from("nonsense of some length"), MIB, compression), null);
  }
  // A dictionary that nobody has.
  assert.equal(unpack(deflateSync("text", { dictionary: Buffer.from("text") }), MIB, ZLIB), null);
});

/** CRC-32 bit by bit, as RFC 1952 defines it. */
function checksums(): { crc32: (bytes: Uint8Array) => number } {
  return {
    crc32(bytes) {
      let crc = 0xffffffff;
      for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
      }
      return ~crc >>> 0;
    },
  };
}

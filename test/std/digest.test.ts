import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";
import { unhex, withoutVectors, wycheproof } from "./vectors.js";

const SEED = 20261127;
const SIZES = [256, 384, 512] as const;
const skip = withoutVectors();

let program: StdProgram;
before(async () => {
  program = await stdProgram("digest");
});

const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 3000 }));
const bits = fc.constantFrom(...SIZES);

test("digests of every length about the sizes of blocks, at once and in pieces", () => {
  const text = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 7) & 255));
  for (const size of SIZES) {
    for (let length = 0; length <= text.length; length++) {
      const part = text.subarray(0, length);
      const expected = createHash(`sha${size}`).update(part).digest();
      for (const piece of [0, 1, 63, 64, 65, 128, 129])
        assert.deepEqual(program.bytes("digest", part, size, piece), expected, `${size}: ${length} by ${piece}`);
    }
  }
});

test(`digests and HMAC of anything, with keys of any length (seed ${SEED})`, () => {
  fc.assert(
    fc.property(bytes, bytes, bits, fc.integer({ min: 0, max: 200 }), (text, key, size, piece) => {
      assert.deepEqual(program.bytes("digest", text, size, piece), createHash(`sha${size}`).update(text).digest());
      assert.deepEqual(program.bytes("hmac", key, text, size), createHmac(`sha${size}`, key).update(text).digest());
    }),
    { seed: SEED, numRuns: 2000 },
  );
});

test("more bits than 32 of them count", () => {
  const kibibytes = 512 * 1024 + 1;
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < 512; i++) hash.update(zeros);
  hash.update(zeros.subarray(0, 1024));
  assert.deepEqual(program.bytes("digestOfZeros", 256, kibibytes), hash.digest());
});

test(`a code that differs by a bit, or in its length, is none (seed ${SEED})`, () => {
  fc.assert(
    fc.property(bytes, bytes, bits, fc.nat(511), (key, text, size, where) => {
      const code = createHmac(`sha${size}`, key).update(text).digest();
      assert.equal(program.number("hmacIs", key, text, code, size), 1);
      const cut = where % code.length;
      assert.equal(program.number("hmacIs", key, text, code.subarray(0, cut), size), 0);
      assert.equal(program.number("hmacIs", key, text, Buffer.concat([code, Buffer.of(0)]), size), 0);
      code[cut]! ^= 1 << (where & 7);
      assert.equal(program.number("hmacIs", key, text, code, size), 0);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

for (const size of SIZES) {
  test(`Wycheproof: HMAC with SHA-${size}`, { skip }, (t) => {
    let count = 0;
    for (const { tagSize, tests } of wycheproof<{ tagSize: number }, { key: string; tag: string }>(
      `hmac_sha${size}_test`,
    )) {
      for (const { tcId, key, msg, tag, result } of tests) {
        const [keyBytes, text, code] = [unhex(key), unhex(msg), unhex(tag)];
        const whole = program.bytes("hmac", keyBytes, text, size);
        assert.equal(whole.subarray(0, tagSize / 8).equals(code), result === "valid", `${tcId}`);
        // A part of the code is refused, right as it may be.
        const expected = result === "valid" && tagSize === size;
        assert.equal(program.number("hmacIs", keyBytes, text, code, size), Number(expected), `${tcId}`);
        count++;
      }
    }
    assert.ok(count > 0);
    t.diagnostic(`${count} vectors`);
  });
}

test(`PBKDF2 (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 200 }),
      bits,
      (password, salt, iterations, length, size) => {
        const expected = pbkdf2Sync(password, salt, iterations, length, `sha${size}`);
        assert.deepEqual(program.bytes("derived", password, salt, iterations, length, size), expected);
      },
    ),
    { seed: SEED, numRuns: 400 },
  );
});

test("PBKDF2 has a bound over all its blocks", () => {
  assert.equal(program.bytesOrNull("derived", "p", "s", 0, 32, 256), null);
  assert.equal(program.bytesOrNull("derived", "p", "s", 10_000_001, 32, 256), null);
  assert.equal(program.bytesOrNull("derived", "p", "s", 5_000_001, 33, 256), null);
  assert.equal(program.bytesOrNull("derived", "p", "s", 0xffffffff, 0x10000, 512), null);
  assert.ok(program.bytesOrNull("derived", "p", "s", 1, 0, 256));
});

test("the comparison in constant time says what is the same", () => {
  const same = program.export("same");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(), fc.nat(7), (one, where, bit) => {
      const at = program.reserve(100);
      const memory = new Uint8Array(program.memory.buffer);
      memory.set(one, at);
      memory.set(one, at + 50);
      assert.equal(same(at, at + 50, one.length), 1);
      if (!one.length) return;
      memory[at + 50 + (where % one.length)]! ^= 1 << bit;
      assert.equal(same(at, at + 50, one.length), 0);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test("the comparison in constant time reads to the end, also behind what differs", () => {
  const same = program.export("same");
  const end = program.memory.buffer.byteLength;
  const memory = new Uint8Array(program.memory.buffer);
  for (const length of [8, 32, 64, 200]) {
    memory.fill(1, end - length);
    const at = program.reserve(400);
    memory.fill(2, at, at + 400);
    assert.equal(same(end - length, at, length), 0);
    // What is read beyond the memory traps; nothing before it is the same.
    assert.throws(() => same(end - length, at, length + 1), WebAssembly.RuntimeError);
  }
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260708;
const MAX = (1n << 64n) - 1n;
let program: StdProgram;
before(async () => {
  program = await stdProgram("slots");
});

// SlotError
const [NONE, SHAPE, NOT_A_TABLE, VERSION, KIND, OTHER_SHAPE, LENGTH] = [0, 1, 2, 3, 4, 5, 6];

const format = (kind: number, slots: number, payload: number): number => program.number("format", kind, slots, payload);
const open = (bytes: Uint8Array, kind: number, slots: number, payload: number): number =>
  program.number("open", bytes, kind, slots, payload);
const count = (hash: bigint, now = 0n, idle = MAX): number => Number(program.bigint("count", hash, now, idle));
const counted = (hash: bigint): number => Number(program.bigint("counted", hash));
const busy = (now: bigint, idle: bigint): number => program.number("busy", now, idle);

test("the size of a table, and which are allowed", () => {
  const sizes: [number, number, number][] = [
    [1, 0, 32],
    [64, 8, 16 + 64 * 24],
    [65536, 1024, 16 + 65536 * 1040],
    [0, 8, 0],
    [3, 8, 0],
    [131072, 8, 0],
    [64, 4, 0],
    [64, 1032, 0],
    [0xffffffff, 0xffffffff, 0],
  ];
  for (const [slots, payload, size] of sizes) {
    assert.equal(program.number("sizeOf", slots, payload), size);
    if (size < 1e6) assert.equal(format(7, slots, payload), size ? NONE : SHAPE);
    if (!size) assert.equal(count(1n), -1);
  }
});

test("the layout", () => {
  format(0x01020304, 2, 8);
  count(0x1122334455667788n, 0x99n);
  const expected = "6d73544c 0100 0800 02000000 04030201 8877665544332211 9900000000000000 0100000000000000".replaceAll(
    " ",
    "",
  );
  assert.equal(program.bytes("bytes").toString("hex"), expected + "0".repeat(48));
});

test("bytes that are no table, or another", () => {
  format(9, 4, 8);
  count(5n);
  const bytes = program.bytes("bytes");
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at] = value;
    return copy;
  };
  assert.equal(open(bytes, 9, 4, 8), NONE);
  assert.equal(counted(5n), 1);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(open(bytes.subarray(0, length), 9, 4, 8), length < 16 ? NOT_A_TABLE : LENGTH);
    assert.equal(counted(5n), -1, "nothing is found in what was not opened");
    assert.equal(count(5n), -1);
  }
  assert.equal(open(Buffer.concat([bytes, Buffer.alloc(1)]), 9, 4, 8), LENGTH);
  assert.equal(open(changed(0, 0), 9, 4, 8), NOT_A_TABLE);
  assert.equal(open(changed(4, 2), 9, 4, 8), VERSION);
  assert.equal(open(changed(6, 16), 9, 4, 8), OTHER_SHAPE);
  assert.equal(open(changed(8, 8), 9, 4, 8), OTHER_SHAPE);
  assert.equal(open(bytes, 8, 4, 8), KIND);
  assert.equal(open(bytes, 9, 8, 8), OTHER_SHAPE);
  assert.equal(open(bytes, 9, 4, 16), OTHER_SHAPE);
  assert.equal(open(bytes, 9, 5, 8), SHAPE);
});

test("a table goes from one writer to the next as bytes", () => {
  format(1, 64, 8);
  for (let i = 1; i <= 10; i++) {
    assert.equal(count(42n, BigInt(i)), i);
    assert.equal(open(program.bytes("bytes"), 1, 64, 8), NONE);
  }
});

test("a slot that is not idle is never taken away; the longest idle goes first", () => {
  format(1, 16, 8);
  for (let i = 0; i < 16; i++) assert.equal(count(BigInt(i) + 1n, BigInt(100 + i), 50n), 1);
  assert.equal(count(99n, 149n, 50n), -1, "all are in use");
  assert.equal(busy(149n, 50n), 16);
  assert.equal(count(5n, 149n, 50n), 2);
  assert.equal(count(99n, 150n, 50n), 1, "the first has not been used for 50");
  assert.equal(counted(1n), -1);
  assert.equal(busy(150n, 50n), 16);
  assert.equal(busy(152n, 50n), 14);
  // The clock went back: what was used now is not idle, even if that is in the future.
  assert.equal(count(98n, 120n, 50n), -1);
  assert.equal(count(5n, 120n, 50n), 3);
  assert.equal(count(97n, 152n, 50n), 1);
  // A writer with a wrong clock does not hold its slot for ever.
  assert.equal(count(2n, 1n << 60n, 50n), -1 + 2);
});

test("a slot of the far future is idle", () => {
  format(1, 1, 8);
  assert.equal(count(1n, 1n << 62n, 50n), 1);
  assert.equal(busy(1000n, 50n), 0);
  assert.equal(count(2n, 1000n, 50n), 1);
  assert.equal(counted(1n), -1);
});

test("hash 0 is a key like any other", () => {
  format(1, 4, 8);
  assert.equal(counted(0n), -1);
  assert.equal(count(0n), 1);
  assert.equal(count(0n), 2);
  assert.equal(program.number("remove", 0n), 1);
  assert.equal(program.number("remove", 0n), 0);
  assert.equal(counted(0n), -1);
});

test(`shards are equally likely and in range (seed ${SEED})`, () => {
  const counts = new Array<number>(10).fill(0);
  const hash = fc.bigInt({ min: 0n, max: MAX });
  for (const value of fc.sample(hash, { seed: SEED, numRuns: 10_000 })) {
    const shard = program.number("shard", value, 10);
    assert.equal(shard, Number(((value >> 32n) * 10n) >> 32n));
    counts[shard]!++;
  }
  assert.equal(program.number("shard", MAX, 10), 9);
  assert.equal(program.number("shard", MAX, 0), 0);
  assert.equal(program.number("shard", MAX, 0xffffffff), 0xfffffffe);
});

test(`any calls leave what a model leaves (seed ${SEED})`, () => {
  const call = fc.tuple(
    fc.constantFrom("count", "count", "count", "counted", "remove", "busy", "copy"),
    fc.oneof(fc.bigInt({ min: 0n, max: 40n }), fc.bigInt({ min: 0n, max: MAX })),
    fc.oneof(fc.bigInt({ min: 0n, max: 60n }), fc.constant(MAX)),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 8, 16, 64),
      fc.constantFrom(0n, 1n, 20n, MAX),
      fc.array(call, { maxLength: 60 }),
      (slots, idle, calls) => {
        format(3, slots, 8);
        const model: ({ key: bigint; used: bigint; value: number } | null)[] = new Array(slots).fill(null);
        const age = (used: bigint, now: bigint): bigint => (now > used ? now - used : used - now);
        const width = Math.min(8, slots);
        const groupsOf = (key: bigint): number[][] =>
          [key, key >> 16n].map((bits) => {
            const first = Math.floor(Number(bits % BigInt(slots)) / width) * width;
            return Array.from({ length: width }, (_, i) => first + i);
          });
        const indexOf = (key: bigint): number =>
          groupsOf(key)
            .flat()
            .find((i) => model[i]?.key === key) ?? -1;
        for (const [verb, hash, now] of calls) {
          const key = hash || 1n;
          const index = indexOf(key);
          const context = `${verb} ${hash} at ${now}, idle ${idle}, ${slots} slots`;
          if (verb === "copy") assert.equal(open(program.bytes("bytes"), 3, slots, 8), NONE);
          else if (verb === "counted") assert.equal(counted(hash), model[index]?.value ?? -1, context);
          else if (verb === "remove") {
            assert.equal(program.number("remove", hash), index < 0 ? 0 : 1, context);
            if (index >= 0) model[index] = null;
          } else if (verb === "busy") {
            const inUse = model.filter((slot) => slot && age(slot.used, now) < idle).length;
            assert.equal(busy(now, idle), inUse, context);
          } else if (index >= 0) {
            const slot = model[index]!;
            if (now > slot.used || age(slot.used, now) >= idle) slot.used = now;
            assert.equal(count(hash, now, idle), ++slot.value, context);
          } else {
            const [a, b] = groupsOf(key).map((group) => group.filter((i) => !model[i])) as [number[], number[]];
            let place = (a.length >= b.length ? a : b)[0] ?? -1;
            if (place < 0) {
              const idlest = groupsOf(key)
                .flat()
                .filter((i) => age(model[i]!.used, now) >= idle);
              place = idlest.reduce(
                (a, b) => (a >= 0 && age(model[a]!.used, now) >= age(model[b]!.used, now) ? a : b),
                -1,
              );
            }
            if (place >= 0) model[place] = { key, used: now, value: 1 };
            assert.equal(count(hash, now, idle), place < 0 ? -1 : 1, context);
          }
        }
      },
    ),
    { seed: SEED, numRuns: 4000 },
  );
});

test("how full a table of random keys gets before one finds no place", (t) => {
  for (const slots of [64, 1024, 16384]) {
    let total = 0;
    for (let round = 0; round < 20; round++) {
      format(1, slots, 0);
      let taken = 0;
      while (Number(program.bigint("fill", BigInt(round * slots + taken))) > 0) taken++;
      assert.ok(taken >= 8);
      total += taken;
    }
    t.diagnostic(`${slots} slots: ${((total / 20 / slots) * 100).toFixed()} %`);
  }
});

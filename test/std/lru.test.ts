import assert from "node:assert/strict";
import { before, beforeEach, test } from "node:test";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260707;
const NEVER = (1n << 64n) - 1n;
let program: StdProgram;
before(async () => {
  program = await stdProgram("lru");
});
beforeEach(() => create(4));

const create = (capacity: number, maxKey = 1024, maxWeight = 0n, k0 = 3n, k1 = 5n): number =>
  program.number("create", capacity, maxKey, k0, k1, maxWeight) | 0;
const get = (key: string, now = 0n): number => program.number("get", key, now) | 0;
const has = (key: string, now = 0n): number => program.number("has", key, now) | 0;
const set = (key: string, value: number, expires = NEVER, weight = 0): number =>
  program.number("set", key, value, expires, weight) | 0;
const remove = (key: string): number => program.number("remove", key) | 0;
const size = (): number => program.number("size") | 0;
const weight = (): number => program.number("weight") | 0;

/** A Map keeps its order of insertion: the first key is the oldest. */
class Model {
  private readonly entries = new Map<string, { value: number; expires: bigint; weight: number }>();
  constructor(
    private readonly capacity: number,
    private readonly maxKey: number,
    /** 0: nothing is weighed. */
    private readonly maxWeight: number,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get weight(): number {
    return this.maxWeight ? [...this.entries.values()].reduce((sum, { weight }) => sum + weight, 0) : 0;
  }

  get(key: string, now: bigint): number {
    if (!this.has(key, now)) return -1;
    const entry = this.entries.get(key)!;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  has(key: string, now: bigint): number {
    const entry = this.entries.get(key);
    if (entry && now >= entry.expires) this.entries.delete(key);
    return this.entries.has(key) ? 1 : 0;
  }

  set(key: string, value: number, expires: bigint, weight: number): number {
    if (Buffer.byteLength(key) > this.maxKey) return 0;
    this.entries.delete(key);
    if (this.maxWeight && weight > this.maxWeight) return 0;
    while (this.entries.size === this.capacity || (this.maxWeight && this.weight + weight > this.maxWeight))
      this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, { value, expires, weight });
    return 1;
  }

  remove(key: string): number {
    return this.entries.delete(key) ? 1 : 0;
  }

  clear(): void {
    this.entries.clear();
  }
}

test("the least recently used is forgotten", () => {
  for (const [i, key] of ["a", "b", "c", "d"].entries()) set(key, i);
  assert.equal(get("a"), 0);
  set("e", 4);
  assert.deepEqual(
    ["a", "b", "c", "d", "e"].map((key) => has(key)),
    [1, 0, 1, 1, 1],
  );
  assert.equal(size(), 4);
});

test("a value is gone at its time, not before", () => {
  set("a", 1, 100n);
  assert.equal(get("a", 99n), 1);
  assert.equal(size(), 1);
  assert.equal(get("a", 100n), -1);
  assert.equal(size(), 0);
  set("a", 2, NEVER);
  assert.equal(get("a", NEVER - 1n), 2);
});

test("a key that is too long is not kept", () => {
  create(4, 8);
  assert.equal(set("12345678", 1), 1);
  assert.equal(set("123456789", 1), 0);
  assert.equal(size(), 1);
  create(4, 0);
  assert.equal(set("", 1), 1);
  assert.equal(set("1", 1), 0);
  create(4, -1);
  assert.equal(set("", 1), 1);
});

test("a capacity out of range is the nearest that is allowed", () => {
  assert.deepEqual(
    [-1, 0, 1, 2, 1000].map((capacity) => create(capacity)),
    [1, 1, 1, 2, 1000],
  );
  create(0);
  set("a", 1);
  set("b", 2);
  assert.deepEqual([get("a"), get("b")], [-1, 2]);
});

test("text as keys", () => {
  assert.equal(program.text("text", "käse"), "kept 7 deleted -1");
  assert.equal(program.text("text", ""), "kept 7 deleted -1");
  assert.equal(program.text("text", "x".repeat(600)), "not kept -1 not deleted -1");
});

test(`any calls leave what a model leaves (seed ${SEED})`, () => {
  const key = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("", "a", "b", "c", "d", "e", "f", "g", "aa", "ab") },
    fc.string({ maxLength: 40 }),
    fc.constantFrom("x".repeat(100), "x".repeat(101), "y".repeat(64)),
  );
  const time = fc.bigInt({ min: 0n, max: 40n });
  const call = fc.oneof(
    {
      weight: 50,
      arbitrary: fc.tuple(
        fc.constant("set" as const),
        key,
        fc.nat(1000),
        fc.oneof(time, fc.constant(NEVER)),
        fc.nat(40),
      ),
    },
    { weight: 40, arbitrary: fc.tuple(fc.constant("get" as const), key, time) },
    { weight: 10, arbitrary: fc.tuple(fc.constant("has" as const), key, time) },
    { weight: 10, arbitrary: fc.tuple(fc.constant("remove" as const), key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("clear" as const)) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.nat(60),
      fc.array(call, { maxLength: 80 }),
      (capacity, most, calls) => {
        create(capacity, 100, BigInt(most));
        const model = new Model(capacity, 100, most);
        for (const [verb, ...rest] of calls) {
          const context = `${verb} ${rest.join(" ")}`;
          if (verb === "clear") {
            program.export("clear")();
            model.clear();
          } else if (verb === "set") {
            const [key, value, expires, weight] = rest as [string, number, bigint, number];
            assert.equal(set(key, value, expires, weight), model.set(key, value, expires, weight), context);
          } else if (verb === "remove") {
            assert.equal(remove(rest[0] as string), model.remove(rest[0] as string), context);
          } else {
            const [key, now] = rest as [string, bigint];
            assert.equal((verb === "get" ? get : has)(key, now), model[verb](key, now), context);
          }
          assert.equal(size(), model.size, context);
          assert.equal(weight(), model.weight, context);
        }
      },
    ),
    { seed: SEED, numRuns: 4000 },
  );
});

test("keys that would collide in a hash without a key do not make it slow, and a full map needs no more memory", () => {
  const capacity = 100_000;
  create(capacity);
  program.number("churn", 0, capacity, 0);
  const before = program.memory.buffer.byteLength;
  const started = performance.now();
  assert.equal(program.number("churn", capacity, 3 * capacity, 1), 0);
  const took = performance.now() - started;
  assert.equal(program.number("numberOf"), capacity);
  assert.equal(program.number("churn", 3 * capacity, capacity, 1), capacity);
  assert.equal(program.memory.buffer.byteLength, before);
  // Linear chains would make it hours.
  assert.ok(took < 5000, `${took} ms`);
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { stdProgram, type StdProgram } from "./program.js";
import { readingOf } from "./protobuf.js";

const SEED = 20261125;
const params = { seed: SEED, numRuns: 2000 };

let program: StdProgram;
before(async () => {
  program = await stdProgram("protobuf");
});

type Field =
  | { readonly method: number; readonly field: number; readonly value: bigint }
  | { readonly method: 10; readonly field: number; readonly bytes: Uint8Array }
  | { readonly method: 11; readonly field: number; readonly text: string }
  | { readonly method: 12; readonly field: number; readonly values: readonly bigint[] }
  | { readonly method: 13; readonly field: number; readonly fields: readonly Field[] };

const number = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 15, 16, 2047, 2048, 0x1fffffff));
const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(0n, 1n, 127n, 128n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 32n, 1n << 63n, (1n << 64n) - 1n),
);
/** Field numbers that the driver reads as what was written: the lowest two bits say how. */
const numberOf = (kind: number): fc.Arbitrary<number> => number.map((n) => (n & ~7) | kind || 8);
const { message } = fc.letrec<{ message: readonly Field[]; field: Field }>((tie) => ({
  message: fc.array(tie("field"), { maxLength: 8, depthIdentifier: "message" }),
  field: fc.oneof(
    { depthSize: "small", depthIdentifier: "message" },
    fc.record({ method: fc.integer({ min: 0, max: 9 }), field: number, value: u64 }),
    fc.record({ method: fc.constant(10 as const), field: numberOf(1), bytes: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ method: fc.constant(11 as const), field: numberOf(2), text: fc.string({ unit: "binary" }) }),
    fc.record({ method: fc.constant(12 as const), field: numberOf(3), values: fc.array(u64, { maxLength: 20 }) }),
    fc.record({ method: fc.constant(13 as const), field: numberOf(0), fields: tie("message") }),
  ),
}));

/** The fields as the driver is told. */
function told(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap((each) => tell(each)));
}

function tell(each: Field): Buffer[] {
  let data = Buffer.alloc(0);
  if ("bytes" in each) data = Buffer.from(each.bytes);
  else if ("text" in each) data = Buffer.from(each.text, "utf16le");
  else if ("values" in each) {
    data = Buffer.alloc(each.values.length * 8);
    each.values.forEach((value, i) => data.writeBigUInt64LE(value, i * 8));
  }
  const head = (method: number): Buffer => {
    const bytes = Buffer.alloc(17);
    bytes[0] = method;
    bytes.writeUInt32LE(each.field, 1);
    if ("value" in each) bytes.writeBigUInt64LE(each.value, 5);
    bytes.writeUInt32LE(data.length, 13);
    return bytes;
  };
  return "fields" in each ? [head(13), told(each.fields), head(14)] : [head(each.method), data];
}

/** The fields as @bufbuild/protobuf writes them. */
function expected(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const each of fields) {
    if ("bytes" in each) writer.tag(each.field, WireType.LengthDelimited).bytes(each.bytes);
    else if ("text" in each) writer.tag(each.field, WireType.LengthDelimited).string(each.text.toWellFormed());
    else if ("values" in each) {
      writer.tag(each.field, WireType.LengthDelimited).fork();
      for (const value of each.values) writer.uint64(value);
      writer.join();
    } else if ("fields" in each) writer.tag(each.field, WireType.LengthDelimited).bytes(expected(each.fields));
    else scalar(writer, each.method, each.field, each.value);
  }
  return writer.finish();
}

function scalar(writer: BinaryWriter, method: number, field: number, value: bigint): void {
  const low = Number(BigInt.asUintN(32, value));
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value);
  const typed = (type: WireType): BinaryWriter => writer.tag(field, type);
  if (method === 0) typed(WireType.Varint).uint64(value);
  else if (method === 1) typed(WireType.Varint).uint32(low);
  else if (method === 2) typed(WireType.Varint).int64(BigInt.asIntN(64, value));
  else if (method === 3) typed(WireType.Varint).int32(low | 0);
  else if (method === 4) typed(WireType.Varint).bool(value !== 0n);
  else if (method === 5) typed(WireType.Varint).sint64(BigInt.asIntN(64, value));
  else if (method === 6) typed(WireType.Bit32).fixed32(low);
  else if (method === 7) typed(WireType.Bit64).fixed64(value);
  // By their bits: a NaN has many.
  else if (method === 8) typed(WireType.Bit32).fixed32(low);
  else typed(WireType.Bit64).fixed64(value);
}

test(`writes what @bufbuild/protobuf writes, byte by byte (seed ${SEED})`, () => {
  fc.assert(
    fc.property(message, (fields) => {
      assert.deepEqual(program.bytes("write", told(fields)), Buffer.from(expected(fields)));
    }),
    params,
  );
});

test(`reads what @bufbuild/protobuf has written (seed ${SEED})`, () => {
  fc.assert(
    fc.property(message, (fields) => {
      const bytes = expected(fields);
      assert.equal(program.text("read", bytes), readingOf(bytes));
    }),
    params,
  );
});

test(`reads damaged messages as @bufbuild/protobuf does, or refuses them as it does (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      message,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.nat(),
      (fields, edits, cut) => {
        const bytes = expected(fields);
        for (const [at, byte] of edits) if (bytes.length) bytes[at % bytes.length] = byte;
        const damaged = bytes.subarray(0, bytes.length - (cut % 3));
        const reading = readingOf(damaged);
        const text = program.text("read", damaged);
        if (reading === null) assert.match(text, /^error: /);
        else assert.equal(text, reading);
      },
    ),
    params,
  );
});

test("every prefix of a message is read or refused, without a trap", () => {
  const inner = new BinaryWriter().tag(2, WireType.LengthDelimited).string("text").finish();
  const whole = new BinaryWriter()
    .tag(8, WireType.LengthDelimited)
    .bytes(inner)
    .tag(5, WireType.StartGroup)
    .tag(1, WireType.Varint)
    .uint64((1n << 64n) - 1n)
    .tag(5, WireType.EndGroup)
    .tag(9, WireType.Bit64)
    .fixed64(1n)
    .finish();
  for (let end = 0; end <= whole.length; end++) {
    const reading = readingOf(whole.subarray(0, end));
    const text = program.text("read", whole.subarray(0, end));
    if (reading === null) assert.match(text, /^error: it ends within /);
    else assert.equal(text, reading);
  }
});

test("messages within each other are read up to 100 deep, groups are skipped up to 100 deep", () => {
  assert.equal(program.number("nested", 100, 0), 1);
  assert.equal(program.number("nested", 101, 0), 0);
  // What is not entered has no depth.
  assert.equal(program.number("nested", 200, 1), 1);
  const groups = (depth: number): Buffer => Buffer.from([...Array(depth).fill(0x2b), ...Array(depth).fill(0x2c)]);
  assert.equal(program.number("accepts", groups(100)), 1);
  assert.equal(program.number("accepts", groups(101)), 0);
  assert.equal(program.number("accepts", Buffer.alloc(1_000_000, 0x2b)), 0);
});

test("a length near 2^32 or 2^64 is an error, not a wrap", () => {
  for (const length of [0x7fffffffn, 0xfffffff0n, 0xffffffffn, 1n << 32n, (1n << 63n) - 1n, (1n << 64n) - 1n]) {
    const bytes = new BinaryWriter().tag(1, WireType.LengthDelimited).uint64(length).finish();
    assert.equal(program.text("read", bytes), "error: it ends within a field");
  }
});

test("what is longer than 64 MiB is not written", () => {
  assert.equal(program.number("tooLong"), 0);
});

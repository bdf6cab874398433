import { ProtoReader, ProtoWriter, zigzagDecode, zigzagEncode } from "./protobuf";

/** Keeps what readers read: they know only where it is. */
const kept: StaticArray<u8>[] = [];

function over(bytes: StaticArray<u8>): ProtoReader {
  kept.push(bytes);
  return ProtoReader.over(changetype<usize>(bytes), bytes.length);
}

function written(writer: ProtoWriter): u32[] {
  const bytes = writer.finish();
  const values: u32[] = [];
  for (let i = 0; i < bytes.length; i++) values.push(bytes[i]);
  return values;
}

describe("protobuf", () => {
  // The examples of protobuf.dev, "Encoding".
  it("reads and writes the specification's examples", () => {
    expect(written(new ProtoWriter().i32(1, 150))).toStrictEqual([0x08, 0x96, 0x01]);
    expect(written(new ProtoWriter().string(2, "testing"))).toStrictEqual([
      0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67,
    ]);
    const inner = new ProtoWriter().i32(1, 150);
    expect(written(new ProtoWriter().message(3, inner))).toStrictEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect(written(new ProtoWriter().varints(6, [3, 270, 86942]))).toStrictEqual([
      0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05,
    ]);
    const reader = over([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect(reader.next()).toBe(true);
    expect(reader.field).toBe(3);
    const message = reader.message();
    expect(message.next()).toBe(true);
    expect(message.i32()).toBe(150);
    expect(message.next()).toBe(false);
    expect(reader.next()).toBe(false);
    expect(reader.ok).toBe(true);
  });

  it("takes a packed field and a plain one for the same", () => {
    const values: u64[] = [];
    const reader = over([0x32, 0x03, 0x03, 0x8e, 0x02, 0x30, 0x07]);
    while (reader.next()) reader.varints(values);
    expect(values).toStrictEqual([3, 270, 7]);
    expect(reader.ok).toBe(true);
  });

  it("zigzags", () => {
    expect(zigzagEncode(0)).toBe(0);
    expect(zigzagEncode(-1)).toBe(1);
    expect(zigzagEncode(1)).toBe(2);
    expect(zigzagEncode(i64.MIN_VALUE)).toBe(u64.MAX_VALUE);
    expect(zigzagDecode(u64.MAX_VALUE)).toBe(i64.MIN_VALUE);
    expect(zigzagDecode(4294967294)).toBe(2147483647);
  });

  it("skips what is not read, groups included", () => {
    // Group 1 with a group 2 and a string in it, then field 3.
    const reader = over([0x0b, 0x13, 0x08, 0x01, 0x14, 0x22, 0x01, 0x61, 0x0c, 0x18, 0x05]);
    expect(reader.next()).toBe(true);
    expect(reader.next()).toBe(true);
    expect(reader.field).toBe(3);
    expect(reader.u32()).toBe(5);
    expect(reader.next()).toBe(false);
    expect(reader.ok).toBe(true);
  });

  it("says what is wrong, and nothing more after it", () => {
    const cut = over([0x0a, 0x05, 0x61]);
    expect(cut.next()).toBe(true);
    expect(cut.string()).toBe("");
    expect(cut.error).toBe("it ends within a field");
    expect(cut.next()).toBe(false);
    const long = over([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]);
    expect(long.next()).toBe(true);
    expect(long.u64()).toBe(0);
    expect(long.error).toBe("a number has more than 64 bits");
    expect(over([0x00]).next()).toBe(false);
    expect(over([0x0f]).next()).toBe(false);
    expect(over([0x0c]).next()).toBe(false);
    const mixed = over([0x08, 0x01]);
    expect(mixed.next()).toBe(true);
    expect(mixed.string()).toBe("");
    expect(mixed.error).toBe("a field is of another type");
  });

  it("an error within is an error around it", () => {
    const reader = over([0x0a, 0x02, 0x08, 0x80, 0x10, 0x01]);
    expect(reader.next()).toBe(true);
    const inner = reader.message();
    expect(inner.next()).toBe(true);
    expect(inner.u64()).toBe(0);
    expect(reader.ok).toBe(false);
    expect(reader.next()).toBe(false);
  });

  it("refuses fields that there cannot be", () => {
    const writer = new ProtoWriter().u64(0, 1).u64(0x20000000, 1);
    expect(writer.ok).toBe(false);
    expect(writer.length).toBe(0);
    expect(new ProtoWriter().u64(0x1fffffff, 1).ok).toBe(true);
  });
});

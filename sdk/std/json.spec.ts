import { JsonReader } from "./json";
import { JsonType } from "./json-tape";

function reader(text: string): JsonReader {
  const bytes = String.UTF8.encode(text);
  return new JsonReader(changetype<usize>(__pin(changetype<usize>(bytes))), bytes.byteLength);
}

describe("json", () => {
  it("reads an object", () => {
    const json = reader('{"a": [1, -2e1], "b": "x\\n"}');
    expect(json.beginObject()).toBe(true);
    expect(json.nextKey(true)).toBe(true);
    expect(json.key).toBe("a");
    expect(json.beginArray()).toBe(true);
    expect(json.nextItem(true)).toBe(true);
    expect(json.readInteger()).toBe(1);
    expect(json.nextItem(false)).toBe(true);
    expect(json.readInteger()).toBe(-20);
    expect(json.nextItem(false)).toBe(false);
    expect(json.nextKey(false)).toBe(true);
    expect(json.readString()).toBe("x\n");
    expect(json.nextKey(false)).toBe(false);
    expect(json.end()).toBe(true);
  });

  it("says what is wrong", () => {
    const json = reader('{"a":tru}');
    json.beginObject();
    json.nextKey(true);
    json.readBool();
    expect(json.error).toBe(": must be true or false");
    expect(json.errorAt).toBe(5);
  });

  it("reads integers to 64 bits and the nearest double", () => {
    expect(reader("-9223372036854775808").readI64()).toBe(i64.MIN_VALUE);
    expect(reader("18446744073709551615").readU64()).toBe(u64.MAX_VALUE);
    expect(reader("0.1").readF64()).toBe(0.1);
    const json = reader("9007199254740992");
    json.readInteger();
    expect(json.error).toBe(": must be an integer within ±9007199254740991");
  });

  it("tells types and skips values", () => {
    const json = reader('[{"a":[1,"\\u0041"]},null]');
    expect(json.type).toBe(JsonType.Array);
    json.beginArray();
    json.nextItem(true);
    expect(json.skip()).toBe(true);
    expect(json.skippedLength).toBe(18);
    json.nextItem(false);
    expect(json.readNull()).toBe(true);
    expect(json.nextItem(false)).toBe(false);
    expect(json.end()).toBe(true);
    expect(reader('[1,"\\x"]').skip()).toBe(false);
  });
});

import { JsonReader } from "./json";

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
  });
});

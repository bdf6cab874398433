import { isJsonPointer, jsonAt } from "./json-pointer";
import { JsonDocument } from "./json-value";

describe("json pointer", () => {
  it("names values", () => {
    const root = JsonDocument.fromText('{"a":[1,{"b/c":"x","~":"y"}],"":"z"}').root;
    expect(jsonAt(root, "").isObject).toBe(true);
    expect(jsonAt(root, "/a/0").i64()).toBe(1);
    expect(jsonAt(root, "/a/1/b~1c").text()).toBe("x");
    expect(jsonAt(root, "/a/1/~0").text()).toBe("y");
    expect(jsonAt(root, "/").text()).toBe("z");
  });

  it("names nothing when it does not fit", () => {
    const root = JsonDocument.fromText('{"a":[1]}').root;
    expect(jsonAt(root, "/b").isMissing).toBe(true);
    expect(jsonAt(root, "/a/1").isMissing).toBe(true);
    expect(jsonAt(root, "/a/00").isMissing).toBe(true);
    expect(jsonAt(root, "/a/-").isMissing).toBe(true);
    expect(jsonAt(root, "a").isMissing).toBe(true);
    expect(jsonAt(root, "/a~").isMissing).toBe(true);
  });

  it("can be checked", () => {
    expect(isJsonPointer("")).toBe(true);
    expect(isJsonPointer("/a~0~1")).toBe(true);
    expect(isJsonPointer("a")).toBe(false);
    expect(isJsonPointer("/~2")).toBe(false);
    expect(isJsonPointer("/~")).toBe(false);
  });
});

import { JsonDocument, JsonLimits, JsonType } from "./json-value";

describe("json value", () => {
  it("reads what is there", () => {
    const document = JsonDocument.fromText(
      '{"sub":"al\\u00efce","exp":1786212345,"roles":["a","b"],"ok":true,"x":null}',
    );
    expect(document.ok).toBe(true);
    const claims = document.root;
    expect(claims.length).toBe(5);
    expect(claims.get("sub").text()).toBe("al\u00efce");
    expect(claims.get("sub").equals("al\u00efce")).toBe(true);
    expect(claims.get("exp").i64()).toBe(1786212345);
    expect(claims.get("exp").f64()).toBe(1786212345);
    expect(claims.get("roles").length).toBe(2);
    expect(claims.get("roles").at(1).text()).toBe("b");
    expect(claims.get("ok").bool()).toBe(true);
    expect(claims.get("x").isNull).toBe(true);
    expect(claims.key(1).text()).toBe("exp");
    expect(claims.keyText(1)).toBe("exp");
    expect(claims.at(1).i64()).toBe(1786212345);
  });

  it("gives fallbacks for what is not", () => {
    const root = JsonDocument.fromText('{"a":"1","n":1.5,"big":18446744073709551615,"huge":1e400}').root;
    expect(root.get("none").isMissing).toBe(true);
    expect(root.get("none").get("deeper").at(3).text("no")).toBe("no");
    expect(root.get("a").i64(-1)).toBe(-1);
    expect(root.get("n").i64(-1)).toBe(-1);
    expect(root.get("n").text("no")).toBe("no");
    expect(root.get("big").i64(-1)).toBe(-1);
    expect(root.get("big").u64()).toBe(u64.MAX_VALUE);
    expect(isNaN(root.get("huge").f64())).toBe(true);
    expect(root.at(9).type).toBe(JsonType.Missing);
    expect(root.at(-1).type).toBe(JsonType.Missing);
    expect(root.key(9).isMissing).toBe(true);
    expect(root.keyText(9)).toBe("");
  });

  it("refuses what is no JSON, and keys that are there twice", () => {
    const broken = JsonDocument.fromText('{"a":1,"a":2}');
    expect(broken.ok).toBe(false);
    expect(broken.error).toBe("a key is there twice");
    expect(broken.errorAt).toBe(8);
    expect(broken.root.isMissing).toBe(true);
    const limits = new JsonLimits();
    limits.keys = 1;
    expect(JsonDocument.fromText('{"a":1,"b":2}', limits).ok).toBe(false);
    expect(JsonDocument.fromBytes(new Uint8Array(0)).error).toBe("it ends too early");
  });

  it("keeps its own copy", () => {
    const bytes = Uint8Array.wrap(String.UTF8.encode('["abc"]'));
    const document = JsonDocument.fromBytes(bytes);
    bytes.fill(0);
    expect(document.root.at(0).text()).toBe("abc");
  });
});

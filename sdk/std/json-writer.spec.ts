import { JsonDocument } from "./json-value";
import { JsonWriter } from "./json-writer";

describe("json writer", () => {
  it("writes", () => {
    const json = new JsonWriter()
      .beginObject()
      .writeKey("a")
      .writeI64(-1)
      .writeKey('"\n\u00e9')
      .beginArray()
      .writeString("x\\\x01")
      .writeF64(0.1)
      .writeF64(NaN)
      .writeU64(u64.MAX_VALUE)
      .writeBool(false)
      .writeNull()
      .endArray()
      .endObject();
    expect(json.toText()).toBe('{"a":-1,"\\"\\n\u00e9":["x\\\\\\u0001",0.1,null,18446744073709551615,false,null]}');
    expect(json.toBytes().length).toBe(<i32>json.textLength);
  });

  it("copies values of documents", () => {
    const text = '{"a":[1.0,{"b":"\\"é"}],"c":null}';
    const document = JsonDocument.fromText(text);
    expect(new JsonWriter().writeValue(document.root).toText()).toBe(text);
    expect(new JsonWriter().writeValue(document.root.get("none")).ok).toBe(false);
  });

  it("writes nothing rather than what is no JSON", () => {
    expect(new JsonWriter().toText()).toBe("");
    expect(new JsonWriter().beginArray().toText()).toBe("");
    expect(new JsonWriter().beginObject().writeI64(1).endObject().ok).toBe(false);
    expect(new JsonWriter().beginArray().endObject().ok).toBe(false);
    expect(new JsonWriter().writeI64(1).writeI64(2).toText()).toBe("");
  });
});

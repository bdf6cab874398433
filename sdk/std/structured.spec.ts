import { refusalAt, refusalReason } from "./refusal";
import { SfDictionary, SfInnerList, SfItem, SfList, SfType, SfValue } from "./structured";

function item(text: string): string | null {
  const parsed = SfItem.parseText(text);
  return parsed ? parsed.serialize() : null;
}

function list(text: string): string | null {
  const parsed = SfList.parseText(text);
  return parsed ? parsed.serialize() : null;
}

function dictionary(text: string): string | null {
  const parsed = SfDictionary.parseText(text);
  return parsed ? parsed.serialize() : null;
}

describe("structured fields", () => {
  it("reads items", () => {
    const parsed = SfItem.parseText(' "a\\"b";q=0.5; x;y=?0 ')!;
    expect(parsed.value.text).toBe('a"b');
    expect(parsed.value.is(SfType.String, 'a"b')).toBe(true);
    expect(parsed.value.is(SfType.Token, 'a"b')).toBe(false);
    expect(parsed.param("q")!.number).toBe(500);
    expect(parsed.param("q")!.float).toBe(0.5);
    expect(parsed.param("x")!.isTrue).toBe(true);
    expect(parsed.param("y")!.isTrue).toBe(false);
    expect(parsed.param("z") == null).toBe(true);
    expect(parsed.serialize()!).toBe('"a\\"b";q=0.5;x;y=?0');
  });

  it("knows every type", () => {
    expect(SfItem.parseText("-42")!.value.number).toBe(-42);
    expect(SfItem.parseText("@1659578233")!.value.type).toBe(SfType.Date);
    expect(SfItem.parseText("tok:/en")!.value.text).toBe("tok:/en");
    expect(SfItem.parseText(":aGk=:")!.value.bytes.length).toBe(2);
    expect(SfItem.parseText('%"f%c3%bc"')!.value.text).toBe("f\u00fc");
    expect(item("1.50")!).toBe("1.5");
    expect(item("-0")!).toBe("0");
    expect(item(":aGk:")!).toBe(":aGk=:");
  });

  it("refuses, and says where", () => {
    expect(item("") == null).toBe(true);
    expect(item('"a') == null).toBe(true);
    expect(item("1234567890123456") == null).toBe(true);
    expect(item("1.2345") == null).toBe(true);
    expect(item('%"%c3"') == null).toBe(true);
    expect(item('%"%C3%BC"') == null).toBe(true);
    expect(item('%"%bk"') == null).toBe(true);
    expect(item("1, 2") == null).toBe(true);
    expect(refusalAt).toBe(1);
    expect(refusalReason).toBe("has text after its end");
    expect(list("a,") == null).toBe(true);
    expect(refusalAt).toBe(1);
    expect(dictionary("a=1,B=2") == null).toBe(true);
    expect(refusalAt).toBe(4);
  });

  it("reads lists", () => {
    expect(list("")!).toBe("");
    const parsed = SfList.parseText("a;x=1, (b  c);y, 3")!;
    expect(parsed.length).toBe(3);
    expect(parsed.members[0].asItem()!.value.text).toBe("a");
    expect(parsed.members[0].asInnerList() == null).toBe(true);
    expect(parsed.members[1].asInnerList()!.items.length).toBe(2);
    expect(parsed.members[1].param("y")!.isTrue).toBe(true);
    expect(parsed.serialize()!).toBe("a;x=1, (b c);y, 3");
  });

  it("reads dictionaries, where the last value of a key counts and keeps its place", () => {
    const parsed = SfDictionary.parseText("a=1, b;x, a=?1;y")!;
    expect(parsed.length).toBe(2);
    expect(parsed.keyAt(0)).toBe("a");
    expect(parsed.keyAt(2)).toBe("");
    expect(parsed.memberAt(2) == null).toBe(true);
    expect(parsed.get("a")!.asItem()!.value.isTrue).toBe(true);
    expect(parsed.get("c") == null).toBe(true);
    expect(parsed.serialize()!).toBe("a;y, b;x");
  });

  it("finds keys among many", () => {
    let text = "";
    for (let i = 0; i < 100; i++) text += (i ? ", k" : "k") + (i % 50).toString() + "=" + i.toString();
    const parsed = SfDictionary.parseText(text)!;
    expect(parsed.length).toBe(50);
    for (let i = 0; i < 50; i++) {
      expect(parsed.keyAt(i)).toBe("k" + i.toString());
      expect(parsed.memberAt(i)!.asItem()!.value.number).toBe(50 + i);
    }
  });

  it("writes what is built", () => {
    const limits = new SfDictionary();
    const limit = new SfItem(SfValue.integer(100));
    limit.setParam("w", SfValue.integer(60));
    limits.set("limit", limit);
    const inner = new SfInnerList();
    inner.items.push(new SfItem(SfValue.token("a")));
    inner.items.push(new SfItem(SfValue.date(-5)));
    limits.set("list", inner);
    limits.set("flag", new SfItem(SfValue.boolean(true)));
    expect(limits.serialize()!).toBe("limit=100;w=60, list=(a @-5), flag");
    expect(new SfItem(SfValue.displayString('f\u00fc%"')).serialize()!).toBe('%"f%c3%bc%25%22"');
    expect(new SfItem(SfValue.decimalOf(0.0025)).serialize()!).toBe("0.002");
    expect(new SfItem(SfValue.decimal(-1000)).serialize()!).toBe("-1.0");
    expect(new SfItem(SfValue.bytes(new Uint8Array(1))).serialize()!).toBe(":AA==:");
  });

  it("writes nothing that is not allowed", () => {
    expect(new SfItem(SfValue.token("a b")).serialize() == null).toBe(true);
    expect(new SfItem(SfValue.token("")).serialize() == null).toBe(true);
    expect(new SfItem(SfValue.string("a\r\nb")).serialize() == null).toBe(true);
    expect(new SfItem(SfValue.string("\u00e9")).serialize() == null).toBe(true);
    expect(new SfItem(SfValue.integer(1000000000000000)).serialize() == null).toBe(true);
    expect(new SfItem(SfValue.decimalOf(NaN)).serialize() == null).toBe(true);
    expect(new SfItem(SfValue.decimalOf(1e300)).serialize() == null).toBe(true);
    const parsed = SfItem.parseText("a")!;
    parsed.setParam("A", SfValue.boolean(true));
    expect(parsed.serialize() == null).toBe(true);
  });
});

import { DerReader, DerTag } from "./der";
import { fromHex } from "./hex";
import { refusalAt, refusalReason } from "./refusal";

function readerOf(hex: string): DerReader {
  const bytes = fromHex(hex)!;
  return new DerReader(bytes.dataStart, bytes.length);
}

/** Why an element of the tag is refused. */
function wrong(hex: string, tag: u32): string {
  return readerOf(hex).read(tag) ? "" : refusalReason;
}

describe("DER reader", () => {
  it("reads what it is asked for", () => {
    const outer = readerOf("3011020101020200ff0500030200aa06022a03");
    expect(outer.tag).toBe(DerTag.Sequence);
    const inside = outer.enter(DerTag.Sequence);
    expect(inside.unsigned()).toBe(true);
    expect(load<u8>(inside.valuePtr)).toBe(1);
    expect(inside.unsigned()).toBe(true);
    expect(inside.valueLength).toBe(1);
    expect(load<u8>(inside.valuePtr)).toBe(255);
    expect(inside.nothing()).toBe(true);
    expect(inside.wholeBytes()).toBe(true);
    expect(load<u8>(inside.valuePtr)).toBe(0xaa);
    expect(inside.end()).toBe(false);
    expect(refusalReason).toBe("something follows the last element");
    expect(refusalAt).toBe(15);
    expect(outer.end()).toBe(true);
  });

  it("refuses what only BER allows", () => {
    expect(wrong("048100", DerTag.OctetString)).toBe("a length has more bytes than it needs");
    expect(wrong("0480", DerTag.OctetString)).toBe("a length is indefinite or too long");
    expect(wrong("0485", DerTag.OctetString)).toBe("a length is indefinite or too long");
    expect(wrong("04", DerTag.OctetString)).toBe("it ends within an element");
    expect(wrong("0484ffffffff", DerTag.OctetString)).toBe("it ends within an element");
    expect(wrong("0400", DerTag.Null)).toBe("an element has another tag");
    expect(wrong("", DerTag.Null)).toBe("an element is missing");
    expect(readerOf("0202007f").unsigned()).toBe(false);
    expect(readerOf("020180").unsigned()).toBe(false);
    expect(readerOf("0200").unsigned()).toBe(false);
    expect(readerOf("020100").unsigned()).toBe(true);
    expect(readerOf("030107").wholeBytes()).toBe(false);
    expect(readerOf("050100").nothing()).toBe(false);
  });

  it("reads nothing more after an error", () => {
    const reader = readerOf("0500020101");
    expect(reader.unsigned()).toBe(false);
    expect(reader.nothing()).toBe(false);
    expect(reader.tag).toBe(0);
    expect(reader.enter(DerTag.Sequence).ok).toBe(false);
    expect(reader.end()).toBe(false);
  });

  it("compares the value", () => {
    const reader = readerOf("06022a03");
    expect(reader.read(DerTag.Oid)).toBe(true);
    const oid = fromHex("2a03")!;
    expect(reader.valueIs(oid.dataStart, 2)).toBe(true);
    expect(reader.valueIs(oid.dataStart, 1)).toBe(false);
  });
});

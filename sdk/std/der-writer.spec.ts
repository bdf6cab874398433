import { DerTag } from "./der";
import { DerWriter } from "./der-writer";
import { fromHex, toHex } from "./hex";

function hexOf(writer: DerWriter): string {
  const bytes = writer.toBytes();
  return bytes ? toHex(bytes) : "none";
}

describe("DER writer", () => {
  it("writes elements in elements", () => {
    const number = fromHex("0000ff")!;
    const writer = new DerWriter().begin(DerTag.Sequence).unsigned(number.dataStart, 3).nothing();
    writer.begin(DerTag.BitString).byte(0).bytes(number.dataStart, 3).end();
    expect(hexOf(writer.unsigned(number.dataStart, 1).end())).toBe("300f020200ff050003040000" + "00ff020100");
  });

  it("writes lengths of all sizes", () => {
    const bytes = new Uint8Array(70000);
    expect(hexOf(new DerWriter().element(DerTag.OctetString, bytes.dataStart, 127)).substring(0, 4)).toBe("047f");
    expect(hexOf(new DerWriter().element(DerTag.OctetString, bytes.dataStart, 128)).substring(0, 6)).toBe("048180");
    const writer = new DerWriter(100000).begin(DerTag.Sequence).element(DerTag.OctetString, bytes.dataStart, 300);
    expect(hexOf(writer.end()).substring(0, 16)).toBe("308201300482012c");
    const long = new DerWriter(100000).begin(DerTag.OctetString).bytes(bytes.dataStart, 70000).end();
    expect(hexOf(long).substring(0, 10)).toBe("0483011170");
  });

  it("gives nothing when something does not fit or is not closed", () => {
    const bytes = new Uint8Array(100);
    expect(hexOf(new DerWriter(50).element(DerTag.OctetString, bytes.dataStart, 49))).toBe("none");
    expect(hexOf(new DerWriter(50).begin(DerTag.Sequence).bytes(bytes.dataStart, 49).end())).toBe("none");
    expect(hexOf(new DerWriter().begin(DerTag.Sequence))).toBe("none");
    expect(hexOf(new DerWriter().end())).toBe("none");
    const deep = new DerWriter();
    for (let i = 0; i < 17; i++) deep.begin(DerTag.Sequence);
    for (let i = 0; i < 17; i++) deep.end();
    expect(hexOf(deep)).toBe("none");
  });
});

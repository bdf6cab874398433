import { ByteWriter } from "./bytewriter";
import { FieldReader, lowerCase, writeQuoted } from "./fieldreader";
import { refusalAt } from "./refusal";
import { Slice } from "./slice";

function reader(text: string): FieldReader {
  const bytes = Slice.of(text);
  return new FieldReader(bytes.ptr, bytes.length);
}

function quoted(text: string): string {
  const slice = reader(text).quotedString();
  return slice ? slice.toString() : "refused at " + refusalAt.toString();
}

describe("fieldreader", () => {
  it("reads tokens, white space and separators", () => {
    const field = reader(" \tone-1! , ,two");
    field.skipEmptyMembers();
    expect(field.token()!.toString()).toBe("one-1!");
    field.skipBlanks();
    expect(field.peek()).toBe(0x2c);
    expect(field.skip(0x3b)).toBe(false);
    expect(field.skip(0x2c)).toBe(true);
    expect(field.token() == null).toBe(true);
    expect(refusalAt).toBe(10);
    field.skipEmptyMembers();
    expect(field.value()!.toString()).toBe("two");
    expect(field.atEnd).toBe(true);
    expect(field.peek()).toBe(0);
    expect(field.skip(0)).toBe(true);
  });

  it("decodes quoted strings", () => {
    expect(quoted('"a\\"b\\\\\\c\td\u00e9"')).toBe('a"b\\c\td\u00e9');
    expect(quoted('""')).toBe("");
    expect(quoted("a")).toBe("refused at 0");
    expect(quoted('"a')).toBe("refused at 0");
    expect(quoted('"a\\')).toBe("refused at 3");
    expect(quoted('"a\nb"')).toBe("refused at 2");
    expect(quoted('"a\\\x7fb"')).toBe("refused at 3");
  });

  it("writes quoted strings", () => {
    const out = new ByteWriter();
    const text = Slice.of('a"b\\\t\u00e9');
    expect(writeQuoted(out, text.ptr, text.length)).toBe(true);
    expect(out.toString()).toBe('"a\\"b\\\\\t\u00e9"');
    const bad = Slice.of("a\r\nb");
    expect(writeQuoted(out, bad.ptr, bad.length)).toBe(false);
    expect(refusalAt).toBe(1);
  });

  it("makes letters small", () => {
    const text = Slice.of("aB[Z\u00c9");
    lowerCase(text.ptr, text.length);
    expect(text.toString()).toBe("ab[z\u00c9");
  });
});

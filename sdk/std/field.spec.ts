import { equalsIgnoreCase, isFieldValue, isToken } from "./field";

function token(text: string): bool {
  const bytes = String.UTF8.encode(text);
  return isToken(changetype<usize>(bytes), bytes.byteLength);
}

function value(text: string): bool {
  const bytes = String.UTF8.encode(text);
  return isFieldValue(changetype<usize>(bytes), bytes.byteLength);
}

describe("field", () => {
  it("knows tokens", () => {
    expect(token("x-Name_1!#$%&'*+.^`|~")).toBe(true);
    expect(token("")).toBe(false);
    expect(token("a b")).toBe(false);
    expect(token("a:")).toBe(false);
    expect(token("\u00e9")).toBe(false);
    expect(token("a\0")).toBe(false);
  });

  it("knows field values", () => {
    expect(value("a\tb \u00e9")).toBe(true);
    expect(value("")).toBe(true);
    expect(value("a\r\nb")).toBe(false);
    expect(value("a\0")).toBe(false);
    expect(value("\x7f")).toBe(false);
  });

  it("compares names but for case", () => {
    const bytes = String.UTF8.encode("X-nAme[");
    const ptr = changetype<usize>(bytes);
    expect(equalsIgnoreCase(ptr, "x-Name[")).toBe(true);
    expect(equalsIgnoreCase(ptr, "x-name{")).toBe(false);
  });
});

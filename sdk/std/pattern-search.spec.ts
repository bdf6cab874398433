import { Literal, NOWHERE } from "./pattern-search";

function literal(text: string): Literal {
  const bytes = new StaticArray<u8>(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = <u8>text.charCodeAt(i);
  return new Literal(bytes);
}

/** Where a literal is in a text, by each of its places and ends; -1 for nowhere. */
function found(what: string, text: string): i32 {
  const bytes = String.UTF8.encode(text);
  const ptr = changetype<usize>(bytes);
  const at = literal(what).find(ptr, ptr + bytes.byteLength);
  return at == NOWHERE ? -1 : <i32>(at - ptr);
}

describe("pattern-search", () => {
  it("finds a literal wherever it is", () => {
    for (let length = 0; length < 80; length++) {
      const text = "-".repeat(length);
      for (let at = 0; at <= length; at += 7) {
        expect(found("ab", text.substring(0, at) + "ab" + text.substring(at))).toBe(at);
        expect(found("a", text.substring(0, at) + "a")).toBe(at);
      }
      expect(found("ab", text + "a")).toBe(-1);
      expect(found("ab", "b" + text)).toBe(-1);
    }
  });

  it("is not misled by parts of it", () => {
    expect(found("aab", "aaaaaaaaaaaaaaaab")).toBe(14);
    expect(found("/users/", "/user/users/")).toBe(5);
    expect(found("a-long-literal-of-many-bytes", "a-long-literal-of-many-byte a-long-literal-of-many-bytes")).toBe(28);
    expect(found("xyz", "")).toBe(-1);
    expect(found("xyz", "xy")).toBe(-1);
  });

  it("does not look behind the end", () => {
    const bytes = String.UTF8.encode("xxxxxxxxab");
    const ptr = changetype<usize>(bytes);
    expect(literal("ab").find(ptr, ptr + 9) == NOWHERE).toBe(true);
    expect(literal("ab").find(ptr, ptr + 10) == ptr + 8).toBe(true);
    expect(literal("ab").find(ptr + 9, ptr + 10) == NOWHERE).toBe(true);
    const more = String.UTF8.encode("yyyyyybax");
    const start = changetype<usize>(more);
    expect(literal("bax").find(start, start + 8) == NOWHERE).toBe(true);
    expect(literal("bax").find(start, start + 9) == start + 6).toBe(true);
  });
});

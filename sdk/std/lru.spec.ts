import { Lru } from "./lru";

class Value {
  constructor(readonly text: string) {}
}

describe("lru", () => {
  it("forgets the least recently used", () => {
    const map = new Lru<i32>(2, 1, 2);
    map.setText("a", 1);
    map.setText("b", 2);
    expect(map.getText("a", 0)).toBe(1);
    map.setText("c", 3);
    expect(map.hasText("a")).toBe(true);
    expect(map.hasText("b")).toBe(false);
    expect(map.size).toBe(2);
  });

  it("forgets what has expired", () => {
    const map = new Lru<i32>(2, 1, 2);
    map.setText("a", 1, 10);
    expect(map.getText("a", 0, 9)).toBe(1);
    expect(map.getText("a", 0, 10)).toBe(0);
    expect(map.size).toBe(0);
  });

  it("holds objects, and null for what is not there", () => {
    const map = new Lru<Value | null>(2, 1, 2);
    const key: StaticArray<u8> = [1, 2, 3];
    const ptr = changetype<usize>(key);
    expect(map.set(ptr, 3, new Value("x"))).toBe(true);
    const found = map.get(ptr, 3, null);
    expect(found ? found.text : "").toBe("x");
    expect(map.get(ptr, 2, null) == null).toBe(true);
    expect(map.delete(ptr, 3)).toBe(true);
    expect(map.delete(ptr, 3)).toBe(false);
    expect(map.get(ptr, 3, null) == null).toBe(true);
  });

  it("keeps no key that is too long", () => {
    const map = new Lru<i32>(2, 1, 2, 4);
    expect(map.setText("ab", 1)).toBe(true);
    expect(map.setText("abc", 1)).toBe(false);
    map.clear();
    expect(map.size).toBe(0);
    expect(map.hasText("ab")).toBe(false);
  });
});

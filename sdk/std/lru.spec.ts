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

  it("keeps no more than it may weigh", () => {
    const map = new Lru<i32>(10, 1, 2, 8, 10);
    map.setText("a", 1, u64.MAX_VALUE, 4);
    map.setText("b", 2, u64.MAX_VALUE, 4);
    expect(map.setText("c", 3, u64.MAX_VALUE, 11)).toBe(false);
    expect(map.weight).toBe(8);
    map.getText("a", 0);
    expect(map.setText("c", 3, u64.MAX_VALUE, 6)).toBe(true);
    expect(map.hasText("b")).toBe(false);
    expect(map.setText("a", 4, u64.MAX_VALUE, 1)).toBe(true);
    expect(map.weight).toBe(7);
    map.deleteText("c");
    expect(map.weight).toBe(1);
    map.clear();
    expect(map.weight).toBe(0);
  });
});

import { clearSlots, copySlots, growWorkspace, Ints, workspace } from "./pattern-memory";

describe("pattern-memory", () => {
  it("grows lists", () => {
    const list = new Ints();
    for (let i = 0; i < 1000; i++) list.push(i);
    expect(list.length).toBe(1000);
    expect(list.get(0)).toBe(0);
    expect(list.get(999)).toBe(999);
    list.set(5, 77);
    list.resize(6);
    expect(list.get(5)).toBe(77);
    list.resize(8);
    expect(list.get(7)).toBe(0);
    const array = list.toArray();
    expect(array.length).toBe(8);
    expect(array[5]).toBe(77);
    list.free();
    expect(list.length).toBe(0);
    list.push(3);
    expect(list.get(0)).toBe(3);
    list.free();
  });

  it("keeps one workspace", () => {
    const small = workspace(10);
    expect(workspace(20) == small).toBe(true);
    store<u64>(small, 42);
    const large = growWorkspace(1 << 16, 8);
    expect(load<u64>(large)).toBe(42);
    expect(workspace(1 << 16) == large).toBe(true);
  });

  it("copies and clears slots", () => {
    const a = workspace(64);
    clearSlots(a, 16);
    expect(load<i32>(a, 12)).toBe(-1);
    store<u64>(a + 16, 7);
    copySlots(a, a + 16, 8);
    expect(load<u64>(a)).toBe(7);
    expect(load<i64>(a, 8)).toBe(-1);
  });
});

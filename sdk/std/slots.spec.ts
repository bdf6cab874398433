import { shardOf, SlotError, SlotTable, slotTableSize } from "./slots";

describe("fixed-slot table", () => {
  it("counts in place", () => {
    const bytes = new Uint8Array(<i32>slotTableSize(16, 8));
    const table = new SlotTable();
    expect(<i32>table.format(bytes.dataStart, bytes.length, 1, 16, 8)).toBe(SlotError.None);
    const payload = table.take(42, 1000, 60);
    expect(table.isNew).toBe(true);
    store<u64>(payload, 7);

    const again = new SlotTable();
    expect(<i32>again.open(bytes.dataStart, bytes.length, 1, 16, 8)).toBe(SlotError.None);
    expect(load<u64>(again.take(42, 1001, 60))).toBe(7);
    expect(again.isNew).toBe(false);
    expect(again.find(43)).toBe(0);
    expect(again.busy(1001, 60)).toBe(1);
    expect(again.remove(42)).toBe(true);
    expect(again.find(42)).toBe(0);
  });

  it("takes only idle slots", () => {
    const bytes = new Uint8Array(<i32>slotTableSize(1, 8));
    const table = new SlotTable();
    table.format(bytes.dataStart, bytes.length, 1, 1, 8);
    store<u64>(table.take(1, 1000, 60), 5);
    expect(table.take(2, 1059, 60)).toBe(0);
    expect(load<u64>(table.take(2, 1060, 60))).toBe(0);
    expect(table.find(1)).toBe(0);
    expect(table.take(3, 1060, 0) != 0).toBe(true);
  });

  it("does not open what is no such table", () => {
    const bytes = new Uint8Array(<i32>slotTableSize(4, 8));
    const ptr = bytes.dataStart;
    const table = new SlotTable();
    expect(<i32>table.open(ptr, bytes.length, 1, 4, 8)).toBe(SlotError.NotATable);
    expect(<i32>table.format(ptr, bytes.length - 1, 1, 4, 8)).toBe(SlotError.Length);
    expect(bytes[0]).toBe(0);
    table.format(ptr, bytes.length, 1, 4, 8);
    expect(<i32>table.open(ptr, 15, 1, 4, 8)).toBe(SlotError.NotATable);
    expect(<i32>table.open(ptr, bytes.length - 1, 1, 4, 8)).toBe(SlotError.Length);
    expect(<i32>table.open(ptr, bytes.length, 2, 4, 8)).toBe(SlotError.Kind);
    expect(<i32>table.open(ptr, bytes.length, 1, 8, 8)).toBe(SlotError.OtherShape);
    expect(<i32>table.open(ptr, bytes.length, 1, 3, 8)).toBe(SlotError.Shape);
    bytes[4] = 9;
    expect(<i32>table.open(ptr, bytes.length, 1, 4, 8)).toBe(SlotError.Version);
    expect(table.take(1, 0, 0)).toBe(0);
    expect(table.find(1)).toBe(0);
  });

  it("spreads hashes over shards", () => {
    expect(shardOf(0, 8)).toBe(0);
    expect(shardOf(u64.MAX_VALUE, 8)).toBe(7);
    expect(shardOf(0x2000000000000000, 8)).toBe(1);
  });
});

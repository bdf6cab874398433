/* Context id -> object, for roots and streams. Open addressing in raw memory: ids are handed out in sequence, so a slot
 * is nearly always the id's own. The collector visits what stands here. */

const INITIAL_CAPACITY: u32 = 64;
/** One slot: u32 id, u32 object. Id 0 marks a free slot; the host counts from 1. */
const SLOT_SHIFT: usize = 3;

let slots: usize = 0;
let mask: u32 = 0;
let used: u32 = 0;

function slotAt(index: u32): usize {
  return slots + ((<usize>(index & mask)) << SLOT_SHIFT);
}

function find(id: u32): usize {
  if (!slots || !id) return 0;
  let index = id;
  while (true) {
    const slot = slotAt(index);
    const found = load<u32>(slot);
    if (found == id) return slot;
    if (!found) return 0;
    index++;
  }
}

function insert(id: u32, object: usize): void {
  let index = id;
  while (load<u32>(slotAt(index)) && load<u32>(slotAt(index)) != id) index++;
  if (!load<u32>(slotAt(index))) used++;
  store<u32>(slotAt(index), id);
  store<usize>(slotAt(index), object, 4);
}

function resize(capacity: u32): void {
  const oldSlots = slots;
  const oldCapacity = oldSlots ? mask + 1 : 0;
  slots = heap.alloc((<usize>capacity) << SLOT_SHIFT);
  memory.fill(slots, 0, (<usize>capacity) << SLOT_SHIFT);
  mask = capacity - 1;
  used = 0;
  for (let i: u32 = 0; i < oldCapacity; i++) {
    const slot = oldSlots + ((<usize>i) << SLOT_SHIFT);
    const id = load<u32>(slot);
    if (id) insert(id, load<usize>(slot, 4));
  }
  if (oldSlots) heap.free(oldSlots);
}

/** Address of the object of a context, 0 when there is none. */
export function contextOf(id: u32): usize {
  const slot = find(id);
  return slot ? load<usize>(slot, 4) : 0;
}

export function addContext(id: u32, object: usize): void {
  if (!slots) resize(INITIAL_CAPACITY);
  else if (used * 4 >= (mask + 1) * 3) resize((mask + 1) * 2);
  insert(id, object);
}

export function removeContext(id: u32): void {
  let hole = find(id);
  if (!hole) return;
  used--;
  // Backward shift, so that no tombstones pile up.
  let index = <u32>((hole - slots) >> SLOT_SHIFT);
  let next = index;
  while (true) {
    next++;
    const slot = slotAt(next);
    const nextId = load<u32>(slot);
    if (!nextId) break;
    if (((next - nextId) & mask) >= ((next - index) & mask)) {
      store<u64>(slotAt(index), load<u64>(slot));
      index = next;
    }
  }
  store<u64>(slotAt(index), 0);
}

/** Number of contexts that exist now. */
export function contextCount(): u32 {
  return used;
}

export function visitContexts(): void {
  if (!slots) return;
  for (let i: u32 = 0; i <= mask; i++) {
    const slot = slots + ((<usize>i) << SLOT_SHIFT);
    // @ts-ignore: built into the compiler
    if (load<u32>(slot)) __visit(load<usize>(slot, 4), 0);
  }
}

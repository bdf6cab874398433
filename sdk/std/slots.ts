/* A table of fixed size in a byte buffer, found by 64-bit hash: many counters or buckets in one value of shared data, read
 * and written back as a whole. It works in place, and whatever the bytes are, it never reads or writes outside of them.
 *
 * Little-endian: u32 magic, u16 layout version, u16 bytes of payload per slot, u32 slots, u32 kind, then per slot
 * u64 hash (0: free), u64 time of last use, payload. A key stands in one of two groups of 8 slots, which bits 0 to 15 and 16
 * to 31 of its hash choose; a new one in that with more free slots. So a table of 1024 slots takes random keys until it is
 * about 80 % full; the layout of a table and the way to shards take other bits. */

const MAGIC: u32 = 0x4c54736d;
const VERSION: u16 = 1;
const HEADER: usize = 16;
const SLOT_HEADER: usize = 16;
const GROUP: u32 = 8;
const MAX_SLOTS: u32 = 1 << 16;
const MAX_PAYLOAD: u32 = 1024;

/** Why bytes are not the table that is wanted. */
export enum SlotError {
  None,
  /** The wanted slots or payload are not allowed. */
  Shape,
  /** Not a table: too short, or it does not begin like one. */
  NotATable,
  /** Another version of this layout. */
  Version,
  /** Another kind of payload. */
  Kind,
  /** Another number of slots or size of payload than wanted. */
  OtherShape,
  /** The bytes are fewer or more than the table has. */
  Length,
}

/** Bytes of a table; 0 unless `slots` is a power of two up to 65536 and `payload` a multiple of 8 up to 1024 bytes. */
export function slotTableSize(slots: u32, payload: u32): usize {
  if (!slots || slots > MAX_SLOTS || slots & (slots - 1) || payload > MAX_PAYLOAD || payload & 7) return 0;
  return HEADER + <usize>slots * (SLOT_HEADER + payload);
}

/** Which of `shards` tables a hash belongs to; independent of its place in there. 0 when there are none. */
export function shardOf(hash: u64, shards: u32): u32 {
  return <u32>(((hash >> 32) * shards) >> 32);
}

export class SlotTable {
  /** Whether the last `take` gave a slot that the key did not have before. */
  isNew: bool = false;
  private ptr: usize = 0;
  private slots: u32 = 0;
  /** Bytes from slot to slot. */
  private stride: usize = 0;

  /** Makes an empty table of slotTableSize(slots, payload) bytes. `kind`: what the payload is, for example a version. */
  format(ptr: usize, length: usize, kind: u32, slots: u32, payload: u32): SlotError {
    const size = slotTableSize(slots, payload);
    this.slots = 0;
    if (!size) return SlotError.Shape;
    if (length != size) return SlotError.Length;
    memory.fill(ptr, 0, size);
    store<u32>(ptr, MAGIC);
    store<u16>(ptr, VERSION, 4);
    store<u16>(ptr, payload, 6);
    store<u32>(ptr, slots, 8);
    store<u32>(ptr, kind, 12);
    return this.open(ptr, size, kind, slots, payload);
  }

  /** Opens the table that the bytes are, which stay where they are. After an error it is a table without slots. */
  open(ptr: usize, length: usize, kind: u32, slots: u32, payload: u32): SlotError {
    this.slots = 0;
    const size = slotTableSize(slots, payload);
    if (!size) return SlotError.Shape;
    if (length < HEADER || load<u32>(ptr) != MAGIC) return SlotError.NotATable;
    if (load<u16>(ptr, 4) != VERSION) return SlotError.Version;
    if (load<u32>(ptr, 12) != kind) return SlotError.Kind;
    if (load<u32>(ptr, 8) != slots || load<u16>(ptr, 6) != payload) return SlotError.OtherShape;
    if (length != size) return SlotError.Length;
    this.ptr = ptr;
    this.slots = slots;
    this.stride = SLOT_HEADER + payload;
    return SlotError.None;
  }

  /** Address of the payload of a key; 0 when it has no slot. */
  find(hash: u64): usize {
    const key = hash || 1;
    for (let choice: u32 = 0; choice < 32; choice += 16) {
      let slot = this.group(key >> choice);
      for (const end = this.groupEnd(slot); slot < end; slot += this.stride) {
        if (load<u64>(slot) == key) return slot + SLOT_HEADER;
      }
    }
    return 0;
  }

  /**
   * Address of the payload of a key, used at time `now`. A key without a slot gets a free one, else the one that is idle for
   * longest, with a payload of zeros. A slot is idle when its last use is `idle` or more away from `now`, in the past or (the
   * clock or the writer was wrong) in the future. 0 when none of the key's 16 slots is free or idle: with `idle` 0 never.
   */
  take(hash: u64, now: u64, idle: u64): usize {
    const key = hash || 1;
    let free: usize = 0;
    let mostFree = 0;
    let idlest: usize = 0;
    let longest: u64 = 0;
    for (let choice: u32 = 0; choice < 32; choice += 16) {
      let first: usize = 0;
      let freeHere = 0;
      let slot = this.group(key >> choice);
      for (const end = this.groupEnd(slot); slot < end; slot += this.stride) {
        const owner = load<u64>(slot);
        if (owner == key) {
          this.isNew = false;
          if (now > load<u64>(slot, 8) || age(slot, now) >= idle) store<u64>(slot, now, 8);
          return slot + SLOT_HEADER;
        }
        if (!owner) {
          if (!freeHere++) first = slot;
        } else if (age(slot, now) >= idle && (!idlest || age(slot, now) > longest)) {
          idlest = slot;
          longest = age(slot, now);
        }
      }
      if (freeHere > mostFree) {
        mostFree = freeHere;
        free = first;
      }
    }
    const slot = free || idlest;
    if (!slot) return 0;
    this.isNew = true;
    store<u64>(slot, key);
    store<u64>(slot, now, 8);
    memory.fill(slot + SLOT_HEADER, 0, this.stride - SLOT_HEADER);
    return slot + SLOT_HEADER;
  }

  /** Frees the slot of a key; false when it had none. */
  remove(hash: u64): bool {
    const found = this.find(hash);
    if (found) memory.fill(found - SLOT_HEADER, 0, this.stride);
    return found != 0;
  }

  /** Slots that are neither free nor idle (see `take`); walks over all of them. */
  busy(now: u64, idle: u64): u32 {
    let count: u32 = 0;
    let slot = this.ptr + HEADER;
    for (const end = slot + <usize>this.slots * this.stride; slot < end; slot += this.stride) {
      count += u32(load<u64>(slot) != 0 && age(slot, now) < idle);
    }
    return count;
  }

  /** The first slot of the group that the low bits choose. */
  private group(bits: u64): usize {
    return this.ptr + HEADER + <usize>((<u32>bits) & (this.slots - 1) & ~(GROUP - 1)) * this.stride;
  }

  private groupEnd(slot: usize): usize {
    return slot + <usize>min(GROUP, this.slots) * this.stride;
  }
}

/** How long ago, or how far in the future, the last use of a slot was. */
function age(slot: usize, now: u64): u64 {
  const lastUsed = load<u64>(slot, 8);
  return now > lastUsed ? now - lastUsed : lastUsed - now;
}

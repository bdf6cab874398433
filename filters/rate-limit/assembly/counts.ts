/* Where the counts of a limit are: tables of a fixed size, which one a key is in follows from its hash. Those of all worker
 * threads are values of shared data; a table is read, changed and written back if nobody was faster. */

import { SharedData, Status } from "meshwasm/sdk";
import { shardOf, SlotError, SlotTable, slotTableSize } from "meshwasm/sdk/std/slots";

/** Slots of a table; a key may take those of one or two halves of it. */
const SLOTS: u32 = 16;
/** Keys that a table is made for: then few have no room. */
const KEYS: u32 = 6;

export class Counts {
  /** Addresses of the table that is open. */
  readonly table: SlotTable = new SlotTable();
  private tables: u32;
  private size: i32;
  /** Those of this thread alone. */
  private own: StaticArray<Uint8Array | null> | null = null;
  /** Names of tables in shared data, as they are needed. */
  private keys: StaticArray<string | null> = new StaticArray<string | null>(0);
  private bytes: Uint8Array = new Uint8Array(0);
  private isThere: bool = false;
  private cas: u32 = 0;

  /** `shared` null: of this thread alone. `name`: of the limit and what it counts. */
  constructor(
    private shared: SharedData | null,
    private name: string,
    private kind: u32,
    private payload: u32,
    maxKeys: u32,
  ) {
    this.tables = (maxKeys + KEYS - 1) / KEYS;
    this.size = <i32>slotTableSize(SLOTS, payload);
    // One more for the keys that find no room.
    if (!shared) this.own = new StaticArray<Uint8Array | null>(this.tables + 1);
    this.keys = new StaticArray<string | null>(shared ? this.tables + 1 : 0);
  }

  /** The table in which a key is. */
  tableOf(hash: u64): u32 {
    return shardOf(hash, this.tables);
  }

  /** That of the keys which find no room. */
  get overflow(): u32 {
    return this.tables;
  }

  /** Opens a table; what stands there and is none is begun anew. False when the host gives nothing. */
  open(index: u32): bool {
    let bytes: Uint8Array | null = null;
    const own = this.own;
    const shared = this.shared;
    if (own) bytes = own[index];
    else if (shared) {
      bytes = shared.get(this.keyOf(index));
      if (bytes === null && shared.status != Status.NotFound) return false;
      this.cas = shared.cas;
    }
    this.isThere = bytes !== null;
    if (bytes !== null) {
      this.bytes = bytes;
      const error = this.table.open(bytes.dataStart, bytes.length, this.kind, SLOTS, this.payload);
      if (error == SlotError.None) return true;
    }
    const made = new Uint8Array(this.size);
    this.bytes = made;
    return this.table.format(made.dataStart, made.length, this.kind, SLOTS, this.payload) == SlotError.None;
  }

  /** Writes the open table back; CasMismatch when another thread was faster. */
  commit(index: u32): Status {
    const own = this.own;
    if (own) {
      own[index] = this.bytes;
      return Status.Ok;
    }
    const shared = this.shared!;
    const key = this.keyOf(index);
    return this.isThere ? shared.setIf(key, this.bytes, this.cas) : shared.create(key, this.bytes);
  }

  private keyOf(index: u32): string {
    const keys = this.keys;
    let key = keys[index];
    if (key === null) keys[index] = key = this.name + " " + index.toString();
    return key;
  }
}

/* Which VMs are there: each says so every second. One that trapped, or whose thread is gone, does not. */

import { random, SharedData, SharedUpdate, Status } from "meshwasm/sdk";

const KEY = "vms";
/** u32 number, u32 unused, u64 when it was there last. */
const ENTRY: i32 = 16;
const MOST: i32 = 512;
/** Milliseconds between two signs of life, and nanoseconds after which a VM without one is gone. */
export const BEAT: u32 = 1000;
const GONE: u64 = 5000000000;

/** Of this VM, whatever plugins it has. */
let number: u32 = 0;

class Beat extends SharedUpdate {
  constructor(private now: u64) {
    super();
  }

  next(old: Uint8Array | null): Uint8Array | null {
    const count = old === null ? 0 : min(old.length / ENTRY, MOST);
    const bytes = new Uint8Array((count + 1) * ENTRY);
    let length = ENTRY;
    store<u32>(bytes.dataStart, number);
    store<u64>(bytes.dataStart, this.now, 8);
    for (let i = 0; i < count && length < MOST * ENTRY; i++) {
      const entry = old!.dataStart + i * ENTRY;
      if (load<u32>(entry) == number || !isRecent(load<u64>(entry, 8), this.now)) continue;
      memory.copy(bytes.dataStart + length, entry, ENTRY);
      length += ENTRY;
    }
    return bytes.slice(0, length);
  }
}

function isRecent(beat: u64, now: u64): bool {
  return now > beat ? now - beat < GONE : beat - now < GONE;
}

export class Vms {
  private seen: Uint8Array | null = null;
  private isKnown: bool = false;

  constructor(private shared: SharedData) {}

  get own(): u32 {
    return number;
  }

  /** Says that this VM is there. False when the host does not take it, or gives no random number. */
  beat(now: u64): bool {
    if (!number) {
      const bytes = random.bytes(4);
      if (bytes === null) return false;
      number = max<u32>(load<u32>(bytes.dataStart), 1);
    }
    this.isKnown = this.shared.update(KEY, new Beat(now), 64) == Status.Ok;
    this.look();
    return this.isKnown;
  }

  /** Before the first request is counted. */
  join(now: u64): bool {
    return this.isKnown || this.beat(now);
  }

  isThere(vm: u32, now: u64): bool {
    if (vm == number || this.isIn(vm, now)) return true;
    // It may have come since. One that is gone is asked for once: it is taken out then.
    this.look();
    return this.isIn(vm, now);
  }

  private look(): void {
    this.seen = this.shared.get(KEY);
  }

  private isIn(vm: u32, now: u64): bool {
    const seen = this.seen;
    if (seen === null) return false;
    for (let at = 0; at + ENTRY <= seen.length; at += ENTRY) {
      const entry = seen.dataStart + at;
      if (load<u32>(entry) == vm) return isRecent(load<u64>(entry, 8), now);
    }
    return false;
  }
}

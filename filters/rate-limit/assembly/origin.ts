/* What all VMs must have in common: the key of the hash, and a clock. It is the real time at which the first of them began,
 * and what has passed since by the clock that only goes on: setting the system's clock changes no count. */

import { clock, random, SharedData, Status } from "meshwasm/sdk";

const KEY = "origin";
/** u64 key of the hash, u64 key of the hash, u64 real time less the other clock's. */
const SIZE: i32 = 24;

export class Origin {
  private constructor(
    readonly k0: u64,
    readonly k1: u64,
    private base: u64,
  ) {}

  /** Null when the host gives no random numbers or no shared data. */
  static of(shared: SharedData): Origin | null {
    let bytes = shared.get(KEY);
    if (bytes === null || bytes.length != SIZE) {
      const made = random.bytes(SIZE);
      if (made === null) return null;
      store<u64>(made.dataStart, clock.realtime() - clock.monotonic(), 16);
      const status = bytes === null ? shared.create(KEY, made) : shared.set(KEY, made);
      if (status != Status.Ok && status != Status.CasMismatch) return null;
      bytes = shared.get(KEY);
      if (bytes === null || bytes.length != SIZE) return null;
    }
    const ptr = bytes.dataStart;
    return new Origin(load<u64>(ptr), load<u64>(ptr, 8), load<u64>(ptr, 16));
  }

  /** Nanoseconds since 1970. */
  now(): u64 {
    return this.base + clock.monotonic();
  }
}

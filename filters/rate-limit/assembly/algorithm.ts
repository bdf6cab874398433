/* What an algorithm does with the 16 bytes, zeros at first, that stand for a key. They are another VM's bytes, or anybody's:
 * whatever they are, nothing overflows and no time is longer than what the limit could bring about. */

/** A time that never comes. */
export const NEVER: u64 = u64.MAX_VALUE;

const SECOND: u64 = 1000000000;

/** Rounded up: nobody is to come too early. */
export function seconds(nanoseconds: u64): u64 {
  return nanoseconds / SECOND + u64(nanoseconds % SECOND != 0);
}

/** How far ahead the time of another thread can be. A time that is further is nobody's, and counts as none. */
const AHEAD: u64 = SECOND;

export function isAhead(time: u64, now: u64): bool {
  return time > now && time - now > AHEAD;
}

export abstract class Algorithm {
  /** What is left for the key, how long until all of it is, and how long until the request would pass. Nanoseconds. */
  remaining: u64 = 0;
  reset: u64 = 0;
  wait: u64 = 0;

  constructor(
    /** Most cost that is admitted at once, and in what time that much comes back. */
    readonly quota: u64,
    readonly window: u64,
    /** A key that was not used for so long is as one that never was. */
    readonly idle: u64,
  ) {}

  /** Bytes for a key. */
  get payload(): u32 {
    return 16;
  }

  /** Whether so much cost may pass now. */
  abstract allows(at: usize, now: u64, cost: u64): bool;

  /** Counts the cost that `allows` has allowed last. */
  abstract keep(at: usize, now: u64): void;

  /** Counts it in any case; at most as much as is admitted at once is owed. */
  abstract owe(at: usize, now: u64, cost: u64): void;

  /** What was counted before is not any more. */
  abstract refund(at: usize, now: u64, cost: u64): void;

  /** Whether nothing is counted that would still matter, so that the key needs no place. */
  isUnused(at: usize): bool {
    return false;
  }

  protected refuse(remaining: u64, reset: u64, wait: u64): bool {
    this.remaining = remaining;
    this.reset = reset;
    this.wait = wait;
    return false;
  }

  protected admit(remaining: u64, reset: u64): bool {
    this.remaining = remaining;
    this.reset = reset;
    this.wait = 0;
    return true;
  }
}

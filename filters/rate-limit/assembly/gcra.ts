/* The generic cell rate algorithm (ITU-T I.371): one time for a key, at which all of its quota is there again. */

import { Algorithm, isAhead, NEVER } from "./algorithm";

export class Gcra extends Algorithm {
  /** Nanoseconds in which one of the quota comes back; rounded up, so that no more is admitted than is allowed. */
  private interval: u64;
  private full: u64 = 0;

  constructor(requests: u64, per: u64, burst: u64) {
    const interval = (per + requests - 1) / requests;
    super(burst, interval * burst, 2 * interval * burst);
    this.interval = interval;
  }

  allows(at: usize, now: u64, cost: u64): bool {
    const used = this.used(at, now);
    const left = this.window - min(used, this.window);
    if (cost > this.quota) return this.refuse(left / this.interval, used, NEVER);
    const more = cost * this.interval;
    if (more > left) return this.refuse(left / this.interval, used, used + more - this.window);
    if (used > this.window) return this.refuse(0, used, used - this.window);
    this.full = now + used + more;
    return this.admit((left - more) / this.interval, used + more);
  }

  keep(at: usize, now: u64): void {
    store<u64>(at, this.full);
  }

  owe(at: usize, now: u64, cost: u64): void {
    const used = this.used(at, now) + min(cost, 2 * this.quota) * this.interval;
    store<u64>(at, now + min(used, 2 * this.window));
  }

  refund(at: usize, now: u64, cost: u64): void {
    const used = this.used(at, now);
    store<u64>(at, now + used - min(used, cost * this.interval));
  }

  /** How long until all of it is there again. */
  private used(at: usize, now: u64): u64 {
    const full = load<u64>(at);
    if (full <= now || isAhead(full, now + 2 * this.window)) return 0;
    return min(full - now, 2 * this.window);
  }
}

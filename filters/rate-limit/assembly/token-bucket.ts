/* A bucket of tokens that fills evenly, as Envoy's local_ratelimit has it. The bytes hold how many are missing, and since when. */

import { Algorithm, isAhead, NEVER } from "./algorithm";

export class TokenBucket extends Algorithm {
  /** Nanoseconds for one token. */
  private interval: f64;
  private after: f64 = 0;

  constructor(requests: u64, per: u64, burst: u64) {
    const interval = <f64>per / <f64>requests;
    const window = <u64>Math.ceil(interval * <f64>burst);
    super(burst, window, 2 * window);
    this.interval = interval;
  }

  allows(at: usize, now: u64, cost: u64): bool {
    const missing = this.missing(at, now);
    const capacity = <f64>this.quota;
    const left = max(capacity - missing, 0);
    const reset = this.time(missing);
    if (cost > this.quota) return this.refuse(<u64>left, reset, NEVER);
    const after = missing + <f64>cost;
    // A billionth of a token is the rounding of the clock.
    if (after > capacity + 1e-9) return this.refuse(<u64>left, reset, this.time(after - capacity));
    this.after = after;
    return this.admit(<u64>max(capacity - after, 0), this.time(after));
  }

  keep(at: usize, now: u64): void {
    this.write(at, now, this.after);
  }

  owe(at: usize, now: u64, cost: u64): void {
    this.write(at, now, min(this.missing(at, now) + <f64>cost, 2 * <f64>this.quota));
  }

  refund(at: usize, now: u64, cost: u64): void {
    this.write(at, now, max(this.missing(at, now) - <f64>cost, 0));
  }

  private write(at: usize, now: u64, missing: f64): void {
    store<f64>(at, missing);
    store<u64>(at, now, 8);
  }

  private missing(at: usize, now: u64): f64 {
    const then = load<f64>(at);
    const since = load<u64>(at, 8);
    // Also false for what is no number.
    if (!(then > 0) || isAhead(since, now)) return 0;
    const most = min(then, 2 * <f64>this.quota);
    return max(most - <f64>(now > since ? now - since : <u64>0) / this.interval, 0);
  }

  private time(tokens: f64): u64 {
    return <u64>Math.ceil(tokens * this.interval);
  }
}

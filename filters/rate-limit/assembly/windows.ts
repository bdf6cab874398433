/* Counts in windows of time, which begin at multiples of their length since 1970. The bytes hold the window's number, its
 * count and that of the window before it. */

import { Algorithm, NEVER } from "./algorithm";

abstract class Windows extends Algorithm {
  /** Of the window that it is now, and of the one before. */
  protected count: u64 = 0;
  protected before: u64 = 0;
  /** Nanoseconds since it began. */
  protected elapsed: u64 = 0;
  protected after: u64 = 0;

  protected read(at: usize, now: u64): void {
    const number = now / this.window;
    const then = load<u64>(at);
    const count = <u64>load<u32>(at, 8);
    this.elapsed = now - number * this.window;
    this.count = then == number ? count : 0;
    this.before = then == number ? <u64>load<u32>(at, 12) : then + 1 == number ? count : 0;
  }

  protected write(at: usize, now: u64, count: u64): void {
    store<u64>(at, now / this.window);
    store<u32>(at, <u32>min<u64>(count, u32.MAX_VALUE), 8);
    store<u32>(at, <u32>this.before, 12);
  }

  keep(at: usize, now: u64): void {
    this.write(at, now, this.after);
  }

  owe(at: usize, now: u64, cost: u64): void {
    this.read(at, now);
    this.write(at, now, min(this.count + cost, 2 * this.quota));
  }

  refund(at: usize, now: u64, cost: u64): void {
    this.read(at, now);
    this.write(at, now, this.count - min(this.count, cost));
  }
}

export class FixedWindow extends Windows {
  constructor(requests: u64, per: u64) {
    super(requests, per, per);
  }

  allows(at: usize, now: u64, cost: u64): bool {
    this.read(at, now);
    const count = this.count;
    const left = this.quota - min(count, this.quota);
    const end = this.window - this.elapsed;
    if (cost > left || count > this.quota) return this.refuse(left, end, cost > this.quota ? NEVER : end);
    this.after = count + cost;
    return this.admit(left - cost, end);
  }
}

/** What was in the window before counts by the share of it that the last `per` still covers. */
export class SlidingWindow extends Windows {
  constructor(requests: u64, per: u64) {
    super(requests, per, 2 * per);
  }

  allows(at: usize, now: u64, cost: u64): bool {
    this.read(at, now);
    const count = this.count;
    const share = <f64>(this.window - this.elapsed) / <f64>this.window;
    const estimate = <f64>count + <f64>this.before * share;
    const quota = <f64>this.quota;
    const left = <u64>max(quota - estimate, 0);
    const end = this.window - this.elapsed;
    const reset = count ? end + this.window : this.before ? end : 0;
    if (cost > this.quota) return this.refuse(left, reset, NEVER);
    if (estimate + <f64>cost > quota) return this.refuse(left, reset, this.until(count, cost, end));
    this.after = count + cost;
    return this.admit(<u64>max(quota - estimate - <f64>cost, 0), count + cost ? end + this.window : reset);
  }

  /** When so much passes, if nothing else does until then. */
  private until(count: u64, cost: u64, end: u64): u64 {
    const window = <f64>this.window;
    const room = <f64>this.quota - <f64>cost;
    if (<f64>count <= room) {
      // In this window, as the share of the one before gets less.
      const share = (room - <f64>count) / <f64>this.before;
      return <u64>max(Math.ceil(<f64>end - share * window), 1);
    }
    // In the next, where this one is the one before.
    return end + <u64>Math.ceil((1 - room / <f64>count) * window);
  }
}

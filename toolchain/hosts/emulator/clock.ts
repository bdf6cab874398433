/** A timer that has not fired yet. */
export interface Timer {
  cancel(): void;
}

interface Entry extends Timer {
  readonly due: number;
  readonly run: () => void;
}

const NANOS = 1_000_000;
/** What adding and subtracting times may lose. */
const ROUNDING_MS = 0.001;
/** A Node timer cannot wait longer. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * The emulator's clock, in milliseconds since the epoch. It goes as the real one does, and `advance` moves it ahead;
 * a standing clock is moved by nothing else.
 */
export class Clock {
  readonly #origin = Date.now();
  readonly #start = performance.now();
  #ahead = 0;
  /** Nanoseconds by which the wall clock was set. */
  #shifted = 0n;
  /** Sorted by due time; of equal ones the first set is the first. */
  readonly #timers: Entry[] = [];
  #alarm: NodeJS.Timeout | null = null;
  #holds = 0;
  #closed = false;

  constructor(
    private readonly standing = false,
    /** What a timer threw. */
    private readonly onError: (error: unknown) => void = () => {},
  ) {}

  now(): number {
    const gone = this.standing ? 0 : performance.now() - this.#start;
    return this.#origin + gone + this.#ahead;
  }

  /** Nanoseconds since the epoch. */
  realtime(): bigint {
    return BigInt(this.#origin) * BigInt(NANOS) + this.monotonic() + this.#shifted;
  }

  /** Nanoseconds since the clock was made. */
  monotonic(): bigint {
    return BigInt(Math.round((this.now() - this.#origin) * NANOS));
  }

  /** Sets the wall clock; no timer notices. */
  shift(milliseconds: number): void {
    this.#shifted += BigInt(Math.round(milliseconds * NANOS));
  }

  after(milliseconds: number, run: () => void): Timer {
    const entry: Entry = {
      due: this.now() + milliseconds,
      run,
      cancel: () => {
        const at = this.#timers.indexOf(entry);
        if (at < 0) return;
        this.#timers.splice(at, 1);
        this.#arm();
      },
    };
    const at = this.#timers.findIndex((t) => t.due > entry.due);
    this.#timers.splice(at < 0 ? this.#timers.length : at, 0, entry);
    this.#arm();
    return entry;
  }

  /** Lets time pass at once: every timer that falls due fires at its time, and what it begins may go on in between. */
  async advance(milliseconds: number, settle: () => Promise<void>): Promise<void> {
    const target = this.now() + milliseconds;
    for (;;) {
      await settle();
      const next = this.#timers[0];
      if (next === undefined || next.due > target) break;
      this.#moveTo(next.due);
      this.#fire();
    }
    this.#moveTo(target);
    this.#fire();
    await settle();
  }

  /** While held the clock keeps the process alive: somebody waits for a timer. */
  hold(): void {
    if (this.#holds++ === 0) this.#alarm?.ref();
  }

  release(): void {
    if (--this.#holds === 0) this.#alarm?.unref();
  }

  close(): void {
    this.#closed = true;
    this.#timers.length = 0;
    this.#arm();
  }

  #moveTo(time: number): void {
    this.#ahead += Math.max(0, time - this.now());
  }

  #fire(): void {
    const now = this.now() + ROUNDING_MS;
    // A timer that a timer sets is for another time, even when it is due already.
    const due = this.#timers.filter((t) => t.due <= now);
    for (const timer of due) {
      const at = this.#timers.indexOf(timer);
      if (at < 0) continue;
      this.#timers.splice(at, 1);
      try {
        timer.run();
      } catch (error) {
        this.onError(error);
      }
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#alarm !== null) clearTimeout(this.#alarm);
    this.#alarm = null;
    const next = this.#timers[0];
    if (next === undefined || this.standing || this.#closed) return;
    const wait = Math.min(Math.max(0, next.due - this.now()), LONGEST_MS);
    this.#alarm = setTimeout(() => this.#fire(), Math.ceil(wait));
    if (this.#holds === 0) this.#alarm.unref();
  }
}

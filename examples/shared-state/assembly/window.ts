import { SharedUpdate } from "meshwasm/sdk";

/** u64 start of the window in milliseconds, u64 requests in it. */
const SIZE: i32 = 16;

/** Counts one more request in the window that `now` is in. May run several times, until no other VM was faster. */
export class Window extends SharedUpdate {
  /** What is left after this request; -1 when it was one too many. */
  remaining: i64 = -1;

  constructor(
    private now: u64,
    private length: u64,
    private limit: u64,
  ) {
    super();
  }

  next(old: Uint8Array | null): Uint8Array | null {
    let start: u64 = this.now;
    let count: u64 = 0;
    // Whatever stands there, another writer's bytes included, is either a window that has not ended or none.
    if (old !== null && old.length == SIZE) {
      const stored = load<u64>(old.dataStart);
      if (stored <= this.now && this.now - stored < this.length) {
        start = stored;
        count = load<u64>(old.dataStart, 8);
      }
    }
    if (count >= this.limit) {
      this.remaining = -1;
      return null;
    }
    this.remaining = <i64>(this.limit - count - 1);
    const value = new Uint8Array(SIZE);
    store<u64>(value.dataStart, start);
    store<u64>(value.dataStart, count + 1, 8);
    return value;
  }

  /** Requests that a stored value has counted. */
  static countOf(value: Uint8Array): u64 {
    return value.length == SIZE ? load<u64>(value.dataStart, 8) : 0;
  }
}

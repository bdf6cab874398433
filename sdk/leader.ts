/* One VM of many does a job: fetches keys, flushes a queue. */

import { clock } from "./clock";
import { random } from "./random";
import { SharedData, SharedUpdate } from "./shared";
import { Status } from "./abi/enums";

const NS_PER_MS: u64 = 1000000;
/** u64 holder, u64 time of renewal in ns, u32 ms that it lasts. */
const LEASE_SIZE: i32 = 20;
const MAX_LEASE_MS: u32 = 60 * 60 * 1000;
/** A renewal that is further in the future is no time of this process's clock. */
const MAX_AHEAD: u64 = 60000 * NS_PER_MS;

/** Takes the lease when it is free or ours. */
class Renewal extends SharedUpdate {
  holder: u64 = 0;
  now: u64 = 0;
  /** Whether the lease was free or ours when `next` was called last. */
  taken: bool = false;

  constructor(
    private milliseconds: u32,
    private resigns: bool,
  ) {
    super();
  }

  next(old: Uint8Array | null): Uint8Array | null {
    const holder = old === null ? 0 : this.holderOf(old);
    this.taken = this.resigns ? holder == this.holder : !holder || holder == this.holder;
    if (!this.taken) return null;
    const lease = new Uint8Array(LEASE_SIZE);
    const ptr = lease.dataStart;
    store<u64>(ptr, this.holder);
    store<u64>(ptr, this.now, 8);
    store<u32>(ptr, this.milliseconds, 16);
    return lease;
  }

  /** Who holds a lease that is still valid; 0 for one that has ended or is none of ours. */
  private holderOf(lease: Uint8Array): u64 {
    if (lease.length != LEASE_SIZE) return 0;
    const ptr = lease.dataStart;
    const renewed = load<u64>(ptr, 8);
    const milliseconds = load<u32>(ptr, 16);
    if (milliseconds > MAX_LEASE_MS || renewed > this.now + MAX_AHEAD) return 0;
    return this.now < renewed + <u64>milliseconds * NS_PER_MS ? load<u64>(ptr) : 0;
  }
}

/**
 * A lease in shared data that one VM holds at a time. It lasts for a while after each `renew`, by the clock that never goes
 * back and is the same for all threads; when its holder is gone or stuck, another VM takes it. A holder that is stuck for
 * longer than the lease may find out only when it asks `leads`, so ask right before the work.
 */
export class Leader {
  /** How the last renew went. */
  status: Status = Status.Ok;
  private holder: u64 = 0;
  /** When our lease ends, ns of the monotonic clock; 0 when we have none. */
  private until: u64 = 0;

  /**
   * `name`: of the job. `milliseconds`: how long a lease lasts, at most an hour; renew at least three times as often.
   */
  constructor(
    private shared: SharedData,
    private name: string = "leader",
    private milliseconds: u32 = 10000,
  ) {}

  /** Renews our lease, or takes it when nobody has it; whether we hold it now. To be called in onTick. */
  renew(): bool {
    const milliseconds = min(this.milliseconds, MAX_LEASE_MS);
    const renewal = this.change(milliseconds, false);
    this.until = this.status == Status.Ok && renewal.taken ? renewal.now + <u64>milliseconds * NS_PER_MS : 0;
    return this.until != 0;
  }

  /** Whether our lease is still valid. */
  get leads(): bool {
    return this.until != 0 && clock.monotonic() < this.until;
  }

  /** Gives the lease back at once, so that another VM need not wait for its end. To be called in Plugin.onDone. */
  resign(): void {
    if (this.until) this.change(0, true);
    this.until = 0;
  }

  private change(milliseconds: u32, resigns: bool): Renewal {
    const renewal = new Renewal(milliseconds, resigns);
    renewal.now = clock.monotonic();
    // Without a clock or a name of our own nobody must believe to be the one.
    if (!renewal.now || !this.named()) this.status = Status.InternalFailure;
    else {
      renewal.holder = this.holder;
      this.status = this.shared.update(this.name, renewal, 4);
    }
    return renewal;
  }

  private named(): bool {
    if (!this.holder) {
      const bytes = random.bytes(8);
      if (bytes !== null) this.holder = load<u64>(bytes.dataStart) | 1;
    }
    return this.holder != 0;
  }
}

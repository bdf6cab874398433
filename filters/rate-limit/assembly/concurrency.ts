/* How many requests of a key are under way. Each VM counts its own, so that those of a VM which is no more do not count. */

import { Algorithm, NEVER } from "./algorithm";
import { Vms } from "./vms";

/** VMs that can hold requests of one key; more share. */
const HOLDERS: u32 = 32;
/** A key that is not touched for so long gives its place to another one: 6 hours. */
const IDLE: u64 = 21600000000000;

export class Concurrency extends Algorithm {
  private more: u64 = 0;

  constructor(
    requests: u64,
    private vms: Vms,
  ) {
    super(requests, 0, IDLE);
  }

  // For each holder u32 number of the VM, 0 for none, and u32 requests.
  get payload(): u32 {
    return HOLDERS * 8;
  }

  allows(at: usize, now: u64, cost: u64): bool {
    const total = this.total(at, now);
    const left = this.quota - min(total, this.quota);
    if (cost > left || total > this.quota) return this.refuse(left, 0, cost > this.quota ? NEVER : 0);
    this.more = cost;
    return this.admit(left - cost, 0);
  }

  keep(at: usize, now: u64): void {
    this.add(at, this.more);
  }

  owe(at: usize, now: u64, cost: u64): void {
    this.total(at, now);
    this.add(at, cost);
  }

  refund(at: usize, now: u64, cost: u64): void {
    let holder = this.holderOf(at, this.vms.own);
    // Where all were taken it was counted with another's.
    if (!holder && !this.holderOf(at, 0)) holder = this.anothers(at);
    if (!holder) return;
    const count = <u64>load<u32>(holder, 4);
    if (cost < count) store<u32>(holder, <u32>(count - cost), 4);
    else store<u64>(holder, 0);
  }

  isUnused(at: usize): bool {
    for (let i: u32 = 0; i < HOLDERS; i++) if (load<u32>(at + (i << 3), 4)) return false;
    return true;
  }

  /** Counts what VMs hold that are there, and takes the others out. */
  private total(at: usize, now: u64): u64 {
    let total: u64 = 0;
    for (let i: u32 = 0; i < HOLDERS; i++) {
      const holder = at + (i << 3);
      const vm = load<u32>(holder);
      if (!vm) continue;
      if (this.vms.isThere(vm, now)) total += load<u32>(holder, 4);
      else store<u64>(holder, 0);
    }
    return total;
  }

  private add(at: usize, cost: u64): void {
    const own = this.vms.own;
    let holder = this.holderOf(at, own);
    if (!holder) {
      holder = this.holderOf(at, 0);
      if (holder) store<u32>(holder, own);
      else holder = this.anothers(at);
    }
    store<u32>(holder, <u32>min<u64>(<u64>load<u32>(holder, 4) + cost, u32.MAX_VALUE), 4);
  }

  /** Address of what this VM holds, or with 0 of what nobody does; 0 when there is none. */
  private holderOf(at: usize, vm: u32): usize {
    for (let i: u32 = 0; i < HOLDERS; i++) if (load<u32>(at + (i << 3)) == vm) return at + (i << 3);
    return 0;
  }

  private anothers(at: usize): usize {
    return at + ((this.vms.own % HOLDERS) << 3);
  }
}

import type { Timer } from "./clock.js";
import type { Vm } from "./vm.js";

interface Ticking {
  period: number;
  timer: Timer;
  due: number;
}

/** The timers of one VM: each root context has one. */
export class Ticks {
  readonly #roots = new Map<number, Ticking>();

  constructor(private readonly vm: Vm) {}

  /** 0 ends them. */
  setPeriod(root: number, milliseconds: number): void {
    this.#roots.get(root)?.timer.cancel();
    this.#roots.delete(root);
    if (milliseconds > 0) this.#arm(root, milliseconds);
  }

  #arm(root: number, period: number): void {
    const { clock } = this.vm.server;
    const timer = clock.after(period, () => this.#tick(root, period));
    this.#roots.set(root, { period, timer, due: clock.now() + period });
  }

  #tick(root: number, period: number): void {
    const { vm } = this;
    if (!vm.has("proxy_on_tick")) return;
    const armed = this.#roots.get(root);
    try {
      const context = vm.contexts.get(root);
      if (context !== undefined) vm.call("proxy_on_tick", context, root);
    } finally {
      // Unless the callback has set another period.
      if (this.#roots.get(root) === armed) this.#arm(root, period);
    }
  }

  /** When the last of the next ticks is due; null: there is none. */
  get due(): number | null {
    return this.#roots.size === 0 || this.vm.failed ? null : Math.max(...[...this.#roots.values()].map((t) => t.due));
  }

  close(): void {
    for (const { timer } of this.#roots.values()) timer.cancel();
    this.#roots.clear();
  }
}

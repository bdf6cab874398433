import { EnvoyError } from "./errors.js";
import type { EnvoyLogLine } from "./log.js";
import type { EnvoyProcess } from "./process.js";

const LONGEST_MS = 5000;

/** What Envoy's Wasm host logs at trace level when a tick is over. */
const TICKED = /^\[host<-vm\] proxy_on_tick return/;

/** Notes the ticks of every thread; Envoy tells of them only at trace level, which is set while somebody waits. */
export class Ticks {
  readonly #watchers = new Set<(thread: number) => void>();
  /** Levels are set one after the other, or a wait that ends would silence the next. */
  #levels: Promise<void> = Promise.resolve();

  /** Gets every line of Envoy's log. */
  see(line: EnvoyLogLine): void {
    if (this.#watchers.size === 0 || line.component !== "wasm" || !TICKED.test(line.message)) return;
    for (const watcher of this.#watchers) watcher(line.thread);
  }

  /**
   * Waits until each of the threads (workers and main) has ticked. One that has ticked twice shows that the others do
   * not tick at all: a leader's filter ticks on one thread only.
   */
  async next(envoy: EnvoyProcess, threads: number): Promise<void> {
    const counts = new Map<number, number>();
    let wake = (): void => {};
    const watcher = (thread: number): void => {
      counts.set(thread, (counts.get(thread) ?? 0) + 1);
      wake();
    };
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      wake();
    }, LONGEST_MS);
    this.#watchers.add(watcher);
    try {
      await this.#trace(envoy);
      const done = (): boolean => counts.size >= threads || [...counts.values()].some((count) => count >= 2);
      while (!done() && inTime && envoy.running) await new Promise<void>((resolve) => (wake = resolve));
      if (done() || counts.size > 0) return;
      throw new EnvoyError(
        envoy.running
          ? `No filter ticked within ${LONGEST_MS / 1000} s; has it set a tick period? A longer one needs "clock".`
          : "Envoy ended before a filter ticked.",
      );
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watcher);
      await this.#trace(envoy);
    }
  }

  /** Trace level while there are watchers, else the level that the filter was started with. */
  #trace(envoy: EnvoyProcess): Promise<void> {
    const next = this.#levels.then(async () => {
      const level = this.#watchers.size > 0 ? "trace" : envoy.wasmLevel === "warn" ? "warning" : envoy.wasmLevel;
      if (envoy.running) await envoy.get(`/logging?wasm=${level}`, "POST");
    });
    this.#levels = next.catch(() => {});
    return next;
  }
}

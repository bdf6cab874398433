import { EmulatorError } from "./errors.js";

const LIMIT = 256 << 20;

/**
 * What the emulator keeps for the modules outside of their memories: logs, shared data, queues. Envoy has no such limit;
 * here a module that floods them must not take the test runner with it.
 */
export class Budget {
  #used = 0;

  constructor(private readonly limit = LIMIT) {}

  charge(bytes: number): void {
    this.#used += bytes;
    if (this.#used <= this.limit) return;
    throw new EmulatorError(
      `The filter made the host keep more than ${this.limit >> 20} MiB of logs, shared data and queued messages; Envoy has no limit there and would run out of memory.`,
    );
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}

import { constants } from "node:os";
import { setImmediate } from "node:timers/promises";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Resolves when the process is told to end, or when `other` settles. */
export async function untilStopped<T = never>(other?: Promise<T>): Promise<T | NodeJS.Signals> {
  let listener: (signal: NodeJS.Signals) => void = () => {};
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    listener = resolve;
    for (const signal of SIGNALS) process.once(signal, listener);
  });
  // A listener alone does not keep the process alive.
  const alive = setInterval(() => {}, 60_000);
  try {
    return await (other ? Promise.race([stopped, other]) : stopped);
  } finally {
    clearInterval(alive);
    for (const signal of SIGNALS) process.off(signal, listener);
  }
}

/**
 * Does work that writes files: a signal ends the process between two steps of it, never in the middle of a synchronous
 * one, so that no temporary file is left.
 */
export async function inWholeSteps<T>(work: () => T | Promise<T>): Promise<T> {
  const end = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    return await work();
  } finally {
    // One that came during the last step is delivered by the next turn of the event loop.
    await setImmediate();
    for (const signal of SIGNALS) process.off(signal, end);
  }
}

/** Resolves when the process is told to end, or when `other` settles. */
export async function untilStopped<T = never>(other?: Promise<T>): Promise<T | NodeJS.Signals> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let listener: (signal: NodeJS.Signals) => void = () => {};
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    listener = resolve;
    for (const signal of signals) process.once(signal, listener);
  });
  // A listener alone does not keep the process alive.
  const alive = setInterval(() => {}, 60_000);
  try {
    return await (other ? Promise.race([stopped, other]) : stopped);
  } finally {
    clearInterval(alive);
    for (const signal of signals) process.off(signal, listener);
  }
}

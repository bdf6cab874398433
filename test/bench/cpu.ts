/* CPU time of another process, in nanoseconds. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** CPU time of all threads of a process so far. The kernel counts a running thread only at its ticks: let it go idle first. */
export function cpuTimeNs(pid: number): bigint {
  let total = 0n;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    total += BigInt(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]!);
  }
  return total;
}

/** Whether this system tells CPU time to the nanosecond. */
export function canMeasure(): boolean {
  try {
    return cpuTimeNs(process.pid) > 0n;
  } catch {
    return false;
  }
}

/** CPU time that a process takes for `work`, until it is idle again. */
export async function cpuTimeOf(pid: number, work: () => Promise<void>): Promise<number> {
  await idle();
  const before = cpuTimeNs(pid);
  await work();
  await idle();
  return Number(cpuTimeNs(pid) - before);
}

const idle = (): Promise<void> => sleep(5);

/* CPU time of another process, in nanoseconds. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** CPU time of all threads of a process so far. The kernel counts a running thread only at its ticks: let it go idle first. */
export function cpuTimeNs(pid: number): number {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
  }
  return total;
}

/** Whether this system tells CPU time to the nanosecond. */
export function canMeasure(): boolean {
  try {
    return cpuTimeNs(process.pid) > 0;
  } catch {
    return false;
  }
}

/** CPU time that a process takes for `work`, until it is idle again. */
export async function cpuTimeOf(pid: number, work: () => Promise<void>): Promise<number> {
  const before = await whenIdle(pid);
  await work();
  return (await whenIdle(pid)) - before;
}

/** CPU time so far, once it stands still. */
async function whenIdle(pid: number): Promise<number> {
  let time = cpuTimeNs(pid);
  for (let tries = 0; tries < 100; tries++) {
    await sleep(1);
    const next = cpuTimeNs(pid);
    if (next === time) break;
    time = next;
  }
  return time;
}

/* The measurement. A round has several passes; in each pass every row gets a slice of load, in random order. Slices are
 * short, so that whatever else the machine does falls on all rows alike. */

import { cpuTimeOf } from "./cpu.js";
import { Load } from "./load.js";
import type { Target } from "./proxy.js";
import type { RowId } from "./rows.js";
import { median, shuffled } from "./stats.js";
import { LOAD_PATH, requestTo, type WorkloadId } from "./workloads.js";

export interface Plan {
  readonly rounds: number;
  /** Requests per row and round. */
  readonly requests: number;
  /** Slices that these are split into. */
  readonly passes: number;
  readonly connections: number;
  /** Requests that are sent together over a connection, when the ones before are answered. */
  readonly batch: number;
  /** Requests per row before the first round. */
  readonly warmUp: number;
  /** No round begins later, once there are enough. */
  readonly maxSeconds: number;
}

/** As many rounds are measured in any case. */
export const LEAST_ROUNDS = 8;

/** CPU microseconds per request, one number per round. */
export interface Samples {
  /** The whole request without any filter. */
  readonly none: readonly number[];
  /** What each row takes over "no filter": the median over a round's passes of the difference within a pass. */
  readonly over: ReadonlyMap<WorkloadId, ReadonlyMap<RowId, readonly number[]>>;
}

export async function measure(
  pid: number,
  targets: readonly Target[],
  plan: Plan,
  random: () => number,
  onRound: (round: number) => void,
): Promise<Samples> {
  const loads = new Map<Target, Load>();
  for (const target of targets) {
    const requests = target.workload.requests ?? [requestTo(LOAD_PATH)];
    loads.set(target, await Load.connect(target.address, requests, plan.connections, plan.batch));
  }
  /** CPU microseconds per request. */
  const slice = async (target: Target, count: number): Promise<number> => {
    const load = loads.get(target)!;
    try {
      // Refills the caches that the row before has emptied.
      await load.run(Math.ceil(count / 5));
      return (await cpuTimeOf(pid, () => load.run(count))) / count / 1000;
    } catch (error) {
      throw new Error(`${target.row.id}, workload ${target.workload.id}: ${(error as Error).message}`);
    }
  };
  const isNone = (target: Target): boolean => target.row.id === "none";
  const none: number[] = [];
  const over = new Map<WorkloadId, Map<RowId, number[]>>();
  try {
    const begin = performance.now();
    for (const target of targets) await slice(target, plan.warmUp);
    const count = Math.ceil(plan.requests / plan.passes);
    for (let round = 1; round <= plan.rounds; round++) {
      if (round > LEAST_ROUNDS && performance.now() - begin > plan.maxSeconds * 1000) break;
      const wholes: number[] = [];
      const differences = new Map<Target, number[]>(targets.map((target) => [target, []]));
      for (let pass = 0; pass < plan.passes; pass++) {
        const taken = new Map<Target, number>();
        for (const target of shuffled(targets, random)) taken.set(target, await slice(target, count));
        // Each workload has a listener without filter; they are the same, so their mean is the better figure.
        const bare = [...taken].filter(([target]) => isNone(target)).map(([, time]) => time);
        const whole = bare.reduce((sum, time) => sum + time, 0) / bare.length;
        wholes.push(whole);
        for (const [target, time] of taken) differences.get(target)!.push(time - whole);
      }
      none.push(median(wholes));
      for (const [target, values] of differences) {
        if (isNone(target)) continue;
        const rows = over.get(target.workload.id) ?? new Map<RowId, number[]>();
        over.set(target.workload.id, rows.set(target.row.id, [...(rows.get(target.row.id) ?? []), median(values)]));
      }
      onRound(round);
    }
  } finally {
    for (const load of loads.values()) load.close();
  }
  return { none, over };
}

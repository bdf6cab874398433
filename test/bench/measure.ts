/* The measurement. A round has several passes; in each pass every row gets a slice of load, in random order. Slices are
 * short, so that whatever else the machine does falls on all rows alike. */

import { cpuTimeOf } from "./cpu.js";
import { Load } from "./load.js";
import type { Target } from "./proxy.js";
import type { RowId } from "./rows.js";
import { shuffled } from "./stats.js";
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

/** CPU nanoseconds per request of Envoy, one number per round. */
export type Samples = ReadonlyMap<WorkloadId, ReadonlyMap<RowId, readonly number[]>>;

export async function measure(
  pid: number,
  targets: readonly Target[],
  plan: Plan,
  random: () => number,
  onRound: (round: number) => void,
): Promise<Samples> {
  const request = requestTo(LOAD_PATH);
  const loads = new Map<Target, Load>();
  for (const target of targets) {
    loads.set(target, await Load.connect(target.address, request, plan.connections, plan.batch));
  }
  const slice = async (target: Target, count: number): Promise<number> => {
    const load = loads.get(target)!;
    try {
      // Refills the caches that the row before has emptied.
      await load.run(Math.ceil(count / 10));
      return await cpuTimeOf(pid, () => load.run(count));
    } catch (error) {
      throw new Error(`${target.row.id}, workload ${target.workload.id}: ${(error as Error).message}`);
    }
  };
  const samples = new Map<WorkloadId, Map<RowId, number[]>>();
  const keep = ({ row, workload }: Target, value: number): void => {
    const rows = samples.get(workload.id) ?? new Map<RowId, number[]>();
    samples.set(workload.id, rows.set(row.id, [...(rows.get(row.id) ?? []), value]));
  };
  try {
    const begin = performance.now();
    for (const target of targets) await slice(target, plan.warmUp);
    const count = Math.ceil(plan.requests / plan.passes);
    for (let round = 1; round <= plan.rounds; round++) {
      if (round > LEAST_ROUNDS && performance.now() - begin > plan.maxSeconds * 1000) break;
      const sums = new Map<Target, number>();
      for (let pass = 0; pass < plan.passes; pass++) {
        for (const target of shuffled(targets, random)) {
          sums.set(target, (sums.get(target) ?? 0) + (await slice(target, count)));
        }
      }
      for (const [target, sum] of sums) keep(target, sum / (count * plan.passes));
      onRound(round);
    }
  } finally {
    for (const load of loads.values()) load.close();
  }
  return samples;
}

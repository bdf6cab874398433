/* The measurement: in each round every row once, in random order. */

import { cpuTimeOf } from "./cpu.js";
import { Load } from "./load.js";
import type { Target } from "./proxy.js";
import type { RowId } from "./rows.js";
import { shuffled } from "./stats.js";
import { LOAD_PATH, requestFor, type WorkloadId } from "./workloads.js";

export interface Plan {
  readonly rounds: number;
  /** Requests per row and round. */
  readonly requests: number;
  readonly connections: number;
  /** Requests per row before the first round. */
  readonly warmUp: number;
  readonly random: () => number;
  readonly onRound: (round: number) => void;
}

/** CPU nanoseconds per request of Envoy, one number per round. */
export type Samples = ReadonlyMap<WorkloadId, ReadonlyMap<RowId, readonly number[]>>;

export async function measure(pid: number, targets: readonly Target[], plan: Plan): Promise<Samples> {
  const request = requestFor(LOAD_PATH);
  const samples = new Map<WorkloadId, Map<RowId, number[]>>();
  const slice = async (target: Target, count: number): Promise<number> => {
    const load = await Load.connect(target.address, request, plan.connections);
    try {
      // Refills the caches that the row before has emptied.
      await load.run(Math.ceil(count / 20));
      return (await cpuTimeOf(pid, () => load.run(count))) / count;
    } catch (error) {
      throw new Error(`${target.row.id}, workload ${target.workload.id}: ${(error as Error).message}`);
    } finally {
      load.close();
    }
  };
  for (const target of targets) await slice(target, plan.warmUp);
  for (let round = 1; round <= plan.rounds; round++) {
    for (const target of shuffled(targets, plan.random)) {
      const { row, workload } = target;
      const rows = samples.get(workload.id) ?? new Map<RowId, number[]>();
      samples.set(workload.id, rows);
      rows.set(row.id, [...(rows.get(row.id) ?? []), await slice(target, plan.requests)]);
    }
    plan.onRound(round);
  }
  return samples;
}

import { inspect } from "../../toolchain/build/index.js";

export interface SetChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface ModuleDiff {
  readonly size: { readonly from: number; readonly to: number };
  readonly abi: { readonly from: string; readonly to: string };
  /** Host functions: what a module may do. */
  readonly capabilities: SetChange;
  readonly callbacks: SetChange;
}

/** What two modules can do differently. */
export function diffModules(from: Uint8Array, to: Uint8Array): ModuleDiff {
  const [a, b] = [inspect(from), inspect(to)];
  return {
    size: { from: a.size, to: b.size },
    abi: { from: a.abi, to: b.abi },
    capabilities: diffSets(a.hostCalls, b.hostCalls),
    callbacks: diffSets(a.callbacks, b.callbacks),
  };
}

function diffSets(from: readonly string[], to: readonly string[]): SetChange {
  return { added: to.filter((name) => !from.includes(name)), removed: from.filter((name) => !to.includes(name)) };
}

/* Contenders of a row take turns: short ones, so that some are undisturbed. */

import type { StdProgram } from "../std/program.js";

/** Rounds in which every contender of a row has its turn, and how long a turn is. */
export const ROUNDS = 200;
export const TURN_MS = 1;

export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly other: string;
  /** Nanoseconds of one call: the least of all turns. */
  readonly ourTime: number;
  readonly otherTime: number;
  /** How many times as fast ours is. */
  readonly ratio: number;
  /** Lower limit of the ratio, if there is one. */
  readonly target: number | null;
}

export interface Contender {
  readonly program: StdProgram;
  readonly name: string;
  readonly title: string;
}

/** Runs an export (pointer, length, times) for a few milliseconds; the nanoseconds of one time. */
export function turnOf(program: StdProgram, name: string, bytes: Buffer): () => number {
  const at = program.number("hold", bytes.length + 64);
  new Uint8Array(program.memory.buffer).set(bytes, at);
  const call = program.export(name);
  return turn((times) => void call(at, bytes.length, times));
}

/** As turnOf, for a function of Node's. */
export function turnOfNode(call: () => void): () => number {
  return turn((times) => {
    for (let i = 0; i < times; i++) call();
  });
}

function turn(run: (times: number) => void): () => number {
  const timed = (times: number): number => {
    const start = process.hrtime.bigint();
    run(times);
    return Number(process.hrtime.bigint() - start);
  };
  let times = 1;
  while (timed(times) < TURN_MS * 1e6) times *= 2;
  return () => timed(times) / times;
}

export function compare(
  ours: () => number,
  other: () => number,
  rounds: number,
): Pick<Row, "ourTime" | "otherTime" | "ratio"> {
  let [ourTime, otherTime] = [Infinity, Infinity];
  for (let round = 0; round < rounds; round++) {
    // Who is first changes.
    if (round % 2) otherTime = Math.min(otherTime, other());
    ourTime = Math.min(ourTime, ours());
    if (!(round % 2)) otherTime = Math.min(otherTime, other());
  }
  return { ourTime, otherTime, ratio: otherTime / ourTime };
}

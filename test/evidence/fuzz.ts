import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "../../toolchain/build/index.js";
import { ENTRANCES, projectOf, type Entrance, type Result } from "../fuzz/entrances.js";
import type { Section } from "./main.js";

const INPUTS = 1_000_000;
/** Processes at a time. */
const WORKERS = 2;
/** Inputs of 1 MiB are read, joined, kept and written in one callback; memory grows by doubling, and never shrinks. */
const MOST_MEMORY = 64 * 1024 * 1024;
const run = promisify(execFile);

/** Arbitrary bytes into every entrance of a filter that uses the whole SDK. */
export const fuzz: Section = {
  name: "fuzz",
  title: "Fuzzing",
  async run() {
    for (const project of new Set(ENTRANCES.map(projectOf))) await build(project);
    const seed = 1 + Math.floor(Math.random() * 999_999_999);
    process.stdout.write(`seed ${seed}\n`);
    const waiting = [...ENTRANCES];
    const results = new Map<Entrance, Result>();
    const worker = async (): Promise<void> => {
      for (let entrance = waiting.shift(); entrance; entrance = waiting.shift()) {
        const result = await fuzzed(entrance, seed);
        process.stdout.write(`${entrance}: ${JSON.stringify(result)}\n`);
        results.set(entrance, result);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    const rows = ENTRANCES.map((entrance) => {
      const { inputs, hostCalls, checked, written, half, end } = results.get(entrance)!;
      if (end > MOST_MEMORY) throw new Error(`${entrance}, seed ${seed}: memory is ${end} bytes`);
      const kib = [half, end].map((bytes) => bytes / 1024);
      const cells = [inputs, hostCalls, written, checked, 0, ...kib].map((n) => n.toLocaleString("en-US"));
      return `| ${entrance} | ${cells.join(" | ")} |`;
    });
    return `Seed ${seed}. Each input is a stream (or a plugin) of its own: header maps with wrong counts and lengths, NULs and bytes that
are no UTF-8, statuses other than Ok, lengths without data, 1,024 lines, 1 MiB values and bodies, an allocation that is
refused. Every pointer that the module gives the host is inside its memory; every name and value that it writes is one
that splits no message; of one input in 16 all that was read is compared with a model. One trap or one difference ends the run. One input in
8,192 is of the largest size: linear memory has what such inputs need at the same time, doubled when it grows, and may not
become larger than 64 MiB.

| entrance | inputs | host calls | header lines and bodies written | compared with the model | traps | memory after half of them, KiB | at the end, KiB |
|---|---|---|---|---|---|---|---|
${rows.join("\n")}

\`node --import tsx test/fuzz/run.ts "request headers" ${seed} ${INPUTS}\` repeats one row.
`;
  },
};

async function fuzzed(entrance: Entrance, seed: number): Promise<Result> {
  const script = fileURLToPath(new URL("../fuzz/run.ts", import.meta.url));
  const { stdout } = await run(process.execPath, ["--import", "tsx", script, entrance, String(seed), String(INPUTS)]);
  return JSON.parse(stdout) as Result;
}

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "../../toolchain/build/index.js";
import { ENTRANCES, projectOf, type Entrance, type Result } from "../fuzz/entrances.js";
import type { Section } from "./main.js";

const INPUTS = 1_000_000;
/** Processes at a time. */
const WORKERS = 2;
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
        let result = await fuzzed(entrance, seed, INPUTS);
        // The largest inputs of all kinds meet at some time; whether memory grows on, more of them tell.
        if (result.end > result.half) result = await fuzzed(entrance, seed, 3 * INPUTS);
        process.stdout.write(`${entrance}: ${JSON.stringify(result)}\n`);
        results.set(entrance, result);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    const rows = ENTRANCES.map((entrance) => {
      const { inputs, hostCalls, checked, written, half, end } = results.get(entrance)!;
      if (end > half) throw new Error(`${entrance}, seed ${seed}: memory grew from ${half} to ${end} bytes`);
      const cells = [inputs, hostCalls, written, checked, 0, end - half].map((n) => n.toLocaleString("en-US"));
      return `| ${entrance} | ${cells.join(" | ")} |`;
    });
    return `Seed ${seed}. Each input is a stream (or a plugin) of its own: header maps with wrong counts and lengths, NULs and bytes that
are no UTF-8, statuses other than Ok, lengths without data, 1,024 lines, 1 MiB values and bodies, an allocation that is
refused. Every pointer that the module gives the host is inside its memory; every name and value that it writes is one
that splits no message; of one input in 16 all that was read is compared with a model. One trap or one difference ends the run.

| entrance | inputs | host calls | header lines and bodies written | compared with the model | traps | growth of memory in the second half, bytes |
|---|---|---|---|---|---|---|
${rows.join("\n")}

\`node --import tsx test/fuzz/run.ts "request headers" ${seed} ${INPUTS}\` repeats one row.
`;
  },
};

async function fuzzed(entrance: Entrance, seed: number, inputs: number): Promise<Result> {
  const script = fileURLToPath(new URL("../fuzz/run.ts", import.meta.url));
  const { stdout } = await run(process.execPath, ["--import", "tsx", script, entrance, String(seed), String(inputs)]);
  return JSON.parse(stdout) as Result;
}

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { benchStd, stdTables } from "../bench/std.js";
import { parsers, type Fuzzed, type FuzzResult } from "../std/fuzz.js";
import type { Section } from "./main.js";

const INPUTS = 10_000_000;
/** Processes at a time. */
const WORKERS = 2;
/** A parser that takes longer hangs on some input. */
const MOST_MS = 30 * 60_000;
const run = promisify(execFile);

/** Drivers of the cryptography, which is slower than all else. */
const CRYPTO = ["ed25519", "key", "rsa"];

/** Generated inputs into every parser of sdk/std. */
export const std: Section = {
  name: "std",
  title: "std: text and data",
  run: () => fuzzed(({ driver }) => !CRYPTO.includes(driver)),
};

export const stdSpeed: Section = {
  name: "std-speed",
  title: "std: speed and size",
  run: async () => stdTables(await benchStd((line) => void process.stdout.write(`${line}\n`))),
};

export const crypto: Section = {
  name: "crypto",
  title: "std: cryptography",
  run: () => fuzzed(({ driver }) => CRYPTO.includes(driver)),
};

async function fuzzed(wanted: (parser: Fuzzed) => boolean): Promise<string> {
  const seed = 1 + Math.floor(Math.random() * 999_999_999);
  process.stdout.write(`seed ${seed}\n`);
  const all = (await parsers()).filter(wanted);
  const waiting = [...all];
  const results = new Map<string, FuzzResult>();
  const worker = async (): Promise<void> => {
    for (let parser = waiting.shift(); parser; parser = waiting.shift()) {
      const script = fileURLToPath(new URL("../std/fuzz-run.ts", import.meta.url));
      const count = Math.ceil(INPUTS / (parser.slowness ?? 1));
      const args = ["--import", "tsx", script, parser.name, String(seed), String(count)];
      const { stdout } = await run(process.execPath, args, { timeout: MOST_MS });
      process.stdout.write(`${parser.name}: ${stdout}`);
      results.set(parser.name, JSON.parse(stdout) as FuzzResult);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  const number = (n: number): string => n.toLocaleString("en-US");
  const rows = all.map(({ name, oracle }) => {
    const { inputs, checked, memory } = results.get(name)!;
    const compared = oracle ? `${number(checked)} | ${oracle} | 0` : "| |";
    return `| ${name} | ${number(inputs)} | 0 | ${compared} | ${number(memory / 1024)} |`;
  });
  return `Generated inputs, seed ${seed}. Random bytes and mutations of right input, up to the longest that each row names in test/std/fuzz, into the
compiled parser, outside Envoy. Every input follows from the seed and its number. One trap or one disagreement ends the run.

| parser | inputs | traps | compared | with | disagreements | linear memory at the end, KiB |
|---|---|---|---|---|---|---|
${rows.join("\n")}

\`node --import tsx test/std/fuzz-run.ts "${all[0]!.name}" ${seed} ${INPUTS}\` repeats one row.
`;
}

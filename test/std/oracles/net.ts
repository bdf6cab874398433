import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("net/main.go", import.meta.url));

/** Why the oracle cannot be asked here, for a test's `skip`. Where CI is set Go has to be there. */
export const withoutGo: string | false =
  process.env.CI || spawnSync("go", ["version"]).status === 0 ? false : "Go is not installed";

/** Puts questions to net/main.go, built anew in a directory of its own; an answer for each, null for an error. */
export function askGo(questions: readonly string[]): (string | null)[] {
  const directory = mkdtempSync(join(tmpdir(), "meshwasm-oracle-"));
  try {
    const program = join(directory, "oracle");
    const options = { encoding: "utf8", maxBuffer: 1 << 28 } as const;
    const build = spawnSync("go", ["build", "-o", program, SOURCE], {
      ...options,
      cwd: directory,
      env: { ...process.env, GOPROXY: "off", GOTOOLCHAIN: "local", GOWORK: "off" },
    });
    if (build.status !== 0) throw new Error(`go build: ${build.error?.message ?? build.stderr}`);
    const run = spawnSync(program, { ...options, input: questions.map((question) => `${question}\n`).join("") });
    const answers = run.stdout.split("\n").slice(0, -1);
    if (run.status !== 0 || answers.length !== questions.length) throw new Error(`the oracle failed: ${run.stderr}`);
    return answers.map((answer) => (answer === "-" ? null : answer));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A text as an argument of a question. */
export const word = (text: string | Uint8Array): string => Buffer.from(text as Uint8Array).toString("hex");

/* Go programs as oracles: oracles/<name>/main.go answers each line of its standard input with one line. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Why an oracle cannot be asked, or false. In CI that is an error. */
export function withoutGo(): string | false {
  if (spawnSync("go", ["version"]).status === 0) return false;
  if (process.env["CI"] === "true") throw new Error("Go is needed: tests compare with what it says");
  return "not compared with Go, which is not installed";
}

/** The answers of a program, which is built in a temporary folder. */
export function askGo(name: string, questions: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "oracle-"));
  try {
    const program = join(folder, "oracle");
    const cwd = fileURLToPath(new URL(`oracles/${name}`, import.meta.url));
    const env = { ...process.env, GOPROXY: "off", GOTOOLCHAIN: "local", GOWORK: "off" };
    const built = spawnSync("go", ["build", "-o", program, "main.go"], { cwd, env, encoding: "utf8" });
    if (built.status !== 0) throw new Error(`oracles/${name}: ${built.stderr}`);
    const input = questions.map((line) => `${line}\n`).join("");
    const { stdout, stderr, status } = spawnSync(program, { input, encoding: "utf8", maxBuffer: 1 << 28 });
    const answers = stdout.split("\n").slice(0, -1);
    if (status !== 0 || answers.length !== questions.length) throw new Error(`oracles/${name}: ${stderr}`);
    return answers;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

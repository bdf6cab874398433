import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap, listener, staticFilter } from "./bootstrap.js";
import { cacheDirectory } from "./cache.js";
import { failureReason, parseLogLine } from "./log.js";
import { envoyArguments } from "./process.js";
import { runTool } from "./run-tool.js";

/** What is known about a binary: its version and whether it can run Wasm; version null: it is not Envoy. */
export interface Verdict {
  readonly version: string | null;
  readonly wasm: boolean;
  /** Why it cannot run Wasm, or is not Envoy. */
  readonly reason: string | null;
}

const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
const name = (text: string): number[] => [text.length, ...Buffer.from(text)];

/** The smallest module that Envoy loads: the ABI marker, malloc (gives 0) and a memory. */
export const PROBE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f), // types: () -> (), (i32) -> i32
  ...section(3, 2, 0, 1), // two functions
  ...section(5, 1, 0, 1), // one page
  ...section(7, 3, ...name("memory"), 2, 0, ...name("proxy_abi_version_0_2_1"), 0, 0, ...name("malloc"), 0, 1),
  ...section(10, 2, 2, 0, 0x0b, 4, 0, 0x41, 0, 0x0b), // {} and { i32.const 0 }
]);

/** Asks a binary what it is; the answer is kept in the cache directory per path, size and modification time. */
export async function inspectEnvoy(path: string, env: NodeJS.ProcessEnv = process.env): Promise<Verdict> {
  const { size, mtimeMs } = statSync(path);
  const key = createHash("sha256").update(`${path}\0${size}\0${mtimeMs}`).digest("hex").slice(0, 32);
  const directory = join(cacheDirectory(env), "envoy", "verdicts");
  const file = join(directory, `${key}.json`);
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Verdict;
  } catch {
    // Not asked yet.
  }
  const verdict = await ask(path, env);
  // Only what cannot change is kept: a missing library or a full disk may be cured.
  if (!verdict.wasm && !/compiled without support/.test(verdict.reason ?? "")) return verdict;
  try {
    mkdirSync(directory, { recursive: true });
    const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    writeFileSync(temporary, JSON.stringify(verdict));
    renameSync(temporary, file);
  } catch {
    // A cache that cannot be written only costs time.
  }
  return verdict;
}

async function ask(path: string, env: NodeJS.ProcessEnv): Promise<Verdict> {
  const said = await runTool(path, ["--version"], env, 10_000);
  const version = /version: [0-9a-f]+\/(\d+\.\d+\.\d+[^/\s]*)\//.exec(said.stdout)?.[1] ?? null;
  if (version === null) {
    const words = `${said.stderr} ${said.stdout}`.replace(/\s+/g, " ").trim().slice(0, 200);
    return { version, wasm: false, reason: words || "it did not answer --version" };
  }
  const directory = mkdtempSync(join(tmpdir(), "meshwasm-probe-"));
  try {
    const file = join(directory, "probe.wasm");
    const config = join(directory, "probe.json");
    writeFileSync(file, PROBE);
    const probe = staticFilter({ name: "probe", code: { file }, config: null });
    writeFileSync(config, JSON.stringify(bootstrap({ listeners: [listener({ filters: [probe], cluster: null })] })));
    const args = [...envoyArguments(config, "warn", "warn"), "--mode", "validate"];
    const result = await runTool(path, args, env, 30_000);
    if (result.code === 0) return { version, wasm: true, reason: null };
    const lines = result.stderr.split("\n").filter(Boolean).map(parseLogLine);
    const reason = failureReason(lines, { name: "probe", rootId: "", vmId: "" });
    return { version, wasm: false, reason: reason ?? "it refused a minimal Wasm module" };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/* Builds what meshwasm is compared with. Everything that is fetched or made lies in .cache. */

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import type { WorkloadId } from "./workloads.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const CACHE = join(HERE, ".cache");
const PEERS = join(HERE, "peers");

/** A row that cannot be measured here: why, and what to do about it. */
export class Unavailable extends Error {}

export type Modules = Readonly<Record<WorkloadId, string>>;

export type Say = (line: string) => void;

/**
 * The filters by hand, against raw host calls. They export the callbacks that the meshwasm module of the same workload
 * exports, so that Envoy calls into both equally often.
 */
export async function buildFloor(
  callbacks: Readonly<Record<WorkloadId, readonly string[]>>,
  reads: "first line" | "all lines",
): Promise<Modules> {
  const build = async (id: WorkloadId, file: string): Promise<string> => {
    const own = ["proxy_on_request_headers", ...(id === "a" ? ["proxy_on_response_headers"] : [])];
    const shared = ["malloc", "proxy_abi_version_0_2_1", ...callbacks[id].filter((name) => !own.includes(name))];
    const missing = own.filter((name) => !callbacks[id].includes(name));
    if (missing.length > 0)
      throw new Error(`the meshwasm filter of workload ${id} does not export ${missing.join(", ")}`);
    const entry = `export { ${own.join(", ")} } from "./${file}";\nexport { ${shared.join(", ")} } from "./host";\n`;
    return compileFloor(file, entry);
  };
  // Workload B reads all lines in any case.
  return { a: await build("a", reads === "all lines" ? "a-lines" : "a"), b: await build("b", "b") };
}

/** Host calls that jwt-auth cannot do without, for a token that it knows. */
export function buildJwtFloor(): Promise<string> {
  return compileFloor("jwt", floorEntry("jwt", []));
}

/** Those that rate-limit cannot do without: a header, the time, one value of shared data read and written, a count. */
export function buildRateFloor(): Promise<string> {
  return compileFloor("rate", floorEntry("rate", ["proxy_on_response_headers", "proxy_on_done"]));
}

/** The callbacks of a library filter, `more` among them. */
function floorEntry(file: string, more: readonly string[]): string {
  const callbacks = ["proxy_on_context_create", "proxy_on_configure", "proxy_on_delete", ...more];
  const shared = ["malloc", "proxy_abi_version_0_2_1", ...callbacks];
  return `export { proxy_on_request_headers } from "./${file}";\nexport { ${shared.join(", ")} } from "./host";\n`;
}

async function compileFloor(id: string, entry: string): Promise<string> {
  const out = join(CACHE, "floor", `${id}.wasm`);
  const messages: string[] = [];
  const options = ["-O3", "--runtime=stub", "--exportStart=_initialize", "--use=abort=", "--noColors"];
  const { error } = await asc.main(
    ["entry.ts", `--baseDir=${join(PEERS, "floor/assembly")}`, `--outFile=${id}.wasm`, ...options],
    {
      readFile: (name, baseDir) => {
        if (name === "entry.ts") return entry;
        const file = resolve(baseDir, name);
        return existsSync(file) ? readFileSync(file, "utf8") : null;
      },
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm")) write(out, contents);
      },
      listFiles: () => [],
      stdout: asc.createMemoryStream(),
      stderr: asc.createMemoryStream((chunk) => void messages.push(String(chunk))),
    },
  );
  if (error) throw new Error(`the floor ${id} does not compile:\n${messages.join("") || error.message}`);
  return out;
}

/** `@solo-io/proxy-runtime` as npm has it, with the compiler that it names (see peers/proxy-runtime/package.json). */
export async function buildProxyRuntime(say: Say): Promise<Modules> {
  const dir = join(CACHE, "proxy-runtime");
  const lock = readFileSync(join(PEERS, "proxy-runtime/package-lock.json"), "utf8");
  const installed = join(dir, "node_modules/.installed");
  const sources = join(PEERS, "proxy-runtime");
  if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
    say("@solo-io/proxy-runtime and its compiler: npm ci into test/bench/.cache");
    rmSync(dir, { recursive: true, force: true });
    cpSync(sources, dir, { recursive: true });
    await run(
      "npm",
      ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
      dir,
      "run it again where npm can install packages",
    );
    writeFileSync(installed, lock);
  }
  cpSync(join(sources, "assembly"), join(dir, "assembly"), { recursive: true });
  const build = async (id: WorkloadId): Promise<string> => {
    const args = [`assembly/${id}.ts`, "-b", `build/${id}.wasm`, "--use", "abort=abort_proc_exit", "-O3"];
    const step = `look at test/bench/peers/proxy-runtime/assembly/${id}.ts`;
    await run(process.execPath, ["node_modules/assemblyscript/bin/asc", ...args], dir, step);
    return join(dir, "build", `${id}.wasm`);
  };
  return { a: await build("a"), b: await build("b") };
}

const RUST_TARGET = "wasm32-wasip1";

/** The `proxy-wasm` crate; needs cargo. */
export async function buildRust(say: Say, reads: "first line" | "all lines"): Promise<Modules> {
  await run("cargo", ["--version"], HERE, "install Rust to have this row");
  const { stdout: libraries } = await run(
    "rustc",
    ["--print", "target-libdir", "--target", RUST_TARGET],
    HERE,
    "update Rust",
  );
  if (!existsSync(libraries.trim())) {
    say(`Rust: rustup target add ${RUST_TARGET}`);
    await run("rustup", ["target", "add", RUST_TARGET], HERE, `install Rust's standard library for ${RUST_TARGET}`);
  }
  say("Rust: cargo build into test/bench/.cache");
  const target = join(CACHE, "rust");
  const args = [
    "build",
    "--release",
    "--locked",
    "--quiet",
    "--jobs",
    "1",
    "--target",
    RUST_TARGET,
    "--target-dir",
    target,
  ];
  await run("cargo", args, join(PEERS, "rust"), "run it again where cargo can fetch crates");
  const built = (name: string): string => join(target, RUST_TARGET, "release", `bench_${name}.wasm`);
  return { a: built(reads === "all lines" ? "a_lines" : "a"), b: built("b") };
}

/** Runs a tool; when it fails, its last words and the next step become the reason. */
function run(command: string, args: readonly string[], cwd: string, nextStep: string): Promise<{ stdout: string }> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "ENOENT" ? `${command} is not installed` : `${command} does not run (${error.message})`;
      fail(new Unavailable(`${why}; ${nextStep}`));
    });
    child.on("close", (code) => {
      if (code === 0) return done({ stdout });
      const words = (stderr || stdout).split("\n").map((line) => line.trim());
      const reason = words.find((line) => /^(error|ERROR|npm error)/.test(line)) ?? words.filter(Boolean).at(-1) ?? "";
      fail(
        new Unavailable(`${command} ${args[0]} failed with exit code ${code} (${reason.slice(0, 160)}); ${nextStep}`),
      );
    });
  });
}

function write(file: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}

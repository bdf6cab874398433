/* What the whole-system tests share: the command line as a child process, fresh folders, projects, processes and ports. */

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const cli = join(root, "dist/cli.js");

/** A fresh folder outside the repository; `remove` it in the end. */
export function freshFolder(): { path: string; remove: () => void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "meshwasm-e2e-")));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** This environment without what npm and the test runner have put into it. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const own = /^(npm_|INIT_CWD$|NODE_OPTIONS$|NODE_PATH$|NODE_TEST_CONTEXT$|MESHWASM_(HOST|ENVOY_VERSION|DEBUG)$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  const path = (env["PATH"] ?? "").split(":").filter((dir) => !dir.includes("node_modules"));
  return { ...env, PATH: path.join(":"), ...extra };
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Default 120 seconds; then the child is killed and the test fails. */
  readonly timeoutMs?: number;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A child process whose output is kept. */
export class Running {
  stdout = "";
  stderr = "";
  readonly finished: Promise<Finished>;
  readonly #started = performance.now();
  #ended = false;

  constructor(
    readonly child: ChildProcess,
    timeoutMs: number,
    private readonly title: string,
  ) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.finished = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new Error(`${title} did not end within ${timeoutMs / 1000} s:\n${this.stdout}${this.stderr}`));
      }, timeoutMs);
      child.once("error", reject);
      child.once("close", (code, signal) => {
        clearTimeout(timer);
        this.#ended = true;
        const ms = performance.now() - this.#started;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, ms });
      });
    });
    // Looked at by whoever waits for it.
    this.finished.catch(() => {});
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Waits until the output (stdout, then stderr) matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match) return match;
      if (this.#ended) throw new Error(`${this.title} ended before ${pattern}:\n${this.stdout}${this.stderr}`);
      await Promise.race([sleep(10), this.finished]);
    }
  }

  /** Ends the process, whatever it does. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 5000);
    await this.finished.catch(() => {});
    clearTimeout(timer);
  }
}

export function start(file: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(file, args, {
    cwd: options.cwd ?? root,
    env: options.env ?? cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Running(child, options.timeoutMs ?? 120_000, `${file} ${args.join(" ")}`);
}

export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return start(file, args, options).finished;
}

export function startMeshwasm(args: readonly string[], options: RunOptions = {}): Running {
  return start(process.execPath, [cli, ...args], options);
}

export function meshwasm(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return startMeshwasm(args, options).finished;
}

/** Fails with the whole output when the exit code is not 0. */
export function succeeded(result: Finished, what = "the command"): Finished {
  assert.equal(result.code, 0, `${what} ended with ${result.code ?? result.signal}:\n${result.stdout}${result.stderr}`);
  return result;
}

/** `meshwasm registry serve` on a free port. */
export async function startRegistry(folder: string): Promise<{ host: string; running: Running }> {
  const running = startMeshwasm(["registry", "serve", "--port", "0", "--root", folder], { timeoutMs: 3_600_000 });
  const host = (await running.until(/http:\/\/([^\s,/]+)/))[1]!;
  return { host, running };
}

/** Packages of this checkout that a generated project names; linked, so that no install is needed. */
export function linkPackages(project: string): void {
  const modules = join(project, "node_modules");
  mkdirSync(join(modules, "@types"), { recursive: true });
  mkdirSync(join(modules, ".bin"));
  symlinkSync(root, join(modules, "meshwasm"));
  symlinkSync(cli, join(modules, ".bin/meshwasm"));
  for (const name of ["typescript", "@types/node"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
}

/** A project of the template, ready to build. */
export async function makeProject(dir: string, ...options: string[]): Promise<string> {
  succeeded(await meshwasm(["init", dir, "--yes", ...options], { cwd: dirname(dir) }), "init");
  linkPackages(dir);
  return dir;
}

/** A copy with its build, if it has one. */
export function copyProject(from: string, to: string): string {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return to;
}

/** Paths of all files below, without node_modules. */
export function filesIn(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.name !== "node_modules")
    .flatMap((entry) =>
      entry.isDirectory()
        ? filesIn(join(dir, entry.name)).map((file) => join(entry.name, file))
        : [relative(dir, join(dir, entry.name))],
    )
    .sort();
}

/** Each file's digest, to see whether something changed the folder. */
export function contentsOf(dir: string): Record<string, string> {
  const digest = (file: string) =>
    createHash("sha256")
      .update(readFileSync(join(dir, file)))
      .digest("hex");
  return Object.fromEntries(filesIn(dir).map((file) => [file, digest(file)]));
}

/** Is the process there? One that has ended but was not yet waited for is not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The children of a process, their children, and so on. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, "utf8"))![1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (parent: number): number[] => (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** The command line of a process, "" when it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Waits until `holds`; false when it did not within the time. */
export async function eventually(holds: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; ; await sleep(25)) {
    if (await holds()) return true;
    if (Date.now() > end) return false;
  }
}

/** Takes a port; null when it is in use. */
export function takePort(port = 0): Promise<{ port: number; free: () => Promise<void> } | null> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(null));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () =>
      resolve({
        port: (server.address() as net.AddressInfo).port,
        free: () => new Promise((done) => server.close(() => done())),
      }),
    );
  });
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const taken = (await takePort())!;
  await taken.free();
  return taken.port;
}

export async function canBind(port: number): Promise<boolean> {
  const taken = await takePort(port);
  await taken?.free();
  return taken !== null;
}

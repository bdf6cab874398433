/* Builds the filters that are written with the Rust and Go SDKs. What cargo and go make lies in .cache. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const CACHE = join(HERE, ".cache");
const RUST_TARGET = "wasm32-wasip1";

/** Path of the module made with the `proxy-wasm` crate. Throws when cargo is not there or fails. */
export function buildRust(): string {
  const dir = join(HERE, "rust");
  const libraries = run("rustc", ["--print", "target-libdir", "--target", RUST_TARGET], dir).trim();
  if (!existsSync(libraries)) run("rustup", ["target", "add", RUST_TARGET], dir);
  const target = join(CACHE, "rust");
  const where = ["--target", RUST_TARGET, "--target-dir", target];
  run("cargo", ["build", "--release", "--locked", "--quiet", "--jobs", "1", ...where], dir);
  return join(target, RUST_TARGET, "release/peer.wasm");
}

/** Path of the module made with proxy-wasm-go-sdk. Throws when go is not there or fails. */
export function buildGo(): string {
  mkdirSync(CACHE, { recursive: true });
  const out = join(CACHE, "go.wasm");
  run("go", ["build", "-buildmode=c-shared", "-o", out, "."], join(HERE, "go"), { GOOS: "wasip1", GOARCH: "wasm" });
  return out;
}

/** Path of the program that drives a module on Go's proxytest. */
export function buildProxytest(): string {
  mkdirSync(CACHE, { recursive: true });
  const out = join(CACHE, "proxytest");
  run("go", ["build", "-o", out, "./proxytest"], join(HERE, "go"));
  return out;
}

export function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const done = spawnSync(command, args, { cwd, env: { ...process.env, ...env }, encoding: "utf8" });
  if (done.error) throw new Error(`${command} does not run (${done.error.message}); the test of other SDKs needs it`);
  if (done.status !== 0)
    throw new Error(`${command} ${args[0]} ended with ${done.status}:\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

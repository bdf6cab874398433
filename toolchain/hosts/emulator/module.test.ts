import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HOST_FUNCTIONS } from "./abi.js";
import { HOST_CALLS } from "./hostcalls.js";
import { inspectModule } from "./module.js";
import { compile } from "./testdata/compile.js";
import { WASI_CALLS } from "./wasi.js";

const ABI = "export function proxy_abi_version_0_2_1(): void {}\n";
const MALLOC = "export function malloc(n: usize): usize { return 0; }\n";

async function inspect(source: string): Promise<unknown> {
  return inspectModule(readFileSync(await compile(source, "--exportStart", "_initialize")));
}

test("refuses what Envoy refuses, in its words", async () => {
  const foreign = '@external("env", "abort") declare function a(): void; export function f(): void { a(); }\n';
  await assert.rejects(inspect(ABI + MALLOC + foreign), {
    message: "Failed to load Wasm module due to a missing import: env.abort",
  });
  const short =
    '@external("env", "proxy_log") declare function l(a: u32, b: u32): u32; export function f(): void { l(0, 0); }\n';
  await assert.rejects(inspect(ABI + MALLOC + short), {
    message:
      "Failed to load Wasm module due to an import type mismatch: env.proxy_log, want: i32 i32 -> i32, but host exports: i32 i32 i32 -> i32",
  });
  await assert.rejects(inspect(MALLOC), { message: "Missing or unknown Proxy-Wasm ABI version" });
  await assert.rejects(inspect(ABI), { message: "Wasm module is missing malloc function." });
  await assert.rejects(
    inspect(`${ABI + MALLOC}export function proxy_on_log(): void {}`),
    /^EmulatorError: Bad function signature for: proxy_on_log/,
  );
  const level =
    '@external("env", "proxy_get_log_level") declare function l(a: u32): u32; export function f(): void { l(0); }\n';
  await assert.rejects(
    inspect(`export function proxy_abi_version_0_2_0(): void {}\n${MALLOC}${level}`),
    /missing import: env.proxy_get_log_level/,
  );
});

test("every implemented host function is one that Envoy has", () => {
  const names = new Set(HOST_FUNCTIONS.map((f) => f.name));
  for (const name of [...Object.keys(HOST_CALLS), ...Object.keys(WASI_CALLS)]) assert.ok(names.has(name), name);
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CALLBACKS, HOST_FUNCTIONS, START_DENIED_WASI, START_ONLY_ENV, MALLOC_ALLOWED } from "./abi.js";
import { packageRoot } from "./package-root.js";

const LETTERS: Readonly<Record<string, string>> = {
  i32: "i",
  u32: "i",
  usize: "i",
  bool: "i",
  i64: "I",
  u64: "I",
  void: "",
};

function letter(type: string): string {
  const found = LETTERS[type.trim()];
  assert.notEqual(found, undefined, `type ${type}`);
  return found!;
}

/** `(a: usize, b: u32,): i32` as the ABI table writes it. */
function signatureOf(parameters: string, result: string): string {
  const types = parameters.split(",").map((p) => p.split(":")[1]);
  return `${types.map((type) => (type === undefined ? "" : letter(type))).join("")}:${letter(result)}`;
}

const hostcalls = readFileSync(join(packageRoot, "sdk/abi/hostcalls.ts"), "utf8");
const DECLARATION = /@external\("([^"]+)", "([^"]+)"\)\s*export declare function (\w+)\(([^)]*)\)\s*:\s*(\w+);/g;
const declared = [...hostcalls.matchAll(DECLARATION)].map(([, module, name, local, parameters, result]) => ({
  module: module!,
  name: name!,
  local: local!,
  signature: signatureOf(parameters!, result!),
}));

test("each import that the SDK declares is a host function with the same signature", () => {
  assert.ok(declared.length > 10);
  assert.equal(declared.length, hostcalls.match(/^@external/gm)!.length, "declarations that this test reads");
  assert.equal(new Set(declared.map((d) => d.name)).size, declared.length, "one declaration per function");
  for (const { module, name, local, signature } of declared) {
    assert.equal(local, name);
    const known = HOST_FUNCTIONS.find((f) => f.name === name);
    assert.ok(known, name);
    assert.equal(module, known.module === "env" ? "env" : "wasi_snapshot_preview1", name);
    assert.equal(signature, known.signature, name);
  }
});

test("each host function is declared as the table has it, where it is declared", () => {
  const names = [...hostcalls.matchAll(/export declare function (\w+)/g)].map(([, name]) => name!);
  const inTable = HOST_FUNCTIONS.filter((f) => names.includes(f.name));
  assert.equal(inTable.length, names.length);
  for (const f of inTable) assert.equal(declared.find((d) => d.name === f.name)?.signature, f.signature, f.name);
});

test("no other file of the SDK declares imports", () => {
  for (const file of readdirSync(join(packageRoot, "sdk"), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || file === join("abi", "hostcalls.ts")) continue;
    assert.doesNotMatch(readFileSync(join(packageRoot, "sdk", file), "utf8"), /@external/, file);
  }
});

test("each export of the SDK is a callback with the same signature", () => {
  const source = readFileSync(join(packageRoot, "sdk/runtime/exports.ts"), "utf8");
  const exports = [...source.matchAll(/^export function (\w+)\(([^)]*)\): (\w+)/gm)];
  assert.equal(exports.length, source.match(/^export /gm)!.length, "exports that this test reads");
  for (const [, name, parameters, result] of exports) {
    if (name === "proxy_abi_version_0_2_1") continue;
    assert.ok(Object.hasOwn(CALLBACKS, name!), name);
    assert.equal(signatureOf(parameters!, result!), CALLBACKS[name!], name);
  }
});

test("the table is sound", () => {
  assert.equal(new Set(HOST_FUNCTIONS.map((f) => f.name)).size, HOST_FUNCTIONS.length);
  for (const f of HOST_FUNCTIONS) assert.match(f.signature, /^[iI]*:i?$/, f.name);
  for (const [name, signature] of Object.entries(CALLBACKS)) assert.match(signature, /^i*:i?$/, name);
  const names = new Set(HOST_FUNCTIONS.map((f) => f.name));
  for (const name of [...START_ONLY_ENV, ...START_DENIED_WASI, ...MALLOC_ALLOWED]) assert.ok(names.has(name), name);
});

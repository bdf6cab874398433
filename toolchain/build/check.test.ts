import assert from "node:assert/strict";
import { test } from "node:test";
import binaryen from "assemblyscript/binaryen";
import { CALLBACKS, HOST_FUNCTIONS } from "./abi.js";
import { check, type Finding } from "./check.js";

const MARKER = '(func (export "proxy_abi_version_0_2_1"))';
const MALLOC = '(func (export "malloc") (param i32) (result i32) (i32.const 0))';
const MEMORY = '(memory (export "memory") 1)';

const { SIMD128, ReferenceTypes, ExceptionHandling, BulkMemory, MutableGlobals } = binaryen.Features;
const FEATURES = SIMD128 | ReferenceTypes | ExceptionHandling | BulkMemory | MutableGlobals;

function emit(...fields: string[]): Uint8Array {
  const module = binaryen.parseText(`(module ${fields.join("\n")})`);
  module.setFeatures(FEATURES);
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** A module that Envoy takes, with something more. */
function sound(...fields: string[]): Uint8Array {
  return emit(
    ...fields.filter((f) => f.startsWith("(import")),
    MARKER,
    MALLOC,
    MEMORY,
    ...fields.filter((f) => !f.startsWith("(import")),
  );
}

function finds(bytes: Uint8Array, rule: Finding["rule"], message: string): void {
  assert.deepEqual(check(bytes), [{ rule, message }]);
}

test("a sound module has no findings, with every host function and every callback in it", () => {
  assert.deepEqual(check(sound()), []);
  const type = (letters: string, word: string) =>
    letters ? `(${word} ${[...letters].map((l) => ({ i: "i32", I: "i64" })[l]).join(" ")})` : "";
  const fields = (signature: string) => {
    const [params, results] = signature.split(":");
    return `${type(params!, "param")} ${type(results!, "result")}`;
  };
  const imports = HOST_FUNCTIONS.flatMap((f) =>
    (f.module === "env" ? ["env"] : ["wasi_snapshot_preview1", "wasi_unstable"]).map(
      (module, i) => `(import "${module}" "${f.name}" (func $${f.name}${i} ${fields(f.signature)}))`,
    ),
  );
  const callbacks = Object.entries(CALLBACKS)
    .filter(([name]) => name !== "malloc")
    .map(([name, signature]) => `(func (export "${name}") ${fields(signature)} (unreachable))`);
  assert.deepEqual(check(sound(...imports, ...callbacks)), []);
});

test("the ABI of 0.2.0 is taken, without what came after it", () => {
  const old = '(func (export "proxy_abi_version_0_2_0"))';
  assert.deepEqual(check(emit(old, MALLOC, MEMORY)), []);
  const level = '(import "env" "proxy_get_log_level" (func $l (param i32) (result i32)))';
  finds(
    emit(level, old, MALLOC, MEMORY),
    "import",
    "the module imports env.proxy_get_log_level, which Envoy does not have: it answers: missing import: env.proxy_get_log_level",
  );
  assert.deepEqual(check(sound(level)), []);
});

test("what is no module", () => {
  finds(new Uint8Array([1, 2, 3]), "format", "the file is not a WebAssembly file");
  finds(
    new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]),
    "format",
    "the file is a WebAssembly component; a filter must be a core module",
  );
  // A function whose body is missing.
  finds(
    new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0]),
    "format",
    "the file is not valid WebAssembly; Envoy answers: Failed to load Wasm bytecode",
  );
  const whole = sound();
  for (let length = 0; length < whole.length; length++) {
    const findings = check(whole.subarray(0, length));
    assert.ok(findings.length > 0, `cut at ${length}`);
  }
});

test("start section", () => {
  finds(
    sound("(func $s)", "(start $s)"),
    "start-section",
    "the module has a start section: a host call in it crashes the whole Envoy process; compile with --exportStart _initialize",
  );
});

test("imports that Envoy lacks or has otherwise", () => {
  finds(
    sound('(import "env" "abort" (func $a (param i32 i32 i32 i32)))'),
    "import",
    "the module imports env.abort, which Envoy does not have: it answers: missing import: env.abort",
  );
  finds(
    sound('(import "wasi_snapshot_preview1" "proxy_log" (func $a (param i32 i32 i32) (result i32)))'),
    "import",
    "the module imports wasi_snapshot_preview1.proxy_log, which Envoy does not have: it answers: missing import: wasi_snapshot_preview1.proxy_log",
  );
  finds(
    sound('(import "env" "fd_write" (func $a (param i32 i32 i32 i32) (result i32)))'),
    "import",
    "the module imports env.fd_write, which Envoy does not have: it answers: missing import: env.fd_write",
  );
  finds(
    sound('(import "env" "proxy_log" (func $l (param i32 i64 f32 f64)))'),
    "import-signature",
    "the module imports env.proxy_log as iIfF:, Envoy has it as iii:i",
  );
  finds(
    sound('(import "env" "tick" (global $g i32))'),
    "import",
    "the module imports the global env.tick; Envoy offers functions only",
  );
  finds(
    sound('(import "env" "table" (table $t 1 funcref))'),
    "import",
    "the module imports the table env.table; Envoy offers functions only",
  );
});

test("exports whose types abort Envoy", () => {
  finds(
    sound('(global (export "vector") v128 (v128.const i32x4 0 0 0 0))'),
    "export-type",
    "the module exports the global vector of type v128: that aborts Envoy",
  );
  finds(
    sound('(global (export "object") externref (ref.null extern))'),
    "export-type",
    "the module exports the global object of type ref: that aborts Envoy",
  );
  finds(
    sound('(func (export "simd") (param v128))'),
    "export-type",
    "the module exports the function simd with a value of type v128: that aborts Envoy",
  );
  finds(
    sound('(func (export "refer") (result funcref) (ref.null func))'),
    "export-type",
    "the module exports the function refer with a value of type ref: that aborts Envoy",
  );
  finds(
    sound('(tag (export "oops") (param i32))'),
    "export-type",
    "the module exports the tag oops: that aborts Envoy",
  );
  assert.deepEqual(
    check(sound('(global (export "plain") f64 (f64.const 1))', '(table (export "table") 1 funcref)')),
    [],
  );
});

test("callbacks with another signature", () => {
  finds(
    sound('(func (export "proxy_on_log"))'),
    "export-signature",
    "the module exports proxy_on_log as :, Envoy wants i:: it answers: Bad function signature",
  );
  const names = ["toString", "constructor", "__proto__", "hasOwnProperty"];
  assert.deepEqual(check(sound(...names.map((name) => `(func (export "${name}") (param i32))`))), []);
});

test("what Envoy needs of a module", () => {
  finds(
    emit(MALLOC, MEMORY),
    "abi-version",
    "the module exports no function proxy_abi_version_0_2_1: Envoy answers: Missing or unknown Proxy-Wasm ABI version",
  );
  finds(
    emit('(global (export "proxy_abi_version_0_2_1") i32 (i32.const 0))', MALLOC, MEMORY),
    "abi-version",
    "the module exports no function proxy_abi_version_0_2_1: Envoy answers: Missing or unknown Proxy-Wasm ABI version",
  );
  finds(
    emit(MARKER, MEMORY),
    "malloc",
    "the module exports no malloc, through which the host returns data: Envoy answers: Wasm module is missing malloc function",
  );
  assert.deepEqual(check(emit(MARKER, MALLOC.replace("malloc", "proxy_on_memory_allocate"), MEMORY)), []);
  finds(
    emit(MARKER, MALLOC, "(memory 1)"),
    "memory",
    "the module exports no memory, so that no data can be exchanged with it",
  );
  finds(emit(MARKER, MALLOC), "memory", "the module exports no memory, so that no data can be exchanged with it");
});

test("initial memory up to 1 GiB", () => {
  assert.deepEqual(check(emit(MARKER, MALLOC, '(memory (export "memory") 16384)')), []);
  finds(
    emit(MARKER, MALLOC, '(memory (export "memory") 16385)'),
    "memory",
    "the module starts with 16385 pages of memory; Envoy allows 16384 (1 GiB)",
  );
});

test("budget", () => {
  const bytes = sound();
  assert.deepEqual(check(bytes, { maxBytes: bytes.length }), []);
  assert.deepEqual(check(bytes, { maxBytes: bytes.length - 1 }), [
    {
      rule: "size",
      message: `the module has ${bytes.length} bytes, its budget is ${bytes.length - 1}; make it smaller or raise maxModuleBytes in filter.yaml`,
    },
  ]);
});

test("everything that is wrong is found, not only the first", () => {
  const rules = check(emit('(import "env" "x" (func))', "(func $s)", "(start $s)"), { maxBytes: 1 }).map((f) => f.rule);
  assert.deepEqual(rules, ["start-section", "import", "abi-version", "malloc", "memory", "size"]);
});

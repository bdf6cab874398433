import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { EmulatorError } from "./errors.js";
import { limited } from "./fuel.js";
import { inspectModule, type ModuleFacts } from "./module.js";
import { Wasm, type WasmModule } from "./webassembly.js";

/** A module, read and compiled: what its VMs have in common. */
export interface Code {
  readonly digest: string;
  readonly facts: ModuleFacts;
  readonly module: WasmModule;
  /** The position in the module's file of a position in what runs. */
  readonly original: (offset: number) => number;
  /** Bytes that its memory may have. */
  readonly memoryLimit: number;
  /** The module may make expressions. */
  readonly expressions: boolean;
}

/** A test file makes many proxies of one module. */
const KEPT = 8;
const compiled = new Map<string, Code>();

/** Envoy's limit. */
const MEMORY_LIMIT = 1 << 30;

export function loadCode(path: string, memoryLimit = MEMORY_LIMIT): Code {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch {
    throw new EmulatorError(`There is no module at ${path}; build the filter first.`);
  }
  const digest = createHash("sha256").update(bytes).digest("hex");
  const key = `${digest} ${memoryLimit}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const code = compile(path, bytes, digest, Math.min(memoryLimit, MEMORY_LIMIT));
  compiled.set(key, code);
  if (compiled.size > KEPT) compiled.delete([...compiled.keys()][0]!);
  return code;
}

function compile(path: string, bytes: Uint8Array, digest: string, memoryLimit: number): Code {
  let module: WasmModule | null = null;
  let original = (offset: number): number => offset;
  try {
    const facts = limited(bytes, memoryLimit);
    if (facts !== null) {
      module = new Wasm.Module(facts.bytes);
      original = facts.original;
    }
  } catch {
    // The module as it is tells what is wrong with it.
  }
  try {
    module ??= new Wasm.Module(bytes);
  } catch (error) {
    throw new EmulatorError(`${path}: Failed to load Wasm bytecode: ${(error as Error).message}`);
  }
  const expressions = names(bytes, "expr_create");
  return { digest, facts: inspectModule(bytes), module, original, memoryLimit, expressions };
}

/** Whether a text is in the module, as bytes or, as AssemblyScript has its strings, in two bytes for each character. */
function names(bytes: Uint8Array, text: string): boolean {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return all.includes(Buffer.from(text)) || all.includes(Buffer.from(text, "utf16le"));
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { EmulatorError } from "./errors.js";
import { inspectModule, type ModuleFacts } from "./module.js";
import { Wasm, type WasmModule } from "./webassembly.js";

/** A module, read and compiled: what its VMs have in common. */
export interface Code {
  readonly digest: string;
  readonly facts: ModuleFacts;
  readonly module: WasmModule;
}

/** A test file makes many proxies of one module. */
const KEPT = 8;
const compiled = new Map<string, Code>();

export function loadCode(path: string): Code {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch {
    throw new EmulatorError(`There is no module at ${path}; build the filter first.`);
  }
  const digest = createHash("sha256").update(bytes).digest("hex");
  const known = compiled.get(digest);
  if (known !== undefined) return known;
  const code = compile(bytes, digest);
  compiled.set(digest, code);
  if (compiled.size > KEPT) compiled.delete([...compiled.keys()][0]!);
  return code;
}

function compile(bytes: Uint8Array, digest: string): Code {
  let module: WasmModule;
  try {
    module = new Wasm.Module(bytes);
  } catch (error) {
    throw new EmulatorError(`Failed to load Wasm bytecode: ${(error as Error).message}`);
  }
  return { digest, facts: inspectModule(bytes), module };
}

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
  /** The module may make expressions. */
  readonly expressions: boolean;
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
  return { digest, facts: inspectModule(bytes), module, expressions: names(bytes, "expr_create") };
}

/** Whether a text is in the module, as bytes or, as AssemblyScript has its strings, in two bytes for each character. */
function names(bytes: Uint8Array, text: string): boolean {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return all.includes(Buffer.from(text)) || all.includes(Buffer.from(text, "utf16le"));
}

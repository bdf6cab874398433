/* What would hurt Envoy, found before Envoy sees it. The rules are Envoy 1.40's; each message says what Envoy would do. */

import { CALLBACKS, HOST_FUNCTIONS, WASI_MODULES } from "./abi.js";
import { readWasm, WasmFormatError, type Export, type Import, type Signature, type WasmModule } from "./wasm.js";

export interface Finding {
  readonly rule:
    | "format"
    | "start-section"
    | "import"
    | "import-signature"
    | "export-signature"
    | "export-type"
    | "abi-version"
    | "malloc"
    | "memory"
    | "size";
  readonly message: string;
}

export interface CheckOptions {
  /** Most bytes that the module may have. */
  readonly maxBytes?: number;
}

/** Envoy starts no module with a larger initial memory: 1 GiB. */
const MAX_PAGES = 16384;
const MARKERS = ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0"];

/** Everything that is wrong with a module; empty when Envoy can take it. */
export function check(bytes: Uint8Array, options: CheckOptions = {}): Finding[] {
  let module: WasmModule;
  try {
    module = readWasm(bytes);
  } catch (error) {
    if (error instanceof WasmFormatError) return [{ rule: "format", message: `the file ${error.message}` }];
    throw error;
  }
  if (!WebAssembly.validate(bytes as BufferSource)) {
    return [
      { rule: "format", message: "the file is not valid WebAssembly; Envoy answers: Failed to load Wasm bytecode" },
    ];
  }
  const findings: Finding[] = [];
  const add = (rule: Finding["rule"], message: string) => findings.push({ rule, message });

  if (module.hasStart) {
    add(
      "start-section",
      "the module has a start section: a host call in it crashes the whole Envoy process; compile with --exportStart _initialize",
    );
  }
  const marker = module.exports.find((e) => e.kind === "func" && MARKERS.includes(e.name));
  for (const item of module.imports) checkImport(item, marker?.name === MARKERS[1], add);
  for (const item of module.exports) checkExport(item, add);
  if (!marker) {
    add(
      "abi-version",
      "the module exports no function proxy_abi_version_0_2_1: Envoy answers: Missing or unknown Proxy-Wasm ABI version",
    );
  }
  if (
    !module.exports.some((e) => e.kind === "func" && (e.name === "malloc" || e.name === "proxy_on_memory_allocate"))
  ) {
    add(
      "malloc",
      "the module exports no malloc, through which the host returns data: Envoy answers: Wasm module is missing malloc function",
    );
  }
  if (!module.exports.some((e) => e.kind === "memory") && !module.imports.some((i) => i.kind === "memory")) {
    add("memory", "the module exports no memory, so that no data can be exchanged with it");
  }
  if (module.memoryPages !== null && module.memoryPages > MAX_PAGES) {
    add("memory", `the module starts with ${module.memoryPages} pages of memory; Envoy allows ${MAX_PAGES} (1 GiB)`);
  }
  if (options.maxBytes !== undefined && bytes.length > options.maxBytes) {
    add(
      "size",
      `the module has ${bytes.length} bytes, its budget is ${options.maxBytes}; make it smaller or raise maxModuleBytes in filter.yaml`,
    );
  }
  return findings;
}

type Add = (rule: Finding["rule"], message: string) => void;

function checkImport(item: Import, isAbi020: boolean, add: Add): void {
  const full = `${item.module}.${item.name}`;
  if (item.kind === "memory") return;
  if (item.kind !== "func") {
    add("import", `the module imports the ${item.kind} ${full}; Envoy offers functions only`);
    return;
  }
  const known = HOST_FUNCTIONS.find(
    (f) => f.name === item.name && (f.module === "env" ? item.module === "env" : WASI_MODULES.includes(item.module)),
  );
  if (!known || (known.since === "0.2.1" && isAbi020)) {
    add("import", `the module imports ${full}, which Envoy does not have: it answers: missing import: ${full}`);
  } else if (shape(item.signature) !== known.signature) {
    add(
      "import-signature",
      `the module imports ${full} as ${shape(item.signature)}, Envoy has it as ${known.signature}`,
    );
  }
}

function checkExport(item: Export, add: Add): void {
  const callback = Object.hasOwn(CALLBACKS, item.name) ? CALLBACKS[item.name] : undefined;
  if (item.kind === "tag") {
    add("export-type", `the module exports the tag ${item.name}: that aborts Envoy`);
  } else if (item.kind === "global" && (item.type === "v128" || item.type === "ref")) {
    add("export-type", `the module exports the global ${item.name} of type ${item.type}: that aborts Envoy`);
  } else if (item.kind === "func") {
    const types = item.signature ? [...item.signature.params, ...item.signature.results] : ["ref"];
    const odd = types.find((type) => type === "v128" || type === "ref");
    if (odd)
      add("export-type", `the module exports the function ${item.name} with a value of type ${odd}: that aborts Envoy`);
    else if (callback !== undefined && shape(item.signature) !== callback) {
      add(
        "export-signature",
        `the module exports ${item.name} as ${shape(item.signature)}, Envoy wants ${callback}: it answers: Bad function signature`,
      );
    }
  }
}

const LETTERS = { i32: "i", i64: "I", f32: "f", f64: "F", v128: "v", ref: "r" } as const;

/** `params:results` in the letters of the ABI table. */
function shape(signature: Signature | null): string {
  if (!signature) return "?";
  return `${signature.params.map((t) => LETTERS[t]).join("")}:${signature.results.map((t) => LETTERS[t]).join("")}`;
}

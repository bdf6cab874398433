import { CALLBACKS, HOST_FUNCTIONS, WASI_MODULES, type Marker } from "./abi.js";
import { EmulatorError } from "./errors.js";

/** What the loader must know of a module and JavaScript's WebAssembly does not tell: signatures and names. */
export interface ModuleFacts {
  readonly marker: Marker;
  readonly hasStart: boolean;
  /** Index to name, from the name section; empty without one. */
  readonly functionNames: ReadonlyMap<number, string>;
  readonly imports: readonly { module: string; name: string; kind: number; signature: string }[];
  readonly exports: readonly { name: string; kind: number; signature: string }[];
}

const FUNCTION = 0;
const VALUE_TYPES: Readonly<Record<number, string>> = {
  0x7f: "i",
  0x7e: "I",
  0x7d: "f",
  0x7c: "F",
  0x7b: "v",
  0x70: "r",
  0x6f: "x",
};
const PRINTED: Readonly<Record<string, string>> = { i: "i32", I: "i64", f: "f32", F: "f64" };

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  get done(): boolean {
    return this.at >= this.bytes.length;
  }
  byte(): number {
    const b = this.bytes[this.at++];
    if (b === undefined) throw new RangeError("end of module");
    return b;
  }
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.byte();
      value += (b & 127) * 2 ** shift;
      if (b < 128) return value;
    }
  }
  take(n: number): Reader {
    const part = new Reader(this.bytes.subarray(this.at, this.at + n));
    this.at += n;
    return part;
  }
  name(): string {
    return new TextDecoder().decode(this.take(this.u32()).bytes);
  }
  limits(): void {
    const flags = this.byte();
    this.u32();
    if (flags & 1) this.u32();
  }
}

function signatureOf(r: Reader): string {
  const types = (): string => Array.from({ length: r.u32() }, () => VALUE_TYPES[r.byte()] ?? "?").join("");
  const params = types();
  return `${params}:${types()}`;
}

/** Sections in the order of the file. The module is known to be valid: WebAssembly.Module has read it. */
function read(bytes: Uint8Array): Omit<ModuleFacts, "marker"> {
  const r = new Reader(bytes);
  r.at = 8;
  const types: string[] = [];
  const functions: string[] = [];
  const imports: { module: string; name: string; kind: number; signature: string }[] = [];
  const exports: { name: string; kind: number; signature: string }[] = [];
  const functionNames = new Map<number, string>();
  let hasStart = false;
  while (!r.done) {
    const id = r.byte();
    const s = r.take(r.u32());
    if (id === 1) {
      const count = s.u32();
      for (let i = 0; i < count; i++) {
        // Anything else than a plain function type needs the full type grammar; no toolchain of ours makes it.
        if (s.byte() !== 0x60) break;
        types.push(signatureOf(s));
      }
    } else if (id === 2) {
      for (let n = s.u32(); n > 0; n--) {
        const module = s.name();
        const name = s.name();
        const kind = s.byte();
        let signature = "";
        if (kind === FUNCTION) {
          signature = types[s.u32()] ?? "?";
          functions.push(signature);
        } else if (kind === 1) {
          s.byte();
          s.limits();
        } else if (kind === 2) s.limits();
        else s.at += 2;
        imports.push({ module, name, kind, signature });
      }
    } else if (id === 3) {
      for (let n = s.u32(); n > 0; n--) functions.push(types[s.u32()] ?? "?");
    } else if (id === 7) {
      for (let n = s.u32(); n > 0; n--) {
        const name = s.name();
        const kind = s.byte();
        const index = s.u32();
        exports.push({ name, kind, signature: kind === FUNCTION ? (functions[index] ?? "?") : "" });
      }
    } else if (id === 8) hasStart = true;
    else if (id === 0 && s.name() === "name") {
      while (!s.done) {
        const sub = s.byte();
        const part = s.take(s.u32());
        if (sub === 1) for (let n = part.u32(); n > 0; n--) functionNames.set(part.u32(), part.name());
      }
    }
  }
  return { hasStart, functionNames, imports, exports };
}

function print(signature: string): string {
  const [params = "", results = ""] = signature.split(":");
  const words = (s: string): string => (s === "" ? "void" : [...s].map((c) => PRINTED[c] ?? c).join(" "));
  return `${words(params)} -> ${words(results)}`;
}

/** Reads and links a module as Envoy does; what Envoy refuses is refused in its words. */
export function inspectModule(bytes: Uint8Array): ModuleFacts {
  const facts = read(bytes);
  const markers: Readonly<Record<string, Marker>> = {
    proxy_abi_version_0_2_0: "0.2.0",
    proxy_abi_version_0_2_1: "0.2.1",
  };
  const first = facts.exports.find(
    (e) => e.kind === FUNCTION && (e.name in markers || e.name === "proxy_abi_version_0_1_0"),
  );
  if (first?.name === "proxy_abi_version_0_1_0") {
    throw new EmulatorError(
      "The module is for Proxy-Wasm 0.1.0, which the emulator does not have; test it with --host envoy.",
    );
  }
  const marker = first && markers[first.name];
  if (marker === undefined) throw new EmulatorError("Missing or unknown Proxy-Wasm ABI version");
  for (const i of facts.imports) {
    const where = WASI_MODULES.includes(i.module) ? "wasi" : i.module;
    const host = HOST_FUNCTIONS.find((f) => f.module === where && f.name === i.name);
    if (i.kind === 2) continue;
    if (i.kind !== FUNCTION || host === undefined || (host.since !== undefined && host.since > marker)) {
      throw new EmulatorError(`Failed to load Wasm module due to a missing import: ${i.module}.${i.name}`);
    }
    if (host.signature !== i.signature) {
      const wanted = `${i.module}.${i.name}, want: ${print(i.signature)}, but host exports: ${print(host.signature)}`;
      throw new EmulatorError(`Failed to load Wasm module due to an import type mismatch: ${wanted}`);
    }
  }
  for (const e of facts.exports) {
    const want = CALLBACKS[e.name];
    if (e.kind !== FUNCTION || want === undefined || want === e.signature) continue;
    const text = `${e.name}, want: ${print(want)}, but the module exports: ${print(e.signature)}`;
    throw new EmulatorError(`Bad function signature for: ${text}`);
  }
  if (
    !facts.exports.some((e) => e.kind === FUNCTION && (e.name === "malloc" || e.name === "proxy_on_memory_allocate"))
  ) {
    throw new EmulatorError("Wasm module is missing malloc function.");
  }
  return { marker, ...facts };
}

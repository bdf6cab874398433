/* Reads the sections of a core WebAssembly module that a proxy cares about. The input is anybody's file: every length is
 * checked. */

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "ref";
export type ExternKind = "func" | "table" | "memory" | "global" | "tag";

export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  readonly signature: Signature | null;
}

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  readonly signature: Signature | null;
  /** Type of an exported global. */
  readonly type: ValueType | null;
  /** In the index space of its kind, imports counted. */
  readonly index: number;
}

export interface WasmModule {
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  readonly hasStart: boolean;
  /** Initial pages of the first memory, null when there is none. */
  readonly memoryPages: number | null;
  readonly customSections: readonly { readonly name: string; readonly start: number; readonly end: number }[];
}

export class WasmFormatError extends Error {}

const KINDS: readonly ExternKind[] = ["func", "table", "memory", "global", "tag"];

class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly end: number,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw new WasmFormatError("ends in the middle of a section");
    return this.bytes[this.at++]!;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new WasmFormatError("holds a number that is too long");
  }

  /** Skips a number of any width. */
  skipLeb(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    throw new WasmFormatError("holds a number that is too long");
  }

  skip(length: number): void {
    if (length > this.end - this.at) throw new WasmFormatError("ends in the middle of a section");
    this.at += length;
  }

  name(): string {
    const length = this.u32();
    const start = this.at;
    this.skip(length);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes.subarray(start, this.at));
  }

  /** Number of elements that follow; each takes a byte at least. */
  count(): number {
    const count = this.u32();
    if (count > this.end - this.at) throw new WasmFormatError("names more elements than it has bytes");
    return count;
  }

  valueType(): ValueType {
    const byte = this.byte();
    switch (byte) {
      case 0x7f:
        return "i32";
      case 0x7e:
        return "i64";
      case 0x7d:
        return "f32";
      case 0x7c:
        return "f64";
      case 0x7b:
        return "v128";
      case 0x63:
      case 0x64:
        this.skipLeb();
        return "ref";
      default:
        return "ref";
    }
  }

  /** Limits of a table or memory; its minimum. */
  limits(): number {
    const flags = this.byte();
    const minimum = this.u32();
    if (flags & 1) this.skipLeb();
    return minimum;
  }
}

/** Reads a module; WasmFormatError says why it is none. */
export function readWasm(bytes: Uint8Array): WasmModule {
  const header = [0, 0x61, 0x73, 0x6d];
  if (bytes.length < 8 || header.some((byte, i) => bytes[i] !== byte))
    throw new WasmFormatError("is not a WebAssembly file");
  if (bytes[4] === 0x0d) throw new WasmFormatError("is a WebAssembly component; a filter must be a core module");
  if (bytes[4] !== 1 || bytes[5] || bytes[6] || bytes[7])
    throw new WasmFormatError("has an unknown WebAssembly version");

  const types: (Signature | null)[] = [];
  const imports: Import[] = [];
  const functionTypes: number[] = [];
  const globals: ValueType[] = [];
  const rawExports: { name: string; kind: ExternKind; index: number }[] = [];
  const customSections: { name: string; start: number; end: number }[] = [];
  let hasStart = false;
  let memoryPages: number | null = null;

  const file = new Reader(bytes, 8, bytes.length);
  while (!file.done) {
    const start = file.at;
    const id = file.byte();
    const size = file.u32();
    const section = new Reader(bytes, file.at, file.at + size);
    file.skip(size);
    switch (id) {
      case 0:
        customSections.push({ name: section.name(), start, end: file.at });
        break;
      case 1:
        readTypes(section, types);
        break;
      case 2:
        for (let n = section.count(); n > 0; n--) {
          const module = section.name();
          const name = section.name();
          const kind = KINDS[section.byte()];
          let signature: Signature | null = null;
          if (kind === "func") {
            const type = section.u32();
            functionTypes.push(type);
            signature = types[type] ?? null;
          } else if (kind === "table") {
            section.valueType();
            section.limits();
          } else if (kind === "memory") {
            // Read in any case: with `??=` the limits of a second memory would be taken for the next import.
            const pages = section.limits();
            memoryPages ??= pages;
          } else if (kind === "global") {
            globals.push(section.valueType());
            section.byte();
          } else if (kind === "tag") {
            section.byte();
            section.u32();
          } else throw new WasmFormatError("imports something unknown");
          imports.push({ module, name, kind, signature });
        }
        break;
      case 3:
        for (let n = section.count(); n > 0; n--) functionTypes.push(section.u32());
        break;
      case 5:
        for (let n = section.count(); n > 0; n--) {
          const pages = section.limits();
          memoryPages ??= pages;
        }
        break;
      case 6:
        readGlobals(section, globals);
        break;
      case 7:
        for (let n = section.count(); n > 0; n--) {
          const name = section.name();
          const kind = KINDS[section.byte()];
          if (!kind) throw new WasmFormatError("exports something unknown");
          rawExports.push({ name, kind, index: section.u32() });
        }
        break;
      case 8:
        hasStart = true;
        break;
    }
  }
  const exports = rawExports.map(({ name, kind, index }): Export => ({
    name,
    kind,
    signature: kind === "func" ? (types[functionTypes[index] ?? -1] ?? null) : null,
    type: kind === "global" ? (globals[index] ?? "ref") : null,
    index,
  }));
  return { imports, exports, hasStart, memoryPages, customSections };
}

function readTypes(section: Reader, types: (Signature | null)[]): void {
  for (let n = section.count(); n > 0; n--) {
    const form = section.byte();
    if (form !== 0x60) {
      // Struct, array and recursive types of the GC proposal: what follows cannot be told from function types simply.
      types.push(null);
      return;
    }
    const params = Array.from({ length: section.count() }, () => section.valueType());
    const results = Array.from({ length: section.count() }, () => section.valueType());
    types.push({ params, results });
  }
}

/** Global types; the initialisers are skipped, as far as they are plain. */
function readGlobals(section: Reader, globals: ValueType[]): void {
  for (let n = section.count(); n > 0; n--) {
    globals.push(section.valueType());
    section.byte();
    for (let op = section.byte(); op !== 0x0b; op = section.byte()) {
      if (op === 0x41 || op === 0x42 || op === 0x23 || op === 0xd2) section.skipLeb();
      else if (op === 0x43) section.skip(4);
      else if (op === 0x44) section.skip(8);
      else if (op === 0xd0) section.skipLeb();
      else if (op === 0xfd) {
        if (section.u32() !== 12) throw new WasmFormatError("initialises a global in an unknown way");
        section.skip(16);
      } else if (![0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e].includes(op)) {
        throw new WasmFormatError("initialises a global in an unknown way");
      }
    }
  }
}

/** The module without the custom sections of these names. */
export function withoutSections(bytes: Uint8Array, names: readonly string[]): Uint8Array {
  const dropped = readWasm(bytes).customSections.filter((section) => names.includes(section.name));
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { start, end } of dropped) {
    parts.push(bytes.subarray(at, start));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return new Uint8Array(Buffer.concat(parts));
}

export interface FunctionBody {
  /** In the index space of functions, imports counted. */
  readonly index: number;
  /** Bytes of its body in the file. */
  readonly start: number;
  readonly end: number;
  /** From the name section; "" without one. */
  readonly name: string;
}

/** The functions of a module and where their bodies are, in the order of the file. */
export function readFunctions(bytes: Uint8Array): FunctionBody[] {
  const { imports } = readWasm(bytes);
  const first = imports.filter(({ kind }) => kind === "func").length;
  const bodies: { index: number; start: number; end: number }[] = [];
  const names = new Map<number, string>();
  const file = new Reader(bytes, 8, bytes.length);
  while (!file.done) {
    const id = file.byte();
    const size = file.u32();
    const section = new Reader(bytes, file.at, file.at + size);
    file.skip(size);
    if (id === 10) {
      for (let n = section.count(), i = 0; i < n; i++) {
        const length = section.u32();
        const start = section.at;
        section.skip(length);
        bodies.push({ index: first + i, start, end: section.at });
      }
    } else if (id === 0 && section.name() === "name") readNames(section, names);
  }
  return bodies.map((body) => ({ ...body, name: names.get(body.index) ?? "" }));
}

const FUNCTION_NAMES = 1;

function readNames(section: Reader, names: Map<number, string>): void {
  while (!section.done) {
    const id = section.byte();
    const size = section.u32();
    const end = section.at + size;
    if (id === FUNCTION_NAMES) {
      for (let n = section.count(); n > 0; n--) names.set(section.u32(), section.name());
      return;
    }
    section.skip(end - section.at);
  }
}

/* Compiles an AssemblyScript driver from drivers/ with plain asc and the stock runtime, to run sdk/std outside Envoy and
 * without the rest of the SDK. The only import that a driver may end up with is env.abort, which throws here.
 *
 * A driver exports functions that take bytes as two arguments (pointer, length) and numbers as one. They return a number,
 * or what `give` or `giveText` of drivers/io.as returned:
 *
 *     import { give } from "./io";
 *     export function reversed(ptr: usize, length: usize): usize { …; return give(out, length); }
 *
 *     const program = await stdProgram("reverse");      // drivers/reverse.as
 *     program.bytes("reversed", "abc");                 // Buffer "cba"
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DRIVERS = "test/std/drivers";
/** As filters are built (asconfig.json), but with the stock runtime. 64 MiB bound what a driver may take. */
const OPTIONS = ["-O3", "--shrinkLevel=1", "--exportStart=_start", "--maximumMemory=1024"];

/** Bytes of an argument; a string is given as UTF-8. */
export type Argument = Uint8Array | string | number | bigint;

type Export = (...values: (number | bigint)[]) => number | bigint | undefined;

/** What follows an argument in memory: bytes that a parser which reads too far would go on with. */
const BEHIND = Buffer.from("7777777777777777");

export class StdProgram {
  readonly memory: WebAssembly.Memory;
  private readonly exports: Readonly<Record<string, Export>>;
  private room = 0;
  private size = 0;

  constructor(module: WebAssembly.Module) {
    const instance = new WebAssembly.Instance(module, {
      env: {
        abort: (message: number, file: number, line: number, column: number) => {
          throw new Error(`abort: ${this.string(message)} at ${this.string(file)}:${line}:${column}`);
        },
      },
    });
    this.exports = instance.exports as never;
    this.memory = instance.exports["memory"] as WebAssembly.Memory;
    this.exports["_start"]!();
  }

  /** The function itself, for who writes the bytes into memory by himself. */
  export(name: string): Export {
    const found = this.exports[name];
    if (!found) throw new Error(`the driver exports no ${name}`);
    return found;
  }

  /** At least `size` bytes of memory, the same until more is asked for. */
  reserve(size: number): number {
    if (size > this.size) {
      this.size = Math.max(size, 2 * this.size, 1024);
      this.room = this.number("reserve", this.size);
    }
    return this.room;
  }

  /** Calls an export that returns a number; an i32 as unsigned. */
  number(name: string, ...values: Argument[]): number {
    const result = this.call(name, values);
    if (typeof result !== "number") throw new Error(`${name} returns ${typeof result}, no number`);
    return Number.isInteger(result) && result < 0 && result >= -0x80000000 ? result >>> 0 : result;
  }

  /** Calls an export that returns an i64 or u64. */
  bigint(name: string, ...values: Argument[]): bigint {
    return this.call(name, values) as bigint;
  }

  /** Calls an export that returns an f64. */
  float(name: string, ...values: Argument[]): number {
    return this.call(name, values) as number;
  }

  /** Calls an export that returns what `give` returned; null for 0. */
  bytesOrNull(name: string, ...values: Argument[]): Buffer | null {
    const ptr = this.number(name, ...values);
    if (!ptr) return null;
    const length = new DataView(this.memory.buffer).getUint32(ptr, true);
    return Buffer.from(new Uint8Array(this.memory.buffer, ptr + 4, length).slice());
  }

  bytes(name: string, ...values: Argument[]): Buffer {
    const bytes = this.bytesOrNull(name, ...values);
    if (!bytes) throw new Error(`${name} gave nothing`);
    return bytes;
  }

  /** Calls an export that returns what `giveText` returned, or UTF-8. */
  text(name: string, ...values: Argument[]): string {
    return this.bytes(name, ...values).toString();
  }

  /** UTF-16 units that `giveUnits` returned, which can be lone surrogates. */
  units(name: string, ...values: Argument[]): string {
    return this.bytes(name, ...values).toString("utf16le");
  }

  private call(name: string, values: readonly Argument[]): number | bigint | undefined {
    const parts = values.map((value) => (typeof value === "string" ? Buffer.from(value) : value));
    let total = 0;
    for (const part of parts) if (part instanceof Uint8Array) total += part.length + BEHIND.length;
    let at = this.reserve(total);
    const memory = new Uint8Array(this.memory.buffer);
    const flat: (number | bigint)[] = [];
    for (const part of parts) {
      if (!(part instanceof Uint8Array)) {
        flat.push(part);
        continue;
      }
      memory.set(part, at);
      memory.set(BEHIND, at + part.length);
      flat.push(at, part.length);
      at += part.length + BEHIND.length;
    }
    return this.export(name)(...flat);
  }

  private string(ptr: number): string {
    if (!ptr) return "?";
    const length = new DataView(this.memory.buffer).getUint32(ptr - 4, true);
    return Buffer.from(this.memory.buffer, ptr, length).toString("utf16le");
  }
}

const modules = new Map<string, Promise<WebAssembly.Module>>();

/** A new instance of a driver; it is compiled once per process. */
export async function stdProgram(driver: string): Promise<StdProgram> {
  let module = modules.get(driver);
  if (!module) {
    module = compileStd([`${DRIVERS}/${driver}.ts`, `${DRIVERS}/io.ts`], OPTIONS).then((wasm) => {
      const compiled = new WebAssembly.Module(wasm as BufferSource);
      const imports = WebAssembly.Module.imports(compiled).filter((i) => i.module !== "env" || i.name !== "abort");
      if (imports.length) throw new Error(`${driver}.as imports ${imports.map((i) => `${i.module}.${i.name}`)}`);
      return compiled;
    });
    modules.set(driver, module);
  }
  return new StdProgram(await module);
}

/** Compiles entries (paths from the root, or names of `sources`); a file x.ts that is not there may be x.as. */
export async function compileStd(
  entries: readonly string[],
  options: readonly string[],
  sources: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const messages: string[] = [];
  const { error } = await asc.main([...entries, `--baseDir=${ROOT}`, "--outFile=out.wasm", "--noColors", ...options], {
    readFile: (name, baseDir) => {
      if (name in sources) return sources[name]!;
      const file = join(baseDir, name);
      const found = [file, file.replace(/\.ts$/, ".as")].find((path) => existsSync(path));
      return found ? readFileSync(found, "utf8") : null;
    },
    writeFile: (name, contents) => {
      if (name === "out.wasm") wasm = contents as Uint8Array;
    },
    listFiles: () => [],
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream((chunk) => void messages.push(String(chunk))),
  });
  // A warning would reach everyone who builds a filter with it.
  if (error || !wasm || messages.length)
    throw new Error(`${entries[0]} does not compile without a word:\n${messages.join("") || error?.message}`);
  return wasm;
}

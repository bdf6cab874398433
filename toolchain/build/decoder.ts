/* The decoder's own code (sdk/decode/program.ts, compiled when this package is built), run here: what reads a configuration
 * on the command line is what reads it in a filter. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError } from "./errors.js";
import { packageRoot } from "./package-root.js";

type Export = (...values: number[]) => number | bigint | undefined;

/** Documents after which memory is collected. */
const COLLECT_AFTER = 64;

export class Decoder {
  private static shared: Decoder | null = null;
  private readonly exports: Readonly<Record<string, Export>>;
  private readonly memory: WebAssembly.Memory;
  private opened = 0;

  private constructor() {
    const file = join(packageRoot, "dist/decoder.wasm");
    if (!existsSync(file)) throw new BuildError("dist/decoder.wasm of meshwasm is missing; install the package again");
    const abort = (message: number): never => {
      throw new Error(`the decoder aborts: ${this.text(message)}`);
    };
    const module = new WebAssembly.Module(readFileSync(file) as BufferSource);
    const instance = new WebAssembly.Instance(module, { env: { abort } });
    this.exports = instance.exports as never;
    this.memory = instance.exports["memory"] as WebAssembly.Memory;
    this.exports["_initialize"]!();
  }

  /** Begins to read a document. There is one decoder: a document is read to its end before the next one. */
  static open(bytes: Uint8Array): Decoder {
    const decoder = (Decoder.shared ??= new Decoder());
    if (++decoder.opened % COLLECT_AFTER === 0) decoder.exports["__collect"]!();
    const room = Number(decoder.call("reserve", bytes.length)) >>> 0;
    new Uint8Array(decoder.memory.buffer).set(bytes, room);
    decoder.call("open", bytes.length);
    return decoder;
  }

  get ok(): boolean {
    return this.call("ok") === 1;
  }
  /** The first error's reason. */
  get error(): string {
    return this.text(Number(this.call("error"))).replace(/^: /, "");
  }
  get errorAt(): number {
    return Number(this.call("errorAt")) >>> 0;
  }
  /** Whether the document is a protobuf Struct. */
  get isBinary(): boolean {
    return this.call("isBinary") === 1;
  }
  /** Byte offset of what comes next. */
  get offset(): number {
    return Number(this.call("offset")) >>> 0;
  }
  get nesting(): number {
    return Number(this.call("nesting"));
  }
  /** Type of the value that comes next. */
  get kind(): "string" | "number" | "boolean" | "array" | "object" | "null" | null {
    return ([null, "null", "boolean", "number", "string", "array", "object"] as const)[Number(this.call("type"))]!;
  }
  get key(): string {
    return this.text(Number(this.call("key")));
  }

  resume(offset: number, nesting: number): void {
    this.call("resume", offset, nesting);
  }
  is(name: "beginObject" | "beginArray" | "skip" | "end" | "unknownKey" | "duplicateKey" | "flag"): boolean {
    return this.call(name) === 1;
  }
  next(name: "nextKey" | "nextItem", first: boolean): boolean {
    return this.call(name, Number(first)) === 1;
  }
  run(name: "ahead" | "back" | "cidr" | "regex"): void {
    this.call(name);
  }
  string(name: "text" | "uri" | "headerName" | "secretEnv"): string {
    return this.text(Number(this.call(name)));
  }
  integer(name: "integer" | "duration" | "int64"): bigint {
    return this.call(name) as bigint;
  }
  number(): number {
    return Number(this.call("double"));
  }

  private call(name: string, ...values: number[]): number | bigint | undefined {
    return this.exports[name]!(...values);
  }

  private text(ptr: number): string {
    const length = new DataView(this.memory.buffer).getUint32((ptr >>> 0) - 4, true);
    return Buffer.from(this.memory.buffer, ptr >>> 0, length).toString("utf16le");
  }
}

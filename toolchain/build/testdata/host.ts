/* As much of a proxy-wasm host as the SDK's own parts need: it hands bytes in and keeps what comes out. */

import { HOST_FUNCTIONS } from "../abi.js";

export interface LogLine {
  readonly level: number;
  readonly bytes: Buffer;
}

const OK = 0;
const NOT_FOUND = 1;
const INVALID_MEMORY_ACCESS = 6;
const UNIMPLEMENTED = 12;

type Callback = (...values: number[]) => number;

export class Host {
  readonly logs: LogLine[] = [];
  /** Status and body of local replies. */
  readonly replies: { readonly status: number; readonly body: string }[] = [];
  /** Names of the host functions that the module imports. */
  readonly imports: readonly string[];
  readonly memory: WebAssembly.Memory;
  /** What proxy_get_buffer_bytes gives, whatever buffer is asked for. */
  buffer: Uint8Array = new Uint8Array();
  /** What proxy_get_header_map_pairs gives, as the host would serialise it. */
  pairs: Uint8Array = new Uint8Array();
  rootId = "";
  private readonly exports: Readonly<Record<string, Callback>>;

  constructor(wasm: Uint8Array) {
    const module = new WebAssembly.Module(wasm as BufferSource);
    const functions: Record<string, Callback> = {
      ...Object.fromEntries(HOST_FUNCTIONS.map((f) => [f.name, () => UNIMPLEMENTED])),
      proxy_log: (level, ptr, length) => {
        this.logs.push({ level: level!, bytes: this.read(ptr!, length!) });
        return OK;
      },
      proxy_get_log_level: (ret) => this.number(ret!, 0),
      proxy_get_buffer_bytes: (_buffer, start, length, retData, retLength) =>
        this.give(this.buffer.subarray(start! >>> 0, (start! >>> 0) + (length! >>> 0)), retData!, retLength!),
      proxy_get_header_map_pairs: (_map, retData, retLength) => this.give(this.pairs, retData!, retLength!),
      proxy_replace_header_map_value: () => OK,
      proxy_get_property: (path, length, retData, retLength) =>
        this.read(path!, length!).toString() === "plugin_root_id"
          ? this.give(Buffer.from(this.rootId), retData!, retLength!)
          : NOT_FOUND,
      proxy_send_local_response: (status, _details, _detailsLength, body, bodyLength) => {
        this.replies.push({ status: status!, body: this.read(body!, bodyLength!).toString() });
        return OK;
      },
      random_get: (ptr, length) => {
        crypto.getRandomValues(new Uint8Array(this.memory.buffer, ptr!, length!));
        return OK;
      },
    };
    const clock = (_id: number, _precision: bigint, ret: number): number => {
      new DataView(this.memory.buffer).setBigUint64(ret, 1_700_000_000_123_456_789n, true);
      return OK;
    };
    const instance = new WebAssembly.Instance(module, {
      env: functions,
      wasi_snapshot_preview1: { ...functions, clock_time_get: clock },
    });
    this.imports = WebAssembly.Module.imports(module).map((i) => i.name);
    this.exports = instance.exports as never;
    this.memory = instance.exports["memory"] as WebAssembly.Memory;
    this.exports["_initialize"]?.();
  }

  call(name: string, ...values: number[]): number {
    return this.exports[name]!(...values);
  }

  /** Configures a root context with these bytes; null when they are accepted, else the reason that was logged. */
  configure(id: number, bytes: Uint8Array): string | null {
    this.buffer = bytes;
    if (this.call("proxy_on_configure", id, bytes.length)) return null;
    return this.logs.at(-1)!.bytes.toString().replace("configuration refused: ", "");
  }

  /** Log lines since the last call. */
  takeLogs(): LogLine[] {
    return this.logs.splice(0);
  }

  takeTexts(): string[] {
    return this.takeLogs().map((line) => line.bytes.toString());
  }

  private read(ptr: number, length: number): Buffer {
    return Buffer.from(new Uint8Array(this.memory.buffer, ptr >>> 0, length).slice());
  }

  private number(ret: number, value: number): number {
    new DataView(this.memory.buffer).setUint32(ret, value, true);
    return OK;
  }

  private give(bytes: Uint8Array, retData: number, retLength: number): number {
    const ptr = this.call("malloc", bytes.length) >>> 0;
    if (!ptr) return INVALID_MEMORY_ACCESS;
    new Uint8Array(this.memory.buffer, ptr, bytes.length).set(bytes);
    this.number(retData, ptr);
    return this.number(retLength, bytes.length);
  }
}

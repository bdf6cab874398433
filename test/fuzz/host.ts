/* A host that may be hostile: it implements the imports of the fuzz filter on the module's own memory, hands over whatever
 * it is told to, and checks all that the module gives it. */

import { HOST_FUNCTIONS } from "../../toolchain/build/abi.js";

export const OK = 0;
export const BAD_ARGUMENT = 2;
const SERIALIZATION_FAILURE = 3;
const INVALID_MEMORY_ACCESS = 6;
const UNIMPLEMENTED = 12;
/** The SDK's malloc gives 0 above it. */
const MALLOC_CAP = 64 * 1024 * 1024;
const MIB = 1024 * 1024;

/** How the host goes wrong when it returns data. */
export enum Fault {
  None,
  /** A status other than Ok, nothing written. */
  Refuses,
  /** A status other than Ok, though data was allocated and written. */
  RefusesWithData,
  /** Ok, nothing allocated, null and 0 written. */
  Nothing,
  /** Ok, an allocation of no bytes. */
  Empty,
  /** Ok, a length beyond what was allocated. */
  TooLong,
  /** Ok, a length without a pointer. */
  NoPointer,
  /** Asks malloc for more than it may give. */
  Huge,
}

/** Data that the host returns. */
export interface Given {
  readonly bytes: Uint8Array;
  readonly fault: Fault;
  /** For the faults with a status. */
  readonly status: number;
}

export const NOTHING: Given = { bytes: new Uint8Array(), fault: Fault.Nothing, status: OK };

/** What the SDK must make of it: a status, and the bytes that are really there. */
export function received({ bytes, fault, status }: Given): { status: number; bytes: Uint8Array } {
  const empty = bytes.subarray(0, 0);
  switch (fault) {
    case Fault.Refuses:
    case Fault.RefusesWithData:
      return { status, bytes: empty };
    case Fault.Huge:
      return { status: INVALID_MEMORY_ACCESS, bytes: empty };
    case Fault.None:
    case Fault.TooLong:
      return { status: OK, bytes };
    default:
      return { status: OK, bytes: empty };
  }
}

/** Lines of a serialised map as positions in it; a number is the status that a reader must see instead. */
export function linesOf(given: Given): { name: Uint8Array; value: Uint8Array }[] | number {
  const { status, bytes } = received(given);
  if (status !== OK) return status;
  if (bytes.length < 4) return BAD_ARGUMENT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(0, true);
  let at = 4 + count * 8;
  if (at > bytes.length) return SERIALIZATION_FAILURE;
  const lines: { name: Uint8Array; value: Uint8Array }[] = [];
  for (let i = 0; i < count; i++) {
    const value = at + view.getUint32(4 + i * 8, true) + 1;
    const end = value + view.getUint32(8 + i * 8, true) + 1;
    if (end > bytes.length) return SERIALIZATION_FAILURE;
    lines.push({ name: bytes.subarray(at, value - 1), value: bytes.subarray(value, end - 1) });
    at = end;
  }
  return lines;
}

const TOKEN = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  TOKEN[c.charCodeAt(0)] = 1;

export type Callback = (...values: number[]) => number;

export class FuzzHost {
  /** By MapType. */
  readonly maps: Given[] = [NOTHING, NOTHING, NOTHING, NOTHING];
  /** By BufferType. */
  readonly buffers: Given[] = Array.from({ length: 9 }, () => NOTHING);
  /** What host calls that change something answer. */
  answer = OK;
  /** A host function that calls back before it returns: Envoy has one. */
  nests = false;
  /** Whether `texts` collects what is logged. */
  keepsTexts = false;
  texts: string[] = [];
  hostCalls = 0;
  /** Header lines and bodies that the module has handed over and that were found sound. */
  written = 0;
  bodies: Uint8Array[] = [];
  readonly call: Readonly<Record<string, Callback>>;
  private readonly memory: WebAssembly.Memory;
  private bytes: Uint8Array;
  private view: DataView;
  private depth = 0;
  private readonly malloc: Callback;

  /** `more`: host functions instead of those here. */
  constructor(
    wasm: Uint8Array | WebAssembly.Module,
    more: (host: FuzzHost) => Readonly<Record<string, Callback>> = () => ({}),
  ) {
    const functions: Record<string, Callback> = {
      ...Object.fromEntries(HOST_FUNCTIONS.map((f) => [f.name, () => UNIMPLEMENTED])),
      proxy_log: (level, ptr, length) => {
        this.within(ptr!, length!);
        if (level! > 5) throw new Error(`log level ${level}`);
        if (this.keepsTexts && level === 2) this.texts.push(this.text(ptr!, length!));
        return OK;
      },
      proxy_get_log_level: (ret) => this.number(ret!, this.keepsTexts ? 0 : 3 & this.hostCalls),
      proxy_get_property: () => 1,
      proxy_get_header_map_pairs: (map, ret, retLength) => this.give(this.maps[map!]!, ret!, retLength!),
      proxy_get_buffer_bytes: (buffer, start, length, ret, retLength) => {
        const given = this.buffers[buffer!]!;
        if (start! >>> 0 > given.bytes.length) return BAD_ARGUMENT;
        const bytes = given.bytes.subarray(start! >>> 0, (start! >>> 0) + (length! >>> 0));
        return this.give({ ...given, bytes }, ret!, retLength!);
      },
      proxy_get_buffer_status: (buffer, ret, flags) => {
        this.number(ret!, this.buffers[buffer!]!.bytes.length);
        return this.number(flags!, 0);
      },
      proxy_set_buffer_bytes: (_buffer, _start, _length, ptr, length) => {
        this.within(ptr!, length!);
        if (this.keepsTexts) this.bodies.push(this.bytes.slice(ptr! >>> 0, (ptr! >>> 0) + length!));
        this.written++;
        return this.answer;
      },
      proxy_add_header_map_value: (_map, ...line) => this.line(line),
      proxy_replace_header_map_value: (_map, ...line) => this.line(line),
      proxy_remove_header_map_value: (_map, ptr, length) => {
        this.within(ptr!, length!);
        this.token(ptr! >>> 0, length!);
        return this.answer;
      },
      proxy_send_local_response: (status, details, detailsLength, body, bodyLength, lines, length) => {
        if (status! < 200 || status! > 599) throw new Error(`a local reply has status ${status}`);
        this.within(details!, detailsLength!);
        this.within(body!, bodyLength!);
        this.within(lines!, length!);
        if (length) this.reply(lines! >>> 0, length);
        return this.answer;
      },
      proxy_continue_stream: () => this.answer,
      proxy_close_stream: () => this.answer,
      ...more(this),
    };
    for (const [name, body] of Object.entries(functions)) {
      functions[name] = (...values) => {
        this.hostCalls++;
        this.refresh();
        return body(...values);
      };
    }
    const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm as BufferSource);
    const instance = new WebAssembly.Instance(module, { env: functions, wasi_snapshot_preview1: functions });
    const exports = instance.exports as unknown as Record<string, Callback>;
    this.memory = instance.exports["memory"] as WebAssembly.Memory;
    this.malloc = exports["malloc"]!;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.call = Object.fromEntries(
      Object.entries(exports)
        .filter(([name]) => /^(proxy|envoy)_on_/.test(name))
        .map(([name, run]) => [name, (...values: number[]) => this.enter(run, values)]),
    );
    exports["_initialize"]!();
  }

  /** Bytes of linear memory. */
  get size(): number {
    return this.memory.buffer.byteLength;
  }

  takeTexts(): string[] {
    return this.texts.splice(0);
  }

  private enter(run: Callback, values: number[]): number {
    if (this.depth && !this.nests) throw new Error("a callback within a callback");
    this.depth++;
    try {
      return run(...values);
    } finally {
      this.depth--;
    }
  }

  private refresh(): void {
    // Memory that has grown leaves the old view with nothing.
    if (this.bytes.length) return;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
  }

  within(ptr: number, length: number): void {
    if ((ptr >>> 0) + (length >>> 0) > this.bytes.length)
      throw new Error(`${length} bytes at ${ptr >>> 0} are no memory`);
  }

  text(ptr: number, length: number): string {
    return Buffer.from(this.bytes.buffer, ptr >>> 0, length).toString();
  }

  /** A copy of what the module hands over. */
  take(ptr: number, length: number): Buffer {
    this.within(ptr, length);
    return Buffer.from(this.bytes.slice(ptr >>> 0, (ptr >>> 0) + (length >>> 0)));
  }

  /** Writes to where the module has asked for it; what leaves its memory is cut off. */
  put(ptr: number, bytes: Uint8Array): void {
    this.refresh();
    this.bytes.set(bytes.subarray(0, Math.max(0, this.bytes.length - (ptr >>> 0))), ptr >>> 0);
  }

  number(ret: number, value: number): number {
    this.refresh();
    this.view.setUint32(ret >>> 0, value, true);
    return OK;
  }

  give({ bytes, fault, status }: Given, ret: number, retLength: number): number {
    const { length } = bytes;
    switch (fault) {
      case Fault.Refuses:
        return status;
      case Fault.Nothing:
        this.number(retLength, 0);
        return this.number(ret, 0);
      case Fault.NoPointer:
        this.number(retLength, length + 100);
        return this.number(ret, 0);
      case Fault.Huge:
        for (const size of [MALLOC_CAP + 1, 0x7fffffff, 0xffffffff]) {
          if (this.malloc(size)) throw new Error(`malloc(${size}) is not 0`);
        }
        return INVALID_MEMORY_ACCESS;
    }
    const size = fault === Fault.Empty ? 0 : length;
    const ptr = this.malloc(size) >>> 0;
    this.refresh();
    if (!ptr) throw new Error(`malloc(${size}) is 0`);
    this.within(ptr, size);
    this.bytes.set(bytes.subarray(0, size), ptr);
    this.number(ret, ptr);
    this.number(retLength, fault === Fault.TooLong ? length * 2 + MIB : size);
    return fault === Fault.RefusesWithData ? status : OK;
  }

  private line([name, nameLength, value, valueLength]: number[]): number {
    this.within(name!, nameLength!);
    this.within(value!, valueLength!);
    this.token(name! >>> 0, nameLength!);
    this.value(value! >>> 0, valueLength!);
    this.written++;
    return this.answer;
  }

  /** A name that splits no message: a token, or a pseudo-header. */
  private token(ptr: number, length: number): void {
    const from = this.bytes[ptr] === 0x3a ? 1 : 0;
    if (length <= from) throw new Error("an empty name was written");
    for (let i = from; i < length; i++) {
      if (!TOKEN[this.bytes[ptr + i]!])
        throw new Error(`the name ${JSON.stringify(this.text(ptr, length))} was written`);
    }
  }

  private value(ptr: number, length: number): void {
    for (let i = ptr; i < ptr + length; i++) {
      const c = this.bytes[i]!;
      if ((c < 0x20 && c !== 9) || c === 0x7f) throw new Error(`a value with the byte ${c} was written`);
    }
  }

  /** The header lines of a local reply, which Envoy takes as they are. */
  private reply(ptr: number, length: number): void {
    const count = this.view.getUint32(ptr, true);
    let at = ptr + 4 + count * 8;
    for (let i = 0; i < count; i++) {
      const nameLength = this.view.getUint32(ptr + 4 + i * 8, true);
      const valueLength = this.view.getUint32(ptr + 8 + i * 8, true);
      if (at + nameLength + valueLength + 2 > ptr + length) throw new Error("a reply's header lines leave their block");
      this.token(at, nameLength);
      if (this.bytes[at] === 0x3a) throw new Error("a pseudo-header in a local reply");
      this.value(at + nameLength + 1, valueLength);
      at += nameLength + valueLength + 2;
      if (this.bytes[at - 1] !== 0 || this.bytes[at - valueLength - 2] !== 0) throw new Error("a zero is missing");
    }
    if (at !== ptr + length) throw new Error("a reply's header lines do not fill their block");
    this.written += count;
  }
}

/**
 * Adds to a module what Envoy's V8 lacks: a way to end a loop. Each loop and each function that calls others takes a unit
 * of fuel from a global; when none is left, a function in a table of its own is asked whether time is up, which refills it
 * or makes the module trap. Nothing that was there before gets another index; positions in the code move, and `original`
 * tells where they were.
 */

/** Exports that are added. */
export const FUEL = "meshwasm:fuel";
export const TIME_UP = "meshwasm:time-up";
/** Units between two looks at the clock: some milliseconds. */
export const SLICE = 1_000_000;
/** What an instruction costs that works on any number of bytes. */
const BULK_COST = SLICE / 50;
const LARGEST_I32 = 0x7fffffff;
const PAGE = 65_536;

/** How many bytes an instruction has. A module that has others than these is left as it is. */
class UnknownCode extends Error {}

export interface Limited {
  readonly bytes: Uint8Array;
  /** The position in the given module of a position in the new one. */
  original(offset: number): number;
}

class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end = bytes.length,
  ) {}

  byte(): number {
    if (this.at >= this.end) throw new UnknownCode();
    return this.bytes[this.at++]!;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const b = this.byte();
      value += (b & 127) * 2 ** shift;
      if (b < 128) return value;
    }
    throw new UnknownCode();
  }

  /** A LEB number of either sign, of which only the end is of interest. */
  leb(): void {
    while (this.byte() >= 128);
  }

  skip(n: number): void {
    this.at += n;
    if (this.at > this.end) throw new UnknownCode();
  }
}

function leb(value: number): number[] {
  const out: number[] = [];
  for (;;) {
    const b = value & 127;
    value = Math.floor(value / 128);
    if (value === 0) return [...out, b];
    out.push(b | 128);
  }
}

function signedLeb(value: number): number[] {
  const out: number[] = [];
  for (;;) {
    const b = value & 127;
    value >>= 7;
    if ((value === 0 && !(b & 64)) || (value === -1 && b & 64)) return [...out, b];
    out.push(b | 128);
  }
}

function name(text: string): number[] {
  const bytes = [...Buffer.from(text)];
  return [...leb(bytes.length), ...bytes];
}

interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** Sections that something is added to, in the order that a module must have. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
const TYPES = 1;
const IMPORTS = 2;
const TABLES = 4;
const MEMORIES = 5;
const GLOBALS = 6;
const EXPORTS = 7;
const CODE = 10;

/** Pieces of the new module: bytes that are new, or a range of the old one. */
class Output {
  readonly #parts: Uint8Array[] = [];
  size = 0;
  /** Where ranges of the old module are in the new one. */
  readonly moved: { readonly at: number; readonly from: number; readonly length: number }[] = [];

  constructor(private readonly source: Uint8Array) {}

  add(bytes: readonly number[]): void {
    this.#parts.push(Uint8Array.from(bytes));
    this.size += bytes.length;
  }

  copy(start: number, end: number): void {
    if (start >= end) return;
    this.moved.push({ at: this.size, from: start, length: end - start });
    this.#parts.push(this.source.subarray(start, end));
    this.size += end - start;
  }

  append(other: Output): void {
    for (const { at, from, length } of other.moved) this.moved.push({ at: at + this.size, from, length });
    this.#parts.push(...other.#parts);
    this.size += other.size;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** null: the module has code that is not known here, and runs without limits. */
export function limited(bytes: Uint8Array, memoryLimit: number): Limited | null {
  try {
    return new Rewriter(bytes, Math.floor(memoryLimit / PAGE)).run();
  } catch (error) {
    if (error instanceof UnknownCode) return null;
    throw error;
  }
}

class Rewriter {
  readonly #sections: Section[] = [];
  #type = 0;
  #table = 0;
  #global = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly pages: number,
  ) {}

  run(): Limited {
    const reader = new Reader(this.bytes, 8);
    while (reader.at < reader.end) {
      const id = reader.byte();
      const size = reader.u32();
      this.#sections.push({ id, start: reader.at, end: reader.at + size });
      reader.skip(size);
    }
    this.#count();
    const out = new Output(this.bytes);
    out.copy(0, 8);
    const waiting = new Set([TYPES, TABLES, GLOBALS, EXPORTS]);
    /** Sections that the module lacks and that come before this one. */
    const before = (id: number): void => {
      const place = ORDER.indexOf(id);
      for (const each of ORDER) {
        if (!waiting.has(each) || (place >= 0 && ORDER.indexOf(each) >= place)) continue;
        waiting.delete(each);
        this.#section(out, each, null);
      }
    };
    for (const section of this.#sections) {
      if (section.id !== 0) before(section.id);
      waiting.delete(section.id);
      this.#section(out, section.id, section);
    }
    before(-1);
    const { moved } = out;
    return {
      bytes: out.bytes(),
      original(offset) {
        let low = 0;
        let high = moved.length;
        while (high - low > 1) {
          const middle = (low + high) >> 1;
          if (moved[middle]!.at <= offset) low = middle;
          else high = middle;
        }
        const { at, from, length } = moved[low]!;
        // What was added belongs to what is before it.
        return from + Math.max(0, Math.min(offset - at, length));
      },
    };
  }

  #find(id: number): Reader | null {
    const section = this.#sections.find((each) => each.id === id);
    return section === undefined ? null : new Reader(this.bytes, section.start, section.end);
  }

  /** Indices of what will be added: behind all that is there. */
  #count(): void {
    this.#type = this.#find(TYPES)?.u32() ?? 0;
    const types = this.#find(TYPES);
    // Only plain function types are counted one by one.
    for (let n = types?.u32() ?? 0; n > 0; n--) {
      if (types!.byte() !== 0x60) throw new UnknownCode();
      for (let part = 0; part < 2; part++) for (let m = types!.u32(); m > 0; m--) valueType(types!);
    }
    this.#table = this.#find(TABLES)?.u32() ?? 0;
    this.#global = this.#find(GLOBALS)?.u32() ?? 0;
    const imports = this.#find(IMPORTS);
    for (let n = imports?.u32() ?? 0; n > 0; n--) {
      imports!.skip(imports!.u32());
      imports!.skip(imports!.u32());
      const kind = imports!.byte();
      if (kind === 0) imports!.u32();
      else if (kind === 1) {
        valueType(imports!);
        limits(imports!);
        this.#table++;
      } else if (kind === 2) limits(imports!);
      else if (kind === 3) {
        valueType(imports!);
        imports!.byte();
        this.#global++;
      } else if (kind === 4) {
        imports!.byte();
        imports!.u32();
      } else throw new UnknownCode();
    }
  }

  #section(out: Output, id: number, section: Section | null): void {
    const content = new Output(this.bytes);
    if (section !== null && ![TYPES, TABLES, MEMORIES, GLOBALS, EXPORTS, CODE].includes(id)) {
      content.copy(section.start, section.end);
    } else if (id === CODE) this.#code(content, section!);
    else if (id === MEMORIES) this.#memories(content, section!);
    else {
      const reader = section === null ? null : new Reader(this.bytes, section.start, section.end);
      const count = reader?.u32() ?? 0;
      const added = this.#added(id);
      content.add(leb(count + added.length));
      if (reader !== null) content.copy(reader.at, reader.end);
      for (const each of added) content.add(each);
    }
    out.add([id, ...leb(content.size)]);
    out.append(content);
  }

  #added(id: number): number[][] {
    switch (id) {
      case TYPES:
        return [[0x60, 0, 1, 0x7f]];
      case TABLES:
        return [[0x70, 1, 1, 1]];
      case GLOBALS:
        // Enough for a start section, which runs before anybody can be asked.
        return [[0x7f, 1, 0x41, ...signedLeb(LARGEST_I32), 0x0b]];
      default:
        return [
          [...name(FUEL), 3, ...leb(this.#global)],
          [...name(TIME_UP), 1, ...leb(this.#table)],
        ];
    }
  }

  /** No memory grows beyond the limit. */
  #memories(out: Output, section: Section): void {
    const reader = new Reader(this.bytes, section.start, section.end);
    const count = reader.u32();
    out.add(leb(count));
    for (let i = 0; i < count; i++) {
      const flags = reader.byte();
      const least = reader.u32();
      const most = flags & 1 ? reader.u32() : this.pages;
      if (flags & ~3) throw new UnknownCode();
      out.add([flags | 1, ...leb(least), ...leb(Math.max(least, Math.min(most, this.pages)))]);
    }
  }

  #code(out: Output, section: Section): void {
    const reader = new Reader(this.bytes, section.start, section.end);
    const count = reader.u32();
    out.add(leb(count));
    const check = [
      ...this.#take(1),
      ...[0x23, ...leb(this.#global), 0x41, 0, 0x48],
      // No fuel is left: ask, and trap when time is up.
      ...[0x04, 0x40, 0x41, 0, 0x11, ...leb(this.#type), ...leb(this.#table), 0x04, 0x40, 0x00, 0x0b, 0x0b],
    ];
    const bulk = this.#take(BULK_COST);
    for (let i = 0; i < count; i++) {
      const size = reader.u32();
      const body = new Output(this.bytes);
      this.#body(body, new Reader(this.bytes, reader.at, reader.at + size), check, bulk);
      out.add(leb(body.size));
      out.append(body);
      reader.skip(size);
    }
  }

  #take(units: number): number[] {
    return [0x23, ...leb(this.#global), 0x41, ...signedLeb(units), 0x6b, 0x24, ...leb(this.#global)];
  }

  #body(out: Output, reader: Reader, check: readonly number[], bulk: readonly number[]): void {
    const start = reader.at;
    for (let n = reader.u32(); n > 0; n--) {
      reader.u32();
      valueType(reader);
    }
    const first = reader.at;
    const rest = new Output(this.bytes);
    let from = first;
    let calls = false;
    while (reader.at < reader.end) {
      const at = reader.at;
      const opcode = reader.byte();
      const kind = skipImmediates(reader, opcode);
      if (kind === "call") calls = true;
      else if (kind === "loop") {
        rest.copy(from, reader.at);
        rest.add(check);
        from = reader.at;
      } else if (kind === "bulk") {
        rest.copy(from, at);
        rest.add(bulk);
        from = at;
      }
    }
    rest.copy(from, reader.end);
    out.copy(start, first);
    if (calls) out.add(check);
    out.append(rest);
  }
}

function limits(reader: Reader): void {
  const flags = reader.byte();
  reader.leb();
  if (flags & 1) reader.leb();
}

/** A value type: one byte, or a reference with its heap type behind. */
function valueType(reader: Reader): void {
  const b = reader.byte();
  if (b === 0x63 || b === 0x64) reader.leb();
  else if (b < 0x40) throw new UnknownCode();
}

function blockType(reader: Reader): void {
  const b = reader.bytes[reader.at]!;
  if (b === 0x63 || b === 0x64) valueType(reader);
  else reader.leb();
}

function memoryArgument(reader: Reader): void {
  // The alignment tells whether the index of a memory follows.
  if (reader.u32() & 64) reader.u32();
  reader.leb();
}

type Kind = "plain" | "loop" | "call" | "bulk";

function times(n: number, action: () => void): void {
  for (let i = 0; i < n; i++) action();
}

/** Reads behind an opcode; says what of it is of interest. */
function skipImmediates(reader: Reader, opcode: number): Kind {
  const index = (): void => void reader.u32();
  if (opcode >= 0x45 && opcode <= 0xc4) return "plain";
  if (opcode >= 0x28 && opcode <= 0x3e) {
    memoryArgument(reader);
    return "plain";
  }
  switch (opcode) {
    case 0x03:
      blockType(reader);
      return "loop";
    case 0x02: // block
    case 0x04: // if
    case 0x06: // try
      blockType(reader);
      return "plain";
    case 0x10: // call
    case 0x12: // return_call
    case 0x14: // call_ref
    case 0x15: // return_call_ref
      index();
      return "call";
    case 0x11: // call_indirect
    case 0x13: // return_call_indirect
      times(2, index);
      return "call";
    case 0x40: // memory.grow
      index();
      return "bulk";
    case 0x00: // unreachable
    case 0x01: // nop
    case 0x05: // else
    case 0x0a: // throw_ref
    case 0x0b: // end
    case 0x0f: // return
    case 0x19: // catch_all
    case 0x1a: // drop
    case 0x1b: // select
    case 0xd1: // ref.is_null
    case 0xd3: // ref.eq
    case 0xd4: // ref.as_non_null
      return "plain";
    case 0x07: // catch
    case 0x08: // throw
    case 0x09: // rethrow
    case 0x0c: // br
    case 0x0d: // br_if
    case 0x18: // delegate
    case 0x20: // local.get
    case 0x21: // local.set
    case 0x22: // local.tee
    case 0x23: // global.get
    case 0x24: // global.set
    case 0x25: // table.get
    case 0x26: // table.set
    case 0x3f: // memory.size
    case 0xd2: // ref.func
    case 0xd5: // br_on_null
    case 0xd6: // br_on_non_null
      index();
      return "plain";
    case 0x0e: // br_table
      times(reader.u32() + 1, index);
      return "plain";
    case 0x1c: // select with types
      times(reader.u32(), () => valueType(reader));
      return "plain";
    case 0x1f: // try_table
      blockType(reader);
      times(reader.u32(), () => {
        if (reader.byte() < 2) index();
        index();
      });
      return "plain";
    case 0x41: // i32.const
    case 0x42: // i64.const
    case 0xd0: // ref.null
      reader.leb();
      return "plain";
    case 0x43: // f32.const
      reader.skip(4);
      return "plain";
    case 0x44: // f64.const
      reader.skip(8);
      return "plain";
    case 0xfc:
      return skipMisc(reader, reader.u32());
    case 0xfd:
      skipVector(reader, reader.u32());
      return "plain";
    case 0xfe:
      // Atomics: a fence has a byte, the others are accesses.
      if (reader.u32() === 3) reader.skip(1);
      else memoryArgument(reader);
      return "plain";
    default:
      throw new UnknownCode();
  }
}

/** Saturating conversions, bulk memory and tables. */
function skipMisc(reader: Reader, opcode: number): Kind {
  const index = (): void => void reader.u32();
  if (opcode < 8) return "plain";
  switch (opcode) {
    case 9: // data.drop
    case 13: // elem.drop
    case 16: // table.size
      index();
      return "plain";
    case 11: // memory.fill
    case 15: // table.grow
    case 17: // table.fill
      index();
      return "bulk";
    case 8: // memory.init
    case 10: // memory.copy
    case 12: // table.init
    case 14: // table.copy
      times(2, index);
      return "bulk";
    default:
      throw new UnknownCode();
  }
}

function skipVector(reader: Reader, opcode: number): void {
  if (opcode <= 11 || opcode === 92 || opcode === 93) memoryArgument(reader);
  else if (opcode === 12 || opcode === 13) reader.skip(16);
  else if (opcode >= 21 && opcode <= 34) reader.skip(1);
  else if (opcode >= 84 && opcode <= 91) {
    memoryArgument(reader);
    reader.skip(1);
  }
}

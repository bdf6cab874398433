/* A deterministic automaton that is made while it runs: a step is one look into a table. It says whether and where a match
 * ends, not where its groups are. Its memory is bounded: when it is full, everything is forgotten. */

import { Alphabet, END } from "./pattern-alphabet";
import { workspace } from "./pattern-memory";
import { consumes, has, insert, Op, Program } from "./pattern-program";
import { Literal, NOWHERE } from "./pattern-search";
import { before, behind, Beside, decode, decodeLast, looksBetween } from "./pattern-text";

/** Bytes that an automaton may take for its table, and as many for its states: so many for each instruction, within bounds. */
const BUDGET: u32 = 128;
const LEAST_BUDGET: u32 = 64 * 1024;
const MOST_BUDGET: u32 = 1024 * 1024;
/** A search that fills the memory again after fewer bytes than that per state has no use of it. */
const LEAST_USE: usize = 8;

/** What a search returns, beside addresses and NOWHERE, when it would need too much memory to be fast. */
export const GAVE_UP: usize = -2;

/** Which match it finds. */
export const enum Mode {
  /** The one that comes first in the order of the pattern. */
  First,
  /** The longest: for a program that reads backwards. */
  Longest,
  /** Only one that ends where the text ends. */
  Whole,
}

// A cell of the table is the place of the next row in bytes and two bits.
/** A match has ended before the symbol of the cell. */
const MATCHED: u32 = 1;
/** No plain step: to row 0, where nothing can match any more, or to a row where a literal can be searched. */
const SPECIAL: u32 = 2;
const UNKNOWN: u32 = 0xffffffff;

// A state in `states`: the next one with its hash (place + 1), Beside of what was read last, its row, number of
// instructions, instructions in the order in which they are tried.
const HEAD: u32 = 4;

export class Automaton {
  private readonly start: u32;
  /** Bytes of a row. */
  private readonly rowSize: u32;
  /** Rows by state, cells by symbol. */
  private table: StaticArray<u32> = new StaticArray<u32>(0);
  /** Bytes of the table that are rows. */
  private tableSize: u32 = 0;
  private states: StaticArray<u32> = new StaticArray<u32>(64);
  private statesUsed: u32 = 0;
  /** Where in `states` the state of each row is. */
  private places: StaticArray<u32> = new StaticArray<u32>(16);
  private readonly heads: StaticArray<u32> = new StaticArray<u32>(256);
  /** Rows of the start by Beside; 0 while unknown. */
  private readonly starts: StaticArray<u32> = new StaticArray<u32>(4);
  /** It would forget all the time. */
  private readonly useless: bool;
  /** Where the memory was full in this search. */
  private fullAt: usize = 0;
  private forgot: bool = false;
  /** Rows that were forgotten last. */
  private lost: u32 = 0;

  constructor(
    private readonly program: Program,
    private readonly alphabet: Alphabet,
    private readonly mode: Mode,
    /** Whether a match may begin later than the search. */
    unanchored: bool,
    /** What every match begins with, when a search may skip to it. */
    private readonly prefix: Literal | null,
    private readonly budget: u32 = min(max(program.size * BUDGET, LEAST_BUDGET), MOST_BUDGET),
  ) {
    this.start = unanchored ? program.search : program.start;
    this.rowSize = alphabet.count << 2;
    this.useless = this.rowSize > budget >> 4;
    if (!this.useless) {
      this.table = new StaticArray<u32>(4 * alphabet.count);
      this.forget();
    }
  }

  /** Where the match ends, for a search from `from` to `end`; with `soon` any place where it is sure that there is one. */
  forward(text: usize, from: usize, end: usize, soon: bool): usize {
    if (this.useless) return GAVE_UP;
    const bytes = changetype<usize>(this.alphabet.bytes);
    const prefix = this.prefix;
    this.fullAt = 0;
    let row = this.startRow(before(text, from));
    let table = changetype<usize>(this.table);
    let last = NOWHERE;
    let at = from;
    if (prefix) {
      at = prefix.find(at, end);
      if (at == NOWHERE) return NOWHERE;
    }
    while (true) {
      let cell: u32 = 0;
      while (at < end) {
        cell = load<u32>(row + (<u32>table + load<u16>(bytes + ((<usize>load<u8>(at)) << 1))));
        if (cell & (MATCHED | SPECIAL)) {
          if (cell & SPECIAL) break;
          last = at;
          if (soon) return last;
          cell ^= MATCHED;
        }
        row = cell;
        at++;
      }
      const point = at < end ? decode(at, end) : 0;
      if (at == end || cell == UNKNOWN) {
        const symbol = at < end ? this.alphabet.symbolOf(point) : END;
        cell = load<u32>(table + row + (symbol << 2));
        if (cell == UNKNOWN) {
          cell = this.step(row, symbol, at);
          if (cell == UNKNOWN) return GAVE_UP;
          table = changetype<usize>(this.table);
        }
      }
      if (cell & MATCHED) {
        last = at;
        if (soon) return last;
      }
      row = cell & ~(MATCHED | SPECIAL);
      if (!row || at == end) break;
      at += <usize>(point >> 24);
      if (prefix && cell & SPECIAL) {
        at = prefix.find(at, end);
        if (at == NOWHERE) break;
      }
    }
    return last;
  }

  /** Where the match begins that ends at `at`, not before `from`. The program reads backwards. */
  backward(text: usize, from: usize, at: usize, end: usize): usize {
    if (this.useless) return GAVE_UP;
    const bytes = changetype<usize>(this.alphabet.bytes);
    this.fullAt = 0;
    let row = this.startRow(behind(at, end));
    let table = changetype<usize>(this.table);
    let last = NOWHERE;
    while (true) {
      let cell: u32 = 0;
      while (at > from) {
        cell = load<u32>(row + (<u32>table + load<u16>(bytes + ((<usize>load<u8>(at - 1)) << 1))));
        if (cell & (MATCHED | SPECIAL)) {
          if (cell & SPECIAL) break;
          last = at;
          cell ^= MATCHED;
        }
        row = cell;
        at--;
      }
      // Code points are those of a search from `from`, which can be within one.
      const point = at > text ? decodeLast(at > from ? from : text, at) : 0;
      if (at == from || cell == UNKNOWN) {
        const symbol = at > text ? this.alphabet.symbolOf(point) : END;
        cell = load<u32>(table + row + (symbol << 2));
        if (cell == UNKNOWN) {
          cell = this.step(row, symbol, at);
          if (cell == UNKNOWN) return GAVE_UP;
          table = changetype<usize>(this.table);
        }
      }
      if (cell & MATCHED) last = at;
      row = cell & ~(MATCHED | SPECIAL);
      if (!row || at == from) break;
      at -= <usize>(point >> 24);
    }
    return last;
  }

  private startRow(beside: Beside): u32 {
    if (!this.program.looks) beside = Beside.Other;
    let row = this.starts[beside];
    if (!row) {
      const list = workspace(4);
      store<u32>(list, this.start);
      row = this.intern(list, 1, beside);
      this.starts[beside] = row;
    }
    return row;
  }

  /** Computes a cell; UNKNOWN when it gives up. */
  private step(row: u32, symbol: u32, at: usize): u32 {
    const program = this.program;
    const code = changetype<usize>(program.code);
    const masks = changetype<usize>(this.alphabet.masks);
    const size = (<usize>program.size) << 2;
    // Sets of instructions that need no clearing: `index` says where in its list an instruction would be.
    const list = workspace(size * 5);
    const listIndex = list + size;
    const seen = listIndex + size;
    const seenIndex = seen + size;
    const stack = seenIndex + size;
    let listSize: usize = 0;
    let seenSize: usize = 0;

    const state = changetype<usize>(this.states) + ((<usize>this.places[row / this.rowSize]) << 2);
    const beside = program.looks && symbol != END ? this.alphabet.beside[symbol] : Beside.Other;
    const looks = program.looks ? looksBetween(load<u32>(state, 4), symbol == END ? Beside.Edge : beside) : 0;
    const ends = this.mode != Mode.Whole || symbol == END;
    const cuts = this.mode != Mode.Longest;
    let matched: u32 = 0;
    let next = state + (HEAD << 2);
    const end = next + ((<usize>load<u32>(state, 12)) << 2);
    for (; next < end && !(matched && cuts); next += 4) {
      let top = stack;
      store<u32>(top, load<u32>(next));
      top += 4;
      while (top > stack) {
        top -= 4;
        let pc = load<u32>(top);
        while (true) {
          if (has(seen, seenIndex, seenSize, pc)) break;
          insert(seen, seenIndex, seenSize, pc);
          seenSize += 4;
          const instruction = code + ((<usize>pc) << 4);
          const op = load<i32>(instruction);
          const operand = load<u32>(instruction, 8);
          pc = load<u32>(instruction, 4);
          if (op <= Op.Any) {
            if (!consumes(op, operand, symbol, masks)) break;
            while (load<u32>(code + ((<usize>pc) << 4)) == Op.Save) pc = load<u32>(code + ((<usize>pc) << 4), 4);
            if (!has(list, listIndex, listSize, pc)) {
              insert(list, listIndex, listSize, pc);
              listSize += 4;
            }
            break;
          }
          if (op == Op.Split) {
            store<u32>(top, operand);
            top += 4;
          } else if (op == Op.Look) {
            if (!(operand & looks)) break;
          } else if (op == Op.Match) {
            if (!ends) break;
            matched = MATCHED;
            if (cuts) top = stack;
            break;
          }
        }
      }
    }
    let cell = matched | SPECIAL;
    if (symbol != END && listSize) {
      if ((HEAD << 2) + <u32>listSize > this.budget) return UNKNOWN;
      this.forgot = false;
      const to = this.intern(list, <u32>(listSize >> 2), beside);
      if (this.forgot) {
        const distance = at > this.fullAt ? at - this.fullAt : this.fullAt - at;
        if (this.fullAt && distance < LEAST_USE * <usize>this.lost) return UNKNOWN;
        this.fullAt = at;
      }
      const skips = this.prefix != null && listSize == 4 && load<u32>(list) == this.start;
      cell = to | matched | (skips ? SPECIAL : 0);
      if (this.forgot) return cell;
    }
    store<u32>(changetype<usize>(this.table) + row + (symbol << 2), cell);
    return cell;
  }

  /** The row of a state. */
  private intern(list: usize, size: u32, beside: u32): u32 {
    let hash = beside;
    for (let i: u32 = 0; i < size; i++) hash = (hash ^ load<u32>(list + ((<usize>i) << 2))) * 0x9e3779b1;
    hash >>= 24;
    let states = changetype<usize>(this.states);
    for (let found = this.heads[hash]; found;) {
      const state = states + ((<usize>(found - 1)) << 2);
      if (
        load<u32>(state, 4) == beside &&
        load<u32>(state, 12) == size &&
        !memory.compare(state + (HEAD << 2), list, (<usize>size) << 2)
      )
        return load<u32>(state, 8);
      found = load<u32>(state);
    }
    const rowSize = this.rowSize;
    if (this.tableSize + rowSize > this.budget || (this.statesUsed + HEAD + size) << 2 > this.budget) this.forget();
    const row = this.tableSize;
    const number = row / rowSize;
    const place = this.statesUsed;
    this.tableSize += rowSize;
    this.statesUsed += HEAD + size;
    const most = this.budget >> 2;
    if (this.tableSize > (<u32>this.table.length) << 2) this.table = grown(this.table, this.tableSize >> 2, most);
    if (this.statesUsed > <u32>this.states.length) this.states = grown(this.states, this.statesUsed, most);
    if (number >= <u32>this.places.length) this.places = grown(this.places, number + 1, most);
    memory.fill(changetype<usize>(this.table) + row, 0xff, rowSize);
    this.places[number] = place;
    states = changetype<usize>(this.states) + ((<usize>place) << 2);
    store<u32>(states, this.heads[hash]);
    store<u32>(states, beside, 4);
    store<u32>(states, row, 8);
    store<u32>(states, size, 12);
    memory.copy(states + (HEAD << 2), list, (<usize>size) << 2);
    this.heads[hash] = place + 1;
    return row;
  }

  private forget(): void {
    this.forgot = true;
    this.lost = this.tableSize / this.rowSize;
    this.tableSize = this.rowSize; // row 0 is no state
    this.statesUsed = 0;
    memory.fill(changetype<usize>(this.heads), 0, 256 << 2);
    memory.fill(changetype<usize>(this.starts), 0, 4 << 2);
  }
}

function grown(array: StaticArray<u32>, length: u32, most: u32): StaticArray<u32> {
  const larger = new StaticArray<u32>(max(min((<u32>array.length) << 1, most), length));
  memory.copy(changetype<usize>(larger), changetype<usize>(array), (<usize>array.length) << 2);
  return larger;
}

/* For programs where at each place at most one way can go on: a table that also says which slots to set. */

import { Alphabet } from "./pattern-alphabet";
import { clearSlots, copySlots, Ints, workspace } from "./pattern-memory";
import { Look } from "./pattern-parse";
import { consumes, Op, Program } from "./pattern-program";
import { decode, looksAt } from "./pattern-text";

/** Cells that a table may have, and steps that may be taken to make it. */
const MAX_CELLS: u32 = 8192;
const MAX_STEPS = 1 << 18;
/** A cell can name so many slots: the places of 16 groups. */
const MAX_SLOTS: u32 = 32;

// A cell: the row that follows, as its first cell; bits; looks that must hold; and in the upper half a bit for each slot to
// set. 0 is no way. The first cell of a row, which no symbol has, says how a match can end there.
const ROW: u32 = 0xffff;
const SOME: u32 = 1 << 16;
/** A match that ends before this way comes first. */
const LAST: u32 = 1 << 17;
/** The way needs nothing but to be gone. */
const PLAIN: u32 = 1 << 18;
/** In the row that follows a match can end, whatever stands there. */
const NOTE: u32 = 1 << 19;
const LOOKS = 20;

export class OnePass {
  constructor(
    private readonly cells: StaticArray<u64>,
    private readonly alphabet: Alphabet,
  ) {}

  /** As Pike.match, anchored. */
  match(text: usize, from: usize, end: usize, limit: usize, whole: bool, slots: usize, count: u32): bool {
    const bytes = changetype<usize>(this.alphabet.bytes);
    const cells = changetype<usize>(this.cells);
    const size = (<usize>count) << 2;
    const best = workspace(size);
    clearSlots(slots, size);
    store<u32>(slots, <u32>(from - text));
    let row = cells;
    let at = from;
    // Where a match could end last; `best` is what the slots were there when they are no longer.
    let noted: usize = endsAnyhow(load<u64>(cells)) ? cells : 0;
    let notedAt = at;
    let changed = false;
    while (true) {
      while (at < end) {
        const cell = load<u32>(row + ((<usize>load<u16>(bytes + ((<usize>load<u8>(at)) << 1))) << 1));
        if (!(cell & PLAIN)) break;
        row = cells + ((<usize>(cell & ROW)) << 3);
        at++;
        if (cell & NOTE) {
          noted = row;
          notedAt = at;
          changed = false;
        }
      }
      let cell: u64 = 0;
      let next = at;
      if (at < end) {
        const point = decode(at, limit);
        cell = load<u64>(row + ((<usize>this.alphabet.symbolOf(point)) << 3));
        next += <usize>(point >> 24);
        if (cell && !holds(cell, text, at, limit)) cell = 0;
      }
      const ends = load<u64>(row);
      if (ends && (!whole || at == end) && holds(ends, text, at, limit)) {
        noted = row;
        notedAt = at;
        changed = false;
        if ((<u32>cell) & LAST) break;
      }
      if (!cell) break;
      if (cell >> 32) {
        if (noted && !changed) {
          copySlots(best, slots, size);
          changed = true;
        }
        setSlots(cell, slots, <u32>(at - text));
      }
      row = cells + ((<usize>((<u32>cell) & ROW)) << 3);
      at = next;
      if ((<u32>cell) & NOTE) {
        noted = row;
        notedAt = at;
        changed = false;
      }
    }
    if (!noted || (whole && notedAt != end)) return false;
    if (changed) copySlots(slots, best, size);
    setSlots(load<u64>(noted), slots, <u32>(notedAt - text));
    store<u32>(slots, <u32>(notedAt - text), 4);
    return true;
  }
}

/** Whether a match can end in a row, by its first cell, whatever stands there. */
function endsAnyhow(ends: u64): bool {
  return ends != 0 && !(((<u32>ends) >> LOOKS) & 63);
}

function holds(cell: u64, text: usize, at: usize, limit: usize): bool {
  const looks = ((<u32>cell) >> LOOKS) & 63;
  if (!looks) return true;
  if (looks & Look.TextEnd && at != limit) return false;
  return (looks & ~looksAt(text, at, limit)) == 0;
}

function setSlots(cell: u64, slots: usize, place: u32): void {
  for (let mask = <u32>(cell >> 32); mask; mask &= mask - 1) store<u32>(slots + 8 + ((<usize>ctz(mask)) << 2), place);
}

export class OnePassBuilder {
  private readonly cells: Ints = new Ints();
  /** Row of each instruction that a row begins with, + 1. */
  private readonly rows: Ints = new Ints();
  private readonly starts: Ints = new Ints();
  /** Row, + 1, in which an instruction was met last. */
  private readonly seen: Ints = new Ints();
  /** Instruction, looks, slots. */
  private readonly stack: Ints = new Ints();
  private steps: i32 = 0;

  constructor(
    private readonly program: Program,
    private readonly alphabet: Alphabet,
  ) {}

  /** Null for a program of another kind. */
  build(): OnePass | null {
    this.rows.resize(this.program.size);
    this.seen.resize(this.program.size);
    this.rowOf(this.program.start);
    let fits: bool = true;
    for (let row = 0; fits && row < this.starts.length; row++) fits = this.fill(row);
    let table: OnePass | null = null;
    if (fits) {
      this.mark();
      const cells = new StaticArray<u64>(this.cells.length >> 1);
      memory.copy(changetype<usize>(cells), this.cells.ptr, (<usize>this.cells.length) << 2);
      table = new OnePass(cells, this.alphabet);
    }
    this.cells.free();
    this.rows.free();
    this.starts.free();
    this.seen.free();
    this.stack.free();
    return table;
  }

  /** Sets PLAIN and NOTE. */
  private mark(): void {
    const cells = this.cells;
    const count = this.alphabet.count << 1;
    for (let row: u32 = 0; row < <u32>cells.length; row += count) {
      // Of a match that can end there: either it was noted on the way in, or it ends at the end of the text.
      const ends = cells.get(row);
      const looks = (ends >> LOOKS) & 63;
      const plain = !looks || looks & Look.TextEnd;
      for (let at = row + 2; at < row + count; at += 2) {
        let cell = cells.get(at);
        if (!cell) continue;
        if (plain && !((cell >> LOOKS) & 63) && !(cell & LAST) && !cells.get(at + 1)) cell |= PLAIN;
        const next = cells.get((cell & ROW) << 1);
        if (next && !((next >> LOOKS) & 63)) cell |= NOTE;
        cells.set(at, cell);
      }
    }
  }

  private rowOf(pc: u32): u32 {
    let row = this.rows.get(pc);
    if (!row) {
      this.starts.push(pc);
      row = this.starts.length;
      this.rows.set(pc, row);
    }
    return (row - 1) * this.alphabet.count;
  }

  /** Fills a row; false when there are two ways, or too many cells. */
  private fill(row: i32): bool {
    const count = this.alphabet.count;
    const first = <u32>row * count;
    if (first + count > MAX_CELLS) return false;
    const cells = this.cells;
    cells.resize((first + count) << 1);
    const code = changetype<usize>(this.program.code);
    const masks = changetype<usize>(this.alphabet.masks);
    const stack = this.stack;
    let last: u32 = 0;
    this.wait(this.starts.get(row), 0, 0);
    while (stack.length) {
      const top = stack.length - 3;
      let pc = stack.get(top);
      let looks = stack.get(top + 1);
      let slots = stack.get(top + 2);
      stack.resize(top);
      while (true) {
        if (this.seen.get(pc) == row + 1 || ++this.steps > MAX_STEPS) return false;
        this.seen.set(pc, row + 1);
        const instruction = code + ((<usize>pc) << 4);
        const op = load<i32>(instruction);
        const operand = load<u32>(instruction, 8);
        pc = load<u32>(instruction, 4);
        const ends = op == Op.Match;
        if (ends || op <= Op.Any) {
          this.steps += count;
          const cell = SOME | last | (looks << LOOKS) | (ends ? 0 : this.rowOf(pc));
          const until: u32 = ends ? 1 : count;
          for (let symbol: u32 = 0; symbol < until; symbol++) {
            if (!ends && (symbol < 2 || !consumes(op, operand, symbol, masks))) continue;
            const at = (first + symbol) << 1;
            if (cells.get(at)) return false;
            cells.set(at, cell);
            cells.set(at + 1, slots);
          }
          if (ends) last = LAST;
          break;
        }
        if (op == Op.Split) this.wait(operand, looks, slots);
        else if (op == Op.Look) looks |= operand;
        else {
          if (operand >= MAX_SLOTS + 2) return false;
          slots |= 1 << (operand - 2);
        }
      }
    }
    return true;
  }

  private wait(pc: u32, looks: u32, slots: u32): void {
    this.stack.push(pc);
    this.stack.push(looks);
    this.stack.push(slots);
  }
}

/* Pike's machine: all threads of a program side by side, so that the time is linear in the text whatever the pattern.
 * Slower than the others, but it needs no memory that grows with the text. */

import { Alphabet, END } from "./pattern-alphabet";
import { clearSlots, copySlots, workspace } from "./pattern-memory";
import { consumes, has, insert, Op, Program } from "./pattern-program";
import { decode, looksAt } from "./pattern-text";

/** On the stack: a slot to be set back, and what to. */
const SLOT: u32 = 0x80000000;

/** The threads at one place of the text, the one that is tried first in front. In the workspace: instructions that were
 * come to, as a set that needs no clearing; then the threads, an instruction and its slots each. */
class Threads {
  seen: usize = 0;
  index: usize = 0;
  seenSize: usize = 0;
  list: usize = 0;
  end: usize = 0;

  place(at: usize, size: usize): void {
    this.seen = at;
    this.index = at + size;
    this.list = at + size * 2;
    this.clear();
  }

  clear(): void {
    this.seenSize = 0;
    this.end = this.list;
  }
}

export class Pike {
  private here: Threads = new Threads();
  private there: Threads = new Threads();
  private stack: usize = 0;
  /** Slots of the thread that is being added. */
  private slots: usize = 0;
  private size: usize = 0;

  /** Finds the match that is first in the order of the pattern among those that begin first: at `from` or, unless
   * `anchored`, later; with `whole` they end at `end`, otherwise there or before. Assertions see `text` to `limit`. Fills
   * `slots` with `count` offsets from `text`, -1 for none. */
  match(
    program: Program,
    alphabet: Alphabet,
    text: usize,
    from: usize,
    end: usize,
    limit: usize,
    anchored: bool,
    whole: bool,
    slots: usize,
    count: u32,
  ): bool {
    const code = changetype<usize>(program.code);
    const masks = changetype<usize>(alphabet.masks);
    const size = (<usize>program.size) << 2;
    this.size = (<usize>count) << 2;
    const thread = <usize>4 + this.size;
    const area = size * 2 + (size >> 2) * thread;
    const work = workspace(area * 2 + this.size + size * 2 + 16);
    let here = this.here;
    let there = this.there;
    here.place(work, size);
    there.place(work + area, size);
    this.slots = work + area * 2;
    this.stack = this.slots + this.size;

    let matched = false;
    let at = from;
    while (true) {
      if (!matched && (at == from || !anchored)) {
        clearSlots(this.slots, this.size);
        if (count) store<u32>(this.slots, <u32>(at - text));
        this.add(here, code, program.start, text, at, limit);
      }
      if (here.list == here.end && (matched || anchored)) return matched;
      const point = at < end ? decode(at, limit) : 0;
      const symbol = at < end ? alphabet.symbolOf(point) : END;
      const next = at + <usize>(point >> 24);
      for (let i = here.list; i < here.end; i += thread) {
        const instruction = code + ((<usize>load<u32>(i)) << 4);
        const op = load<i32>(instruction);
        if (op == Op.Match) {
          if (whole && at != end) continue;
          if (!count) return true;
          copySlots(slots, i + 4, this.size);
          store<u32>(slots, <u32>(at - text), 4);
          matched = true;
          break;
        }
        if (consumes(op, load<u32>(instruction, 8), symbol, masks)) {
          copySlots(this.slots, i + 4, this.size);
          this.add(there, code, load<u32>(instruction, 4), text, next, limit);
        }
      }
      if (at == end) return matched;
      at = next;
      here.clear();
      const swap = here;
      here = there;
      there = swap;
    }
  }

  /** Adds the threads that go on from `pc` at `at`. */
  private add(threads: Threads, code: usize, pc: u32, text: usize, at: usize, limit: usize): void {
    const slots = this.slots;
    let top = this.stack;
    store<u32>(top, pc);
    top += 4;
    while (top > this.stack) {
      top -= 4;
      pc = load<u32>(top);
      if (pc & SLOT) {
        top -= 4;
        store<u32>(slots + ((<usize>(pc & ~SLOT)) << 2), load<u32>(top));
        continue;
      }
      while (!has(threads.seen, threads.index, threads.seenSize, pc)) {
        insert(threads.seen, threads.index, threads.seenSize, pc);
        threads.seenSize += 4;
        const instruction = code + ((<usize>pc) << 4);
        const op = load<i32>(instruction);
        const operand = load<u32>(instruction, 8);
        if (op == Op.Split) {
          store<u32>(top, operand);
          top += 4;
        } else if (op == Op.Look) {
          if (!(operand & looksAt(text, at, limit))) break;
        } else if (op == Op.Save) {
          if ((<usize>operand) << 2 < this.size) {
            const slot = slots + ((<usize>operand) << 2);
            store<u32>(top, load<u32>(slot));
            store<u32>(top, operand | SLOT, 4);
            top += 8;
            store<u32>(slot, <u32>(at - text));
          }
        } else {
          store<u32>(threads.end, pc);
          copySlots(threads.end + 4, slots, this.size);
          threads.end += 4 + this.size;
          break;
        }
        pc = load<u32>(instruction, 4);
      }
    }
  }
}

/* A backtracking matcher that remembers where it has been, so that it never tries the same twice: linear, and faster than
 * Pike's machine, as long as a bit for each join and place fits into its memory. */

import { Alphabet, END } from "./pattern-alphabet";
import { clearSlots, growWorkspace, workspace } from "./pattern-memory";
import { consumes, Op, Program } from "./pattern-program";
import { decode, looksAt } from "./pattern-text";

/** Bytes of bits; bytes of its stack. */
const MAX_BITS: usize = 32 * 1024;
const MAX_STACK: usize = 256 * 1024;

/** On the stack: a slot to be set back, and what to. Other entries are an instruction and an address. */
const SLOT: u32 = 0x80000000;

export const enum Outcome {
  No,
  Yes,
  /** It needs more memory than it may have. */
  TooLarge,
}

/** As Pike.match, anchored. */
export function backtrack(
  program: Program,
  alphabet: Alphabet,
  text: usize,
  from: usize,
  end: usize,
  limit: usize,
  whole: bool,
  slots: usize,
  count: u32,
): Outcome {
  const places = end - from + 1;
  const bits = ((<u64>places * program.joins + 63) >> 6) << 3;
  if (bits > MAX_BITS) return Outcome.TooLarge;
  const code = changetype<usize>(program.code);
  const masks = changetype<usize>(alphabet.masks);
  let room: usize = 4096;
  let visited = workspace(<usize>bits + room);
  memory.fill(visited, 0, <usize>bits);
  let stack = visited + <usize>bits;
  clearSlots(slots, (<usize>count) << 2);
  store<u32>(slots, <u32>(from - text));
  let top = stack;
  let pc = program.start;
  let at = from;
  while (true) {
    const instruction = code + ((<usize>pc) << 4);
    const op = load<i32>(instruction);
    const operand = load<u32>(instruction, 8);
    const join = load<u32>(instruction, 12);
    let goes: bool = true;
    if (join) {
      const bit = (at - from) * program.joins + (join - 1);
      const byte = visited + (bit >> 3);
      const mask = 1 << ((<u32>bit) & 7);
      const was = <u32>load<u8>(byte);
      if (was & mask) goes = false;
      else store<u8>(byte, was | mask);
    }
    if (goes) {
      pc = load<u32>(instruction, 4);
      if (op <= Op.Any) {
        if (at < end) {
          const point = decode(at, limit);
          goes = consumes(op, operand, alphabet.symbolOf(point), masks);
          at += <usize>(point >> 24);
        } else goes = false;
      } else if (op == Op.Look) {
        goes = (operand & looksAt(text, at, limit)) != 0;
      } else if (op == Op.Match) {
        if (!whole || at == end) {
          store<u32>(slots, <u32>(at - text), 4);
          return Outcome.Yes;
        }
        goes = false;
      } else {
        if (top + 8 > stack + room) {
          if (room == MAX_STACK) return Outcome.TooLarge;
          const used = top - visited;
          room <<= 1;
          visited = growWorkspace(<usize>bits + room, used);
          stack = visited + <usize>bits;
          top = visited + used;
        }
        if (op == Op.Split) {
          store<u32>(top, operand);
          store<u32>(top, <u32>at, 4);
          top += 8;
        } else if (operand < count) {
          const slot = slots + ((<usize>operand) << 2);
          store<u32>(top, operand | SLOT);
          store<u32>(top, load<u32>(slot), 4);
          top += 8;
          store<u32>(slot, <u32>(at - text));
        }
      }
    }
    while (!goes) {
      if (top == stack) return Outcome.No;
      top -= 8;
      pc = load<u32>(top);
      at = load<u32>(top, 4);
      goes = !(pc & SLOT);
      if (!goes) store<u32>(slots + ((<usize>(pc & ~SLOT)) << 2), <u32>at);
    }
  }
}

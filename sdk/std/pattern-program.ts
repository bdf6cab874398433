/* From the tree of a pattern to a program for the machines that match. */

import { Alphabet, AlphabetBuilder, END } from "./pattern-alphabet";
import { Ints } from "./pattern-memory";
import { Kind, Look, maxOf, minOf, Tree } from "./pattern-parse";

/** Instructions × slots of groups: 4 MiB for each of two lists of threads. */
const MAX_SLOTS = 1 << 20;
/** Longest literal that a search begins with, in bytes. */
const MAX_PREFIX = 64;

/** An instruction is four numbers: Op, the next instruction, an operand, and 1 + its number among the joins or 0. */
export const enum Op {
  // Those that consume: the same numbers as Test.
  Fail,
  /** A symbol. */
  One,
  /** A mask, by its place in bytes. */
  Mask,
  Any,
  /** Another instruction, tried after the next one. */
  Split,
  /** Looks that must hold. */
  Look,
  /** A slot for the place. */
  Save,
  Match,
}

export class Program {
  constructor(
    readonly code: StaticArray<u32>,
    readonly start: u32,
    /** Where a search begins that may skip code points; the last instructions. */
    readonly search: u32,
    /** Instructions that several lead to, so that marking these is enough not to walk twice. */
    readonly joins: u32,
    /** All assertions in it. */
    readonly looks: u32,
    /** Can match only where the text begins. */
    readonly anchored: bool,
  ) {}

  /** Instructions. */
  get size(): u32 {
    return this.code.length >> 2;
  }
}

/** Whether an instruction consumes a symbol. */
export function consumes(op: Op, operand: u32, symbol: u32, masks: usize): bool {
  if (op == Op.One) return symbol == operand;
  if (op == Op.Mask) return ((load<u32>(masks + operand + ((symbol >> 5) << 2)) >> (symbol & 31)) & 1) != 0;
  return op == Op.Any && symbol != END;
}

/** Whether an instruction is in a set of `size` bytes that needs no clearing: `index` says where in `list` it would be. */
export function has(list: usize, index: usize, size: usize, pc: u32): bool {
  // What is there may be anything, but must not lead between two instructions.
  const at = (<usize>load<u32>(index + ((<usize>pc) << 2))) << 2;
  return at < size && load<u32>(list + at) == pc;
}

export function insert(list: usize, index: usize, size: usize, pc: u32): void {
  store<u32>(list + size, pc);
  store<u32>(index + ((<usize>pc) << 2), <u32>(size >> 2));
}

export class Compiler {
  /** Why there is no program. */
  error: string = "";
  /** What every match begins with, and whether it is all of the pattern. */
  prefix: StaticArray<u8> = new StaticArray<u8>(0);
  complete: bool = false;
  alphabet: Alphabet | null = null;
  forward: Program | null = null;
  /** Reads a text from its end; null for a pattern that is anchored. */
  backward: Program | null = null;

  private code: Ints = new Ints();
  private reversed: bool = false;
  private looks: u32 = 0;
  private full: bool = false;

  constructor(
    private readonly tree: Tree,
    /** Instructions that a program may have. */
    private readonly limit: i32,
  ) {}

  compile(): bool {
    const tree = this.tree;
    const start = this.emitAll();
    const size = this.code.length >> 2;
    if (this.full) this.error = "the program has more instructions than are allowed";
    else if (size * (tree.groups + 1) * 2 > MAX_SLOTS) this.error = "too many groups for the size of the program";
    else {
      const builder = new AlphabetBuilder(tree.sets, this.looks);
      this.alphabet = builder.build();
      if (!this.alphabet) this.error = "too many different classes of characters";
      else {
        this.findPrefix(start);
        const forward = this.finish(start, builder);
        this.forward = forward;
        if (!forward.anchored) {
          this.reversed = true;
          this.code.resize(0);
          this.backward = this.finish(this.emitAll(), builder);
        }
      }
      builder.free();
    }
    this.code.free();
    return !this.error.length;
  }

  private emitAll(): u32 {
    return this.emit(this.tree.root, this.add(Op.Match, 0, 0));
  }

  private add(op: Op, next: u32, operand: u32): u32 {
    const code = this.code;
    const at = code.length >> 2;
    if (at >= this.limit) {
      this.full = true;
      return 0;
    }
    code.push(op);
    code.push(next);
    code.push(operand);
    code.push(0);
    return at;
  }

  /** Emits what matches `node` and goes on with `next`; its first instruction. Sets stay numbers of sets. */
  private emit(node: i32, next: u32): u32 {
    const tree = this.tree;
    if (this.full) return 0;
    switch (tree.kind(node)) {
      case Kind.Set:
        return this.add(Op.Mask, next, tree.a(node));
      case Kind.Look:
        return this.look(tree.a(node), next);
      case Kind.Concat:
        if (this.reversed)
          for (let child = <i32>tree.a(node); child; child = tree.next(child)) next = this.emit(child, next);
        else for (let child = <i32>tree.b(node); child; child = tree.previous(child)) next = this.emit(child, next);
        return next;
      case Kind.Alternate: {
        let last = <i32>tree.b(node);
        let first = this.emit(last, next);
        while ((last = tree.previous(last))) first = this.add(Op.Split, this.emit(last, next), first);
        return first;
      }
      case Kind.Repeat:
        return this.repeat(node, next);
      case Kind.Capture: {
        if (this.reversed) return this.emit(tree.a(node), next);
        const slot = tree.b(node) << 1;
        const end = this.add(Op.Save, next, slot + 1);
        return this.add(Op.Save, this.emit(tree.a(node), end), slot);
      }
      default:
        return next;
    }
  }

  private look(mask: u32, next: u32): u32 {
    const starts: u32 = Look.LineStart | Look.TextStart;
    const ends: u32 = Look.LineEnd | Look.TextEnd;
    if (this.reversed) mask = ((mask & starts) << 1) | ((mask & ends) >> 1) | (mask & ~(starts | ends));
    this.looks |= mask;
    return this.add(Op.Look, next, mask);
  }

  /** x{2,4} is xx(x(x)?)?, x{2,} is xx+. */
  private repeat(node: i32, next: u32): u32 {
    const tree = this.tree;
    const child = <i32>tree.a(node);
    const greedy = tree.greedy(node);
    const most = maxOf(tree.b(node));
    let least = minOf(tree.b(node));
    if (most < 0) {
      // What can be empty is tried once before it is left out: (|a)* prefers nothing, then one a.
      const loop = this.split(greedy, 0, next);
      const body = this.emit(child, loop);
      this.patch(loop, greedy, body);
      if (least) least--;
      else if (!tree.nullable(child)) return loop;
      else return this.split(greedy, body, next);
      next = body;
    } else {
      let rest = next;
      for (let n = least; n < most && !this.full; n++) rest = this.split(greedy, this.emit(child, rest), next);
      next = rest;
    }
    for (let n = 0; n < least && !this.full; n++) next = this.emit(child, next);
    return next;
  }

  private split(greedy: bool, body: u32, next: u32): u32 {
    return greedy ? this.add(Op.Split, body, next) : this.add(Op.Split, next, body);
  }

  private patch(split: u32, greedy: bool, body: u32): void {
    if (!this.full) this.code.set((split << 2) + (greedy ? 1 : 2), body);
  }

  /** The literal that every match begins with. */
  private findPrefix(start: u32): void {
    const code = this.code;
    const sets = this.tree.sets;
    const bytes = new Ints();
    for (let at = start << 2; ; at = code.get(at + 1) << 2) {
      const op = code.get(at);
      if (op == Op.Save) continue;
      this.complete = op == Op.Match && bytes.length > 0;
      if (op != Op.Mask || bytes.length > MAX_PREFIX) break;
      const c = sets.only(code.get(at + 2));
      // U+FFFD is also what invalid bytes are; surrogates are in no text.
      if (c < 0 || c == 0xfffd || (c & 0x1ff800) == 0xd800) break;
      const more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
      bytes.push(more ? ((0x780 >> more) & 0xf0) | (c >> (6 * more)) : c);
      for (let n = more; n--;) bytes.push(0x80 | ((c >> (6 * n)) & 0x3f));
    }
    const prefix = new StaticArray<u8>(bytes.length);
    for (let i = 0; i < bytes.length; i++) prefix[i] = <u8>bytes.get(i);
    this.prefix = prefix;
    bytes.free();
  }

  private finish(start: u32, builder: AlphabetBuilder): Program {
    const code = this.code;
    const joins = this.countJoins(start);
    for (let at = 0; at < code.length; at += 4) {
      if (code.get(at) != Op.Mask) continue;
      const set = code.get(at + 2) << 1;
      code.set(at, builder.tests.get(set));
      code.set(at + 2, builder.tests.get(set + 1));
    }
    const anchored = this.isAnchored(start);
    const any = code.length >> 2;
    code.push(Op.Any);
    code.push(any + 1);
    code.push(0);
    code.push(0);
    code.push(Op.Split);
    code.push(start);
    code.push(any);
    code.push(0);
    return new Program(code.toArray(), start, any + 1, joins, this.looks, anchored);
  }

  private countJoins(start: u32): u32 {
    const code = this.code;
    let joins: u32 = 0;
    const seen = new Ints();
    seen.resize(code.length >> 2);
    seen.set(start, 1);
    for (let at = 0; at < code.length; at += 4) {
      const op = code.get(at);
      if (op == Op.Match) continue;
      for (let i = 1; i < (op == Op.Split ? 3 : 2); i++) {
        const next = code.get(at + i);
        seen.set(next, seen.get(next) + 1);
        if (seen.get(next) == 2) code.set((next << 2) + 3, ++joins);
      }
    }
    seen.free();
    return joins;
  }

  /** Whether nothing is consumed and nothing matched without passing the start of the text. */
  private isAnchored(start: u32): bool {
    const code = this.code;
    const seen = new Ints();
    const waiting = new Ints();
    seen.resize(code.length >> 2);
    waiting.push(start);
    let anchored = true;
    while (waiting.length && anchored) {
      const at = waiting.get(waiting.length - 1);
      waiting.resize(waiting.length - 1);
      if (seen.get(at)) continue;
      seen.set(at, 1);
      const op = <i32>code.get(at << 2);
      if (op == Op.Match || (op <= Op.Any && op != Op.Fail)) anchored = false;
      if (op == Op.Fail || (op == Op.Look && code.get((at << 2) + 2) & Look.TextStart)) continue;
      waiting.push(code.get((at << 2) + 1));
      if (op == Op.Split) waiting.push(code.get((at << 2) + 2));
    }
    seen.free();
    waiting.free();
    return anchored;
  }
}

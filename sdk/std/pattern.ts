/* Regular expressions over bytes: the syntax and the matches of RE2 and Go's regexp. A match takes time linear in the
 * text, whatever the pattern; compiling and matching take bounded memory and never trap.
 *
 * A text is UTF-8, but need not be well-formed: each byte that belongs to no code point is a U+FFFD of one byte. */

import { Alphabet } from "./pattern-alphabet";
import { backtrack, Outcome } from "./pattern-backtrack";
import { Automaton, GAVE_UP, Mode } from "./pattern-dfa";
import { clearSlots, Ints } from "./pattern-memory";
import { OnePass, OnePassBuilder } from "./pattern-onepass";
import { Parser } from "./pattern-parse";
import { Pike } from "./pattern-pike";
import { Output, Replacement } from "./pattern-replace";
import { Compiler, Program } from "./pattern-program";
import { Literal, NOWHERE } from "./pattern-search";
import { codePointsOf, codePointsOfUtf8, decode } from "./pattern-text";
import { decodeUtf8, encodedLengthMax, encodeUtf8 } from "./utf8";

/** Most instructions that a limit can allow. */
const MOST_INSTRUCTIONS = 100000;
/** Bytes of a text with replacements, unless more are allowed. */
const LONGEST_RESULT: usize = 16 * 1024 * 1024;
/** A larger copy of a text is given back. */
const TEXT_KEEP: usize = 64 * 1024;

/** What a pattern may cost. */
export class PatternLimits {
  constructor(
    /** Length of the pattern in characters. */
    readonly length: i32 = 16384,
    /** Instructions of the program: about one for each character and operator, those inside x{n} n times. Up to 100,000. */
    readonly instructions: i32 = 10000,
  ) {}
}

export class Pattern {
  /** What is wrong with the pattern that was refused last, and at which character, counted from 0. */
  static error: string = "";
  static errorAt: i32 = 0;

  /** Groups, without group 0, which is the match. */
  readonly groups: i32;
  private readonly names: Array<string>;
  private readonly forward: Program;
  /** Null for a pattern that is anchored at the start of the text. */
  private readonly backward: Program | null;
  private readonly alphabet: Alphabet;
  private readonly prefix: Literal | null;
  /** The prefix is all of it. */
  private readonly literal: bool;
  /** Where the groups of the last match begin and end. */
  private readonly slots: StaticArray<i32>;

  // Made when they are used first.
  private searching: Automaton | null = null;
  private reversed: Automaton | null = null;
  private whole: Automaton | null = null;
  private pike: Pike | null = null;
  private onePass: OnePass | null = null;
  private noOnePass: bool = false;

  private constructor(compiler: Compiler, parser: Parser) {
    const tree = parser.tree;
    this.groups = tree.groups;
    this.names = tree.names;
    this.forward = compiler.forward!;
    this.backward = compiler.backward;
    this.alphabet = compiler.alphabet!;
    const skips = compiler.prefix.length != 0 && !compiler.forward!.anchored;
    this.prefix = skips ? new Literal(compiler.prefix) : null;
    this.literal = skips && compiler.complete;
    this.slots = new StaticArray<i32>((tree.groups + 1) << 1);
  }

  /** Null when the pattern is wrong or too large: then `error` and `errorAt` say why. Syntax: docs/std.md. */
  static compile(pattern: string, limits: PatternLimits = new PatternLimits()): Pattern | null {
    const text = new Ints();
    return Pattern.make(text, codePointsOf(pattern, text, limits.length), limits);
  }

  /** As `compile`, of UTF-8. */
  static compileBytes(ptr: usize, length: usize, limits: PatternLimits = new PatternLimits()): Pattern | null {
    const text = new Ints();
    return Pattern.make(text, codePointsOfUtf8(ptr, length, text, limits.length), limits);
  }

  private static make(text: Ints, wellFormed: bool, limits: PatternLimits): Pattern | null {
    let pattern: Pattern | null = null;
    Pattern.error = "";
    Pattern.errorAt = text.length;
    if (text.length > limits.length) Pattern.error = "the pattern is longer than is allowed";
    else if (!wellFormed) Pattern.error = "not well-formed text";
    else {
      const parser = new Parser(text);
      if (parser.parse()) {
        const compiler = new Compiler(parser.tree, min(limits.instructions, MOST_INSTRUCTIONS));
        if (compiler.compile()) pattern = new Pattern(compiler, parser);
        else Pattern.error = compiler.error;
      } else {
        Pattern.error = parser.error;
        Pattern.errorAt = parser.errorAt;
      }
      parser.free();
    }
    text.free();
    return pattern;
  }

  /** A pattern that matches exactly `text`. */
  static quote(text: string): string {
    let quoted = "";
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      if (!isSpecial(text.charCodeAt(i))) continue;
      quoted += text.substring(from, i) + "\\";
      from = i;
    }
    return quoted + text.substring(from);
  }

  /** Number of the first group of that name, -1 for none. */
  groupNamed(name: string): i32 {
    for (let i = 1; i < this.names.length; i++) if (this.names[i] == name) return i;
    return -1;
  }

  /** Number of the first group of that name that had a part in the last match, -1 for none. */
  matchedGroup(name: string): i32 {
    for (let i = 1; i < this.names.length; i++) if (this.names[i] == name && this.start(i) >= 0) return i;
    return -1;
  }

  /** Name of a group, "" for none. */
  groupName(group: i32): string {
    return <u32>group < <u32>this.names.length ? this.names[group] : "";
  }

  /** Where a group of the last match begins, from the start of the text; -1 when it had no part in it, or there was none. */
  start(group: i32 = 0): i32 {
    return <u32>group <= <u32>this.groups ? this.slots[group << 1] : -1;
  }

  /** Where a group of the last match ends. */
  end(group: i32 = 0): i32 {
    return <u32>group <= <u32>this.groups ? this.slots[(group << 1) + 1] : -1;
  }

  /** Whether the pattern matches anywhere in the text. Sets no places. */
  matches(ptr: usize, length: usize): bool {
    const end = ptr + length;
    if (this.literal) return this.prefix!.find(ptr, end) != NOWHERE;
    const found = this.searcher().forward(ptr, ptr, end, true);
    return found == GAVE_UP ? this.byThreads(ptr, ptr, end, end, this.forward.anchored, false, 0) : found != NOWHERE;
  }

  /** Whether the pattern matches the text from its start to its end, as \A(?:…)\z does. Sets no places. */
  matchesWhole(ptr: usize, length: usize): bool {
    const end = ptr + length;
    let whole = this.whole;
    if (!whole) this.whole = whole = new Automaton(this.forward, this.alphabet, Mode.Whole, false, null);
    const found = whole.forward(ptr, ptr, end, true);
    return found == GAVE_UP ? this.byThreads(ptr, ptr, end, end, true, true, 0) : found != NOWHERE;
  }

  /** Finds the first match that begins at `from` or later; sets the places of group 0, the other groups have none. */
  find(ptr: usize, length: usize, from: usize = 0): bool {
    this.clear();
    return from <= length && this.locate(ptr, ptr + from, ptr + length, 2) != NOWHERE;
  }

  /** As `find`, with the places of all groups. */
  capture(ptr: usize, length: usize, from: usize = 0): bool {
    if (from > length || !this.groups) return this.find(ptr, length, from);
    this.clear();
    const end = ptr + length;
    if (this.forward.anchored) {
      if (from) return false;
      const onePass = this.onePasser();
      if (onePass) return onePass.match(ptr, ptr, end, end, false, this.places, this.slotCount) || this.clear();
    }
    const prefix = this.prefix;
    if (prefix) {
      // Mostly the first place that can be is it.
      const onePass = this.onePasser();
      const at = prefix.find(ptr + from, end);
      if (at == NOWHERE) return false;
      if (onePass && onePass.match(ptr, at, end, end, false, this.places, this.slotCount)) return true;
      this.clear();
      from = at - ptr;
    }
    const until = this.locate(ptr, ptr + from, end, this.slotCount);
    if (until == NOWHERE) return false;
    if (until == GAVE_UP) return true;
    return this.captureBetween(ptr, ptr + this.slots[0], until, end);
  }

  /** As `matchesWhole`, with the places of all groups. */
  captureWhole(ptr: usize, length: usize): bool {
    this.clear();
    const end = ptr + length;
    const onePass = this.onePasser();
    if (onePass) return onePass.match(ptr, ptr, end, end, true, this.places, this.slotCount) || this.clear();
    return this.matchesWhole(ptr, length) && this.captureBetween(ptr, ptr, end, end);
  }

  /** Begin and end of each match in the text, at most `most` of them. As Go: they do not overlap, and an empty match right
   * behind another is none. */
  findAll(ptr: usize, length: usize, most: i32): StaticArray<i32> {
    const places = new Ints();
    const all = new Matches(this, ptr, length, false);
    for (let n = 0; n < most && all.next(); n++) {
      places.push(this.start());
      places.push(this.end());
    }
    const found = changetype<StaticArray<i32>>(places.toArray());
    places.free();
    return found;
  }

  /** The text with each match, or the first `most`, replaced. Null when it would be longer than `longest` bytes. */
  replace(
    ptr: usize,
    length: usize,
    replacement: Replacement,
    most: i32 = i32.MAX_VALUE,
    longest: usize = LONGEST_RESULT,
  ): Uint8Array | null {
    const out = new Output(longest);
    let bytes: Uint8Array | null = null;
    if (replacement.run(this, ptr, length, most, out)) {
      bytes = new Uint8Array(<i32>out.length);
      memory.copy(bytes.dataStart, out.ptr, out.length);
    }
    out.free();
    return bytes;
  }

  // --- Text as string or Uint8Array.

  /** `matches` for a string or a Uint8Array. */
  matchesText<T>(text: T): bool {
    return this.matches(utf8<T>(text), utf8Length);
  }

  /** `matchesWhole` for a string or a Uint8Array. */
  matchesWholeText<T>(text: T): bool {
    return this.matchesWhole(utf8<T>(text), utf8Length);
  }

  /** The text of each group of the first match, "" for one that had no part in it; null when there is no match. */
  captureText<T>(text: T): Array<string> | null {
    const ptr = utf8<T>(text);
    if (!this.capture(ptr, utf8Length)) return null;
    const found = new Array<string>(this.groups + 1);
    for (let i = 0; i <= this.groups; i++) {
      const start = this.start(i);
      found[i] = start < 0 ? "" : decodeUtf8(ptr + start, this.end(i) - start);
    }
    return found;
  }

  /** `replace` for a string or a Uint8Array, to a string. */
  replaceText<T>(
    text: T,
    replacement: Replacement,
    most: i32 = i32.MAX_VALUE,
    longest: usize = LONGEST_RESULT,
  ): string | null {
    const ptr = utf8<T>(text);
    const out = new Output(longest);
    const done = replacement.run(this, ptr, utf8Length, most, out);
    const result = done ? decodeUtf8(out.ptr, out.length) : null;
    out.free();
    return result;
  }

  // --- The machines.

  private get places(): usize {
    return changetype<usize>(this.slots);
  }

  private get slotCount(): u32 {
    return this.slots.length;
  }

  /** Forgets the last match. Returns false. */
  private clear(): bool {
    clearSlots(this.places, (<usize>this.slots.length) << 2);
    return false;
  }

  /** Finds a match, sets its places and returns its end; GAVE_UP when `slots` places are set at once. */
  private locate(text: usize, from: usize, end: usize, slots: u32): usize {
    const anchored = this.forward.anchored;
    if (anchored && from > text) return NOWHERE;
    let start = from;
    let until: usize;
    if (this.literal) {
      const prefix = this.prefix!;
      start = prefix.find(from, end);
      until = start == NOWHERE ? start : start + prefix.length;
    } else {
      until = this.searcher().forward(text, from, end, false);
      if (until != NOWHERE && until != GAVE_UP && !anchored) {
        let reversed = this.reversed;
        if (!reversed)
          this.reversed = reversed = new Automaton(this.backward!, this.alphabet, Mode.Longest, false, null);
        start = reversed.backward(text, from, until, end);
        if (start > until) until = GAVE_UP; // no address
      }
    }
    if (until == NOWHERE) return NOWHERE;
    if (until == GAVE_UP) return this.byThreads(text, from, end, end, anchored, false, slots) ? GAVE_UP : NOWHERE;
    this.slots[0] = <i32>(start - text);
    this.slots[1] = <i32>(until - text);
    return until;
  }

  /** Sets the places of all groups for a match whose own places are known. */
  private captureBetween(text: usize, start: usize, until: usize, end: usize): bool {
    const count = this.slotCount;
    const onePass = this.onePasser();
    if (onePass) return onePass.match(text, start, until, end, true, this.places, count);
    const outcome = backtrack(this.forward, this.alphabet, text, start, until, end, true, this.places, count);
    if (outcome != Outcome.TooLarge) return outcome == Outcome.Yes;
    return this.byThreads(text, start, until, end, true, true, count);
  }

  private byThreads(text: usize, from: usize, until: usize, end: usize, anchored: bool, whole: bool, slots: u32): bool {
    let pike = this.pike;
    if (!pike) this.pike = pike = new Pike();
    return pike.match(this.forward, this.alphabet, text, from, until, end, anchored, whole, this.places, slots);
  }

  private searcher(): Automaton {
    let searching = this.searching;
    if (!searching)
      this.searching = searching = new Automaton(
        this.forward,
        this.alphabet,
        Mode.First,
        !this.forward.anchored,
        this.prefix,
      );
    return searching;
  }

  private onePasser(): OnePass | null {
    if (!this.onePass && !this.noOnePass) {
      this.onePass = new OnePassBuilder(this.forward, this.alphabet).build();
      this.noOnePass = !this.onePass;
    }
    return this.onePass;
  }
}

/** Goes through the matches of a text; the places of each are those of the pattern. The text must stay as it is. */
export class Matches {
  private from: usize = 0;
  private previousEnd: i32 = -1;

  constructor(
    private readonly pattern: Pattern,
    private readonly ptr: usize,
    private readonly length: usize,
    /** Whether the places of groups are wanted. */
    private readonly groups: bool,
  ) {}

  next(): bool {
    const pattern = this.pattern;
    const ptr = this.ptr;
    const length = this.length;
    while (true) {
      const from = this.from;
      if (!(this.groups ? pattern.capture(ptr, length, from) : pattern.find(ptr, length, from))) return false;
      const end = pattern.end();
      const empty = <usize>end == from; // it begins there, too
      if (!empty) this.from = end;
      else this.from += from < length ? <usize>(decode(ptr + from, ptr + length) >> 24) : 1;
      const counts = !empty || pattern.start() != this.previousEnd;
      this.previousEnd = end;
      if (counts) return true;
    }
  }
}

// The text that was given last, as UTF-8.
let utf8Length: usize = 0;
let copy: usize = 0;
let copySize: usize = 0;

/** Where a string, as UTF-8, or the bytes of an array are; `utf8Length` of them. */
function utf8<T>(text: T): usize {
  if (isString<T>()) {
    const string = changetype<string>(text);
    const size = encodedLengthMax(string);
    if (size > copySize || copySize > TEXT_KEEP) {
      if (copy) heap.free(copy);
      copySize = max<usize>(size, 1024);
      copy = heap.alloc(copySize);
    }
    utf8Length = encodeUtf8(string, copy);
    return copy;
  }
  if (!(text instanceof Uint8Array)) ERROR("a text is a string or a Uint8Array");
  const bytes = changetype<Uint8Array>(text);
  utf8Length = bytes.length;
  return bytes.dataStart;
}

function isSpecial(c: i32): bool {
  return "\\.+*?()|[]{}^$".includes(String.fromCharCode(c));
}

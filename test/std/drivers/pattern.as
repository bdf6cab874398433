import { Alphabet } from "../../../sdk/std/pattern-alphabet";
import { backtrack, Outcome } from "../../../sdk/std/pattern-backtrack";
import { Automaton, GAVE_UP, Mode } from "../../../sdk/std/pattern-dfa";
import { addFolds } from "../../../sdk/std/pattern-fold";
import { Ints } from "../../../sdk/std/pattern-memory";
import { OnePass, OnePassBuilder } from "../../../sdk/std/pattern-onepass";
import { Parser } from "../../../sdk/std/pattern-parse";
import { Pike } from "../../../sdk/std/pattern-pike";
import { Compiler, Program } from "../../../sdk/std/pattern-program";
import { Ranges } from "../../../sdk/std/pattern-ranges";
import { Output, Replacement } from "../../../sdk/std/pattern-replace";
import { Literal, NOWHERE } from "../../../sdk/std/pattern-search";
import { codePointsOfUtf8 } from "../../../sdk/std/pattern-text";
import { Pattern, PatternLimits } from "../../../sdk/std/pattern";
import { give, giveArray, giveText } from "./io";

let pattern: Pattern | null = null;
let replacement: Replacement | null = null;
let machinesOf: Machines | null = null;
const pike = new Pike();

/** Bytes of the automata that forget. */
const LITTLE: u32 = 2048;

/** 1 when the pattern is taken. */
export function compile(ptr: usize, length: usize): i32 {
  pattern = Pattern.compileBytes(ptr, length);
  return pattern ? 1 : 0;
}

export function compileWithin(ptr: usize, length: usize, characters: i32, instructions: i32): i32 {
  pattern = Pattern.compileBytes(ptr, length, new PatternLimits(characters, instructions));
  return pattern ? 1 : 0;
}

/** Of UTF-16. */
export function compileUnits(ptr: usize, length: usize): i32 {
  pattern = Pattern.compile(String.UTF16.decodeUnsafe(ptr, length));
  return pattern ? 1 : 0;
}

/** As compile, and prepares `machines`. */
export function compileMachines(ptr: usize, length: usize): i32 {
  if (!compile(ptr, length)) return 0;
  machinesOf = new Machines(pattern!, ptr, length);
  return 1;
}

/** The place, a colon and the reason of a refusal. */
export function error(): usize {
  return giveText(Pattern.errorAt.toString() + ": " + Pattern.error);
}

export function groups(): i32 {
  return pattern!.groups;
}

export function groupName(group: i32): usize {
  return giveText(pattern!.groupName(group));
}

export function matches(ptr: usize, length: usize): bool {
  return pattern!.matches(ptr, length);
}

export function captures(ptr: usize, length: usize): bool {
  return pattern!.capture(ptr, length);
}

/** matches, matchesWhole, number of places, places of the groups, numbers of places of all matches (at most 100), those places. */
export function run(ptr: usize, length: usize): usize {
  const p = pattern!;
  const out = new Ints();
  out.push(u32(p.matches(ptr, length)));
  out.push(u32(p.matchesWhole(ptr, length)));
  places(p.capture(ptr, length), out);
  const all = p.findAll(ptr, length, 100);
  out.push(all.length);
  for (let i = 0; i < all.length; i++) out.push(all[i]);
  const answer = give(out.ptr, <usize>out.length << 2);
  out.free();
  return answer;
}

export function captureWhole(ptr: usize, length: usize): usize {
  const out = new Ints();
  places(pattern!.captureWhole(ptr, length), out);
  const answer = give(out.ptr, <usize>out.length << 2);
  out.free();
  return answer;
}

function places(found: bool, out: Ints): void {
  const p = pattern!;
  if (!found) {
    out.push(0);
    return;
  }
  out.push((p.groups + 1) << 1);
  for (let i = 0; i <= p.groups; i++) {
    out.push(p.start(i));
    out.push(p.end(i));
  }
}

/** A pattern for each machine by itself. */
class Machines {
  readonly program: Program;
  readonly alphabet: Alphabet;
  private readonly onePass: OnePass | null;
  // Automata that forget all the time.
  private readonly forward: Automaton;
  private readonly whole: Automaton;
  private readonly backward: Automaton | null;

  constructor(
    private readonly pattern: Pattern,
    ptr: usize,
    length: usize,
  ) {
    const text = new Ints();
    codePointsOfUtf8(ptr, length, text, i32.MAX_VALUE - 1);
    const parser = new Parser(text);
    parser.parse();
    const made = new Compiler(parser.tree, 10000);
    made.compile();
    parser.free();
    text.free();
    const program = made.forward!;
    const alphabet = made.alphabet!;
    this.program = program;
    this.alphabet = alphabet;
    this.onePass = new OnePassBuilder(program, alphabet).build();
    const prefix = made.prefix.length && !program.anchored ? new Literal(made.prefix) : null;
    this.forward = new Automaton(program, alphabet, Mode.First, !program.anchored, prefix, LITTLE);
    this.whole = new Automaton(program, alphabet, Mode.Whole, false, null, LITTLE);
    const reverse = made.backward;
    this.backward = reverse ? new Automaton(reverse, alphabet, Mode.Longest, false, null, LITTLE) : null;
  }

  /** 0 when each machine says about a text what Pattern says, otherwise a number for where it does not. */
  check(ptr: usize, length: usize): i32 {
    const p = this.pattern;
    const program = this.program;
    const alphabet = this.alphabet;
    const end = ptr + length;
    const count = (p.groups + 1) << 1;
    const slots = new StaticArray<i32>(count);
    const at = changetype<usize>(slots);
    const small = new StaticArray<i32>(2);

    const matched = p.matches(ptr, length);
    const wholly = p.matchesWhole(ptr, length);
    for (let from: usize = 0; from <= length && from < 3; from++) {
      const found = p.capture(ptr, length, from);
      if (!from && found != matched) return 1;
      if (pike.match(program, alphabet, ptr, ptr + from, end, end, false, false, at, count) != found) return 2;
      if (found && !this.same(slots)) return 3;
      const start = p.start();
      const until = p.end();
      if (p.find(ptr, length, from) != found || p.start() != start || p.end() != until) return 4;
      if (program.anchored && from) continue;
      const seen = this.forward.forward(ptr, ptr + from, end, false);
      if (seen != GAVE_UP && seen != (found ? ptr + until : NOWHERE)) return 5;
      if (!found) continue;
      p.capture(ptr, length, from);
      if (this.backward) {
        const begins = this.backward!.backward(ptr, ptr + from, ptr + until, end);
        if (begins != GAVE_UP && begins != ptr + start) return 6;
      }
      // From the start of the match, which is known; with and without knowing its end.
      for (let known = 0; known < 2; known++) {
        const last = known ? ptr + until : end;
        const outcome = backtrack(program, alphabet, ptr, ptr + start, last, end, known != 0, at, count);
        if (outcome == Outcome.No || (outcome == Outcome.Yes && !this.same(slots))) return 7;
        if (this.onePass && (!this.onePass!.match(ptr, ptr + start, last, end, known != 0, at, count) || !this.same(slots))) return 8;
        if (!pike.match(program, alphabet, ptr, ptr + start, last, end, true, known != 0, at, count)) return 9;
        if (!this.same(slots)) return 10;
      }
      if (!pike.match(program, alphabet, ptr, ptr + from, end, end, false, false, changetype<usize>(small), 2)) return 11;
      if (small[0] != start || small[1] != until) return 12;
    }
    const seen = this.whole.forward(ptr, ptr, end, true);
    if (seen != GAVE_UP && seen != (wholly ? end : NOWHERE)) return 13;
    if (p.captureWhole(ptr, length) != wholly) return 14;
    if (pike.match(program, alphabet, ptr, ptr, end, end, true, true, at, count) != wholly) return 15;
    if (wholly && !this.same(slots)) return 16;
    const outcome = backtrack(program, alphabet, ptr, ptr, end, end, true, at, count);
    if (outcome != Outcome.TooLarge && (outcome == Outcome.Yes) != wholly) return 17;
    if (outcome == Outcome.Yes && !this.same(slots)) return 18;
    if (pike.match(program, alphabet, ptr, ptr, end, end, false, false, at, 0) != matched) return 19;
    return 0;
  }

  private same(slots: StaticArray<i32>): bool {
    const p = this.pattern;
    for (let i = 0; i <= p.groups; i++) {
      if (slots[i << 1] != p.start(i) || slots[(i << 1) + 1] != p.end(i)) return false;
    }
    return true;
  }
}

/** What `check` of the machines says. */
export function machines(ptr: usize, length: usize): i32 {
  return machinesOf!.check(ptr, length);
}

/** Whether the automaton of the pattern, with all the memory that it may have, gives up on a text. */
export function givesUp(ptr: usize, length: usize): bool {
  const program = machinesOf!.program;
  const automaton = new Automaton(program, machinesOf!.alphabet, Mode.First, !program.anchored, null);
  return automaton.forward(ptr, ptr, ptr + length, false) == GAVE_UP;
}

export function setReplacement(template: usize, length: usize): bool {
  replacement = new Replacement(String.UTF8.decodeUnsafe(template, length));
  return true;
}

/** The text with at most `most` matches replaced; 0 when it would be longer than `longest`. */
export function replace(ptr: usize, length: usize, most: i32, longest: usize): usize {
  const result = pattern!.replace(ptr, length, replacement!, most, longest);
  return result ? giveArray(result) : 0;
}

export function unknownGroup(): usize {
  return giveText(replacement!.unknownGroup(pattern!));
}

export function quote(ptr: usize, length: usize): usize {
  return giveText(Pattern.quote(String.UTF8.decodeUnsafe(ptr, length)));
}

/** What folds to code points and is none of them: pairs of first and last. */
export function foldsOf(low: u32, high: u32): usize {
  const folds = new Ranges();
  addFolds(low, high, folds);
  const answer = give(folds.list.ptr, <usize>folds.list.length << 2);
  folds.list.free();
  return answer;
}

// For times: each calls a function of the pattern many times and returns how often it has found something.

export function matchesTimes(ptr: usize, length: usize, times: i32): i32 {
  let found = 0;
  for (let i = 0; i < times; i++) found += i32(pattern!.matches(ptr, length));
  return found;
}
export function wholeTimes(ptr: usize, length: usize, times: i32): i32 {
  let found = 0;
  for (let i = 0; i < times; i++) found += i32(pattern!.matchesWhole(ptr, length));
  return found;
}
export function findTimes(ptr: usize, length: usize, times: i32): i32 {
  let found = 0;
  for (let i = 0; i < times; i++) found += i32(pattern!.find(ptr, length));
  return found;
}
export function captureTimes(ptr: usize, length: usize, times: i32): i32 {
  let found = 0;
  for (let i = 0; i < times; i++) found += i32(pattern!.capture(ptr, length));
  return found;
}
export function captureWholeTimes(ptr: usize, length: usize, times: i32): i32 {
  let found = 0;
  for (let i = 0; i < times; i++) found += i32(pattern!.captureWhole(ptr, length));
  return found;
}

/** How far the heap of a runtime that never frees has come. */
export function allocated(): usize {
  return heap.alloc(1);
}

// For the fuzz test. Each returns 1 when a match was found; what it does with its input must not trap.

/** The bytes as a pattern, on themselves and on a text. */
export function fuzzPattern(ptr: usize, length: usize): i32 {
  if (!compile(ptr, length)) return 0;
  const found = search(ptr, length);
  const text = "/api/v1/users/jane-doe?x=aaab&y=\u00e9\u212a";
  const bytes = String.UTF8.encode(text);
  return found | search(changetype<usize>(bytes), bytes.byteLength);
}

const PATTERNS: StaticArray<string> = [
  "^/api/v[0-9]+/users/([a-z0-9-]+)$",
  "(?i)\\b(union\\s+select|insert\\s+into|<script)\\b?",
  "(a+)+$",
  "Bearer ([A-Za-z0-9._~+/-]+=*)",
  "(?:(a|ab)(c|bcd)(d*))|(.)",
  "([^=&]*)=([^&]*)",
  "(?m)^\\s*(\\w+)\\s*:\\s*(.*?)\\s*$",
  "(?s)(.*)(\\x{fffd}|\u00e9|[^\\x00-\\x7f])(.*?)",
  "(?U)(x*)(y+?)\\B",
  "(?:.*a){3}.{4}b",
];
const compiled: Array<Pattern> = [];

/** The bytes as a text, on one of some patterns. */
export function fuzzText(ptr: usize, length: usize): i32 {
  if (!compiled.length) for (let i = 0; i < PATTERNS.length; i++) compiled.push(Pattern.compile(PATTERNS[i])!);
  pattern = compiled[textPattern(ptr, length)];
  return search(ptr, length);
}

const prepared: Array<Machines> = [];

/** What `check` of the machines says about a text and the pattern that fuzzText takes for it. */
export function fuzzTextMachines(ptr: usize, length: usize): i32 {
  for (let i = prepared.length; i < PATTERNS.length; i++) {
    const source = String.UTF8.encode(PATTERNS[i]);
    prepared.push(new Machines(Pattern.compile(PATTERNS[i])!, changetype<usize>(source), source.byteLength));
  }
  return prepared[textPattern(ptr, length)].check(ptr, length);
}

/** The number of the pattern that fuzzText takes for a text. */
function textPattern(ptr: usize, length: usize): i32 {
  let sum: u32 = 0;
  for (let i: usize = 0; i < length; i++) sum = sum * 31 + load<u8>(ptr + i);
  return sum % PATTERNS.length;
}

const inAngles = new Replacement("<$1>");

function search(ptr: usize, length: usize): i32 {
  const p = pattern!;
  const found = p.matches(ptr, length);
  p.matchesWhole(ptr, length);
  if (p.capture(ptr, length) != found) unreachable();
  if (p.start() < 0 == found || p.end() > <i32>length) unreachable();
  if (!(length & 7)) {
    p.captureWhole(ptr, length);
    p.findAll(ptr, length, 20);
    p.replace(ptr, length, inAngles, 20, 4096);
  }
  return i32(found);
}

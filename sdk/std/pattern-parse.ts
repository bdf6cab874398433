/* The syntax of patterns, which is that of RE2 and Go's regexp/syntax: from text to a tree. No recursion, so that no text
 * can exhaust the stack. */

import { Ints } from "./pattern-memory";
import { LAST_CODE_POINT, Ranges, Sets } from "./pattern-ranges";

/** Groups within groups. */
const MAX_DEPTH = 250;
/** Copies that repetitions, multiplied where they nest, may ask for. As RE2. */
const MAX_REPEAT: u32 = 1000;

/** What a node of the tree is, and what its two operands are. */
export const enum Kind {
  Empty,
  /** Set of code points. */
  Set,
  /** Look mask. */
  Look,
  /** First and last child. */
  Concat,
  /** First and last child. */
  Alternate,
  /** Child, and a bound packed by Bounds. */
  Repeat,
  /** Child, number of the group. */
  Capture,
}

/** Assertions of no width; those of a pattern that is read backwards are got by `reversedLook`. */
export const enum Look {
  LineStart = 1,
  LineEnd = 2,
  TextStart = 4,
  TextEnd = 8,
  WordBoundary = 16,
  NoWordBoundary = 32,
}

const enum Trait {
  /** Can match without consuming. */
  Nullable = 1,
  Greedy = 2,
}

const enum Flag {
  FoldCase = 1,
  /** ^ and $ at lines. */
  MultiLine = 2,
  DotNewLine = 4,
  Ungreedy = 8,
}

const enum Char {
  NewLine = 0x0a,
  Dollar = 0x24,
  Open = 0x28,
  Close = 0x29,
  Star = 0x2a,
  Plus = 0x2b,
  Comma = 0x2c,
  Minus = 0x2d,
  Dot = 0x2e,
  Zero = 0x30,
  Seven = 0x37,
  Colon = 0x3a,
  Less = 0x3c,
  Equals = 0x3d,
  Greater = 0x3e,
  Question = 0x3f,
  OpenBracket = 0x5b,
  Backslash = 0x5c,
  CloseBracket = 0x5d,
  Caret = 0x5e,
  OpenBrace = 0x7b,
  Bar = 0x7c,
  CloseBrace = 0x7d,
  /** Past the end. */
  End = 0xffffffff,
}

/** Perl's and POSIX's classes: name, a colon, first and last character of each range, U+FFFF. */
const CLASSES =
  "d:09\uffffs:\t\n\f\r  \uffffw:09AZ__az\uffffalnum:09AZaz\uffffalpha:AZaz\uffffascii:\0\x7f\uffffblank:\t\t  \uffff" +
  "cntrl:\0\x1f\x7f\x7f\uffffdigit:09\uffffgraph:!~\ufffflower:az\uffffprint: ~\uffffpunct:!/:@[`{~\uffff" +
  "space:\t\r  \uffffupper:AZ\uffffword:09AZ__az\uffffxdigit:09AFaf\uffff";

/** Numbers of a node. */
const NODE = 7;
/** Numbers of an open group: branches and items before it, flags, number of the group, place. */
const FRAME = 6;

/** A pattern as a tree; node 0 is none. */
export class Tree {
  private readonly nodes: Ints = new Ints();
  readonly sets: Sets = new Sets();
  root: i32 = 0;
  /** Capturing groups, without group 0. */
  groups: i32 = 0;
  /** Name by number of the group, up to the last one that has a name. */
  readonly names: Array<string> = [];

  constructor() {
    this.nodes.resize(NODE);
  }

  add(kind: Kind, a: u32, b: u32, traits: u32, weight: u32): i32 {
    const nodes = this.nodes;
    const at = nodes.length;
    nodes.resize(at + NODE);
    nodes.set(at, kind);
    nodes.set(at + 1, a);
    nodes.set(at + 2, b);
    nodes.set(at + 5, traits);
    nodes.set(at + 6, weight);
    return at;
  }

  kind(node: i32): Kind {
    return this.nodes.get(node);
  }
  a(node: i32): u32 {
    return this.nodes.get(node + 1);
  }
  b(node: i32): u32 {
    return this.nodes.get(node + 2);
  }
  previous(node: i32): i32 {
    return this.nodes.get(node + 3);
  }
  next(node: i32): i32 {
    return this.nodes.get(node + 4);
  }
  nullable(node: i32): bool {
    return (this.nodes.get(node + 5) & Trait.Nullable) != 0;
  }
  greedy(node: i32): bool {
    return (this.nodes.get(node + 5) & Trait.Greedy) != 0;
  }
  /** How often the innermost thing of a node is repeated. */
  weight(node: i32): u32 {
    return this.nodes.get(node + 6);
  }

  /** Puts a node behind another in a list. */
  link(previous: i32, node: i32): void {
    const nodes = this.nodes;
    nodes.set(node + 3, previous);
    nodes.set(node + 4, 0);
    if (previous) nodes.set(previous + 4, node);
  }

  /** Makes a node the only child of what takes its place. */
  wrap(node: i32, kind: Kind, b: u32, traits: u32, weight: u32): void {
    const nodes = this.nodes;
    const child = this.add(this.kind(node), this.a(node), this.b(node), nodes.get(node + 5), this.weight(node));
    nodes.set(node, kind);
    nodes.set(node + 1, child);
    nodes.set(node + 2, b);
    nodes.set(node + 5, traits);
    nodes.set(node + 6, weight);
  }

  setWeight(node: i32, weight: u32): void {
    this.nodes.set(node + 6, weight);
  }

  free(): void {
    this.nodes.free();
    this.sets.free();
  }
}

/** Bounds of a repetition as one number; `max` -1 for none. */
export function bounds(min: i32, max: i32): u32 {
  return min | ((max + 1) << 16);
}
export function minOf(bounds: u32): i32 {
  return bounds & 0xffff;
}
export function maxOf(bounds: u32): i32 {
  return <i32>(bounds >> 16) - 1;
}

export class Parser {
  /** What is wrong, "" for nothing, and at which character. */
  error: string = "";
  errorAt: i32 = 0;
  readonly tree: Tree = new Tree();

  private at: i32 = 0;
  private flags: u32 = 0;
  // The alternation that is being read, and its last branch.
  private firstBranch: i32 = 0;
  private lastBranch: i32 = 0;
  private firstItem: i32 = 0;
  private lastItem: i32 = 0;
  private readonly frames: Ints = new Ints();
  private readonly members: Ranges = new Ranges();
  private readonly group: Ranges = new Ranges();
  /** Bounds that `readBounds` has read. */
  private min: i32 = 0;
  private max: i32 = 0;
  /** No ":]" follows any more. */
  private noNames: bool = false;

  /** `text`: code points. */
  constructor(private readonly text: Ints) {}

  free(): void {
    this.tree.free();
    this.frames.free();
    this.members.list.free();
    this.group.list.free();
  }

  /** Reads the whole text; false when it has an error. */
  parse(): bool {
    const frames = this.frames;
    let repeated = false; // what was read last is a repetition operator
    while (this.at < this.text.length) {
      const start = this.at;
      const c = this.peek(0);
      let repeats = false;
      let ok: bool = true;
      if (c == Char.Backslash) ok = this.escape();
      else if (c == Char.OpenBracket) ok = this.bracket();
      else if (c == Char.Open) ok = this.open();
      else {
        this.at++;
        if (c == Char.Close) ok = this.close();
        else if (c == Char.Bar) this.endBranch();
        else if (c == Char.Caret) this.look(this.flags & Flag.MultiLine ? Look.LineStart : Look.TextStart);
        else if (c == Char.Dollar) this.look(this.flags & Flag.MultiLine ? Look.LineEnd : Look.TextEnd);
        else if (c == Char.Dot) this.dot();
        else if (c == Char.Star || c == Char.Plus || c == Char.Question || (c == Char.OpenBrace && this.readBounds())) {
          repeats = true;
          if (c != Char.OpenBrace) {
            this.min = i32(c == Char.Plus);
            this.max = c == Char.Question ? 1 : -1;
          }
          ok = this.repeat(start, c == Char.OpenBrace, repeated);
        } else this.literal(c);
      }
      if (!ok) return false;
      repeated = repeats;
    }
    if (frames.length) return this.fail("missing closing )", frames.get(frames.length - 1));
    this.tree.root = this.endGroup();
    return true;
  }

  /** Records an error. Returns false. */
  private fail(reason: string, at: i32): bool {
    this.error = reason;
    this.errorAt = at;
    return false;
  }

  /** The code point `ahead` of where it reads, Char.End behind the last. */
  private peek(ahead: i32): u32 {
    const at = this.at + ahead;
    return at < this.text.length ? this.text.get(at) : Char.End;
  }

  // --- Groups.

  private open(): bool {
    if (this.peek(1) != Char.Question) {
      this.at++;
      return this.push(++this.tree.groups, this.flags, this.at - 1);
    }
    const start = this.at;
    const p = i32(this.peek(2) == 0x50);
    if (this.peek(2 + p) == Char.Less && this.peek(3 + p) != Char.Equals && this.peek(3 + p) != 0x21) {
      this.at += 3 + p;
      return this.name(start) && this.push(this.tree.groups, this.flags, start);
    }
    this.at += 2;
    let flags = this.flags;
    let negative = false;
    let some = false;
    while (true) {
      const c = this.peek(0);
      let flag: u32 = 0;
      if (c == 0x69) flag = Flag.FoldCase;
      else if (c == 0x6d) flag = Flag.MultiLine;
      else if (c == 0x73) flag = Flag.DotNewLine;
      else if (c == 0x55) flag = Flag.Ungreedy;
      else if (c == Char.Minus && !negative) {
        negative = true;
        some = false;
      } else break;
      if (flag) {
        some = true;
        flags = negative ? flags & ~flag : flags | flag;
      }
      this.at++;
    }
    const c = this.peek(0);
    const groups = c == Char.Colon;
    if ((!groups && c != Char.Close) || (negative && !some))
      return this.fail("unknown group: flags are i, m, s and U; no look-around, no back-reference", start);
    this.at++;
    if (groups && !this.push(0, this.flags, start)) return false;
    this.flags = flags;
    return true;
  }

  /** Reads the name of a group and its >. */
  private name(start: i32): bool {
    let length = 0;
    while (isWord(this.peek(length))) length++;
    if (!length || this.peek(length) != Char.Greater)
      return this.fail("the name of a group is letters, digits and _, then >", start);
    // @ts-ignore: built into the compiler
    const name = changetype<string>(__new(length << 1, idof<string>()));
    for (let i = 0; i < length; i++) store<u16>(changetype<usize>(name) + ((<usize>i) << 1), this.peek(i));
    this.at += length + 1;
    const number = ++this.tree.groups;
    const names = this.tree.names;
    while (names.length < number) names.push("");
    names.push(name);
    return true;
  }

  /** Begins a group; number 0 does not capture. */
  private push(number: i32, flags: u32, start: i32): bool {
    const frames = this.frames;
    if (frames.length == MAX_DEPTH * FRAME) return this.fail("groups nest too deeply", start);
    frames.push(this.firstBranch);
    frames.push(this.lastBranch);
    frames.push(this.firstItem);
    frames.push(this.lastItem);
    frames.push(flags | (number << 4));
    frames.push(start);
    this.firstBranch = this.lastBranch = this.firstItem = this.lastItem = 0;
    return true;
  }

  private close(): bool {
    const frames = this.frames;
    const frame = frames.length - FRAME;
    if (frame < 0) return this.fail("unexpected )", this.at - 1);
    let node = this.endGroup();
    this.firstBranch = frames.get(frame);
    this.lastBranch = frames.get(frame + 1);
    this.firstItem = frames.get(frame + 2);
    this.lastItem = frames.get(frame + 3);
    const opened = frames.get(frame + 4);
    this.flags = opened & 15;
    frames.resize(frame);
    const tree = this.tree;
    if (opened >> 4)
      node = tree.add(Kind.Capture, node, opened >> 4, u32(tree.nullable(node)) * Trait.Nullable, tree.weight(node));
    this.append(node);
    return true;
  }

  /** The node of all branches. */
  private endGroup(): i32 {
    this.endBranch();
    return this.listOf(Kind.Alternate, this.firstBranch, this.lastBranch);
  }

  /** Makes what was read since the last | a branch. */
  private endBranch(): void {
    const branch = this.listOf(Kind.Concat, this.firstItem, this.lastItem);
    this.firstItem = this.lastItem = 0;
    this.tree.link(this.lastBranch, branch);
    if (!this.firstBranch) this.firstBranch = branch;
    this.lastBranch = branch;
  }

  /** One node for a list of nodes. */
  private listOf(kind: Kind, first: i32, last: i32): i32 {
    const tree = this.tree;
    if (!first) return tree.add(Kind.Empty, 0, 0, Trait.Nullable, 1);
    if (first == last) return first;
    const all = kind == Kind.Concat;
    let nullable = all;
    let weight: u32 = 1;
    for (let node = first; node; node = tree.next(node)) {
      if (tree.nullable(node) != all) nullable = !all;
      weight = max(weight, tree.weight(node));
    }
    return tree.add(kind, first, last, u32(nullable) * Trait.Nullable, weight);
  }

  private append(node: i32): void {
    this.tree.link(this.lastItem, node);
    if (!this.firstItem) this.firstItem = node;
    this.lastItem = node;
  }

  // --- Repetition.

  /** Reads `n}`, `n,}` or `n,m}`; false and nothing read when it is none of them: then the brace is a literal. */
  private readBounds(): bool {
    const start = this.at;
    this.min = this.readBound();
    if (this.min >= 0) {
      this.max = this.min;
      if (this.peek(0) == Char.Comma) {
        this.at++;
        this.max = this.peek(0) == Char.CloseBrace ? -1 : this.readBound();
        if (this.max == -2) this.at = this.text.length;
      }
      if (this.peek(0) == Char.CloseBrace) {
        this.at++;
        return true;
      }
    }
    this.at = start;
    return false;
  }

  /** A number without leading zeros, at most 1001; -2 for none. */
  private readBound(): i32 {
    const first = this.peek(0);
    if (!isDigit(first) || (first == Char.Zero && isDigit(this.peek(1)))) return -2;
    let value: u32 = 0;
    for (let c = first; isDigit(c); c = this.peek(0)) {
      value = min(value * 10 + (c - Char.Zero), MAX_REPEAT + 1);
      this.at++;
    }
    return value;
  }

  /** Repeats the last item. */
  private repeat(start: i32, counted: bool, repeated: bool): bool {
    const min = this.min;
    const max = this.max;
    if (counted && (min > <i32>MAX_REPEAT || max > <i32>MAX_REPEAT || (max >= 0 && min > max)))
      return this.fail("bounds of a repetition are at most 1000, in order", start);
    let greedy = !(this.flags & Flag.Ungreedy);
    if (this.peek(0) == Char.Question) {
      greedy = !greedy;
      this.at++;
    }
    if (repeated) return this.fail("a repetition of a repetition needs a group", start);
    const item = this.lastItem;
    if (!item) return this.fail("nothing to repeat", start);
    const tree = this.tree;
    let weight = tree.weight(item);
    if (max == 0) weight = 1;
    else if (counted) {
      const times = <u32>(max < 0 ? min : max);
      if (times) weight *= times;
      if (times > 1 && weight > MAX_REPEAT) return this.fail("nested repetitions ask for more than 1000 copies", start);
    }
    const bound = bounds(min, max);
    const kind = tree.kind(item);
    // x** is x*, and nothing is the same however often.
    if (
      kind == Kind.Empty ||
      (kind == Kind.Repeat && tree.b(item) == bound && tree.greedy(item) == greedy && min < 2 && max * max == 1)
    )
      tree.setWeight(item, weight);
    else {
      const nullable = !min || tree.nullable(item);
      tree.wrap(item, Kind.Repeat, bound, (u32(nullable) * Trait.Nullable) | (u32(greedy) * Trait.Greedy), weight);
    }
    return true;
  }

  // --- Items.

  private look(mask: Look): void {
    this.append(this.tree.add(Kind.Look, mask, 0, Trait.Nullable, 1));
  }

  /** Appends what `members` holds and empties it. */
  private set(): void {
    const members = this.members;
    members.clean();
    this.append(this.tree.add(Kind.Set, this.tree.sets.intern(members), 0, 0, 1));
    members.list.resize(0);
  }

  private literal(c: u32): void {
    this.member(c, c);
    this.set();
  }

  private dot(): void {
    if (!(this.flags & Flag.DotNewLine)) {
      this.members.add(0, Char.NewLine - 1);
      this.members.add(Char.NewLine + 1, LAST_CODE_POINT);
    } else this.members.add(0, LAST_CODE_POINT);
    this.set();
  }

  private member(low: u32, high: u32): void {
    const group = this.group;
    group.add(low, high);
    this.addGroup(false);
  }

  /** Adds what `group` holds to the members, folded and negated as it has to be, and empties it. */
  private addGroup(negative: bool): void {
    const group = this.group;
    if (this.flags & Flag.FoldCase) group.fold();
    if (negative) {
      group.clean();
      group.negate();
    }
    this.members.addAll(group);
    group.list.resize(0);
  }

  /** Adds the class whose name is the text at `from`–`to`, each character of it | `bits`; false when there is none. */
  private named(from: i32, to: i32, bits: u32, negative: bool): bool {
    for (let at = 0; at < CLASSES.length; at++) {
      let i = from;
      while (
        i < to &&
        CLASSES.charCodeAt(at) != Char.Colon &&
        (this.text.get(i) | bits) == <u32>CLASSES.charCodeAt(at)
      ) {
        i++;
        at++;
      }
      const found = i == to && CLASSES.charCodeAt(at) == Char.Colon;
      while (CLASSES.charCodeAt(at) != Char.Colon) at++;
      for (at++; CLASSES.charCodeAt(at) != 0xffff; at += 2)
        if (found) this.group.add(CLASSES.charCodeAt(at), CLASSES.charCodeAt(at + 1));
      if (found) {
        this.addGroup(negative);
        return true;
      }
    }
    return false;
  }

  /** What follows a backslash outside of brackets. */
  private escape(): bool {
    const start = this.at;
    const c = this.peek(1);
    this.at += 2;
    if (c == 0x41)
      this.look(Look.TextStart); // A
    else if (c == 0x7a)
      this.look(Look.TextEnd); // z
    else if (c == 0x62)
      this.look(Look.WordBoundary); // b
    else if (c == 0x42)
      this.look(Look.NoWordBoundary); // B
    else if (c == 0x51)
      this.quoted(); // Q
    else {
      this.at = start;
      if (this.perlClass()) this.set();
      else {
        const literal = this.escaped();
        if (literal < 0) return false;
        this.literal(literal);
      }
    }
    return true;
  }

  /** Literals up to \E or the end. */
  private quoted(): void {
    for (let c = this.peek(0); c != Char.End; c = this.peek(0)) {
      this.at++;
      if (c == Char.Backslash && this.peek(0) == 0x45) {
        this.at++;
        break;
      }
      this.literal(c);
    }
  }

  /** Reads \d, \s, \w or one in capitals. */
  private perlClass(): bool {
    if (this.peek(0) != Char.Backslash) return false;
    const c = this.peek(1);
    const lower = c | 0x20;
    if (c > 0x7f || (lower != 0x64 && lower != 0x73 && lower != 0x77)) return false;
    this.at += 2;
    return this.named(this.at - 1, this.at, 0x20, c != lower);
  }

  /** Reads an escape for one character; -1 after an error. */
  private escaped(): i32 {
    const start = this.at++;
    let c = this.peek(0);
    if (c == Char.End) {
      this.fail("a backslash at the end", start);
      return -1;
    }
    this.at++;
    if (c < 0x80 && (!isWord(c) || c == 0x5f)) return c;
    if (c == Char.Zero || (isOctal(c) && isOctal(this.peek(0)))) {
      let value = c - Char.Zero;
      for (let n = 0; n < 2 && isOctal(this.peek(0)); n++) {
        value = (value << 3) | (this.peek(0) - Char.Zero);
        this.at++;
      }
      return value;
    }
    if (c == 0x61) return 7; // a
    if (c == 0x66) return 12; // f
    if (c == 0x6e) return 10; // n
    if (c == 0x72) return 13; // r
    if (c == 0x74) return 9; // t
    if (c == 0x76) return 11; // v
    if (c == 0x78) {
      const value = this.hexadecimal();
      if (value <= LAST_CODE_POINT) return value;
      this.fail("\\x takes two hexadecimal digits, or a code point in braces", start);
    } else if (isDigit(c)) this.fail("back-references are not supported", start);
    else if ((c | 0x20) == 0x70) this.fail("Unicode classes (\\p) are not supported", start);
    else this.fail("unknown escape", start);
    return -1;
  }

  /** What follows \x; 0xffffffff when it is wrong. */
  private hexadecimal(): u32 {
    const braces = this.peek(0) == Char.OpenBrace;
    if (braces) this.at++;
    let value: u32 = 0;
    let digits = 0;
    for (; braces || digits < 2; digits++) {
      const c = this.peek(0);
      this.at++;
      if (braces && c == Char.CloseBrace) break;
      const letter = (c | 0x20) - 0x61;
      if (isDigit(c)) value = (value << 4) | (c - Char.Zero);
      else if (letter < 6 && c < 0x80) value = (value << 4) | (letter + 10);
      else return Char.End;
      if (value > LAST_CODE_POINT) return Char.End;
    }
    return digits ? value : Char.End;
  }

  /** A class in brackets. */
  private bracket(): bool {
    const start = this.at++;
    const negative = this.peek(0) == Char.Caret;
    if (negative) this.at++;
    for (let first = true; first || this.peek(0) != Char.CloseBracket; first = false) {
      if (this.peek(0) == Char.End) return this.fail("missing closing ]", start);
      if (this.peek(0) == Char.OpenBracket && this.peek(1) == Char.Colon) {
        const end = this.endOfName();
        if (end) {
          const inverse = this.peek(2) == Char.Caret;
          const from = this.at + 2 + i32(inverse);
          // Names of one letter are Perl's.
          if (end - from < 2 || !this.named(from, end, 0, inverse)) return this.fail("unknown class", this.at);
          this.at = end + 2;
          continue;
        }
      }
      if (this.perlClass()) continue;
      const place = this.at;
      const low = this.classChar();
      if (low < 0) return false;
      let high = low;
      if (this.peek(0) == Char.Minus && this.peek(1) != Char.CloseBracket && this.peek(1) != Char.End) {
        this.at++;
        high = this.classChar();
        if (high < 0) return false;
        if (high < low) return this.fail("a range that ends before it begins", place);
      }
      this.member(low, high);
    }
    this.at++;
    if (negative) {
      this.members.clean();
      this.members.negate();
    }
    this.set();
    return true;
  }

  private classChar(): i32 {
    const c = this.peek(0);
    if (c == Char.Backslash) return this.escaped();
    this.at++;
    return c;
  }

  /** Where the name that begins with [: ends, at its :]; 0 when it does not. */
  private endOfName(): i32 {
    const text = this.text;
    if (!this.noNames) {
      for (let i = this.at + 3; i < text.length; i++)
        if (text.get(i) == Char.CloseBracket && text.get(i - 1) == Char.Colon) return i - 1;
      this.noNames = true;
    }
    return 0;
  }
}

/** ASCII letter, digit or _. */
export function isWord(c: u32): bool {
  return ((c | 0x20) - 0x61 < 26 && c < 0x80) || isDigit(c) || c == 0x5f;
}

function isDigit(c: u32): bool {
  return c - Char.Zero < 10;
}

function isOctal(c: u32): bool {
  return c - Char.Zero < 8;
}

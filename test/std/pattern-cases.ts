/* Patterns and texts for the tests of sdk/std/pattern. Everything follows from a seed and the number of the case. */

import { Random } from "../fuzz/inputs.js";

export interface Case {
  readonly pattern: Buffer;
  readonly template: Buffer;
  readonly texts: readonly Buffer[];
}

/** A piece of a pattern, and texts that it is likely to match. */
interface Piece {
  readonly source: string;
  readonly sample: (random: Random) => string;
}

interface Flags {
  i: boolean;
  m: boolean;
  s: boolean;
}

const LETTERS = [
  "a",
  "a",
  "a",
  "b",
  "b",
  "c",
  "A",
  "B",
  "x",
  "k",
  "s",
  "K",
  "z",
  "0",
  "1",
  "9",
  "_",
  "-",
  "/",
  " ",
  "\n",
];
/** Code points of two to four bytes; some fold to ASCII, some to each other, some in threes. */
const OTHERS = ["é", "É", "ß", "ẞ", "ſ", "\u212a", "σ", "ς", "Σ", "µ", "μ", "я", "Я", "日", "\ufffd", "\u{1f600}"];
const MORE = [
  "\u{10428}",
  "\u{10400}",
  "\u0080",
  "\u07ff",
  "\u0800",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
  "\0",
  "\x7f",
];
const SPECIAL = ["\\", ".", "+", "*", "?", "(", ")", "[", "]", "{", "}", "|", "^", "$"];
const PERL: readonly (readonly [string, string])[] = [
  ["\\d", "0159"],
  ["\\D", "ab-é\n"],
  ["\\s", " \n\t"],
  ["\\S", "ab0é"],
  ["\\w", "aZ_0k"],
  ["\\W", " -\né"],
];
const POSIX: readonly (readonly [string, string])[] = [
  ["alnum", "aZ0"],
  ["alpha", "abZ"],
  ["ascii", "a \x7f"],
  ["blank", " \t"],
  ["cntrl", "\n\x01"],
  ["digit", "09"],
  ["graph", "a!~"],
  ["lower", "abk"],
  ["print", " a~"],
  ["punct", "-/_["],
  ["space", " \n\v"],
  ["upper", "ABK"],
  ["word", "a_0"],
  ["xdigit", "aF9"],
];
const TEMPLATES = [
  ...["", "-", "<$0>", "$1", "${1}x", "$1x", "$$", "$", "$$1", "${n}", "$n", "$n1-$2", "${1", "${", "${}", "$01", "$9"],
  ...[
    "${0}${0}",
    "[$1|$2|$3]",
    "${12345678901}",
    "$-",
    "→$1→",
    "$_x",
    "${n}${m}",
    "a$",
    "$ 1",
    "${1}}",
    "${n-}",
    "$10",
  ],
];

export class Cases {
  private readonly random = new Random();
  private flags: Flags = { i: false, m: false, s: false };
  private depth = 0;
  private rich = false;

  constructor(private readonly seed: number) {}

  /** Case `index`, with `texts` texts. */
  at(index: number, texts: number): Case {
    const random = this.random;
    random.seed(this.seed, index);
    this.flags = { i: false, m: false, s: false };
    this.depth = 1 + random.below(4);
    this.rich = random.below(3) === 0;
    const piece = this.chance(12) ? this.prefixed() : this.alternation();
    let source = piece.source;
    if (this.chance(8)) source = this.spoiled(source);
    let pattern: Buffer = Buffer.from(source);
    if (this.chance(200)) pattern = this.withBadBytes(pattern);
    const inputs = Array.from({ length: texts }, () => this.text(piece));
    return { pattern, template: Buffer.from(random.pick(TEMPLATES)), texts: inputs };
  }

  private chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  // --- Patterns.

  private letter(): string {
    if (this.rich && this.random.below(3) === 0) return this.random.pick(this.chance(4) ? MORE : OTHERS);
    return this.random.pick(LETTERS);
  }

  private alternation(): Piece {
    const before = { ...this.flags };
    const branches = [this.concatenation()];
    while (branches.length < 4 && this.chance(4)) branches.push(this.concatenation());
    this.flags = before;
    return {
      source: branches.map((branch) => branch.source).join("|"),
      sample: (r) => r.pick(branches).sample(r),
    };
  }

  private concatenation(): Piece {
    const length = this.chance(14) ? 0 : 1 + this.random.below(4);
    return join(Array.from({ length }, () => this.item()));
  }

  /** Begins with a literal of some length, as patterns for paths and headers do. */
  private prefixed(): Piece {
    const literal = this.random.pick(["Bearer ", "/api/v", "abab", "aab", "a.b.c", "日本", "aaaaaaaab"]);
    const anchor = this.chance(3) ? "^" : "";
    return join([
      { source: anchor, sample: () => "" },
      { source: literal.replaceAll(".", "\\."), sample: () => literal },
      this.concatenation(),
    ]);
  }

  private item(): Piece {
    const atom = this.atom();
    return atom.source && this.random.below(5) < 2 ? this.repeated(atom) : atom;
  }

  private repeated(atom: Piece): Piece {
    const { random } = this;
    const lazy = this.chance(3) ? "?" : "";
    let min = 0;
    let max = 3;
    let source = random.pick(["*", "+", "?", "*", "+", "?", "{}"]);
    if (source === "+") min = 1;
    if (source === "?") max = 1;
    if (source === "{}") {
      min = random.below(this.chance(10) ? 12 : 3);
      max = min + random.below(4);
      source = random.pick([`{${min}}`, `{${min},}`, `{${min},${max}}`]);
      if (source === `{${min}}`) max = min;
      if (this.chance(60))
        source = random.pick(["{1000}", "{0,1000}", "{1001}", "{2,1}", "{0}", "{0,0}", "{999,}", "{500}"]);
    }
    return {
      source: atom.source + source + lazy,
      sample: (r) => {
        let text = "";
        for (let n = min + r.below(max - min + 1); n > 0; n--) text += atom.sample(r);
        return text;
      },
    };
  }

  private atom(): Piece {
    const kind = this.random.below(64);
    if (kind < 28) return this.literal();
    if (kind < 37) return this.bracket();
    if (kind < 42) return { source: ".", sample: (r) => r.pick(["a", "b", "é", "/", "日", "\n"]) };
    if (kind < 46) {
      const [source, members] = this.random.pick(PERL);
      return { source, sample: (r) => r.pick([...members]) };
    }
    if (kind < 51) return this.anchor();
    if (kind < 53) return this.flagsOnly();
    if (kind < 54) return this.quoted();
    return this.depth > 0 ? this.group() : this.literal();
  }

  private literal(): Piece {
    const folds = this.flags.i;
    if (this.chance(12)) {
      const c = this.random.pick(SPECIAL);
      return { source: `\\${c}`, sample: () => c };
    }
    const c = this.letter();
    return { source: this.written(c), sample: (r) => (folds ? caseOf(r, c) : c) };
  }

  /** A character that is no operator, as itself or by an escape. */
  private written(c: string): string {
    const code = c.codePointAt(0)!;
    if (!this.chance(10)) return c;
    const hex = code.toString(16);
    const ways = [`\\x{${hex}}`, `\\x{000${hex.toUpperCase()}}`];
    if (code < 256) ways.push(`\\x${hex.padStart(2, "0")}`);
    if (code < 512) ways.push(`\\0${(code & 63).toString(8).padStart(2, "0")}`);
    if (code >= 64 && code < 512) ways.push(`\\${code.toString(8).padStart(3, "0")}`);
    if (code < 128 && !/[0-9A-Za-z]/.test(c)) ways.push(`\\${c}`);
    if (c === "\n") ways.push("\\n");
    ways.push(this.random.pick(["\\a", "\\f", "\\t", "\\r", "\\v", "\\n"]));
    return this.random.pick(ways);
  }

  private bracket(): Piece {
    const { random } = this;
    const folds = this.flags.i;
    const negative = this.chance(4);
    const members: string[] = [];
    let source = "";
    if (this.chance(16)) source += random.pick(["]", "-", "]-a", "^"]);
    for (let n = (source ? 0 : 1) + random.below(4); n > 0; n--) {
      switch (random.below(8)) {
        case 0: {
          const [perl, some] = random.pick(PERL);
          source += perl;
          members.push(...some);
          break;
        }
        case 1: {
          const [name, some] = random.pick(POSIX);
          const inverse = this.chance(4);
          source += `[:${inverse ? "^" : ""}${name}:]`;
          members.push(...(inverse ? "é-" : some));
          break;
        }
        case 2:
        case 3:
        case 4: {
          const ends = [this.letter(), this.letter()].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
          source += `${this.member(ends[0]!)}-${this.member(ends[1]!)}`;
          members.push(...ends);
          break;
        }
        default: {
          const c = this.letter();
          source += this.member(c);
          members.push(c);
        }
      }
    }
    if (this.chance(16)) source += "-";
    const sample = (r: Random): string => {
      if (negative || !members.length) return r.pick(["a", "b", "z", "é", "日", "\n", "-"]);
      const c = r.pick(members);
      return folds ? caseOf(r, c) : c;
    };
    return { source: `[${negative ? "^" : ""}${source}]`, sample };
  }

  private member(c: string): string {
    return "-]\\^[".includes(c) ? `\\${c}` : this.written(c);
  }

  private anchor(): Piece {
    const source = this.random.pick(["^", "$", "\\A", "\\z", "\\b", "\\B", "^", "$", "\\b"]);
    const { m } = this.flags;
    return { source, sample: (r) => (m && r.below(2) ? "\n" : "") };
  }

  private flagsOnly(): Piece {
    const text = this.flagText();
    return { source: `(?${text})`, sample: () => "" };
  }

  /** Some flags, which hold from now on. */
  private flagText(): string {
    const { random } = this;
    let on = "";
    let off = "";
    for (const flag of ["i", "m", "s", "U"] as const) {
      const roll = random.below(6);
      if (roll === 0) on += flag;
      if (roll === 1) off += flag;
      if (flag !== "U" && roll < 2) this.flags[flag] = roll === 0;
    }
    if (!on && !off) {
      on = "i";
      this.flags.i = true;
    }
    return on + (off ? `-${off}` : "");
  }

  private quoted(): Piece {
    const text = Array.from({ length: this.random.below(4) }, () =>
      this.random.pick([...SPECIAL, ...LETTERS].filter((c) => c !== "\\")),
    ).join("");
    return { source: `\\Q${text}\\E`, sample: () => text };
  }

  private group(): Piece {
    const { random } = this;
    this.depth--;
    const before = { ...this.flags };
    let open = "(";
    const kind = random.below(8);
    if (kind === 0) open = `(?P<${random.pick(["n", "m", "n1", "_x", "K"])}>`;
    if (kind === 1) open = `(?<${random.pick(["n", "m", "n1", "a9"])}>`;
    if (kind === 2 || kind === 3) open = "(?:";
    if (kind === 4) open = `(?${this.flagText()}:`;
    const inner = this.alternation();
    this.flags = before;
    this.depth++;
    return { source: `${open}${inner.source})`, sample: inner.sample };
  }

  /** What is likely to be refused. */
  private spoiled(source: string): string {
    const { random } = this;
    const chars = [...source];
    const pieces = [
      ...SPECIAL,
      ...[
        "**",
        "(?",
        "(?P<",
        "(?<n",
        "(?i",
        "(?-",
        "(?-i)",
        "(?)",
        "(?i-)",
        "(?--i:a)",
        "\\1",
        "\\8",
        "\\01",
        "\\Q",
        "\\E",
      ],
      ...[
        "{",
        "{1",
        "{1,",
        "{,1}",
        "{2}",
        "{1}{2}",
        "{01}",
        "{1,0}",
        "[:",
        ":]",
        "[[:x:]]",
        "[[:alpha:]]",
        "[a",
        "[]",
        "[^",
      ],
      ...[
        "\\x",
        "\\x1",
        "\\x{",
        "\\x{}",
        "\\x{110000}",
        "\\xg0",
        "\\C",
        "\\Z",
        "\\h",
        "\\_",
        "\\é",
        "\\p{L}",
        "\\pN",
        "\\PZ",
      ],
      ...[
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?>a)",
        "(?#a)",
        "(?P=n)",
        "(?P>n)",
        "(?'n'a)",
        "\\k<n>",
        "\\G",
        "\\K",
      ],
      ...[
        "a-\\d",
        "z-a",
        "\\d-z",
        "[z-a]",
        "[a-\\d]",
        "[\\d-a]",
        "[\\b]",
        "[\\A]",
        "[\\Q]",
        "(?i)",
        "||",
        "()",
        "a*?+",
      ],
      ...[
        "\\",
        "x{1000}",
        "(x{50}){21}",
        "(x{50}){20}",
        "((x{10}){10}){10}",
        "((x{10}){10}){11}",
        "(?:){1000}{2}",
        "\0",
      ],
    ];
    for (let n = 1 + random.below(2); n; n--) {
      const at = random.below(chars.length + 1);
      const gone = random.below(3);
      if (random.below(3)) chars.splice(at, gone ? 0 : 1, random.pick(pieces));
      else chars.splice(at, 1 + gone);
    }
    return chars.join("");
  }

  // --- Texts.

  private text(piece: Piece): Buffer {
    const { random } = this;
    const one = (): string => (random.below(6) ? piece.sample(random) : this.noise());
    let text = one();
    switch (random.below(6)) {
      case 0:
        text = this.noise() + text;
        break;
      case 1:
        text += this.noise();
        break;
      case 2:
        text = `${this.noise()}${text}${random.pick(["", " ", "\n", "a"])}${one()}${this.noise()}`;
        break;
      case 3: {
        const chars = [...text];
        chars.splice(random.below(chars.length + 1), random.below(2), this.letter());
        text = chars.join("");
      }
    }
    if (text.length > 4000) text = text.slice(0, 4000);
    const bytes = Buffer.from(text);
    return this.chance(8) ? this.withBadBytes(bytes) : bytes;
  }

  private noise(): string {
    return Array.from({ length: this.random.below(6) }, () => this.letter()).join("");
  }

  private withBadBytes(bytes: Buffer): Buffer {
    const { random } = this;
    const bad = [
      [0x80],
      [0xff],
      [0xc3],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0x98],
      [0xc0, 0x80],
      [0xf4, 0x90],
    ];
    const at = random.below(bytes.length + 1);
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(random.pick([...bad, [0xe0, 0x80], [0xf8], [0xe2, 0x82, 0x61], [0xf5, 0x80, 0x80, 0x80]])),
      bytes.subarray(at + random.below(2)),
    ]);
  }
}

function join(pieces: readonly Piece[]): Piece {
  return {
    source: pieces.map((piece) => piece.source).join(""),
    sample: (random) => pieces.map((piece) => piece.sample(random)).join(""),
  };
}

/** A character that is the same but for case. */
function caseOf(random: Random, c: string): string {
  const same: Record<string, string> = { k: "\u212a", K: "\u212a", s: "ſ", S: "ſ", σ: "ς", Σ: "ς", µ: "μ", ß: "ẞ" };
  const ways = [c, c.toLowerCase(), c.toUpperCase(), same[c] ?? c].filter((one) => [...one].length === 1);
  return random.pick(ways);
}

/** Every pattern that is made of at most `atoms` of the atoms and `operators` of the operators, as RE2's exhaustive tests
 * do it: an operator takes what it needs from a stack, `%s` for each. */
export function* everyPattern(
  atoms: number,
  operators: number,
  alphabet: readonly string[],
  forms: readonly string[],
): Generator<string> {
  function* grow(stack: readonly string[], atomsLeft: number, operatorsLeft: number): Generator<string> {
    if (stack.length === 1) yield stack[0]!;
    if (stack.length > operatorsLeft + 1) return;
    if (atomsLeft) for (const atom of alphabet) yield* grow([...stack, atom], atomsLeft - 1, operatorsLeft);
    if (!operatorsLeft) return;
    for (const form of forms) {
      const needs = form.split("%s").length - 1;
      if (needs > stack.length) continue;
      let i = stack.length - needs;
      yield* grow([...stack.slice(0, i), form.replaceAll("%s", () => stack[i++]!)], atomsLeft, operatorsLeft - 1);
    }
  }
  yield* grow([], atoms, operators);
}

/** Every text of at most `length` of the characters. */
export function everyText(length: number, characters: readonly string[]): string[] {
  const all = [""];
  for (let from = 0, n = 0; n < length; n++) {
    const until = all.length;
    for (; from < until; from++) for (const c of characters) all.push(all[from]! + c);
  }
  return all;
}

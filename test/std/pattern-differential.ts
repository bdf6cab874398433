/* Compares sdk/std/pattern with Go's regexp, and its machines with each other. */

import { inspect } from "node:util";
import { stdProgram, type StdProgram } from "./program.js";
import type { Case } from "./pattern-cases.js";
import { readFound, Reader, type Found, type GoRegexp } from "./pattern-oracle.js";

export interface Agreement {
  /** Patterns that both take, that both refuse, and that only Go takes, by our reason. */
  taken: number;
  refused: number;
  readonly exceptions: Map<string, number>;
  /** Pairs of a pattern and a text, and how many of them match. */
  pairs: number;
  matching: number;
}

/** Reasons for which we refuse what Go takes. */
const EXCEPTIONS = [
  "Unicode classes (\\p) are not supported",
  "the program has more instructions than are allowed",
  "groups nest too deeply",
  "too many groups for the size of the program",
  "too many different classes of characters",
  "the pattern is longer than is allowed",
];

export class Differential {
  readonly seen: Agreement = { taken: 0, refused: 0, exceptions: new Map(), pairs: 0, matching: 0 };

  private constructor(
    private readonly oracle: GoRegexp,
    private readonly program: StdProgram,
  ) {}

  static async of(oracle: GoRegexp): Promise<Differential> {
    return new Differential(oracle, await stdProgram("pattern"));
  }

  /** Throws at the first disagreement. */
  compare(cases: readonly Case[]): void {
    const answers = this.oracle.answers(cases);
    cases.forEach((one, i) => this.compareCase(one, answers[i]!));
  }

  private compareCase({ pattern, template, texts }: Case, answers: readonly Found[] | null): void {
    const { program, seen } = this;
    const shown = inspect(pattern.toString());
    if (!program.number("compileMachines", pattern)) {
      if (answers) {
        const reason = program.text("error").replace(/^\d+: /, "");
        if (!EXCEPTIONS.includes(reason)) throw new Error(`only Go takes ${shown}; here: ${reason}`);
        seen.exceptions.set(reason, (seen.exceptions.get(reason) ?? 0) + 1);
      } else seen.refused++;
      return;
    }
    if (!answers) throw new Error(`Go refuses ${shown}`);
    seen.taken++;
    program.number("setReplacement", template);
    texts.forEach((text, i) => {
      const expected = answers[i]!;
      const found = readFound(new Reader(program.bytes("run", text)));
      const replaced = program.bytes("replace", text, 0x7fffffff, 1 << 24);
      seen.pairs++;
      if (expected.matches) seen.matching++;
      const ours = JSON.stringify({ ...found, replaced: replaced.toString("latin1") });
      const theirs = JSON.stringify({ ...expected, replaced: expected.replaced.toString("latin1") });
      const where = (): string =>
        `${shown} on ${inspect(text.toString("latin1"))} (latin1), template ${inspect(template.toString())}`;
      if (ours !== theirs) throw new Error(`${where()}:\n  here ${ours}\n  Go   ${theirs}`);
      const machine = program.number("machines", text);
      if (machine) throw new Error(`${where()}: the machines disagree at ${machine}`);
    });
  }
}

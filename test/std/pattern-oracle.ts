/* Go's regexp as the oracle of sdk/std/pattern: oracles/pattern says what it finds. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Case } from "./pattern-cases.js";

/** What is found in one text. Places are pairs of begin and end. */
export interface Found {
  readonly matches: boolean;
  readonly whole: boolean;
  readonly places: readonly number[];
  readonly all: readonly number[];
  readonly replaced: Buffer;
}

export class GoRegexp implements Disposable {
  private readonly folder = mkdtempSync(join(tmpdir(), "meshwasm-pattern-"));
  private readonly program = join(this.folder, "pattern");

  constructor() {
    const sources = fileURLToPath(new URL("oracles/pattern", import.meta.url));
    const { status, stderr } = spawnSync("go", ["build", "-o", this.program, "."], { cwd: sources, encoding: "utf8" });
    if (status !== 0) throw new Error(`the oracle does not build: ${stderr}`);
  }

  static isThere(): boolean {
    return spawnSync("go", ["version"]).status === 0;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }

  print(what: "folds" | "orbits"): string {
    return this.run([what], Buffer.alloc(0)).toString();
  }

  run(args: readonly string[], input: Buffer): Buffer {
    const { status, stdout, stderr } = spawnSync(this.program, args, { input, maxBuffer: 1 << 30 });
    if (status !== 0) throw new Error(`the oracle failed: ${stderr}`);
    return stdout;
  }

  /** What is found in each text of each case; null for a pattern that is refused. */
  answers(cases: readonly Case[]): (readonly Found[] | null)[] {
    const parts: Buffer[] = [];
    const add = (bytes: Buffer): void => void parts.push(number(bytes.length), bytes);
    for (const { pattern, template, texts } of cases) {
      add(pattern);
      add(template);
      parts.push(number(texts.length));
      texts.forEach(add);
    }
    const reader = new Reader(this.run([], Buffer.concat(parts)));
    return cases.map(({ texts }) =>
      reader.byte() ? texts.map(() => ({ ...readFound(reader), replaced: reader.bytes(reader.number()) })) : null,
    );
  }
}

export class Reader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  byte(): number {
    return this.buffer[this.at++]!;
  }
  number(): number {
    this.at += 4;
    return this.buffer.readInt32LE(this.at - 4);
  }
  numbers(): number[] {
    return Array.from({ length: this.number() }, () => this.number());
  }
  bytes(length: number): Buffer {
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }
}

/** As oracle and driver write it. */
export function readFound(reader: Reader): Omit<Found, "replaced"> {
  const matches = reader.number() === 1;
  const whole = reader.number() === 1;
  return { matches, whole, places: reader.numbers(), all: reader.numbers() };
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

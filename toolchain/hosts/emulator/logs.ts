import type { LogLevel, LogLine } from "../types.js";

export const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "critical"];
const WARN = 3;
const ERROR = 4;

interface Entry extends LogLine {
  readonly rank: number;
  /** Said by the host about the filter, not by the filter. */
  readonly host: boolean;
}

/** What the filter said, and what the host says of its traps, oldest first. */
export class Logs {
  readonly #entries: Entry[] = [];
  /** Envoy's number of the smallest level that is kept. */
  readonly level: number;

  constructor(least: LogLevel) {
    this.level = LEVELS.indexOf(least);
  }

  /** `message` is latin1, one char per byte; bytes that are not UTF-8 become U+FFFD. */
  add(rank: number, message: string, host = false): void {
    const level = LEVELS[rank];
    if (level === undefined || rank < this.level) return;
    this.#entries.push({ level, rank, host, message: Buffer.from(message, "latin1").toString("utf8") });
  }

  lines(): readonly LogLine[] {
    return this.#entries.map(({ level, message }) => ({ level, message }));
  }

  /** A point in the log that `reason` can start from. */
  mark(): number {
    return this.#entries.length;
  }

  /** Why the filter refused something: its errors, else its warnings, else what the host said. */
  reason(mark: number): string | null {
    const since = this.#entries.slice(mark);
    const picks: ((e: Entry) => boolean)[] = [
      (e) => !e.host && e.rank >= ERROR,
      (e) => !e.host && e.rank === WARN,
      (e) => e.host,
    ];
    for (const pick of picks) {
      const said = new Set(since.filter(pick).map((e) => e.message.replace(/\s+/g, " ").trim()));
      if (said.size > 0) return [...said].join("; ");
    }
    return null;
  }
}

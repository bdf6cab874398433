import type { Traps } from "../traps.js";
import type { LogLevel, LogLine } from "../types.js";
import type { Budget } from "./budget.js";

export const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "critical"];
const WARN = 3;
const ERROR = 4;

interface Entry extends LogLine {
  readonly rank: number;
  /** Name of the plugin that said it, or that it is about. */
  readonly plugin: string;
  /** Said by the host about the filter, not by the filter. */
  readonly host: boolean;
}

/** What the filters said, and what the host says of their traps, oldest first. */
export class Logs {
  readonly #entries: Entry[] = [];
  /** Envoy's number of the smallest level that is kept. */
  readonly level: number;

  constructor(
    least: LogLevel,
    private readonly budget: Budget,
    /** Source lines for what the host says of traps. */
    private readonly traps: Traps,
  ) {
    this.level = LEVELS.indexOf(least);
  }

  add(rank: number, message: string, plugin: string, host = false): void {
    const level = LEVELS[rank];
    if (level === undefined || rank < this.level) return;
    this.budget.charge(message.length + 64);
    this.#entries.push({ level, rank, plugin, host, message });
  }

  /** What a plugin said. */
  lines(plugin: string): readonly LogLine[] {
    return this.#entries
      .filter((e) => e.plugin === plugin && !e.host)
      .map(({ level, message }) => ({ level, message }));
  }

  /** A point in the log that `reason` and `since` can start from. */
  mark(): number {
    return this.#entries.length;
  }

  /** What a plugin said, and what was said of it, after the mark; traps with the lines of the source. */
  since(mark: number, plugin: string): LogLine[] {
    return this.#entries
      .slice(mark)
      .filter((e) => e.plugin === plugin)
      .map(({ level, message, host }) => ({ level, message: host ? this.traps.explain(message) : message }));
  }

  /** Why a plugin refused something: its errors, else its warnings, else what the host said. */
  reason(mark: number, plugin: string): string | null {
    const since = this.#entries.slice(mark).filter((e) => e.plugin === plugin);
    const picks: ((e: Entry) => boolean)[] = [
      (e) => !e.host && e.rank >= ERROR,
      (e) => !e.host && e.rank === WARN,
      (e) => e.host,
    ];
    for (const pick of picks) {
      const text = (e: Entry): string => (e.host ? this.traps.summarise(e.message) : e.message);
      const said = new Set(since.filter(pick).map((e) => text(e).replace(/\s+/g, " ").trim()));
      if (said.size > 0) return [...said].join("; ");
    }
    return null;
  }
}

import type { LogLevel } from "../types.js";
import { Traps } from "../traps.js";
import { oneLine } from "./errors.js";

/** One entry of Envoy's log. */
export interface EnvoyLogLine {
  readonly level: LogLevel;
  /** Envoy's logger: "main", "wasm", "config", …; "stdio" for output that came past the logger. */
  readonly component: string;
  readonly message: string;
  /** Envoy's thread that wrote it; 0 when it is not known. */
  readonly thread: number;
}

/** One JSON object per entry, so that a message with newlines or quotes stays one entry. */
export const LOG_FORMAT = '{"l":"%l","c":"%n","t":%t,"m":"%j"}';

export const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "critical"];

export function atLeast(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}

export function parseLogLine(line: string): EnvoyLogLine {
  try {
    const { l, c, m, t } = JSON.parse(line) as { l: unknown; c: unknown; m: unknown; t: unknown };
    if (typeof l === "string" && typeof c === "string" && typeof m === "string") {
      const level = l === "warning" ? "warn" : (l as LogLevel);
      if (LOG_LEVELS.includes(level)) return { level, component: c, message: m, thread: typeof t === "number" ? t : 0 };
    }
  } catch {
    // Not from the logger.
  }
  return { level: "info", component: "stdio", message: line, thread: 0 };
}

/** Who a filter is in the log. */
export interface PluginIdentity {
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  /** Path of its module, for the source line of a trap. */
  readonly module?: string;
}

/**
 * The message of a line that the filter itself wrote, or null. Envoy writes `wasm log[ name][ root_id][ vm_id]: msg`
 * in streams and the same without the name in root contexts; empty parts are left out.
 */
export function filterMessage(line: EnvoyLogLine, plugin: PluginIdentity): string | null {
  if (line.component !== "wasm") return null;
  const root = [plugin.rootId, plugin.vmId].filter((part) => part !== "");
  for (const parts of [[plugin.name, ...root], root]) {
    const prefix = `${["wasm log", ...parts.filter((part) => part !== "")].join(" ")}: `;
    if (line.message.startsWith(prefix)) return line.message.slice(prefix.length);
  }
  return null;
}

/** Lines that only repeat that something failed. */
const GENERIC =
  /^(Plugin .* failed to load|Plugin configured to fail closed failed to load|Failed to (configure|start) base Wasm( plugin)?)$/;

/**
 * Why one of the filters was refused: what it said itself, else what Envoy's Wasm host said, else Envoy's last word.
 * null when the log says nothing of use.
 */
export function failureReason(lines: readonly EnvoyLogLine[], ...plugins: readonly PluginIdentity[]): string | null {
  const messageOf = (line: EnvoyLogLine): string | null =>
    plugins.reduce<string | null>((found, plugin) => found ?? filterMessage(line, plugin), null);
  const own = lines.flatMap((line) => {
    const message = messageOf(line);
    return message === null ? [] : [{ level: line.level, message }];
  });
  for (const pick of [["error", "critical"], ["warn"]]) {
    const said = own.filter((line) => pick.includes(line.level)).map((line) => oneLine(line.message));
    if (said.length > 0) return [...new Set(said)].join("; ");
  }
  const traps = new Traps(plugins.flatMap(({ module }) => (module === undefined ? [] : [module])));
  const host = lines.filter(
    (line) => line.component === "wasm" && atLeast(line.level, "warn") && messageOf(line) === null,
  );
  const useful = host
    .map((line) => oneLine(traps.summarise(line.message.replace(/^Wasm VM failed /, ""))))
    .filter((text) => !GENERIC.test(text));
  if (useful.length > 0) return [...new Set(useful)].join("; ");
  const last = lines
    .filter((line) => atLeast(line.level, "warn") && line.component !== "wasm")
    .map((line) => {
      const text = line.message.replace(/^error (?:initializing|adding) configuration '[^']*': /, "");
      return oneLine(text.replace(/: \{\\?".*$/s, ""), 300);
    });
  const word = last
    .filter((text) => !/^(Filesystem config update rejected: )?Unable to create Wasm plugin /.test(text))
    .at(-1);
  return word ?? null;
}

/* The table of docs/properties.md, as Envoy has shown it. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ATTRIBUTES, getterOf } from "../../../toolchain/build/attributes.js";
import { PHASES, type Readings } from "./exchange.js";

export const GUIDE = fileURLToPath(new URL("../../../docs/properties.md", import.meta.url));
const BEGIN = "<!-- measured: begin -->\n";
const END = "<!-- measured: end -->\n";

const TYPES: Readonly<Record<string, string>> = {
  string: "string",
  int: "i64",
  uint: "u64",
  bool: "bool",
  timestamp: "i64, ns",
  duration: "i64, ns",
  map: "Pairs",
  message: "bytes",
  bytes: "bytes",
};

/** A row for each attribute; "yes" where its getter gives a value. */
export function table(readings: Readings): string {
  const rows = ATTRIBUTES.map((attribute) => {
    const cells = PHASES.map((phase) => (readings.get(attribute.name)!.get(phase)!.value === null ? "" : "yes"));
    return [`\`${attribute.name}\``, `\`${getterOf(attribute)}()\``, TYPES[attribute.type]!, ...cells, attribute.what];
  });
  const head = ["attribute", "getter", "type", ...PHASES, ""];
  const widths = head.map((cell, i) => Math.max(cell.length, 3, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |\n`;
  return line(head) + line(widths.map((width) => "-".repeat(width))) + rows.map(line).join("");
}

/** The guide, and the table that stands in it. */
export function guide(): { readonly before: string; readonly table: string; readonly after: string } {
  const text = readFileSync(GUIDE, "utf8");
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  const end = text.indexOf(END);
  return {
    before: text.slice(0, begin),
    table: text.slice(begin, end).trim() + "\n",
    after: text.slice(end),
  };
}

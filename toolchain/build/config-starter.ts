/* A configuration to begin with, as YAML for people and their editors. */

import { stringify } from "yaml";
import type { ConfigSchema, Property } from "./schema.js";

/** YAML with the schema's example, and each other option as a comment. `schemaPath` is where an editor finds the schema. */
export function starterConfig({ root, example }: ConfigSchema, schemaPath: string): string {
  const given = (example ?? {}) as Record<string, unknown>;
  const parts = root.properties.map((property) => starter(property, given));
  return [
    `# yaml-language-server: $schema=${schemaPath}\n`,
    ...(root.description === null ? [] : [`${comment(root.description)}\n`]),
    "\n",
    parts.length ? parts.join("\n") : "{}\n",
  ].join("");
}

function starter(property: Property, given: Readonly<Record<string, unknown>>): string {
  const { name, description, required, default: value } = property;
  const head = description === null ? "" : `${comment(description)}\n`;
  if (Object.hasOwn(given, name)) return head + stringify({ [name]: given[name] }, { lineWidth: 0 });
  if (required) return `${head}${stringify({ [name]: null }).replace(" null", "")}`;
  const shown = value === undefined ? stringify({ [name]: null }).replace(" null", "") : stringify({ [name]: value });
  return head + comment(shown.trimEnd()) + "\n";
}

function comment(text: string): string {
  return text
    .split(/\r\n?|\n/)
    .map((line) => `# ${line}`.trimEnd())
    .join("\n");
}

/* The options of a configuration as a table for people, and the place in a README that holds it. */

import { stringify } from "yaml";
import { memberPath, propertyPath } from "./config-messages.js";
import { BuildError } from "./errors.js";
import type { ConfigSchema, NumberType, ObjectType, Property, SchemaType, StringType } from "./schema.js";

const BEGIN = "<!-- meshwasm:config -->";
const END = "<!-- /meshwasm:config -->";

/** The text with table and example between the markers; as it is when it has none. */
export function withConfigDocs(readme: string, schema: ConfigSchema): string {
  const begin = readme.indexOf(BEGIN);
  if (begin < 0) return readme;
  const end = readme.indexOf(END, begin);
  if (end < 0) throw new BuildError(`README.md has ${BEGIN} and nothing that ends it; write ${END} below it`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${configDocs(schema)}\n${readme.slice(end)}`;
}

/** Markdown: the example of the schema, if it has one, and a row for each option. */
export function configDocs({ root, example }: ConfigSchema): string {
  const rows = rowsOf(root);
  if (!rows.length) return "No configuration.\n";
  const shown = example === undefined ? "" : `\`\`\`yaml\n${stringify(example, { lineWidth: 0 })}\`\`\`\n\n`;
  return shown + table([["option", "type", "without it", "what it is"], ...rows]);
}

type Row = readonly [path: string, type: string, absent: string, description: string];

function rowsOf(root: ObjectType): Row[] {
  const rows: Row[] = [];
  /** What is described already, and where. */
  const described = new Map<ObjectType, string>();
  const object = (type: ObjectType, path: string): void => {
    described.set(type, path);
    for (const property of type.properties) {
      const at = path + propertyPath(property.name);
      const known = reference(property.type, described);
      rows.push([
        `\`${at.replace(/^\$\.?/, "")}\``,
        typeText(property.type) +
          (known === null ? "" : `, as ${known === "$" ? "the whole" : `\`${known.slice(2)}\``}`),
        absent(property),
        property.description ?? ("description" in property.type ? (property.type.description ?? "") : ""),
      ]);
      if (known === null) inside(property.type, at);
    }
  };
  const inside = (type: SchemaType, path: string): void => {
    if (type.kind === "object") object(type, path);
    else if (type.kind === "array") inside(type.items, `${path}[]`);
    else if (type.kind === "map") inside(type.values, `${path}${memberPath("KEY")}`);
    else if (type.kind === "union")
      for (const branch of type.branches) if (reference(branch.type, described) === null) inside(branch.type, path);
  };
  object(root, "$");
  return rows;
}

/** Where an object is described that is part of this type; null for a type that is new. */
function reference(type: SchemaType, described: ReadonlyMap<ObjectType, string>): string | null {
  if (type.kind === "object") return described.get(type) ?? null;
  if (type.kind === "array") return reference(type.items, described);
  if (type.kind === "map") return reference(type.values, described);
  if (type.kind !== "union") return null;
  const objects = type.branches.flatMap(({ type }) => (type.kind === "object" ? [described.get(type)] : []));
  return objects.length && objects.every((path) => path !== undefined) ? objects[0]! : null;
}

function absent({ required, default: value, type }: Property): string {
  if (required) return "refused";
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  if (type.kind === "array") return "none";
  return type.kind === "object" ? "its defaults" : "";
}

function typeText(type: SchemaType): string {
  switch (type.kind) {
    case "string":
      return stringText(type);
    case "enum":
      return type.values.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
    case "integer":
    case "number":
      return type.values ? type.values.map((value) => `\`${value}\``).join(", ") : type.kind + range(type);
    case "boolean":
      return type.const === null ? "boolean" : `\`${type.const}\``;
    case "array":
      return `list${counts(type.minItems, type.maxItems)} of ${typeText(type.items)}`;
    case "map":
      return `map${counts(type.minProperties, type.maxProperties)} of ${typeText(type.values)}`;
    case "object":
      return "object";
    case "union":
      return [...new Set(type.branches.map((branch) => typeText(branch.type)))].join(" or ");
  }
}

function stringText(type: StringType): string {
  if (type.const !== null) return `\`${JSON.stringify(type.const)}\``;
  return (type.format ?? "string") + counts(type.minLength, type.maxLength);
}

function range(type: NumberType): string {
  const low =
    type.minimum !== null
      ? `from ${type.minimum}`
      : type.exclusiveMinimum !== null
        ? `above ${type.exclusiveMinimum}`
        : "";
  const high =
    type.maximum !== null
      ? `to ${type.maximum}`
      : type.exclusiveMaximum !== null
        ? `below ${type.exclusiveMaximum}`
        : "";
  const both = [low, high].filter(Boolean).join(" ");
  return both && ` ${both}`;
}

function counts(low: number | null, high: number | null): string {
  if (low === null && high === null) return "";
  return ` (${low === high ? low : high === null ? `${low} or more` : low ? `${low} to ${high}` : `up to ${high}`})`;
}

/** As Prettier writes it. */
function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim()));
  const widths = cells[0]!.map((_, i) => Math.max(3, ...cells.map((row) => [...row[i]!].length)));
  const line = (row: readonly string[], fill = " "): string =>
    `| ${row.map((cell, i) => cell + fill.repeat(widths[i]! - [...cell].length)).join(" | ")} |\n`;
  const [head, ...rest] = cells;
  return (
    line(head!) +
    line(
      head!.map(() => ""),
      "-",
    ) +
    rest.map((row) => line(row)).join("")
  );
}

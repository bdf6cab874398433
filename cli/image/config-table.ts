/* The options of a configuration, read from its schema for a table. The schema may be anybody's. */

export interface ConfigRow {
  /** As in `rules[].name`. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  /** JSON, null when there is none. */
  readonly default: string | null;
  readonly description: string;
}

type Json = Record<string, unknown>;
const MAX_ROWS = 500;
const MAX_DEPTH = 12;

/** The rows of a schema text; empty when it is none. */
export function configTable(schema: string): ConfigRow[] {
  let root: unknown;
  try {
    root = JSON.parse(schema);
  } catch {
    return [];
  }
  const rows: ConfigRow[] = [];
  if (isJson(root)) walk(root, root, "", 0, rows);
  return rows;
}

function walk(root: Json, node: Json, path: string, depth: number, rows: ConfigRow[]): void {
  const schema = resolve(root, node);
  if (depth > MAX_DEPTH) return;
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]) : [];
  for (const [name, value] of Object.entries(isJson(schema["properties"]) ? schema["properties"] : {})) {
    if (rows.length >= MAX_ROWS || !isJson(value)) continue;
    const property = resolve(root, value);
    const at = path === "" ? name : `${path}.${name}`;
    rows.push({
      path: at,
      type: typeOf(root, property),
      required: required.includes(name),
      default: property["default"] === undefined ? null : JSON.stringify(property["default"]),
      description:
        typeof value["description"] === "string" ? value["description"] : String(property["description"] ?? ""),
    });
    inside(root, property, at, depth, rows);
  }
}

function inside(root: Json, property: Json, at: string, depth: number, rows: ConfigRow[]): void {
  if (isJson(property["properties"])) walk(root, property, at, depth + 1, rows);
  if (isJson(property["items"])) {
    const items = resolve(root, property["items"]);
    if (isJson(items["properties"])) walk(root, items, `${at}[]`, depth + 1, rows);
  }
  if (isJson(property["additionalProperties"]))
    walk(root, property["additionalProperties"], `${at}.*`, depth + 1, rows);
}

function typeOf(root: Json, property: Json): string {
  if (Array.isArray(property["enum"])) return property["enum"].map((value) => JSON.stringify(value)).join(" | ");
  if (property["const"] !== undefined) return JSON.stringify(property["const"]);
  for (const key of ["oneOf", "anyOf"]) {
    const list = property[key];
    if (Array.isArray(list)) {
      const types = list
        .slice(0, 20)
        .map((item) => (isJson(item) ? String(resolve(root, item)["type"] ?? "any") : "any"));
      return [...new Set(types)].join(" | ");
    }
  }
  if (property["type"] === "array") {
    return isJson(property["items"]) ? `${String(resolve(root, property["items"])["type"] ?? "any")}[]` : "array";
  }
  return Array.isArray(property["type"]) ? property["type"].join(" | ") : String(property["type"] ?? "any");
}

/** Follows references within the schema, a bounded number of them. */
function resolve(root: Json, node: Json): Json {
  let at: Json = node;
  for (let hops = 0; typeof at["$ref"] === "string" && hops < 16; hops++) {
    const pointer = at["$ref"];
    if (!pointer.startsWith("#/")) return at;
    let target: unknown = root;
    for (const part of pointer.slice(2).split("/")) {
      const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
      target = isJson(target) && Object.hasOwn(target, key) ? target[key] : null;
    }
    if (!isJson(target)) return at;
    at = target;
  }
  return at;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

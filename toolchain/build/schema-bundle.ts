/* A schema with all that it refers to: what is published, and what an editor can read alone. */

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { packageRoot } from "./package-root.js";

type Json = Record<string, unknown>;

/** The file that a reference names: `meshwasm/…` is the package's, as in imports; all else lies relative to the schema. */
export function schemaFile(name: string, from: string): string {
  return name.startsWith("meshwasm/") ? join(packageRoot, name.slice(9)) : resolve(dirname(from), name);
}

/** What a JSON Pointer in a fragment leads to, or undefined. */
export function atPointer(json: Json, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((value, token) => {
      const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
      return typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Json)[key]
        : undefined;
    }, json);
}

/** Absolute paths of the other schema files that a schema refers to, directly or not. It was read before, so they are there. */
export function schemaFiles(file: string): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    for (const ref of references(parse(path))) {
      const name = ref.slice(0, ref.indexOf("#"));
      const other = schemaFile(name, path);
      if (!name || found.has(other) || other === resolve(file)) continue;
      found.add(other);
      visit(other);
    }
  };
  visit(resolve(file));
  return [...found];
}

/** The schema's text; definitions of other files stand among its own. As it is when there are none. */
export function bundledSchema(file: string): string {
  const root = resolve(file);
  if (!schemaFiles(root).length) return readFileSync(root, "utf8");
  const json = parse(root);
  const defs = { ...(json["$defs"] as Json | undefined) };
  const names = new Map<string, string>();
  const bundled = rewritten(json, root) as Json;
  return `${JSON.stringify({ ...bundled, $defs: { ...(bundled["$defs"] as Json | undefined), ...only(defs) } }, null, 2)}\n`;

  /** Definitions that came from elsewhere. */
  function only(all: Json): Json {
    return Object.fromEntries([...names.values()].map((name) => [name, all[name]]));
  }

  function rewritten(value: unknown, path: string): unknown {
    if (Array.isArray(value)) return value.map((item) => rewritten(item, path));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === "$ref" && typeof inner === "string" ? reference(inner, path) : rewritten(inner, path),
      ]),
    );
  }

  function reference(ref: string, path: string): string {
    const hash = ref.indexOf("#");
    const target = hash > 0 ? schemaFile(ref.slice(0, hash), path) : path;
    const pointer = ref.slice(hash);
    if (target === root) return pointer;
    const id = target + pointer;
    let name = names.get(id);
    if (name === undefined) {
      const own = pointer.split("/").at(-1)!;
      name = own;
      for (let n = 2; Object.hasOwn(defs, name); n++) name = `${own}${n}`;
      names.set(id, name);
      // First the name: a definition may refer to itself.
      defs[name] = null;
      defs[name] = rewritten(atPointer(parse(target), pointer), target);
    }
    return `#/$defs/${name}`;
  }
}

function references(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner] : references(inner),
  );
}

function parse(file: string): Json {
  return JSON.parse(readFileSync(file, "utf8")) as Json;
}

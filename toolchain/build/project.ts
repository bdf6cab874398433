import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseDocument } from "yaml";
import { BuildError } from "./errors.js";

export const PHASES = ["AUTHN", "AUTHZ", "STATS"] as const;
export const FAIL_STRATEGIES = ["FAIL_RELOAD", "FAIL_CLOSED", "FAIL_OPEN"] as const;

/** Size above which a module is refused when filter.yaml names none. */
const DEFAULT_MAX_MODULE_BYTES = 1024 * 1024;

/** What Envoy loads the filter into: the HTTP connection manager, or the filter chain of a listener. */
export type FilterType = "http" | "tcp";

/** A filter project: what filter.yaml and package.json say. */
export interface Project {
  /** Absolute path of the folder. */
  readonly dir: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string | null;
  readonly source: string | null;
  readonly homepage: string | null;
  readonly keywords: readonly string[];
  readonly authors: readonly { readonly name: string; readonly email: string | null }[];
  /** More annotations of the image. */
  readonly annotations: Readonly<Record<string, string>>;
  /** How meshes use the filter, as filter.yaml says it; the manifests' own code checks it. */
  readonly mesh: Readonly<Record<string, unknown>> | null;
  readonly type: FilterType;
  readonly maxModuleBytes: number;
  readonly phase: (typeof PHASES)[number] | null;
  readonly priority: number | null;
  readonly failStrategy: (typeof FAIL_STRATEGIES)[number];
  readonly schemaFile: string | null;
  readonly readmeFile: string | null;
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const KEYS = [
  "name",
  "description",
  "type",
  "maxModuleBytes",
  "phase",
  "priority",
  "failStrategy",
  "annotations",
  "mesh",
];

/** Reads a filter project; says what is missing when the folder is none. */
export function readProject(dir: string): Project {
  const root = resolve(dir);
  const file = join(root, "filter.yaml");
  const shown = relative(process.cwd(), root) || ".";
  if (!existsSync(root) || !statSync(root).isDirectory()) {
    throw new BuildError(
      `${shown} is not a folder; give a filter project's folder, or make one with: meshwasm init ${shown}`,
    );
  }
  for (const needed of ["filter.yaml", "assembly/index.ts"]) {
    if (!existsSync(join(root, needed))) {
      throw new BuildError(
        `${shown} is not a filter project: ${needed} is missing; go to the project's folder, or make one with: meshwasm init`,
      );
    }
  }
  const document = parseDocument(readFileSync(file, "utf8"), { uniqueKeys: true });
  const problem = document.errors[0];
  if (problem) throw new BuildError(`${join(shown, "filter.yaml")}: ${problem.message.split("\n")[0]}`);
  const bad = (reason: string) => new BuildError(`${join(shown, "filter.yaml")}: ${reason}`);
  let yaml: unknown;
  try {
    yaml = document.toJS();
  } catch (error) {
    // Aliases without an anchor, or too many of them.
    throw bad((error as Error).message.split("\n")[0]!);
  }
  if (typeof yaml !== "object" || yaml === null || Array.isArray(yaml))
    throw bad("must be a mapping with at least: name");
  const values = yaml as Record<string, unknown>;
  for (const key of Object.keys(values)) {
    if (!KEYS.includes(key)) throw bad(`unknown key "${key}"; known are: ${KEYS.join(", ")}`);
  }
  const oneOf = <T extends string>(key: string, allowed: readonly T[], fallback: T | null): T | null => {
    const value = values[key] ?? fallback;
    if (value !== null && !allowed.includes(value as T)) throw bad(`${key} must be one of ${allowed.join(", ")}`);
    return value as T | null;
  };
  if (typeof values["name"] !== "string" || !NAME.test(values["name"])) {
    throw bad("name must be 1 to 63 lower-case letters, digits and inner hyphens");
  }
  const description = values["description"] ?? "";
  if (typeof description !== "string") throw bad("description must be a string");
  const maxModuleBytes = values["maxModuleBytes"] ?? DEFAULT_MAX_MODULE_BYTES;
  if (!Number.isSafeInteger(maxModuleBytes) || (maxModuleBytes as number) < 1) {
    throw bad("maxModuleBytes must be a whole number of bytes above 0");
  }
  const priority = values["priority"] ?? null;
  if (priority !== null && !Number.isInteger(priority)) throw bad("priority must be a whole number");
  const npm = readPackage(root, shown);
  const optional = (name: string) => (existsSync(join(root, name)) ? join(root, name) : null);
  return {
    dir: root,
    name: values["name"],
    version: typeof npm["version"] === "string" ? npm["version"] : "0.0.0",
    description,
    license: typeof npm["license"] === "string" ? npm["license"] : null,
    source: sourceOf(npm["repository"]),
    homepage: typeof npm["homepage"] === "string" ? npm["homepage"] : null,
    keywords: Array.isArray(npm["keywords"]) ? npm["keywords"].filter((word) => typeof word === "string") : [],
    authors: authorsOf(npm),
    annotations: readAnnotations(values["annotations"], bad),
    mesh: readMapping(values["mesh"], "mesh", bad),
    type: oneOf("type", ["http", "tcp"] as const, "http")!,
    maxModuleBytes: maxModuleBytes as number,
    phase: oneOf("phase", PHASES, null),
    priority: priority as number | null,
    failStrategy: oneOf("failStrategy", FAIL_STRATEGIES, values["phase"] === "STATS" ? "FAIL_OPEN" : "FAIL_RELOAD")!,
    schemaFile: optional("config.schema.json"),
    readmeFile: optional("README.md"),
  };
}

/** package.json of the project, else of the package that it lies in: a library filter has none of its own. */
function readPackage(root: string, shown: string): Record<string, unknown> {
  for (let dir = root; ; dir = join(dir, "..")) {
    const file = join(dir, "package.json");
    if (existsSync(file)) {
      const bad = (reason: string) => new BuildError(`${join(shown, relative(root, file))} ${reason}`);
      let json: unknown;
      try {
        json = JSON.parse(readFileSync(file, "utf8"));
      } catch {
        throw bad("is not valid JSON");
      }
      if (typeof json !== "object" || json === null) throw bad("must be a JSON object");
      return json as Record<string, unknown>;
    }
    if (join(dir, "..") === dir) return {};
  }
}

function sourceOf(repository: unknown): string | null {
  const url = typeof repository === "string" ? repository : (repository as { url?: unknown } | undefined)?.url;
  return typeof url === "string" ? url.replace(/^git\+/, "").replace(/\.git$/, "") : null;
}

/** npm's `author`, `maintainers` and `contributors`, as objects or as "Name <mail>". */
function authorsOf(npm: Record<string, unknown>): { name: string; email: string | null }[] {
  const lists = [npm["author"], npm["maintainers"], npm["contributors"]];
  return lists
    .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : [list]))
    .flatMap((person) => {
      if (typeof person === "string") {
        const [, name, email] = /^([^<(]*)(?:<([^>]*)>)?/.exec(person)!;
        return name!.trim() ? [{ name: name!.trim(), email: email ?? null }] : [];
      }
      const { name, email } = (person ?? {}) as { name?: unknown; email?: unknown };
      return typeof name === "string" ? [{ name, email: typeof email === "string" ? email : null }] : [];
    });
}

type Bad = (reason: string) => BuildError;

function readMapping(value: unknown, key: string, bad: Bad): Record<string, unknown> | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object" || Array.isArray(value)) throw bad(`${key} must be a mapping`);
  return value as Record<string, unknown>;
}

function readAnnotations(value: unknown, bad: Bad): Record<string, string> {
  const annotations = readMapping(value, "annotations", bad) ?? {};
  for (const [key, text] of Object.entries(annotations)) {
    if (typeof text !== "string") throw bad(`annotations: the value of ${key} must be a string; put it in quotes`);
  }
  return annotations as Record<string, string>;
}

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Component } from "../../toolchain/oci/sign/index.js";

/** The npm packages whose sources the last build of the project in `dir` compiled, sorted; meshwasm and AssemblyScript among them. */
export function compiledPackages(dir: string): Component[] {
  let inputs: string[];
  try {
    inputs = JSON.parse(readFileSync(join(dir, "build/inputs.json"), "utf8")) as string[];
  } catch {
    return [];
  }
  const found = new Map<string, Component>();
  for (const input of inputs) {
    const component = owner(resolve(dir, input), resolve(dir));
    if (component) found.set(`${component.name}@${component.version}`, component);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The package that a source outside the project belongs to. */
function owner(file: string, project: string): Component | null {
  if (file.startsWith(join(project, "assembly") + "/")) return null;
  for (let dir = join(file, ".."); dir !== join(dir, ".."); dir = join(dir, "..")) {
    if (dir === project) return null;
    const manifest = join(dir, "package.json");
    if (!existsSync(manifest)) continue;
    const { name, version, license } = JSON.parse(readFileSync(manifest, "utf8")) as Record<string, unknown>;
    if (typeof name !== "string" || typeof version !== "string") continue;
    return { name, version, ...(typeof license === "string" ? { license } : {}) };
  }
  return null;
}

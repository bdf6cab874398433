import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the installed `meshwasm` package: the nearest one above this file that holds its package.json. */
export const packageRoot = findRoot();

function findRoot(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    if (existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "meshwasm")
      return dir;
    if (dirname(dir) === dir) throw new Error("meshwasm's own package.json is not above its code");
  }
}

/** Version of the installed `meshwasm` package. */
export const packageVersion = (
  JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }
).version;

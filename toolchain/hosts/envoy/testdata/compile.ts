import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const read = (name: string): string => readFileSync(new URL(`./${name}.as`, import.meta.url), "utf8");

/** Compiles one of the test filters (AssemblyScript; not named .ts, so that tsc leaves it alone) and gives the module's path. */
export async function compileTestFilter(
  directory = mkdtempSync(join(tmpdir(), "meshwasm-test-")),
  name: "filter" | "calls" | "tcp" | "view" = "filter",
): Promise<string> {
  const source = read("host") + read(name);
  const module = join(directory, `${name}.wasm`);
  const { error, stderr } = await asc.main(
    ["filter.ts", "-O", "--exportStart", "_initialize", "--use", "abort=", "--runtime", "stub", "-o", "out.wasm"],
    {
      readFile: (file) => (file === "filter.ts" ? source : null),
      writeFile: (_file, contents) => writeFileSync(module, contents),
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return module;
}

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";

/** Compiles the test filter (AssemblyScript; not named .ts, so that tsc leaves it alone) and gives the module's path. */
export async function compileTestFilter(directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"))): Promise<string> {
  const source = readFileSync(new URL("./filter.as", import.meta.url), "utf8");
  const module = join(directory, "filter.wasm");
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

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";

/** Compiles AssemblyScript source as the toolchain does, and gives the module's path. */
export async function compile(source: string, ...flags: string[]): Promise<string> {
  const module = join(mkdtempSync(join(tmpdir(), "meshwasm-test-")), "filter.wasm");
  const { error, stderr } = await asc.main(
    ["filter.ts", "-O", "--debug", "--use", "abort=", "--runtime", "stub", "-o", "out.wasm", ...flags],
    {
      readFile: (file) => (file === "filter.ts" ? source : null),
      writeFile: (file, contents) => {
        if (file === "out.wasm") writeFileSync(module, contents);
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return module;
}

/** The probe (AssemblyScript; not named .ts, so that tsc leaves it alone). */
export function compileProbe(): Promise<string> {
  return compile(readFileSync(new URL("./probe.as", import.meta.url), "utf8"), "--exportStart", "_initialize");
}

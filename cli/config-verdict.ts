import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProxy } from "../toolchain/hosts/index.js";
import { CliError } from "./output.js";

/**
 * Asks the module itself whether it takes a configuration, so that the answer is the one that Envoy will get. Runs on the
 * emulator: no Envoy is needed.
 */
export async function checkConfig(module: string | Uint8Array, config: Uint8Array, file: string): Promise<void> {
  const dir = typeof module === "string" ? null : mkdtempSync(join(tmpdir(), "meshwasm-"));
  const path = dir ? join(dir, "filter.wasm") : (module as string);
  try {
    if (dir) writeFileSync(path, module);
    const proxy = await createProxy({ filter: path, config, host: "emulator" });
    await proxy.close();
  } catch (error) {
    throw new CliError(`${file}: ${(error as Error).message}`);
  } finally {
    if (dir) rmSync(dir, { recursive: true, force: true });
  }
}

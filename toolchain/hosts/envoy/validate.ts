import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootstrap, cluster, listener, staticFilter } from "./bootstrap.js";
import type { JsonObject, PluginOptions, Protocol } from "./bootstrap.js";
import { EnvoyError } from "./errors.js";
import { failureReason, parseLogLine, type EnvoyLogLine } from "./log.js";
import { envoyArguments, workDirectory } from "./process.js";
import { runTool } from "./run-tool.js";

/** A TCP proxy must name a cluster that exists. */
const VALIDATED = "validated";

/**
 * `envoy --mode validate`: loads, links and starts the module and hands it its configuration, without a listener.
 * Gives Envoy's log, or rejects with the filter's reason.
 */
export async function validateFilter(
  envoy: string,
  plugin: PluginOptions,
  clusters: readonly JsonObject[] = [],
  protocol: Protocol = "http",
): Promise<EnvoyLogLine[]> {
  const directory = workDirectory();
  try {
    const config = join(directory, "bootstrap.json");
    const filters = [staticFilter(plugin, protocol)];
    const listeners = [listener({ filters, protocol, cluster: protocol === "tcp" ? VALIDATED : null })];
    const all = protocol === "tcp" ? [...clusters, cluster({ name: VALIDATED, host: null, port: 0 })] : clusters;
    writeFileSync(config, JSON.stringify(bootstrap({ listeners, clusters: all })));
    // In this mode Envoy takes no heed of --component-log-level.
    const args = [...envoyArguments(config, "info", "info"), "--mode", "validate"];
    const result = await runTool(envoy, args, process.env, 60_000);
    const lines = result.stderr.split("\n").filter(Boolean).map(parseLogLine);
    if (result.code === 0) return lines;
    const identity = { name: plugin.name, rootId: plugin.rootId ?? "", vmId: plugin.vmId ?? "" };
    throw new EnvoyError(
      failureReason(lines, identity) ??
        `Envoy ended (${result.code ?? "crashed"}) without a reason while it loaded the module; run \`meshwasm check\` on it.`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

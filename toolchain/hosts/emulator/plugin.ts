import { createHash } from "node:crypto";
import { configBytes } from "../config.js";
import type { FailurePolicy, LoadedPlugin } from "../types.js";
import type { Code } from "./code.js";

/** What a host knows of a plugin in one configuration. */
export interface Plugin {
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  /** latin1. */
  readonly config: string;
  readonly allowOnHeadersStopIteration: boolean;
  readonly failurePolicy: FailurePolicy;
  /** Plugins with the same key in one VM share the root context. */
  readonly key: string;
  readonly vm: VmSettings;
}

/** What makes a VM: plugins for which all of it is equal share one on each thread. */
export interface VmSettings {
  readonly key: string;
  readonly vmId: string;
  readonly code: Code;
  /** VmConfig.configuration, latin1. */
  readonly config: string;
  /** `NAME=value`, each ended by NUL, latin1. */
  readonly environment: readonly string[];
  /** null: everything is allowed. */
  readonly capabilities: ReadonlySet<string> | null;
}

function latin1(config: unknown): string {
  return Buffer.from(configBytes(config) ?? new Uint8Array()).toString("latin1");
}

function digest(...parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part, "latin1");
  return hash.digest("hex");
}

export function pluginOf(options: LoadedPlugin, code: Code): Plugin {
  const { name, rootId = "", vmId = "", env = {}, capabilities = [] } = options;
  const environment = Object.entries(env).map(([k, v]) => Buffer.from(`${k}=${v}\0`).toString("latin1"));
  const vmConfig = latin1(options.vmConfig);
  const config = latin1(options.config);
  const allowed = [...capabilities].sort();
  return {
    name,
    rootId,
    vmId,
    config,
    allowOnHeadersStopIteration: options.allowOnHeadersStopIteration ?? false,
    failurePolicy: options.failurePolicy ?? "FAIL_RELOAD",
    key: digest(rootId, config, name),
    vm: {
      key: digest(vmId, vmConfig, code.digest, environment.join(""), allowed.join("\0")),
      vmId,
      code,
      config: vmConfig,
      environment,
      capabilities: allowed.length === 0 ? null : new Set(allowed),
    },
  };
}

/** The same plugin with another configuration. */
export function reconfigured(plugin: Plugin, config: unknown): Plugin {
  const text = latin1(config);
  return { ...plugin, config: text, key: digest(plugin.rootId, text, plugin.name) };
}

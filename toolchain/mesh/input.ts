import { isDigest, type Reference } from "../oci/index.js";
import { MeshError } from "./errors.js";
import type { MeshSettings } from "./settings.js";

export const TARGETS = [
  "istio",
  "envoy",
  "istio-trafficextension",
  "envoyfilter",
  "envoy-gateway",
  "kuma",
  "consul",
  "higress",
] as const;
export type Target = (typeof TARGETS)[number];
export type Phase = "AUTHN" | "AUTHZ" | "STATS";
export type FailStrategy = "FAIL_CLOSE" | "FAIL_OPEN" | "FAIL_RELOAD";

export interface MeshInput {
  readonly target: Target;
  readonly reference: Reference;
  /** Digest of the image manifest: what Istio pins. */
  readonly digest: string;
  /** Digest of the raw module layer: what plain Envoy pins. */
  readonly moduleDigest?: string;
  readonly name: string;
  /** Default "http". */
  readonly type?: "http" | "tcp";
  /** The plugin configuration as JSON. */
  readonly config?: unknown;
  /** Environment variables that the configuration names where its schema says secret-env. */
  readonly secretEnv?: readonly string[];
  /** Default: the name. */
  readonly rootId?: string;
  readonly phase?: Phase;
  readonly priority?: number;
  /** Default FAIL_RELOAD. */
  readonly failStrategy?: FailStrategy;
  /** Kubernetes namespace; without one the object goes where it is applied. */
  readonly namespace?: string;
  /** Host functions and callbacks that the module may use, all others being denied; empty means no restriction. */
  readonly capabilities?: readonly string[];
  /** The module holds headers until it has read the body. */
  readonly allowStopIteration?: boolean;
  /** Where it runs and with what. */
  readonly settings?: MeshSettings;
  /** Version of what reads the manifest: of Istio or Envoy Gateway, else of the Envoy. Default: the newest known. */
  readonly targetVersion?: string;
  /** A file on the proxy's disk in place of the registry; plain Envoy only. */
  readonly localFile?: string;
  /** The registry is reached without TLS; always so on loopback. */
  readonly plainHttp?: boolean;
}

const PHASES: readonly string[] = ["AUTHN", "AUTHZ", "STATS"] satisfies Phase[];
const STRATEGIES: readonly string[] = ["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"] satisfies FailStrategy[];

/** Throws MeshError for a value that would make a manifest that the control plane refuses. */
export function checkInput(input: MeshInput): void {
  const { digest, phase, failStrategy, priority, target, targetVersion } = input;
  if (!(TARGETS as readonly string[]).includes(target)) {
    throw new MeshError(`the target "${String(target)}" is not known; use one of ${TARGETS.join(", ")}`);
  }
  if (targetVersion !== undefined) parseVersion(targetVersion);
  // Both control planes' pins are SHA-256 only.
  if (!isDigest(digest) || !digest.startsWith("sha256:")) {
    throw new MeshError(
      `"${digest}" cannot be pinned; give the manifest's sha256 digest, as \`meshwasm publish\` prints it`,
    );
  }
  if (phase !== undefined && !PHASES.includes(phase)) {
    throw new MeshError(`the phase "${phase}" is not known; use ${PHASES.join(", ")} or none`);
  }
  if (failStrategy !== undefined && !STRATEGIES.includes(failStrategy)) {
    throw new MeshError(`the fail strategy "${failStrategy}" is not known; use one of ${STRATEGIES.join(", ")}`);
  }
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) < 2 ** 31)) {
    throw new MeshError(`the priority ${priority} is not a 32-bit integer; use a small whole number`);
  }
}

/** The configuration as plain JSON values, so that YAML never sees a Date, Map or undefined. */
export function jsonConfig(config: unknown): unknown {
  const text = JSON.stringify(config);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

/** Text for one YAML comment line. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}

/** Major and minor number of `1.40` or `v1.40.0`. */
export function parseVersion(text: string): readonly [number, number] {
  const match = /^v?(\d{1,4})\.(\d{1,4})(\.\d{1,4})?(-[\w.-]+)?$/.exec(text);
  if (!match) throw new MeshError(`"${text}" is not a version; write it like 1.40 or 1.40.0`);
  return [Number(match[1]), Number(match[2])];
}

/** Is the version given and below `major.minor`? */
export function isBelow(version: string | undefined, major: number, minor: number): boolean {
  if (version === undefined) return false;
  const [a, b] = parseVersion(version);
  return a < major || (a === major && b < minor);
}

import { formatReference } from "../oci/index.js";
import { MeshError } from "./errors.js";
import { failureLines } from "./failure.js";
import { notCarried, refuseHold } from "./filter.js";
import { impliedBy } from "./implied.js";
import { isBelow, jsonConfig, type FailStrategy, type MeshInput } from "./input.js";
import { istioUpstreams, metadata, withoutGroup } from "./kubernetes.js";
import { istioStatsLines } from "./metric-labels.js";
import { dnsLabel } from "./names.js";
import { document, documents } from "./yaml.js";

/** An Istio WasmPlugin. Both the URL and `sha256` carry the digest of the image manifest, never of the file. */
export function istioManifest(input: MeshInput): string {
  const { url, sha256, ...rest } = image(input, "Istio's WasmPlugin");
  const { where, order, match } = placement(input);
  return objects(input, "WasmPlugin", { ...where, url, sha256, ...order, ...rest, ...match });
}

/** The kind that takes WasmPlugin's place from Istio 1.30 on. */
export function trafficExtensionManifest(input: MeshInput): string {
  if (isBelow(input.targetVersion, 1, 30)) {
    throw new MeshError(
      `Istio ${input.targetVersion} has no TrafficExtension, which came with 1.30; use the target istio`,
    );
  }
  const wasm = image(input, "Istio's TrafficExtension");
  const { where, order, match } = placement(input);
  return objects(input, "TrafficExtension", { ...where, ...order, ...match, wasm });
}

/** Where and when it runs: fields that both kinds have. */
export function placement(input: MeshInput) {
  const { selector, targetRefs, match } = input.settings ?? {};
  return {
    where: {
      ...(selector ? { selector: { matchLabels: selector } } : {}),
      ...(targetRefs ? { targetRefs: withoutGroup(targetRefs) } : {}),
    },
    order: {
      ...(input.phase === undefined ? {} : { phase: input.phase }),
      ...(input.priority === undefined ? {} : { priority: input.priority }),
    },
    match: match
      ? {
          match: match.map(({ mode, ports }) => ({
            ...(mode ? { mode } : {}),
            ...(ports ? { ports: ports.map((number) => ({ number })) } : {}),
          })),
        }
      : {},
  };
}

/** What to fetch and how to run it: fields that both kinds have. */
export function image(input: MeshInput, target: string) {
  refuseHold(input, target);
  const version = input.target === "istio" ? input.targetVersion : undefined;
  if (input.type === "tcp" && isBelow(version, 1, 20))
    throw new MeshError(`Istio ${version} runs HTTP filters only; TCP filters came with 1.20`);
  if (input.settings?.targetRefs && isBelow(version, 1, 22))
    throw new MeshError(`Istio ${version} has no targetRefs, which came with 1.22; use --selector`);
  const config = jsonConfig(input.config);
  if (config !== undefined && (config === null || typeof config !== "object" || Array.isArray(config))) {
    throw new MeshError("Istio's pluginConfig must be a JSON object; give the configuration as one");
  }
  const { host, repository } = input.reference;
  const { env = {}, pullSecret } = input.settings ?? {};
  const variables = [
    ...Object.entries(env).map(([name, value]) => ({ name, valueFrom: "INLINE", value })),
    ...impliedBy(input).hostEnv.map((name) => ({ name, valueFrom: "HOST" })),
  ];
  return {
    url: `oci://${host}/${repository}@${input.digest}`,
    sha256: input.digest.slice("sha256:".length),
    ...(input.type === "tcp" ? { type: "NETWORK" } : {}),
    ...(pullSecret ? { imagePullSecret: pullSecret } : {}),
    pluginName: input.rootId ?? dnsLabel(input.name),
    failStrategy: strategyOf(input),
    ...(config === undefined ? {} : { pluginConfig: config }),
    ...(variables.length ? { vmConfig: { env: variables } } : {}),
  };
}

/** WasmPlugin knows FAIL_RELOAD from Istio 1.27 on. */
function strategyOf({ target, targetVersion, failStrategy = "FAIL_RELOAD" }: MeshInput): FailStrategy {
  return failStrategy === "FAIL_RELOAD" && target === "istio" && isBelow(targetVersion, 1, 27)
    ? "FAIL_CLOSE"
    : failStrategy;
}

function objects(input: MeshInput, kind: string, spec: Record<string, unknown>): string {
  const implied = impliedBy(input);
  const { selector, targetRefs } = input.settings ?? {};
  const plugin = document({ apiVersion: "extensions.istio.io/v1alpha1", kind, metadata: metadata(input), spec }, [
    ` published as ${formatReference({ ...input.reference, digest: undefined })}`,
    ...(selector || targetRefs
      ? []
      : [
          " Without a selector it runs in every workload of the namespace (of the mesh, in the root namespace); --selector app=my-app narrows it.",
        ]),
    ...failureLines(input, strategyOf(input)),
    ...notCarried(input, kind, { capabilities: true }),
    ...(implied.hostEnv.length
      ? [` The proxy's container must have the environment variables ${implied.hostEnv.join(", ")}.`]
      : []),
    ...istioStatsLines(input),
    ...implied.existing.map((cluster) => ` The mesh must have the cluster ${cluster}.`),
  ]);
  return documents([plugin, ...istioUpstreams(input, implied).map((object) => document(object))]);
}

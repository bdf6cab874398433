import { MeshError } from "./errors.js";
import type { MeshInput } from "./input.js";
import { meshManifest } from "./manifest.js";
import { dnsLabel, STAGE_LABEL } from "./names.js";
import { rolloutSteps } from "./rollout-steps.js";
import { document } from "./yaml.js";

export interface RolloutInput {
  /** For istio or istio-trafficextension. */
  readonly input: MeshInput;
  /** In order: the first one begins in shadow mode, the last one is everywhere. */
  readonly stages: readonly string[];
  /** By stage: the registry (host, or host/prefix) that it pulls from in place of the image's host. */
  readonly mirrors: Readonly<Record<string, string>>;
  /** The filter knows `mode: shadow`. */
  readonly hasMode: boolean;
}

/** Files of a Kustomize base with one overlay per stage, and the page of steps. Path -> text. */
export function rolloutFiles(rollout: RolloutInput): Map<string, string> {
  const { input, stages, mirrors } = rollout;
  if (input.target !== "istio" && input.target !== "istio-trafficextension") {
    throw new MeshError(`a rollout is written for Istio; use --for istio or istio-trafficextension`);
  }
  if (
    stages.length === 0 ||
    new Set(stages).size !== stages.length ||
    stages.some((stage) => dnsLabel(stage) !== stage)
  ) {
    throw new MeshError("stages are different names of lower-case letters, digits and hyphens, such as canary,prod");
  }
  const unknown = Object.keys(mirrors).find((stage) => !stages.includes(stage));
  if (unknown !== undefined)
    throw new MeshError(`the mirror is for "${unknown}", which is no stage; stages are ${stages.join(", ")}`);
  if (input.settings?.targetRefs)
    throw new MeshError("a rollout tells workloads apart by labels; leave targetRefs out");
  const kustomization = { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" };
  const files = new Map<string, string>();
  files.set("base/filter.yaml", meshManifest(input));
  files.set("base/kustomization.yaml", document({ ...kustomization, resources: ["filter.yaml"] }));
  stages.forEach((stage, i) => {
    const folder = `overlays/${stage}`;
    const patches = overlayPatches(rollout, stage, i);
    const kind = input.target === "istio" ? "WasmPlugin" : "TrafficExtension";
    files.set(
      `${folder}/kustomization.yaml`,
      document(
        {
          ...kustomization,
          resources: ["../../base"],
          // Stages stand beside one another in one namespace.
          nameSuffix: `-${stage}`,
          patches: [{ target: { kind }, patch: document(patches) }],
        },
        [
          ` Stage ${i + 1} of ${stages.length}: ${stage}.`,
          rollout.hasMode
            ? " Mode: replace the value of mode by enforce when the step says so, by off in an emergency."
            : " The filter has no mode: it enforces at once; an emergency is ended by deleting the overlay.",
        ],
      ),
    );
  });
  files.set("ROLLOUT.md", rolloutSteps(rollout));
  return files;
}

type Patch = { op: "add" | "replace"; path: string; value: unknown };

function overlayPatches({ input, stages, mirrors, hasMode }: RolloutInput, stage: string, i: number): Patch[] {
  const inWasm = input.target === "istio" ? "/spec" : "/spec/wasm";
  const base = input.settings?.selector ?? {};
  const last = i === stages.length - 1 && stages.length > 1;
  const labels = last ? base : { ...base, [STAGE_LABEL]: stage };
  const patches: Patch[] = Object.keys(labels).length
    ? [{ op: "add", path: "/spec/selector", value: { matchLabels: labels } }]
    : [];
  // A workload of an earlier stage would run the filter twice, once with each plugin, so only the mode differs there.
  if (hasMode) {
    const mode = i === 0 ? "shadow" : "enforce";
    const has = typeof input.config === "object" && input.config !== null;
    patches.push(
      has
        ? { op: "add", path: `${inWasm}/pluginConfig/mode`, value: mode }
        : { op: "add", path: `${inWasm}/pluginConfig`, value: { mode } },
    );
  }
  const mirror = mirrors[stage];
  const { repository } = input.reference;
  if (mirror !== undefined) {
    patches.push({
      op: "replace",
      path: `${inWasm}/url`,
      value: `oci://${mirror.replace(/\/+$/, "")}/${repository}@${input.digest}`,
    });
  }
  if (patches.length === 0)
    patches.push({ op: "replace", path: `${inWasm}/sha256`, value: input.digest.slice("sha256:".length) });
  return patches;
}

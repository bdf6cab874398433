/** Manifests that make a mesh run a published filter. */
export { MeshError } from "./errors.js";
export { TARGETS, type FailStrategy, type MeshInput, type Phase, type Target } from "./input.js";
export { kyvernoPolicies } from "./kyverno.js";
export { meshManifest } from "./manifest.js";
export { dnsLabel, STAGE_LABEL, uniqueLabel } from "./names.js";
export { rolloutFiles, type RolloutInput } from "./rollout.js";
export { readSettings, type Match, type MeshSettings, type TargetRef } from "./settings.js";

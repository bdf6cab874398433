/** Manifests that make a mesh run a published filter. */
export { MeshError } from "./errors.js";
export type { FailStrategy, MeshInput, Phase, Target } from "./input.js";
export { meshManifest } from "./manifest.js";
export { dnsLabel } from "./names.js";
export { readSettings, type Match, type MeshSettings, type TargetRef } from "./settings.js";

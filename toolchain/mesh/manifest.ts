import { envoyManifest } from "./envoy.js";
import { MeshError } from "./errors.js";
import { checkInput, type MeshInput } from "./input.js";
import { istioManifest } from "./istio.js";

/** The YAML that makes a control plane run the published filter, pinned by digest. Throws MeshError. */
export function meshManifest(input: MeshInput): string {
  checkInput(input);
  switch (input.target) {
    case "istio":
      return istioManifest(input);
    case "envoy":
      return envoyManifest(input);
    default:
      throw new MeshError(`the target "${String(input.target)}" is not known; use istio or envoy`);
  }
}

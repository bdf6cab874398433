import { MeshError } from "./errors.js";
import { envoyGatewayManifest } from "./envoy-gateway.js";
import { envoyManifest } from "./envoy.js";
import { envoyFilterManifest } from "./envoyfilter.js";
import { checkInput, type MeshInput, type Target } from "./input.js";
import { istioManifest, trafficExtensionManifest } from "./istio.js";
import { consulManifest, higressManifest, kumaManifest } from "./others.js";

const WRITERS: Readonly<Record<Target, (input: MeshInput) => string>> = {
  istio: istioManifest,
  "istio-trafficextension": trafficExtensionManifest,
  envoyfilter: envoyFilterManifest,
  "envoy-gateway": envoyGatewayManifest,
  envoy: envoyManifest,
  kuma: kumaManifest,
  consul: consulManifest,
  higress: higressManifest,
};

/** The YAML that makes a control plane run the published filter, pinned by digest. Throws MeshError. */
export function meshManifest(input: MeshInput): string {
  checkInput(input);
  if (input.localFile !== undefined && input.target !== "envoy") {
    throw new MeshError(`${input.target} fetches published images; publish the filter and give its reference`);
  }
  return WRITERS[input.target](input);
}

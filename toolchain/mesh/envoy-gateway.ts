import { formatReference } from "../oci/index.js";
import { MeshError } from "./errors.js";
import { failureLines } from "./failure.js";
import { notCarried, refuseHold } from "./filter.js";
import { impliedBy } from "./implied.js";
import { jsonConfig, type MeshInput } from "./input.js";
import { metadata, withoutGroup } from "./kubernetes.js";
import { dnsLabel } from "./names.js";
import { document } from "./yaml.js";

/** An EnvoyExtensionPolicy of Envoy Gateway. */
export function envoyGatewayManifest(input: MeshInput): string {
  refuseHold(input, "Envoy Gateway");
  if (input.type === "tcp") throw new MeshError("Envoy Gateway runs HTTP filters only; use the target istio or envoy");
  const { targetRefs, selector, pullSecret, match } = input.settings ?? {};
  if (selector || !targetRefs?.length) {
    throw new MeshError(
      "an EnvoyExtensionPolicy needs what it is attached to; add --target-ref Gateway/name or HTTPRoute/name",
    );
  }
  const { hostEnv, upstreams, existing } = impliedBy(input);
  const config = jsonConfig(input.config);
  const open = input.failStrategy === "FAIL_OPEN";
  const refs = targetRefs.map((ref) => (ref.group ? ref : { ...ref, group: "gateway.networking.k8s.io" }));
  const { host, repository } = input.reference;
  return document(
    {
      apiVersion: "gateway.envoyproxy.io/v1alpha1",
      kind: "EnvoyExtensionPolicy",
      metadata: metadata(input),
      spec: {
        targetRefs: withoutGroup(refs),
        wasm: [
          {
            name: dnsLabel(input.name),
            rootID: input.rootId ?? dnsLabel(input.name),
            code: {
              type: "Image",
              image: {
                url: `${host}/${repository}@${input.digest}`,
                sha256: input.digest.slice("sha256:".length),
                ...(pullSecret ? { pullSecretRef: { name: pullSecret } } : {}),
              },
            },
            ...(config === undefined ? {} : { config }),
            failOpen: open,
            ...(hostEnv.length ? { env: { hostKeys: hostEnv } } : {}),
          },
        ],
      },
    },
    [
      ` published as ${formatReference({ ...input.reference, digest: undefined })}`,
      ...failureLines(input, open ? "FAIL_OPEN" : "FAIL_CLOSE"),
      ...notCarried(input, "EnvoyExtensionPolicy", { capabilities: true, order: true, env: true }),
      ...(match ? [" Not carried: match; what it is attached to says which requests pass."] : []),
      ...clusterLines(upstreams.map((u) => `${u.cluster} (${u.host}:${u.port})`)),
      ...clusterLines(existing),
    ],
  );
}

function clusterLines(clusters: readonly string[]): string[] {
  return clusters.map(
    (cluster) =>
      ` Not carried: the cluster ${cluster}; add it to Envoy with an EnvoyPatchPolicy or a Backend and its route.`,
  );
}

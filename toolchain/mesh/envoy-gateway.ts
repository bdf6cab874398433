import { formatReference } from "../oci/index.js";
import { envoyCluster } from "./cluster.js";
import { MeshError } from "./errors.js";
import { failureLines } from "./failure.js";
import { notCarried, refuseHold } from "./filter.js";
import { impliedBy, type Upstream } from "./implied.js";
import { jsonConfig, type MeshInput } from "./input.js";
import { metadata, withoutGroup } from "./kubernetes.js";
import { statsLines } from "./metric-labels.js";
import { dnsLabel } from "./names.js";
import type { TargetRef } from "./settings.js";
import { document, documents } from "./yaml.js";

const API = "gateway.envoyproxy.io/v1alpha1";

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
  const policy = document(
    {
      apiVersion: API,
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
      ...statsLines(input, "put them into spec.bootstrap (type: Merge) of the Gateway's EnvoyProxy"),
      ...(match ? [" Not carried: match; what it is attached to says which requests pass."] : []),
      ...existing.map((cluster) => ` The proxy must have the cluster ${cluster}; it is not printed here.`),
    ],
  );
  return documents([policy, ...clusterPatches(input, upstreams, refs)]);
}

/**
 * Envoy Gateway makes clusters of routes' backends only; others come by a patch, which is attached to a Gateway (to the
 * GatewayClass where Gateways are merged).
 */
function clusterPatches(input: MeshInput, upstreams: readonly Upstream[], refs: readonly TargetRef[]): string[] {
  if (upstreams.length === 0) return [];
  const gateways = refs.filter(({ kind }) => kind === "Gateway" || kind === "GatewayClass");
  if (gateways.length === 0) {
    throw new MeshError(
      `the configuration calls ${upstreams[0]!.cluster}, and Envoy Gateway adds clusters to a Gateway only; add --target-ref Gateway/name, or --cluster '${upstreams[0]!.cluster}=existing' when it has that cluster`,
    );
  }
  return gateways.map((gateway, index) =>
    document(
      {
        apiVersion: API,
        kind: "EnvoyPatchPolicy",
        metadata: metadata(input, index === 0 ? "clusters" : `clusters-${index}`),
        spec: {
          targetRef: withoutGroup([gateway])[0],
          type: "JSONPatch",
          jsonPatches: upstreams.map(({ cluster, host, port, tls, grpc }) => ({
            type: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            name: cluster,
            operation: { op: "add", path: "", value: envoyCluster(cluster, host, port, tls, grpc) },
          })),
        },
      },
      [" Envoy Gateway takes it with config.envoyGateway.extensionApis.enableEnvoyPatchPolicy: true only."],
    ),
  );
}

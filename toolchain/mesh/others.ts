/* Kuma, Consul, Higress: written to their published structures; not run here. */

import { MeshError } from "./errors.js";
import { envoyCluster } from "./cluster.js";
import { failureLines } from "./failure.js";
import {
  blobUrl,
  moduleDigest,
  notCarried,
  refuseHold,
  registryPlace,
  remoteCode,
  wasmConfig,
  wasmType,
} from "./filter.js";
import { existingLines, impliedBy } from "./implied.js";
import { jsonConfig, type MeshInput } from "./input.js";
import { istioUpstreams, metadata } from "./kubernetes.js";
import { image, placement } from "./istio.js";
import { istioStatsLines, statsLines } from "./metric-labels.js";
import { dnsLabel } from "./names.js";
import { document, documents } from "./yaml.js";

const NOT_RUN = " Written to the published structures; not run by the project.";

/** Kuma's MeshProxyPatch: Envoy itself fetches the blob. */
export function kumaManifest(input: MeshInput): string {
  const place = registryPlace(input);
  const { selector, targetRefs } = input.settings ?? {};
  if (targetRefs) {
    throw new MeshError("a MeshProxyPatch names dataplanes by labels, not by targetRefs; use --selector");
  }
  const { upstreams } = impliedBy(input);
  const clusters = [
    envoyCluster(place.name, place.host, place.port, place.tls),
    ...upstreams.map((u) => envoyCluster(u.cluster, u.host, u.port, u.tls, u.grpc)),
  ];
  const config = { "@type": wasmType(input), config: wasmConfig(input, remoteCode(input, place.name)) };
  const value = document({ name: dnsLabel(input.name), typedConfig: config });
  const kind = input.type === "tcp" ? "networkFilter" : "httpFilter";
  const at = input.type === "tcp" ? "envoy.filters.network.tcp_proxy" : "envoy.filters.http.router";
  return document(
    {
      apiVersion: "kuma.io/v1alpha1",
      kind: "MeshProxyPatch",
      metadata: {
        ...metadata({ ...input, namespace: input.namespace ?? "kuma-system" }),
        labels: { "kuma.io/mesh": "default" },
      },
      spec: {
        targetRef: selector ? { kind: "Dataplane", labels: selector } : { kind: "Mesh" },
        default: {
          appendModifications: [
            ...clusters.map((cluster) => ({ cluster: { operation: "Add", value: document(cluster) } })),
            { [kind]: { operation: "AddBefore", match: { name: at, origin: "inbound" }, value } },
          ],
        },
      },
    },
    [
      NOT_RUN,
      ...failureLines(input),
      ...existingLines(impliedBy(input)),
      ...statsLines(input, "put them into the bootstrap of the proxies"),
      ...notCarried(input, "MeshProxyPatch", { order: true, secret: true, match: true }),
    ],
  );
}

/** Consul's `builtin/wasm`: Envoy fetches the blob through a mesh upstream named as the registry. */
export function consulManifest(input: MeshInput): string {
  refuseHold(input, "Consul");
  if (input.settings?.targetRefs) {
    throw new MeshError("service-defaults are a service's, not a target's; name it by --selector app=SERVICE");
  }
  const place = registryPlace(input);
  const { env = {} } = input.settings ?? {};
  const { hostEnv, upstreams } = impliedBy(input);
  const config = jsonConfig(input.config);
  if (upstreams.length) {
    throw new MeshError(
      `Consul's builtin/wasm adds no clusters, and the configuration calls ${upstreams[0]!.cluster}; make it an upstream of the service and add --cluster ${upstreams[0]!.cluster}=existing`,
    );
  }
  const capabilities = input.capabilities ?? [];
  return document(
    {
      Kind: "service-defaults",
      Name: input.settings?.selector?.["app"] ?? "my-service",
      Protocol: input.type === "tcp" ? "tcp" : "http",
      EnvoyExtensions: [
        {
          Name: "builtin/wasm",
          Required: input.failStrategy !== "FAIL_OPEN",
          Arguments: {
            Protocol: input.type === "tcp" ? "tcp" : "http",
            ListenerType: "inbound",
            PluginConfig: {
              Name: dnsLabel(input.name),
              RootID: input.rootId ?? dnsLabel(input.name),
              ...(config === undefined ? {} : { Configuration: JSON.stringify(config) }),
              VmConfig: {
                VmID: `${dnsLabel(input.name)}-${moduleDigest(input).slice(7, 19)}`,
                Runtime: "v8",
                Code: {
                  Remote: {
                    HttpURI: { Service: { Name: place.name }, URI: blobUrl(input), Timeout: "30s" },
                    SHA256: moduleDigest(input).slice("sha256:".length),
                    RetryPolicy: { NumRetries: 3 },
                  },
                },
                ...(Object.keys(env).length || hostEnv.length
                  ? { EnvironmentVariables: { HostEnvKeys: hostEnv, KeyValues: env } }
                  : {}),
              },
              ...(capabilities.length
                ? {
                    CapabilityRestrictionConfiguration: {
                      AllowedCapabilities: Object.fromEntries(capabilities.map((name) => [name, {}])),
                    },
                  }
                : {}),
            },
          },
        },
      ],
    },
    [
      NOT_RUN,
      ` The registry must be a service of the mesh named ${place.name} at ${place.host}:${place.port}, and an upstream of this one.`,
      ...failureLines(input, "FAIL_CLOSE"),
      ...existingLines(impliedBy(input)),
      ...statsLines(input, "put what stats_config has into config.envoy_stats_config_json of proxy-defaults"),
      ...notCarried(input, "builtin/wasm", { order: true, secret: true, match: true }),
      ...Object.entries(input.settings?.selector ?? {})
        .filter(([key]) => key !== "app")
        .map(([key, value]) => ` Not carried: ${key}=${value}; service-defaults are for the whole service.`),
    ],
  );
}

/** Higress' WasmPlugin: Istio's fields, with the configuration as `defaultConfig`. */
export function higressManifest(input: MeshInput): string {
  if (input.type === "tcp") throw new MeshError("Higress runs HTTP filters only; use the target istio or envoy");
  const { pluginConfig, failStrategy, ...rest } = image(input, "Higress");
  const { order } = placement(input);
  const strategy = failStrategy === "FAIL_OPEN" ? "FAIL_OPEN" : "FAIL_CLOSE";
  const plugin = document(
    {
      apiVersion: "extensions.higress.io/v1alpha1",
      kind: "WasmPlugin",
      metadata: metadata({ ...input, namespace: input.namespace ?? "higress-system" }),
      spec: {
        ...rest,
        failStrategy: strategy,
        ...order,
        ...(pluginConfig === undefined ? {} : { defaultConfig: pluginConfig }),
      },
    },
    [
      NOT_RUN,
      ...failureLines(input, strategy),
      ...istioStatsLines(input),
      ...existingLines(impliedBy(input)),
      ...notCarried(input, "WasmPlugin", { capabilities: true, match: true }),
      ...(input.settings?.selector || input.settings?.targetRefs
        ? [
            " Not carried: selector and targetRefs; Higress runs it in its gateway, for all routes (spec.matchRules narrows it).",
          ]
        : []),
    ],
  );
  return documents([plugin, ...istioUpstreams(input, impliedBy(input)).map((object) => document(object))]);
}

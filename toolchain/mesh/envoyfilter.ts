import { formatReference } from "../oci/index.js";
import { MeshError } from "./errors.js";
import { failureLines } from "./failure.js";
import { wasmConfig, wasmType } from "./filter.js";
import { impliedBy } from "./implied.js";
import type { MeshInput } from "./input.js";
import { istioUpstreams, metadata } from "./kubernetes.js";
import { istioStatsLines } from "./metric-labels.js";
import { dnsLabel } from "./names.js";
import { document, documents } from "./yaml.js";

const RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/**
 * An EnvoyFilter whose filter is discovered (ECDS): istio-agent then fetches the image as it does for a WasmPlugin, and all
 * that Envoy can be told is there: hold mode, capabilities.
 */
export function envoyFilterManifest(input: MeshInput): string {
  if (input.type === "tcp") {
    throw new MeshError(
      "istio-agent's fall-back for a failed fetch is an HTTP filter; use the target istio for a tcp filter",
    );
  }
  const { selector, targetRefs, match, pullSecret } = input.settings ?? {};
  const implied = impliedBy(input);
  const name = metadata(input)["name"] as string;
  const resource = `${dnsLabel(input.namespace ?? "default")}.${name}`;
  const { host, repository } = input.reference;
  const code = {
    remote: {
      http_uri: { uri: `oci://${host}/${repository}@${input.digest}`, cluster: "_", timeout: "30s" },
      sha256: input.digest.slice("sha256:".length),
    },
  };
  const context = contextOf(match?.map((entry) => entry.mode));
  if (match && match.length > 1 && match.some((entry) => entry.ports) && new Set(match.map((m) => m.mode)).size > 1) {
    throw new MeshError(
      "one EnvoyFilter would match the ports of both directions; print one manifest for CLIENT and one for SERVER",
    );
  }
  const ports = [...new Set(match?.flatMap((entry) => entry.ports ?? []) ?? [])];
  const listeners = ports.length ? ports.map((portNumber) => ({ portNumber })) : [{}];
  const insert = listeners.map((listener) => ({
    applyTo: "HTTP_FILTER",
    match: {
      context,
      listener: {
        ...listener,
        filterChain: {
          filter: {
            name: "envoy.filters.network.http_connection_manager",
            subFilter: { name: "envoy.filters.http.router" },
          },
        },
      },
    },
    patch: {
      operation: "INSERT_BEFORE",
      value: {
        name: resource,
        config_discovery: {
          config_source: { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" },
          // Also what the agent puts in its place when the image cannot be fetched.
          type_urls: [wasmType(input), RBAC],
        },
      },
    },
  }));
  const filter = document(
    {
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata: metadata(input),
      spec: {
        ...(selector ? { workloadSelector: { labels: selector } } : {}),
        ...(targetRefs
          ? { targetRefs: targetRefs.map(({ group, kind, name: to }) => ({ group, kind, name: to })) }
          : {}),
        // Istio applies the lower number first, and what is put before the router last runs last.
        ...(input.priority === undefined ? {} : { priority: 0 - input.priority }),
        configPatches: [
          ...insert,
          {
            applyTo: "EXTENSION_CONFIG",
            match: { context },
            patch: {
              operation: "ADD",
              value: { name: resource, typed_config: { "@type": wasmType(input), config: wasmConfig(input, code) } },
            },
          },
        ],
      },
    },
    [
      ` published as ${formatReference({ ...input.reference, digest: undefined })}`,
      ...failureLines(input),
      ...istioStatsLines(input),
      ...(input.phase
        ? [
            ` Not carried: an EnvoyFilter has no phases; the filter stands right before the router, ${input.phase} would stand earlier.`,
          ]
        : []),
      ...(input.priority === undefined
        ? []
        : [" An EnvoyFilter's priority counts the other way round: the lower one is applied first and runs first."]),
      ...(pullSecret
        ? [
            ` Not carried: the pull secret ${pullSecret}; an EnvoyFilter would need the login in clear. Give it to the agent by DOCKER_CONFIG.`,
          ]
        : []),
      ...implied.existing.map((cluster) => ` The mesh must have the cluster ${cluster}.`),
    ],
  );
  return documents([filter, ...istioUpstreams(input, implied).map((object) => document(object))]);
}

function contextOf(modes: readonly (string | undefined)[] | undefined): string {
  const only = modes?.length && modes.every((mode) => mode === modes[0]) ? modes[0] : undefined;
  return only === "SERVER" ? "SIDECAR_INBOUND" : only === "CLIENT" ? "SIDECAR_OUTBOUND" : "ANY";
}

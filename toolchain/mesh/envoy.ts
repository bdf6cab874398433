import { formatReference } from "../oci/index.js";
import { envoyCluster } from "./cluster.js";
import { failureLines } from "./failure.js";
import { notCarried, registryPlace, remoteCode, wasmConfig, wasmType } from "./filter.js";
import { existingLines, impliedBy } from "./implied.js";
import type { MeshInput } from "./input.js";
import { statsTags } from "./metric-labels.js";
import { dnsLabel } from "./names.js";
import { document, documents } from "./yaml.js";

/**
 * For plain Envoy: the filter for a static bootstrap with the clusters that it needs, then the same as an extension
 * configuration in a file (ECDS), which Envoy reads again when it is replaced.
 */
export function envoyManifest(input: MeshInput): string {
  const registry = registryPlace(input);
  const local = input.localFile;
  const code = local === undefined ? remoteCode(input, registry.name) : { local: { filename: local } };
  const implied = impliedBy(input);
  const { upstreams } = implied;
  const name = dnsLabel(input.name);
  const config = { "@type": wasmType(input), config: wasmConfig(input, code) };
  const tags = statsTags(input);
  const list = input.type === "tcp" ? "filters" : "http_filters";
  const clusters = [
    ...(local === undefined ? [envoyCluster(registry.name, registry.host, registry.port, registry.tls)] : []),
    ...upstreams.map((u) => envoyCluster(u.cluster, u.host, u.port, u.tls, u.grpc)),
  ];
  const where =
    input.type === "tcp"
      ? " Into filters of a filter chain of the listener, before envoy.filters.network.tcp_proxy or what else ends it."
      : " Into http_filters of the HttpConnectionManager, before envoy.filters.http.router.";
  const bootstrap = document(
    {
      [list]: [{ name, typed_config: config }],
      ...(clusters.length ? { clusters } : {}),
      ...(tags.length ? { stats_config: { stats_tags: tags } } : {}),
    },
    [
      ` ${local ?? formatReference({ ...input.reference, digest: input.digest })}`,
      where,
      ...(input.type === "tcp"
        ? []
        : [
            " Where the route that was chosen is to stay: into http_filters of a cluster's HttpProtocolOptions instead, before",
            " envoy.filters.http.upstream_codec. It then runs behind the router, once for each attempt.",
          ]),
      " The clusters go into static_resources.clusters" +
        (tags.length ? ", stats_config to the top of the bootstrap." : "."),
      ...(local === undefined
        ? [
            " The raw module layer is fetched; Envoy neither logs in nor follows redirects, so the registry must serve it directly.",
          ]
        : []),
      ...failureLines(input),
      ...existingLines(implied),
      ...notCarried(input, "Envoy", { order: true, secret: true, match: true, selector: true }),
    ],
  );
  const ecds = document(
    {
      resources: [
        { "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", name, typed_config: config },
      ],
    },
    [
      ` The same as a file for ECDS, /etc/envoy/${name}.yaml; the filter in ${list} is then`,
      ` - name: ${name}`,
      "   config_discovery:",
      `     config_source: { path_config_source: { path: /etc/envoy/${name}.yaml }, resource_api_version: V3 }`,
      `     type_urls: [${wasmType(input)}]`,
      " Replace the file by renaming another one over it: Envoy takes the new configuration without a restart.",
    ],
  );
  return documents([bootstrap, ecds]);
}

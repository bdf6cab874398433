import { isIP } from "node:net";
import { Document, isMap, type Node } from "yaml";
import { formatReference, hostName, isDigest, registryOrigin } from "../oci/index.js";
import { MeshError } from "./errors.js";
import { jsonConfig, oneLine, type FailStrategy, type MeshInput } from "./input.js";
import { dnsLabel } from "./names.js";
import { COMPATIBLE, render } from "./yaml.js";

const POLICY: Readonly<Record<FailStrategy, string>> = {
  FAIL_CLOSE: "FAIL_CLOSED",
  FAIL_OPEN: "FAIL_OPEN",
  FAIL_RELOAD: "FAIL_RELOAD",
};

/** For plain Envoy: the filter, and the cluster through which it fetches the module's blob. */
export function envoyManifest(input: MeshInput): string {
  const { moduleDigest, reference } = input;
  if (moduleDigest === undefined || !isDigest(moduleDigest) || !moduleDigest.startsWith("sha256:")) {
    throw new MeshError(
      `${formatReference(reference)} has no application/wasm layer that Envoy could fetch; publish it with \`meshwasm publish\``,
    );
  }
  const origin = registryOrigin(reference.host, input.plainHttp);
  const cluster = `${dnsLabel(input.name).slice(0, 54)}-registry`;
  const list = input.type === "tcp" ? "filters" : "http_filters";
  const doc = new Document(
    { [list]: [filter(input, moduleDigest, origin, cluster)], clusters: [registry(origin, cluster)] },
    COMPATIBLE,
  );
  doc.commentBefore = oneLine(` ${formatReference({ ...reference, digest: input.digest })}`);
  before(
    doc,
    [list],
    [
      input.type === "tcp"
        ? " Into filters of a filter chain of the listener, before envoy.filters.network.tcp_proxy or what else ends it."
        : " Into http_filters of the HttpConnectionManager, before envoy.filters.http.router.",
      ...(input.phase || input.priority !== undefined
        ? [" Envoy has no phases or priorities: the place in the list is the order of the filters."]
        : []),
    ],
  );
  before(doc, ["clusters"], [" Into static_resources.clusters."]);
  const config = [list, 0, "typed_config", "config"];
  if (input.capabilities?.length) {
    before(
      doc,
      [...config, "vm_config", "capability_restriction_config"],
      [" From Envoy 1.40 on; before, this field stands beside vm_config, not in it."],
    );
  }
  before(
    doc,
    [...config, "vm_config", "code", "remote", "http_uri"],
    [" The raw module layer; Envoy neither logs in nor follows redirects, so the registry must serve it directly."],
  );
  return render(doc);
}

function filter(input: MeshInput, moduleDigest: string, origin: string, cluster: string): unknown {
  const config = jsonConfig(input.config);
  const capabilities = input.capabilities ?? [];
  return {
    name: dnsLabel(input.name),
    typed_config: {
      "@type": `type.googleapis.com/envoy.extensions.filters.${input.type === "tcp" ? "network" : "http"}.wasm.v3.Wasm`,
      config: {
        name: dnsLabel(input.name),
        root_id: input.rootId ?? dnsLabel(input.name),
        failure_policy: POLICY[input.failStrategy ?? "FAIL_RELOAD"],
        ...(input.allowStopIteration ? { allow_on_headers_stop_iteration: true } : {}),
        ...(config === undefined
          ? {}
          : {
              configuration: {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                value: JSON.stringify(config),
              },
            }),
        vm_config: {
          // Envoy 1.40 tells VMs of remote code apart by this alone: without it a second module runs the first one's code.
          vm_id: `${dnsLabel(input.name)}-${moduleDigest.slice("sha256:".length, "sha256:".length + 12)}`,
          runtime: "envoy.wasm.runtime.v8",
          ...(capabilities.length === 0
            ? {}
            : {
                capability_restriction_config: {
                  allowed_capabilities: Object.fromEntries(capabilities.map((name) => [name, {}])),
                },
              }),
          code: {
            remote: {
              http_uri: {
                uri: `${origin}/v2/${input.reference.repository}/blobs/${moduleDigest}`,
                cluster,
                timeout: "30s",
              },
              sha256: moduleDigest.slice("sha256:".length),
              retry_policy: { num_retries: 3 },
            },
          },
        },
      },
    },
  };
}

function registry(origin: string, cluster: string): unknown {
  const url = new URL(origin);
  const address = hostName(url.host);
  const isAddress = isIP(address) !== 0;
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  return {
    name: cluster,
    type: isAddress ? "STATIC" : "STRICT_DNS",
    connect_timeout: "5s",
    // `localhost` is ::1 first, where a registry that listens on 127.0.0.1 is not found.
    ...(isAddress ? {} : { dns_lookup_family: "V4_PREFERRED" }),
    load_assignment: {
      cluster_name: cluster,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: port } } } }] }],
    },
    ...(url.protocol === "https:" ? { transport_socket: tls(address, isAddress) } : {}),
  };
}

/** Without a validation context Envoy would accept any certificate. */
function tls(name: string, isAddress: boolean): unknown {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      ...(isAddress ? {} : { sni: name }),
      common_tls_context: {
        validation_context: {
          trusted_ca: { filename: "/etc/ssl/certs/ca-certificates.crt" },
          match_typed_subject_alt_names: [{ san_type: isAddress ? "IP_ADDRESS" : "DNS", matcher: { exact: name } }],
        },
      },
    },
  };
}

/** Puts comment lines before the value at `path`. */
function before(doc: Document, path: readonly (string | number)[], lines: readonly string[]): void {
  const parent = path.length === 1 ? doc.contents : doc.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) throw new Error(`${path.join(".")} is in a map by construction`);
  const pair = parent.items.find((item) => String((item.key as { value?: unknown }).value ?? item.key) === path.at(-1));
  if (pair) (pair.key as Node).commentBefore = lines.join("\n");
}

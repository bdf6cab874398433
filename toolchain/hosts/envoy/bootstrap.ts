/** Pure functions that build Envoy configuration objects (JSON form of the v3 API). Nothing here touches the system. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export const LISTENER_NAME = "meshwasm";
export const UPSTREAM_CLUSTER = "upstream";
/** Written by the router, after the filters have run, so no filter sees it; the upstream takes it off again. */
export const CONNECTION_HEADER = "x-meshwasm-connection";

const TYPE = "type.googleapis.com/";
const HCM = `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`;
const ROUTER = `${TYPE}envoy.extensions.filters.http.router.v3.Router`;
const WASM = `${TYPE}envoy.extensions.filters.http.wasm.v3.Wasm`;
const UPSTREAM_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const CORE_EXTENSION = `${TYPE}envoy.config.core.v3.TypedExtensionConfig`;
const UPSTREAM_TLS = `${TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`;

export type FailurePolicy = "FAIL_RELOAD" | "FAIL_CLOSED" | "FAIL_OPEN";

/** Where Envoy takes a module's bytes from. */
export type Code =
  | { readonly file: string }
  | { readonly url: string; readonly cluster: string; readonly sha256: string; readonly timeoutSeconds?: number };

export interface PluginOptions {
  readonly name: string;
  readonly code: Code;
  /** null: no configuration at all (the filter sees size 0). */
  readonly config: Uint8Array | null;
  readonly rootId?: string;
  readonly vmId?: string;
  /** Default FAIL_RELOAD. */
  readonly failurePolicy?: FailurePolicy;
  /** Needed by filters that hold headers until they have read the body. Only written when true. */
  readonly allowOnHeadersStopIteration?: boolean;
  /** Environment variables that the filter sees. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * A configuration as the Any that hands its bytes to the filter unchanged. Never a Struct: Envoy passes that on
 * as binary protobuf.
 */
export function configurationAny(config: Uint8Array): JsonObject {
  try {
    // ignoreBOM keeps a leading byte-order mark: the filter must get every byte.
    const value = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(config);
    return { "@type": `${TYPE}google.protobuf.StringValue`, value };
  } catch {
    return { "@type": `${TYPE}google.protobuf.BytesValue`, value: Buffer.from(config).toString("base64") };
  }
}

function codeSource(code: Code): JsonObject {
  if ("file" in code) return { local: { filename: code.file } };
  return {
    remote: {
      http_uri: { uri: code.url, cluster: code.cluster, timeout: `${code.timeoutSeconds ?? 10}s` },
      sha256: code.sha256,
    },
  };
}

/** envoy.extensions.wasm.v3.PluginConfig. */
export function pluginConfig(options: PluginOptions): JsonObject {
  return {
    name: options.name,
    root_id: options.rootId ?? "",
    vm_config: {
      ...(options.vmId ? { vm_id: options.vmId } : {}),
      runtime: "envoy.wasm.runtime.v8",
      code: codeSource(options.code),
      ...(options.environment && Object.keys(options.environment).length > 0
        ? { environment_variables: { key_values: { ...options.environment } } }
        : {}),
    },
    ...(options.config === null ? {} : { configuration: configurationAny(options.config) }),
    failure_policy: options.failurePolicy ?? "FAIL_RELOAD",
    ...(options.allowOnHeadersStopIteration === true ? { allow_on_headers_stop_iteration: true } : {}),
  };
}

/** The filter with its configuration inline: a refused configuration stops Envoy at start. */
export function staticFilter(plugin: PluginOptions): JsonObject {
  return { name: plugin.name, typed_config: { "@type": WASM, config: pluginConfig(plugin) } };
}

/** The filter read from a file (ECDS) that can be replaced by rename while Envoy runs. */
export function discoveredFilter(name: string, path: string): JsonObject {
  return {
    name,
    config_discovery: {
      config_source: { resource_api_version: "V3", path_config_source: { path } },
      type_urls: [WASM],
    },
  };
}

/** Content of the file that `discoveredFilter` reads. */
export function discoveryFile(plugin: PluginOptions, version: string): JsonObject {
  return {
    version_info: version,
    resources: [
      {
        "@type": CORE_EXTENSION,
        name: plugin.name,
        typed_config: { "@type": WASM, config: pluginConfig(plugin) },
      },
    ],
  };
}

export interface ListenerOptions {
  readonly filters: readonly JsonObject[];
  /** Default 0: the kernel chooses. */
  readonly port?: number;
  /** Default UPSTREAM_CLUSTER; null: no route, as for a validation. */
  readonly cluster?: string | null;
  /** Tell the upstream which client connection a request came by (see upstream.ts). */
  readonly tagConnections?: boolean;
  /** Rewrite Host to the upstream's name, as a public upstream expects it. */
  readonly rewriteHost?: boolean;
}

function virtualHost(options: ListenerOptions): JsonObject {
  const tag: JsonObject = {
    request_headers_to_add: [
      {
        header: { key: CONNECTION_HEADER, value: "%DOWNSTREAM_REMOTE_PORT%" },
        append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
      },
    ],
  };
  return {
    name: "all",
    domains: ["*"],
    routes: [
      {
        match: { prefix: "/" },
        route: {
          cluster: options.cluster ?? UPSTREAM_CLUSTER,
          ...(options.rewriteHost ? { auto_host_rewrite: true } : {}),
        },
      },
    ],
    ...(options.tagConnections ? tag : {}),
  };
}

/** An HTTP listener on loopback: the filters, the router, one route to the cluster. */
export function listener(options: ListenerOptions): JsonObject {
  return {
    name: LISTENER_NAME,
    address: { socket_address: { address: "127.0.0.1", port_value: options.port ?? 0 } },
    // With reuse, a second Envoy could share a taken port without any error.
    enable_reuse_port: false,
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": HCM,
              stat_prefix: "ingress",
              codec_type: "AUTO",
              // Without it Envoy drops the trailers of HTTP/1.1.
              http_protocol_options: { enable_trailers: true },
              route_config: {
                name: "routes",
                virtual_hosts: options.cluster === null ? [] : [virtualHost(options)],
              },
              http_filters: [
                ...options.filters,
                { name: "envoy.filters.http.router", typed_config: { "@type": ROUTER } },
              ],
            },
          },
        ],
      },
    ],
  };
}

export interface ClusterOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** PEM file of the roots to trust; given: TLS, with the host's name checked. */
  readonly trustedRoots?: string;
}

function isIp(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(":");
}

export function cluster(options: ClusterOptions): JsonObject {
  const { name, host, port, trustedRoots } = options;
  const ip = isIp(host);
  const tls: JsonObject = {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": UPSTREAM_TLS,
        ...(ip ? {} : { sni: host }),
        common_tls_context: {
          validation_context: {
            trusted_ca: { filename: trustedRoots ?? "" },
            match_typed_subject_alt_names: [{ san_type: ip ? "IP_ADDRESS" : "DNS", matcher: { exact: host } }],
          },
        },
      },
    },
  };
  return {
    name,
    // LOGICAL_DNS tries all addresses of a name in turn: "localhost" may be ::1 or 127.0.0.1.
    ...(ip ? { type: "STATIC" } : { type: "LOGICAL_DNS", dns_lookup_family: "ALL" }),
    connect_timeout: "5s",
    typed_extension_protocol_options: {
      [UPSTREAM_HTTP]: {
        "@type": `${TYPE}${UPSTREAM_HTTP}`,
        explicit_http_config: { http_protocol_options: { enable_trailers: true } },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: port } } } }],
        },
      ],
    },
    ...(trustedRoots === undefined ? {} : tls),
  };
}

export interface BootstrapOptions {
  readonly listeners?: readonly JsonObject[];
  readonly clusters?: readonly JsonObject[];
}

/** A whole bootstrap, admin on a loopback port that the kernel chooses. */
export function bootstrap(options: BootstrapOptions): JsonObject {
  return {
    node: { id: "meshwasm", cluster: "meshwasm" },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
    // Without a limit Envoy warns at every start.
    overload_manager: {
      resource_monitors: [
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typed_config: {
            "@type": `${TYPE}envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
            max_active_downstream_connections: 50_000,
          },
        },
      ],
    },
    static_resources: { listeners: options.listeners ?? [], clusters: options.clusters ?? [] },
  };
}

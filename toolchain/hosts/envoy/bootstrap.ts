import type { Certificate, ConnectionManagerOptions, FailurePolicy, RouteOptions } from "../types.js";

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
const TCP_PROXY = `${TYPE}envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`;
const WASM = {
  http: `${TYPE}envoy.extensions.filters.http.wasm.v3.Wasm`,
  tcp: `${TYPE}envoy.extensions.filters.network.wasm.v3.Wasm`,
};
const UPSTREAM_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const CORE_EXTENSION = `${TYPE}envoy.config.core.v3.TypedExtensionConfig`;
const TLS = "envoy.transport_sockets.tls";
const DOWNSTREAM_TLS = `${TYPE}envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext`;
const TLS_INSPECTOR = `${TYPE}envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector`;
const PROXY_PROTOCOL = `${TYPE}envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`;
const RAW_BUFFER = `${TYPE}envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer`;
const UPSTREAM_TLS = `${TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`;

export type Protocol = keyof typeof WASM;

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
  /** VmConfig.configuration; null or undefined: none. */
  readonly vmConfig?: Uint8Array | null;
  /** Environment variables that the filter sees. */
  readonly env?: Readonly<Record<string, string>>;
  /** Host functions and callbacks that are allowed; undefined or empty: all. */
  readonly capabilities?: readonly string[];
  /** Where Envoy wants them: in VmConfig (default), or before 1.40 in PluginConfig. */
  readonly capabilityField?: "vm" | "plugin";
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
  const { env = {}, capabilities = [], capabilityField: field = "vm", vmConfig = null } = options;
  const allowed = Object.fromEntries(capabilities.map((name) => [name, {}]));
  const restriction: JsonObject =
    capabilities.length === 0 ? {} : { capability_restriction_config: { allowed_capabilities: allowed } };
  return {
    name: options.name,
    root_id: options.rootId ?? "",
    vm_config: {
      ...(options.vmId ? { vm_id: options.vmId } : {}),
      runtime: "envoy.wasm.runtime.v8",
      code: codeSource(options.code),
      ...(vmConfig === null ? {} : { configuration: configurationAny(vmConfig) }),
      ...(Object.keys(env).length > 0 ? { environment_variables: { key_values: { ...env } } } : {}),
      ...(field === "vm" ? restriction : {}),
    },
    ...(options.config === null ? {} : { configuration: configurationAny(options.config) }),
    ...(field === "plugin" ? restriction : {}),
    failure_policy: options.failurePolicy ?? "FAIL_RELOAD",
    ...(options.allowOnHeadersStopIteration === true ? { allow_on_headers_stop_iteration: true } : {}),
  };
}

/** The filter with its configuration inline: a refused configuration stops Envoy at start. */
export function staticFilter(plugin: PluginOptions, protocol: Protocol = "http"): JsonObject {
  return { name: plugin.name, typed_config: { "@type": WASM[protocol], config: pluginConfig(plugin) } };
}

/** The filter read from a file (ECDS) that can be replaced by rename while Envoy runs. */
export function discoveredFilter(name: string, path: string, protocol: Protocol = "http"): JsonObject {
  return {
    name,
    config_discovery: {
      config_source: { resource_api_version: "V3", path_config_source: { path } },
      type_urls: [WASM[protocol]],
    },
  };
}

/** Content of the file that `discoveredFilter` reads. */
export function discoveryFile(plugin: PluginOptions, version: string, protocol: Protocol = "http"): JsonObject {
  return {
    version_info: version,
    resources: [
      {
        "@type": CORE_EXTENSION,
        name: plugin.name,
        typed_config: { "@type": WASM[protocol], config: pluginConfig(plugin) },
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
  /** Default "http". */
  readonly protocol?: Protocol;
  readonly connectionManager?: ConnectionManagerOptions;
  readonly route?: RouteOptions;
  /** Given: TLS between client and listener. */
  readonly tls?: ListenerTls;
  readonly accessLog?: JsonObject;
  /** Spread connections over the workers by how many each has, not by which is quicker to accept. */
  readonly balance?: boolean;
}

export interface ListenerTls {
  readonly certificate: Certificate;
  /** PEM of the authorities that client certificates must come from; without it none is asked for. */
  readonly clientCa?: string;
  readonly requireClientCertificate?: boolean;
  /** ALPN, the preferred first. */
  readonly alpn: readonly string[];
}

function virtualHost(options: ListenerOptions): JsonObject {
  const { retries = 0, internalRedirects = 0 } = options.route ?? {};
  const tag: JsonObject = {
    request_headers_to_add: [
      {
        header: { key: CONNECTION_HEADER, value: "%DOWNSTREAM_DIRECT_REMOTE_PORT%" },
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
          ...(retries ? { retry_policy: { retry_on: "5xx", num_retries: retries } } : {}),
          ...(internalRedirects ? { internal_redirect_policy: { max_internal_redirects: internalRedirects } } : {}),
        },
      },
    ],
    ...(options.tagConnections ? tag : {}),
  };
}

function connectionManager(options: ListenerOptions): JsonObject {
  const { normalizePath, mergeSlashes, pathWithEscapedSlashesAction, trustedHops, useRemoteAddress } =
    options.connectionManager ?? {};
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": HCM,
      stat_prefix: "ingress",
      codec_type: "AUTO",
      // Without it Envoy drops the trailers of HTTP/1.1.
      http_protocol_options: { enable_trailers: true },
      ...(options.accessLog === undefined ? {} : { access_log: [options.accessLog] }),
      ...(normalizePath === undefined ? {} : { normalize_path: normalizePath }),
      ...(mergeSlashes === undefined ? {} : { merge_slashes: mergeSlashes }),
      ...(pathWithEscapedSlashesAction === undefined
        ? {}
        : { path_with_escaped_slashes_action: pathWithEscapedSlashesAction }),
      ...(trustedHops === undefined ? {} : { xff_num_trusted_hops: trustedHops }),
      ...(useRemoteAddress === undefined ? {} : { use_remote_address: useRemoteAddress }),
      route_config: {
        name: "routes",
        virtual_hosts: options.cluster === null ? [] : [virtualHost(options)],
      },
      http_filters: [...options.filters, { name: "envoy.filters.http.router", typed_config: { "@type": ROUTER } }],
    },
  };
}

function tcpProxy(options: ListenerOptions): JsonObject {
  return {
    name: "envoy.filters.network.tcp_proxy",
    typed_config: { "@type": TCP_PROXY, stat_prefix: "ingress", cluster: options.cluster ?? UPSTREAM_CLUSTER },
  };
}

function downstreamTls(tls: ListenerTls): JsonObject {
  return {
    name: TLS,
    typed_config: {
      "@type": DOWNSTREAM_TLS,
      require_client_certificate: tls.clientCa !== undefined && tls.requireClientCertificate !== false,
      common_tls_context: {
        ...(tls.alpn.length > 0 ? { alpn_protocols: tls.alpn } : {}),
        tls_certificates: [
          {
            certificate_chain: { inline_string: tls.certificate.cert },
            private_key: { inline_string: tls.certificate.key },
          },
        ],
        ...(tls.clientCa === undefined ? {} : { validation_context: { trusted_ca: { inline_string: tls.clientCa } } }),
      },
    },
  };
}

/** A listener on loopback: the filters, then the router with one route to the cluster, or the TCP proxy. */
export function listener(options: ListenerOptions): JsonObject {
  const filters = options.protocol === "tcp" ? [...options.filters, tcpProxy(options)] : [connectionManager(options)];
  return {
    name: LISTENER_NAME,
    address: { socket_address: { address: "127.0.0.1", port_value: options.port ?? 0 } },
    // With reuse, a second Envoy could share a taken port without any error.
    enable_reuse_port: false,
    ...(options.balance ? { connection_balance_config: { exact_balance: {} } } : {}),
    // The inspector finds the name that the client asks for (SNI).
    ...(options.tls === undefined
      ? {}
      : {
          listener_filters: [
            { name: "envoy.filters.listener.tls_inspector", typed_config: { "@type": TLS_INSPECTOR } },
          ],
        }),
    filter_chains: [
      { filters, ...(options.tls === undefined ? {} : { transport_socket: downstreamTls(options.tls) }) },
    ],
  };
}

export interface ClusterOptions {
  readonly name: string;
  /** null: a cluster without hosts. */
  readonly host: string | null;
  readonly port: number;
  /** PEM file of the roots to trust; given: TLS, with the host's name checked. */
  readonly trustedRoots?: string;
  /**
   * Default HTTP/1.1. "http2": cleartext HTTP/2. "tcp": for the TCP proxy. "tcp-proxied": the TCP proxy says by PROXY
   * protocol whose connection it is (see tcp.ts).
   */
  readonly protocol?: "http1" | "http2" | "tcp" | "tcp-proxied";
}

function isIp(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(":");
}

function upstreamTls(host: string, trustedRoots: string): JsonObject {
  const ip = isIp(host);
  return {
    name: TLS,
    typed_config: {
      "@type": UPSTREAM_TLS,
      ...(ip ? {} : { sni: host }),
      common_tls_context: {
        validation_context: {
          trusted_ca: { filename: trustedRoots },
          match_typed_subject_alt_names: [{ san_type: ip ? "IP_ADDRESS" : "DNS", matcher: { exact: host } }],
        },
      },
    },
  };
}

const PROXY_PROTOCOL_SOCKET: JsonObject = {
  name: "envoy.transport_sockets.upstream_proxy_protocol",
  typed_config: {
    "@type": PROXY_PROTOCOL,
    config: { version: "V1" },
    transport_socket: { name: "envoy.transport_sockets.raw_buffer", typed_config: { "@type": RAW_BUFFER } },
  },
};

export function cluster(options: ClusterOptions): JsonObject {
  const { name, host, port, trustedRoots, protocol = "http1" } = options;
  const socket =
    protocol === "tcp-proxied"
      ? PROXY_PROTOCOL_SOCKET
      : trustedRoots === undefined || host === null
        ? null
        : upstreamTls(host, trustedRoots);
  return {
    name,
    // LOGICAL_DNS tries all addresses of a name in turn: "localhost" may be ::1 or 127.0.0.1.
    ...(host === null || isIp(host) ? { type: "STATIC" } : { type: "LOGICAL_DNS", dns_lookup_family: "ALL" }),
    connect_timeout: "5s",
    ...(protocol === "tcp" || protocol === "tcp-proxied"
      ? {}
      : {
          typed_extension_protocol_options: {
            [UPSTREAM_HTTP]: {
              "@type": `${TYPE}${UPSTREAM_HTTP}`,
              explicit_http_config:
                protocol === "http2"
                  ? { http2_protocol_options: {} }
                  : { http_protocol_options: { enable_trailers: true } },
            },
          },
        }),
    load_assignment: {
      cluster_name: name,
      endpoints:
        host === null
          ? []
          : [
              {
                lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: port } } } }],
              },
            ],
    },
    ...(socket === null ? {} : { transport_socket: socket }),
  };
}

export interface BootstrapOptions {
  readonly listeners?: readonly JsonObject[];
  readonly clusters?: readonly JsonObject[];
  /** Merge histograms when the admin interface is asked for statistics (see stats.ts), not every five seconds. */
  readonly flushOnAdmin?: boolean;
}

/** A whole bootstrap, admin on a loopback port that the kernel chooses. */
export function bootstrap(options: BootstrapOptions): JsonObject {
  return {
    node: { id: "meshwasm", cluster: "meshwasm" },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
    ...(options.flushOnAdmin ? { stats_flush_on_admin: true } : {}),
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

import { isIP } from "node:net";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** An Envoy cluster of one address; `http2` for gRPC. */
export function envoyCluster(
  name: string,
  host: string,
  port: number,
  tls: boolean,
  http2 = false,
): Record<string, unknown> {
  const isAddress = isIP(host) !== 0;
  return {
    name,
    type: isAddress ? "STATIC" : "STRICT_DNS",
    connect_timeout: "5s",
    // `localhost` is ::1 first, where a server that listens on 127.0.0.1 is not found.
    ...(isAddress ? {} : { dns_lookup_family: "V4_PREFERRED" }),
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: port } } } }] },
      ],
    },
    ...(http2
      ? {
          typed_extension_protocol_options: {
            [HTTP_OPTIONS]: {
              "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        }
      : {}),
    ...(tls ? { transport_socket: tlsSocket(host, isAddress, http2) } : {}),
  };
}

/** Without a validation context Envoy would accept any certificate. */
function tlsSocket(name: string, isAddress: boolean, http2: boolean): unknown {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      ...(isAddress ? {} : { sni: name }),
      common_tls_context: {
        ...(http2 ? { alpn_protocols: ["h2"] } : {}),
        validation_context: {
          trusted_ca: { filename: "/etc/ssl/certs/ca-certificates.crt" },
          match_typed_subject_alt_names: [{ san_type: isAddress ? "IP_ADDRESS" : "DNS", matcher: { exact: name } }],
        },
      },
    },
  };
}

/** Envoy's attributes: what proxy_get_property reads, each with the getter of sdk/properties.ts and its type. */

export type AttributeType = "string" | "int" | "uint" | "bool" | "timestamp" | "duration" | "map" | "message" | "bytes";

export interface Attribute {
  /** As Envoy's documentation has it. */
  readonly name: string;
  readonly type: AttributeType;
  readonly what: string;
}

const GROUPS: Readonly<Record<string, Readonly<Record<string, readonly [AttributeType, string]>>>> = {
  request: {
    path: ["string", "path and query"],
    url_path: ["string", "path without query"],
    query: ["string", "what follows the first ?"],
    host: ["string", "authority"],
    scheme: ["string", "http or https"],
    method: ["string", ""],
    headers: ["map", "all headers; several lines of a name are joined by a comma"],
    headers_bytes: ["int", "size of the headers"],
    referer: ["string", ""],
    useragent: ["string", ""],
    id: ["string", "x-request-id"],
    protocol: ["string", "HTTP/1.0, HTTP/1.1, HTTP/2 or HTTP/3"],
    time: ["timestamp", "first byte received"],
    duration: ["duration", "total; once the stream is over"],
    size: ["int", "bytes of the body so far, or of content-length"],
    total_size: ["int", "with those headers that can be read"],
  },
  response: {
    code: ["int", "status"],
    code_details: ["string", "where it comes from"],
    flags: ["int", "response flags as bits"],
    grpc_status: ["int", "of a plain response: made of its status"],
    headers: ["map", "all headers"],
    headers_bytes: ["int", "size of the headers"],
    trailers: ["map", "all trailers; empty where there are none to read"],
    size: ["int", "bytes of the body so far"],
    total_size: ["int", "with those headers and trailers that can be read"],
    backend_latency: ["duration", "first byte to upstream until the last from it"],
  },
  source: {
    address: ["string", "client's address and port, as x-forwarded-for is trusted"],
    port: ["int", ""],
  },
  destination: {
    address: ["string", "address and port that the client connected to"],
    port: ["int", ""],
  },
  connection: {
    id: ["uint", ""],
    mtls: ["bool", "whether the client has shown a certificate"],
    requested_server_name: ["string", "SNI"],
    tls_version: ["string", "TLSv1.3"],
    subject_local_certificate: ["string", ""],
    subject_peer_certificate: ["string", ""],
    dns_san_local_certificate: ["string", "first DNS name"],
    dns_san_peer_certificate: ["string", "first DNS name"],
    uri_san_local_certificate: ["string", "first URI"],
    uri_san_peer_certificate: ["string", "first URI; SPIFFE identities are these"],
    sha256_peer_certificate_digest: ["string", "hexadecimal"],
    peer_certificate: ["string", "PEM"],
    transport_failure_reason: ["string", ""],
    termination_details: ["string", ""],
  },
  upstream: {
    address: ["string", "address and port"],
    port: ["int", ""],
    local_address: ["string", ""],
    num_endpoints: ["uint", "endpoints of the cluster"],
    request_attempt_count: ["uint", "0: never sent"],
    cx_pool_ready_duration: ["duration", "until a connection was ready"],
    locality: ["message", "config.core.v3.Locality"],
    transport_failure_reason: ["string", ""],
    tls_version: ["string", ""],
    subject_local_certificate: ["string", ""],
    subject_peer_certificate: ["string", ""],
    dns_san_local_certificate: ["string", ""],
    dns_san_peer_certificate: ["string", ""],
    uri_san_local_certificate: ["string", ""],
    uri_san_peer_certificate: ["string", ""],
    sha256_peer_certificate_digest: ["string", ""],
    peer_certificate: ["string", "PEM"],
  },
  xds: {
    node: ["message", "config.core.v3.Node: large, read a field of it"],
    cluster_name: ["string", "upstream cluster"],
    cluster_metadata: ["message", "config.core.v3.Metadata"],
    route_name: ["string", ""],
    route_metadata: ["message", "config.core.v3.Metadata"],
    virtual_host_name: ["string", ""],
    virtual_host_metadata: ["message", "config.core.v3.Metadata"],
    upstream_host_metadata: ["message", "config.core.v3.Metadata"],
    upstream_host_locality_metadata: ["message", "config.core.v3.Metadata"],
    listener_direction: ["int", "0 unspecified, 1 inbound, 2 outbound"],
    listener_metadata: ["message", "config.core.v3.Metadata"],
    filter_chain_name: ["string", ""],
  },
  "": {
    metadata: ["message", "config.core.v3.Metadata: the stream's dynamic metadata"],
    plugin_name: ["string", "PluginConfig.name"],
    plugin_root_id: ["string", "PluginConfig.root_id"],
    plugin_vm_id: ["string", "VmConfig.vm_id"],
  },
};

export const ATTRIBUTES: readonly Attribute[] = Object.entries(GROUPS).flatMap(([group, members]) =>
  Object.entries(members).map(([name, [type, what]]) => ({ name: group ? `${group}.${name}` : name, type, what })),
);

/** Those that have no type of their own: what is below them is whatever was put there. */
export const OPEN: readonly Attribute[] = [
  { name: "filter_state", type: "bytes", what: "an object of the stream's filter state, by its name" },
  { name: "upstream_filter_state", type: "bytes", what: "the same of the upstream connection" },
];

const camel = (text: string): string => text.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());

/** Name of the getter in the namespace `property`. */
export function getterOf({ name }: Attribute): string {
  return name.split(".").map(camel).join(".");
}

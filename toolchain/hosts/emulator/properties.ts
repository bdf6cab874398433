import { MapType, Status } from "./abi.js";
import type { Context } from "./contexts.js";
import type { HeaderMap } from "./headermap.js";
import { grpcOfHttp } from "./localreply.js";
import { message, node } from "./messages.js";
import type { StreamInfo } from "./streaminfo.js";
import {
  attributes,
  bool,
  duration,
  int,
  serialiseValue,
  step,
  string,
  textMap,
  timestamp,
  uint,
  type Value,
  type ValueMap,
} from "./values.js";

/** Envoy's attributes: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes */

/** Repeated lines are joined here, unlike in the header map. */
function headers(map: HeaderMap | null): ValueMap {
  const names = new Set(map?.lines().map(([name]) => name));
  const all = textMap([...names].map((name) => [name, map?.joined(name) ?? ""] as const));
  return { ...all, get: (key) => all.get(key.toLowerCase()) };
}

const text = (value: string | null): Value | null => (value === null ? null : string(value));

function request(context: Context, info: StreamInfo): ValueMap {
  const map = context.readableMap(MapType.RequestHeaders);
  const header = (name: string) => () => text(map?.joined(name) ?? null);
  // A path that the filter has removed is an empty one here.
  const path = map === null ? null : (map.get(":path") ?? "");
  return attributes({
    path: header(":path"),
    url_path: () => text(path === null ? null : (path.split("?")[0] ?? "")),
    query: () => text(path === null ? null : path.replace(/^[^?]*\??/, "").replace(/#.*$/s, "")),
    host: header(":authority"),
    scheme: header(":scheme"),
    method: header(":method"),
    referer: header("referer"),
    useragent: header("user-agent"),
    id: header("x-request-id"),
    headers: () => headers(map),
    headers_bytes: () => int(map?.byteSize() ?? 0),
    protocol: () => text(info.protocol),
    time: () => timestamp(info.startTime),
    // Known once the stream is complete.
    duration: () => (info.duration === null ? null : duration(info.duration)),
    size: () => {
      const length = map?.get("content-length") ?? null;
      if (length === null) return int(info.requestBodySize);
      return /^\d+$/.test(length) ? int(BigInt(length)) : null;
    },
    total_size: () => int(info.requestBodySize + (map?.byteSize() ?? 0)),
  });
}

function response(context: Context, info: StreamInfo): ValueMap {
  const map = context.readableMap(MapType.ResponseHeaders);
  const trailers = context.readableMap(MapType.ResponseTrailers);
  return attributes({
    code: () => (info.responseCode === null ? null : int(info.responseCode)),
    code_details: () => text(info.responseDetails),
    flags: () => int(info.responseFlags),
    size: () => int(info.responseBodySize),
    total_size: () => int(info.responseBodySize + (map?.byteSize() ?? 0) + (trailers?.byteSize() ?? 0)),
    headers: () => headers(map),
    headers_bytes: () => int(map?.byteSize() ?? 0),
    trailers: () => headers(trailers),
    grpc_status: () => {
      const status = trailers?.get("grpc-status") ?? map?.get("grpc-status") ?? null;
      if (status !== null) return int(/^\d+$/.test(status) ? BigInt(status) : -1);
      return info.responseCode === null ? null : int(grpcOfHttp(info.responseCode));
    },
    backend_latency: () => (info.backendLatency === null ? null : duration(info.backendLatency)),
  });
}

function connection(info: StreamInfo): ValueMap {
  const { tls } = info;
  return attributes({
    id: () => uint(info.connectionId),
    mtls: () => bool((tls?.peer ?? null) !== null),
    requested_server_name: () => string(tls?.serverName ?? ""),
    termination_details: () => text(info.terminationDetails),
    tls_version: () => text(tls?.version ?? null),
    subject_local_certificate: () => text(tls?.local.subject ?? null),
    subject_peer_certificate: () => (tls === null ? null : string(tls.peer?.subject ?? "")),
    uri_san_local_certificate: () => text(tls?.local.uri ?? null),
    uri_san_peer_certificate: () => text(tls?.peer?.uri ?? null),
    dns_san_local_certificate: () => text(tls?.local.dns ?? null),
    dns_san_peer_certificate: () => text(tls?.peer?.dns ?? null),
    sha256_peer_certificate_digest: () => text(tls?.peer?.sha256 ?? null),
  });
}

function upstream(info: StreamInfo): ValueMap {
  const { upstreamHost: host, upstreamConnection: connection } = info;
  const chosen = (value: Value): Value | null => (host === null ? null : value);
  return attributes({
    address: () => text(host?.address ?? null),
    port: () => (host === null ? null : int(host.port)),
    local_address: () => text(connection?.local ?? null),
    locality: () => chosen(message({ region: string(""), zone: string(""), sub_zone: string("") })),
    // A TCP connection has it before a host is chosen.
    transport_failure_reason: () => (info.protocol === null ? string("") : chosen(string(""))),
    cx_pool_ready_duration: () => (connection === null ? null : duration(connection.readyAfter)),
    request_attempt_count: () => uint(host === null ? 0 : 1 + info.retries),
    num_endpoints: () => (host === null && info.protocol === null ? null : uint(1)),
  });
}

/** Metadata is there, and empty. */
const metadata = (): Value => message({ filter_metadata: textMap([]), typed_filter_metadata: textMap([]) });

function xds(info: StreamInfo | null): ValueMap {
  if (info === null) return attributes({ node });
  const host = info.protocol !== null && info.found !== "nothing";
  const http = host && info.found === "route";
  return attributes({
    node,
    cluster_name: () => (http ? string("upstream") : text(info.upstreamHost?.cluster ?? null)),
    cluster_metadata: () => (http || info.upstreamHost !== null ? metadata() : null),
    route_name: () => (http ? string("") : null),
    route_metadata: () => (http ? metadata() : null),
    virtual_host_name: () => (host ? string("all") : null),
    virtual_host_metadata: () => (host ? metadata() : null),
    upstream_host_metadata: () => (info.upstreamHost === null ? null : { kind: "null" }),
    upstream_host_locality_metadata: () => (info.upstreamHost === null ? null : { kind: "null" }),
    listener_metadata: metadata,
    listener_direction: () => int(0),
    filter_chain_name: () => string(""),
  });
}

/** What a path begins with; null: nothing has that name. */
export function attribute(context: Context, name: string): Value | null {
  const { info, plugin } = context;
  if (name === "xds") return xds(info);
  if (info !== null) {
    switch (name) {
      case "request":
        return request(context, info);
      case "response":
        return response(context, info);
      case "connection":
        return connection(info);
      case "upstream":
        return upstream(info);
      case "source":
        return attributes({ address: () => string(info.source.address), port: () => int(info.source.port) });
      case "destination":
        return attributes({ address: () => string(info.destination.address), port: () => int(info.destination.port) });
      case "metadata":
        return metadata();
      case "filter_state":
        return info.filterState.asValue();
      case "upstream_filter_state":
        return info.upstreamConnection === null ? null : attributes({});
      case "connection_id":
        return uint(info.connectionId);
    }
  }
  if (name === "plugin_name") return text(plugin?.name ?? null);
  if (name === "plugin_root_id") return string(plugin?.rootId ?? "");
  if (name === "plugin_vm_id") return string(context.vm.settings.vmId);
  return info?.filterState.property(name) ?? null;
}

/** A property's bytes, or the status that says why there are none. */
export function getProperty(context: Context, path: string): string | number {
  // A last empty segment is no segment, and no segment at all is Envoy's null value.
  const parts = path.split("\0");
  if (parts.at(-1) === "") parts.pop();
  const first = parts.shift();
  if (first === undefined) return Status.SerializationFailure;
  let value = attribute(context, first);
  for (const part of parts) {
    if (value === null) break;
    value = step(value, part);
  }
  return value === null ? Status.NotFound : serialiseValue(value);
}

export function setProperty(context: Context, path: string, value: string): number {
  const { info, root } = context;
  if (info === null || root === null) return Status.NotFound;
  return info.filterState.setProperty(path, value, root.declared.get(path));
}

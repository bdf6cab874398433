/* Properties: what Envoy calls attributes, and what filters leave for each other. Which attribute can be read in which
 * callback stands in docs/properties.md; one that cannot is null there. Each read is a host call of about a microsecond. */

import { Status } from "./abi/enums";
import { proxy_get_property, proxy_set_property } from "./abi/hostcalls";
import {
  clearReturn,
  dropReturn,
  hostFree,
  putString,
  retLen,
  retPtr,
  returnedLength,
  returnedPtr,
  roomFor,
  scratchFor,
  takeBytes,
} from "./runtime/memory";
import { boolOf, doubleOf, intOf, Pairs, uintOf, Value } from "./values";
import { decodeUtf8 } from "../sdk/std/utf8";

/** How the last read or write went. */
let last: Status = Status.Ok;

/** Has the host return a property; false with the reason in `last`. */
function fetch(path: usize, length: usize): bool {
  clearReturn();
  last = proxy_get_property(path, length, retPtr(), retLen());
  if (last == Status.Ok) return true;
  dropReturn();
  return false;
}

/** Segments with a zero between them. */
function at(path: string): bool {
  const ptr = scratchFor(roomFor(path));
  return fetch(ptr, putString(ptr, path));
}

/** As `at`; a zero within a segment would make two of it, of which a sender could choose the second. */
function atSegments(
  a: string,
  b: string | null,
  c: string | null,
  d: string | null,
  e: string | null,
  f: string | null,
): bool {
  const ptr = scratchFor(roomFor(a) + room(b) + room(c) + room(d) + room(e) + room(f));
  let end = ptr + putString(ptr, a);
  let zeros = 0;
  if (b !== null) end = put(end, b, ++zeros);
  if (c !== null) end = put(end, c, ++zeros);
  if (d !== null) end = put(end, d, ++zeros);
  if (e !== null) end = put(end, e, ++zeros);
  if (f !== null) end = put(end, f, ++zeros);
  for (let i = ptr; i < end; i++) if (!load<u8>(i)) zeros--;
  if (!zeros) return fetch(ptr, end - ptr);
  last = Status.BadArgument;
  return false;
}

function room(segment: string | null): usize {
  return segment === null ? 0 : 1 + roomFor(segment);
}

function put(ptr: usize, segment: string, _zeros: i32): usize {
  store<u8>(ptr, 0);
  return ptr + 1 + putString(ptr + 1, segment);
}

function takeText(): string {
  const ptr = returnedPtr();
  const text = decodeUtf8(ptr, returnedLength());
  hostFree(ptr);
  return text;
}

/** What has another form than its type is no value. */
function orMalformed<T>(value: T | null): T | null {
  if (!value) last = Status.SerializationFailure;
  return value;
}

function takeInt(): Value<i64> | null {
  return orMalformed<Value<i64>>(intOf(take()));
}

function takeUint(): Value<u64> | null {
  return orMalformed<Value<u64>>(uintOf(take()));
}

function takeBool(): Value<bool> | null {
  return orMalformed<Value<bool>>(boolOf(take()));
}

function takePairs(): Pairs | null {
  return orMalformed<Pairs>(Pairs.parse(take()));
}

function take(): Uint8Array {
  return takeBytes(returnedPtr(), returnedLength());
}

function textAt(path: string): string | null {
  return at(path) ? takeText() : null;
}

function intAt(path: string): Value<i64> | null {
  return at(path) ? takeInt() : null;
}

function uintAt(path: string): Value<u64> | null {
  return at(path) ? takeUint() : null;
}

function boolAt(path: string): Value<bool> | null {
  return at(path) ? takeBool() : null;
}

function pairsAt(path: string): Pairs | null {
  return at(path) ? takePairs() : null;
}

/** Where there are no headers to read Envoy gives an empty map, as if there were headers and none of them the wanted one. */
function headersAt(path: string): Pairs | null {
  const found = pairsAt(path);
  if (!found || found.length) return found;
  last = Status.NotFound;
  return null;
}

/** As headersAt: no headers have no bytes. */
function headersBytesAt(path: string): Value<i64> | null {
  const found = intAt(path);
  if (!found || found.value) return found;
  last = Status.NotFound;
  return null;
}

function bytesAt(path: string): Uint8Array | null {
  return at(path) ? take() : null;
}

export namespace property {
  /**
   * How the last read or write went: NotFound (there is none, or not in this callback), SerializationFailure (it has another
   * form than its type), BadArgument (a segment or name has a zero in it).
   */
  export function status(): Status {
    return last;
  }

  /** Any property by its path, e.g. `getBytes("xds", "node", "id")`; null when there is none. Names may contain dots. */
  export function getBytes(
    a: string,
    b: string | null = null,
    c: string | null = null,
    d: string | null = null,
    e: string | null = null,
    f: string | null = null,
  ): Uint8Array | null {
    return atSegments(a, b, c, d, e, f) ? take() : null;
  }

  /** Text; malformed UTF-8 becomes U+FFFD. */
  export function getString(
    a: string,
    b: string | null = null,
    c: string | null = null,
    d: string | null = null,
    e: string | null = null,
    f: string | null = null,
  ): string | null {
    return atSegments(a, b, c, d, e, f) ? takeText() : null;
  }

  /** int, timestamp (ns since 1970) or duration (ns). */
  export function getInt(
    a: string,
    b: string | null = null,
    c: string | null = null,
    d: string | null = null,
    e: string | null = null,
    f: string | null = null,
  ): Value<i64> | null {
    return atSegments(a, b, c, d, e, f) ? takeInt() : null;
  }

  export function getUint(
    a: string,
    b: string | null = null,
    c: string | null = null,
    d: string | null = null,
    e: string | null = null,
    f: string | null = null,
  ): Value<u64> | null {
    return atSegments(a, b, c, d, e, f) ? takeUint() : null;
  }

  /** double, as all numbers in dynamic metadata are. */
  export function getDouble(
    a: string,
    b: string | null = null,
    c: string | null = null,
    d: string | null = null,
    e: string | null = null,
    f: string | null = null,
  ): Value<f64> | null {
    return atSegments(a, b, c, d, e, f) ? orMalformed<Value<f64>>(doubleOf(take())) : null;
  }

  export function getBool(
    a: string,
    b: string | null = null,
    c: string | null = null,
    d: string | null = null,
    e: string | null = null,
    f: string | null = null,
  ): Value<bool> | null {
    return atSegments(a, b, c, d, e, f) ? takeBool() : null;
  }

  /** A map, or a list, whose items are the keys then. */
  export function getPairs(
    a: string,
    b: string | null = null,
    c: string | null = null,
    d: string | null = null,
    e: string | null = null,
    f: string | null = null,
  ): Pairs | null {
    return atSegments(a, b, c, d, e, f) ? takePairs() : null;
  }

  /**
   * Leaves a value for filters behind this one and for access logs (`%FILTER_STATE(wasm.NAME:PLAIN)%`): the filter state
   * `wasm.NAME`, which getBytes(name) reads back. Only in callbacks of a stream, NotFound elsewhere; BadArgument for a value
   * that declareProperty has made read-only.
   */
  export function set(name: string, value: Uint8Array): Status {
    return write(name, value.dataStart, value.length);
  }

  export function setString(name: string, value: string): Status {
    const bytes = new Uint8Array(<i32>roomFor(value));
    return write(name, bytes.dataStart, putString(bytes.dataStart, value));
  }

  function write(name: string, value: usize, length: usize): Status {
    // With a zero in it, it could be written but not be read.
    if (name.includes("\0")) return (last = Status.BadArgument);
    const ptr = scratchFor(roomFor(name));
    return (last = proxy_set_property(ptr, putString(ptr, name), value, length));
  }

  /** An object of the stream's filter state, serialised; of Envoy's own not all can be. */
  export function filterState(name: string): Uint8Array | null {
    return atSegments("filter_state", name, null, null, null, null) ? take() : null;
  }

  /** As filterState, of the upstream connection. */
  export function upstreamFilterState(name: string): Uint8Array | null {
    return atSegments("upstream_filter_state", name, null, null, null, null) ? take() : null;
  }

  export namespace request {
    /** Path and query. */
    export function path(): string | null {
      return textAt("request\0path");
    }
    /** Path without query. */
    export function urlPath(): string | null {
      return textAt("request\0url_path");
    }
    /** What follows the first ?. */
    export function query(): string | null {
      return textAt("request\0query");
    }
    /** Authority. */
    export function host(): string | null {
      return textAt("request\0host");
    }
    /** http or https. */
    export function scheme(): string | null {
      return textAt("request\0scheme");
    }
    export function method(): string | null {
      return textAt("request\0method");
    }
    /** All headers; several lines of a name are joined by a comma. */
    export function headers(): Pairs | null {
      return headersAt("request\0headers");
    }
    /** Size of the headers. */
    export function headersBytes(): Value<i64> | null {
      return headersBytesAt("request\0headers_bytes");
    }
    export function referer(): string | null {
      return textAt("request\0referer");
    }
    export function useragent(): string | null {
      return textAt("request\0useragent");
    }
    /** x-request-id. */
    export function id(): string | null {
      return textAt("request\0id");
    }
    /** HTTP/1.0, HTTP/1.1, HTTP/2 or HTTP/3. */
    export function protocol(): string | null {
      return textAt("request\0protocol");
    }
    /** First byte received, ns since 1970. */
    export function time(): Value<i64> | null {
      return intAt("request\0time");
    }
    /** Total; once the stream is over, ns. */
    export function duration(): Value<i64> | null {
      return intAt("request\0duration");
    }
    /** Bytes of the body so far, or of content-length. */
    export function size(): Value<i64> | null {
      return intAt("request\0size");
    }
    /** With those headers that can be read. */
    export function totalSize(): Value<i64> | null {
      return intAt("request\0total_size");
    }
  }

  export namespace response {
    /** Status. */
    export function code(): Value<i64> | null {
      return intAt("response\0code");
    }
    /** Where it comes from. */
    export function codeDetails(): string | null {
      return textAt("response\0code_details");
    }
    /** Response flags as bits. */
    export function flags(): Value<i64> | null {
      return intAt("response\0flags");
    }
    /** Of a plain response: made of its status. */
    export function grpcStatus(): Value<i64> | null {
      return intAt("response\0grpc_status");
    }
    /** All headers. */
    export function headers(): Pairs | null {
      return headersAt("response\0headers");
    }
    /** Size of the headers. */
    export function headersBytes(): Value<i64> | null {
      return headersBytesAt("response\0headers_bytes");
    }
    /** All trailers; empty where there are none to read. */
    export function trailers(): Pairs | null {
      return pairsAt("response\0trailers");
    }
    /** Bytes of the body so far. */
    export function size(): Value<i64> | null {
      return intAt("response\0size");
    }
    /** With those headers and trailers that can be read. */
    export function totalSize(): Value<i64> | null {
      return intAt("response\0total_size");
    }
    /** First byte to upstream until the last from it, ns. */
    export function backendLatency(): Value<i64> | null {
      return intAt("response\0backend_latency");
    }
  }

  export namespace source {
    /** Client's address and port, as x-forwarded-for is trusted. */
    export function address(): string | null {
      return textAt("source\0address");
    }
    export function port(): Value<i64> | null {
      return intAt("source\0port");
    }
  }

  export namespace destination {
    /** Address and port that the client connected to. */
    export function address(): string | null {
      return textAt("destination\0address");
    }
    export function port(): Value<i64> | null {
      return intAt("destination\0port");
    }
  }

  export namespace connection {
    export function id(): Value<u64> | null {
      return uintAt("connection\0id");
    }
    /** Whether the client has shown a certificate. */
    export function mtls(): Value<bool> | null {
      return boolAt("connection\0mtls");
    }
    /** SNI. */
    export function requestedServerName(): string | null {
      return textAt("connection\0requested_server_name");
    }
    /** TLSv1.3. */
    export function tlsVersion(): string | null {
      return textAt("connection\0tls_version");
    }
    export function subjectLocalCertificate(): string | null {
      return textAt("connection\0subject_local_certificate");
    }
    export function subjectPeerCertificate(): string | null {
      return textAt("connection\0subject_peer_certificate");
    }
    /** First DNS name. */
    export function dnsSanLocalCertificate(): string | null {
      return textAt("connection\0dns_san_local_certificate");
    }
    /** First DNS name. */
    export function dnsSanPeerCertificate(): string | null {
      return textAt("connection\0dns_san_peer_certificate");
    }
    /** First URI. */
    export function uriSanLocalCertificate(): string | null {
      return textAt("connection\0uri_san_local_certificate");
    }
    /** First URI; SPIFFE identities are these. */
    export function uriSanPeerCertificate(): string | null {
      return textAt("connection\0uri_san_peer_certificate");
    }
    /** Hexadecimal. */
    export function sha256PeerCertificateDigest(): string | null {
      return textAt("connection\0sha256_peer_certificate_digest");
    }
    /** PEM. */
    export function peerCertificate(): string | null {
      return textAt("connection\0peer_certificate");
    }
    export function transportFailureReason(): string | null {
      return textAt("connection\0transport_failure_reason");
    }
    export function terminationDetails(): string | null {
      return textAt("connection\0termination_details");
    }
  }

  export namespace upstream {
    /** Address and port. */
    export function address(): string | null {
      return textAt("upstream\0address");
    }
    export function port(): Value<i64> | null {
      return intAt("upstream\0port");
    }
    export function localAddress(): string | null {
      return textAt("upstream\0local_address");
    }
    /** Endpoints of the cluster. */
    export function numEndpoints(): Value<u64> | null {
      return uintAt("upstream\0num_endpoints");
    }
    /** 0: never sent. */
    export function requestAttemptCount(): Value<u64> | null {
      return uintAt("upstream\0request_attempt_count");
    }
    /** Until a connection was ready, ns. */
    export function cxPoolReadyDuration(): Value<i64> | null {
      return intAt("upstream\0cx_pool_ready_duration");
    }
    /** Config.core.v3.Locality. */
    export function locality(): Uint8Array | null {
      return bytesAt("upstream\0locality");
    }
    export function transportFailureReason(): string | null {
      return textAt("upstream\0transport_failure_reason");
    }
    export function tlsVersion(): string | null {
      return textAt("upstream\0tls_version");
    }
    export function subjectLocalCertificate(): string | null {
      return textAt("upstream\0subject_local_certificate");
    }
    export function subjectPeerCertificate(): string | null {
      return textAt("upstream\0subject_peer_certificate");
    }
    export function dnsSanLocalCertificate(): string | null {
      return textAt("upstream\0dns_san_local_certificate");
    }
    export function dnsSanPeerCertificate(): string | null {
      return textAt("upstream\0dns_san_peer_certificate");
    }
    export function uriSanLocalCertificate(): string | null {
      return textAt("upstream\0uri_san_local_certificate");
    }
    export function uriSanPeerCertificate(): string | null {
      return textAt("upstream\0uri_san_peer_certificate");
    }
    export function sha256PeerCertificateDigest(): string | null {
      return textAt("upstream\0sha256_peer_certificate_digest");
    }
    /** PEM. */
    export function peerCertificate(): string | null {
      return textAt("upstream\0peer_certificate");
    }
  }

  export namespace xds {
    /** Config.core.v3.Node: large, read a field of it. */
    export function node(): Uint8Array | null {
      return bytesAt("xds\0node");
    }
    /** Upstream cluster. */
    export function clusterName(): string | null {
      return textAt("xds\0cluster_name");
    }
    /** Config.core.v3.Metadata. */
    export function clusterMetadata(): Uint8Array | null {
      return bytesAt("xds\0cluster_metadata");
    }
    export function routeName(): string | null {
      return textAt("xds\0route_name");
    }
    /** Config.core.v3.Metadata. */
    export function routeMetadata(): Uint8Array | null {
      return bytesAt("xds\0route_metadata");
    }
    export function virtualHostName(): string | null {
      return textAt("xds\0virtual_host_name");
    }
    /** Config.core.v3.Metadata. */
    export function virtualHostMetadata(): Uint8Array | null {
      return bytesAt("xds\0virtual_host_metadata");
    }
    /** Config.core.v3.Metadata. */
    export function upstreamHostMetadata(): Uint8Array | null {
      return bytesAt("xds\0upstream_host_metadata");
    }
    /** Config.core.v3.Metadata. */
    export function upstreamHostLocalityMetadata(): Uint8Array | null {
      return bytesAt("xds\0upstream_host_locality_metadata");
    }
    /** 0 unspecified, 1 inbound, 2 outbound. */
    export function listenerDirection(): Value<i64> | null {
      return intAt("xds\0listener_direction");
    }
    /** Config.core.v3.Metadata. */
    export function listenerMetadata(): Uint8Array | null {
      return bytesAt("xds\0listener_metadata");
    }
    export function filterChainName(): string | null {
      return textAt("xds\0filter_chain_name");
    }
  }

  /** Config.core.v3.Metadata: the stream's dynamic metadata. */
  export function metadata(): Uint8Array | null {
    return bytesAt("metadata");
  }
  /** PluginConfig.name. */
  export function pluginName(): string | null {
    return textAt("plugin_name");
  }
  /** PluginConfig.root_id. */
  export function pluginRootId(): string | null {
    return textAt("plugin_root_id");
  }
  /** VmConfig.vm_id. */
  export function pluginVmId(): string | null {
    return textAt("plugin_vm_id");
  }
}

import { MapType, Status } from "./abi.js";
import type { Context } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import { serialisePairs, type HeaderMap } from "./headermap.js";
import type { HttpStream } from "./stream.js";

/** A property's bytes, or the status that says why there are none. */
export type PropertyResult = string | number;

type Tree = { readonly [name: string]: (() => PropertyResult | null) | Tree };

function int(value: number | bigint): string {
  const b = Buffer.alloc(8);
  b.writeBigInt64LE(BigInt(value));
  return b.toString("latin1");
}

/** Repeated lines are joined here, unlike in the header map. */
function headers(map: HeaderMap | null): Tree {
  const names = new Set(map?.lines().map(([name]) => name));
  return Object.fromEntries([...names].map((name) => [name, () => map?.joined(name) ?? null]));
}

function requestTree(s: HttpStream): Tree {
  const map = s.readable(MapType.RequestHeaders);
  const header = (name: string) => () => map?.joined(name) ?? null;
  const path = map?.get(":path") ?? null;
  return {
    path: header(":path"),
    url_path: () => path && (path.split("?")[0] ?? ""),
    query: () => path && (path.includes("?") ? path.slice(path.indexOf("?") + 1).replace(/#.*/, "") : ""),
    host: header(":authority"),
    scheme: header(":scheme"),
    method: header(":method"),
    referer: header("referer"),
    useragent: header("user-agent"),
    id: header("x-request-id"),
    headers: headers(map),
    protocol: () => "HTTP/1.1",
    time: () => int(BigInt(s.startTime) * 1_000_000n),
    // Known once the stream is complete.
    duration: () => (s.logPhase || s.destroyed ? int(process.hrtime.bigint() - s.startTick) : null),
    size: () => int(s.requestBodySize),
    total_size: () => int(s.requestBodySize + (map?.byteSize() ?? 0)),
  };
}

function responseTree(s: HttpStream): Tree {
  const map = s.readable(MapType.ResponseHeaders);
  return {
    code: () => (s.responseCode === null ? null : int(s.responseCode)),
    code_details: () => s.responseDetails,
    flags: () => int(0),
    size: () => int(s.responseBodySize),
    total_size: () => int(s.responseBodySize + (map?.byteSize() ?? 0)),
    headers: headers(map),
    trailers: headers(s.readable(MapType.ResponseTrailers)),
    grpc_status: () => {
      if (s.responseCode === null) return null;
      const status = s.readable(MapType.ResponseTrailers)?.get("grpc-status") ?? map?.get("grpc-status") ?? null;
      if (status === null) return int(grpcOfHttp(s.responseCode));
      return int(/^\d+$/.test(status) ? Number(status) : -1);
    },
    backend_latency: () => (s.upstream !== null && (s.logPhase || s.destroyed) ? int(1_000_000) : null),
  };
}

/** gRPC's mapping of HTTP statuses, which Envoy also uses for local replies. */
export function grpcOfHttp(status: number): number {
  const known: Readonly<Record<number, number>> = {
    400: 13,
    401: 16,
    403: 7,
    404: 12,
    429: 14,
    502: 14,
    503: 14,
    504: 14,
  };
  return known[status] ?? 2;
}

function tree(context: Context): Tree {
  const { plugin } = context.root;
  const s = context.stream;
  const own: Tree = {
    plugin_name: () => plugin.name,
    plugin_root_id: () => plugin.rootId,
    plugin_vm_id: () => plugin.vmId,
  };
  const node: Tree = { id: () => "meshwasm", cluster: () => "meshwasm" };
  if (s === null) return { ...own, xds: { node } };
  const upstream = s.upstream !== null;
  return {
    ...own,
    connection_id: () => int(s.connectionId),
    request: requestTree(s),
    response: responseTree(s),
    source: { address: () => `127.0.0.1:${s.sourcePort}`, port: () => int(s.sourcePort) },
    destination: { address: () => "127.0.0.1:10000", port: () => int(10000) },
    connection: { id: () => int(s.connectionId), mtls: () => "\0", requested_server_name: () => "" },
    upstream: upstream
      ? { address: () => "127.0.0.1:10001", port: () => int(10001), local_address: () => "127.0.0.1:10002" }
      : {},
    metadata: () => "",
    filter_state: Object.fromEntries([...s.state].map(([name, value]) => [`wasm.${name}`, () => value])),
    xds: {
      node,
      route_name: () => "",
      virtual_host_name: () => "all",
      cluster_name: () => "upstream",
      route_metadata: () => "",
      virtual_host_metadata: () => "",
      cluster_metadata: () => "",
      listener_metadata: () => "",
      listener_direction: () => int(0),
      filter_chain_name: () => "",
    },
  };
}

/** Envoy has more under these than the emulator; an upstream only has an address once it was connected. */
const INCOMPLETE = new Set(["metadata", "xds"]);

export function getProperty(context: Context, path: string): PropertyResult {
  // A last empty segment is no segment, and no segment at all is Envoy's null value.
  const parts = path.split("\0");
  if (parts.at(-1) === "") parts.pop();
  const first = parts[0];
  if (first === undefined) return Status.SerializationFailure;
  let at: Tree | (() => PropertyResult | null) | undefined = tree(context);
  for (const [i, part] of parts.entries()) {
    if (typeof at === "function") {
      at = undefined;
      break;
    }
    const next: Tree[string] | undefined = Object.hasOwn(at, part) ? at[part] : undefined;
    if (next === undefined && i > 0 && (INCOMPLETE.has(first) || (first === "upstream" && context.stream?.upstream))) {
      throw new EmulatorError(
        `The emulator does not have the property ${parts.join(".")}; run this test with --host envoy.`,
      );
    }
    at = next;
    if (at === undefined) break;
  }
  if (at === undefined) {
    // What a filter has set has a flat name: only a path of one segment finds it.
    const own = parts.length === 1 ? context.stream?.state.get(first) : undefined;
    return own ?? Status.NotFound;
  }
  if (typeof at === "function") return at() ?? Status.NotFound;
  if (parts.length === 2 && parts[1] === "headers") {
    const lines = Object.entries(at).map(([name, value]) => [name, String((value as () => string)())] as const);
    return lines.length === 0 ? "" : serialisePairs(lines);
  }
  return Status.SerializationFailure;
}

export function setProperty(context: Context, path: string, value: string): number {
  if (context.stream === null) return Status.NotFound;
  context.stream.state.set(path, value);
  return Status.Ok;
}

import { isIP } from "node:net";
import { Status } from "./abi.js";
import { readMessage } from "./messages.js";
import { bool, int, string, type Value, type ValueMap } from "./values.js";

/** How a property that the filter declared is kept. */
export interface StateType {
  readonly readonly: boolean;
  /** Bytes 0, String 1, FlatBuffers 2, Protobuf 3. */
  readonly type: number;
  /** Of a protobuf: the URL of its type. */
  readonly schema: string;
  readonly span: number;
}

/** How long something is kept: for the stream, for the request through all redirects, for the connection. */
const STREAM = 0;
const DEFAULT: StateType = { readonly: false, type: 0, schema: "", span: STREAM };
const STRING = 1;
const PROTOBUF = 3;

/** Something in Envoy's filter state; null: there is nothing to see of it. */
interface StateObject {
  value(): Value | null;
}

/** What proxy_set_property keeps. */
class WasmState implements StateObject {
  #value = "";
  #set = false;

  constructor(private readonly type: StateType) {}

  set(value: string): boolean {
    if (this.type.readonly && this.#set) return false;
    this.#value = value;
    this.#set = true;
    return true;
  }

  /** As the filter has set it. */
  get bytes(): Value {
    return { kind: this.type.type === STRING ? "string" : "bytes", value: this.#value };
  }

  value(): Value {
    return this.type.type === PROTOBUF ? unpack(this.type.schema, this.#value) : this.bytes;
  }
}

/** A protobuf as a value: a wrapper is what it holds, any other is its bytes. */
function unpack(type: string, bytes: string): Value {
  const wrapped = readMessage(bytes)?.get(1);
  switch (/google\.protobuf\.(\w+)$/.exec(type)?.[1]) {
    case "StringValue":
      return string(typeof wrapped === "string" ? wrapped : "");
    case "BytesValue":
      return { kind: "bytes", value: typeof wrapped === "string" ? wrapped : "" };
    case "BoolValue":
      return bool(Boolean(wrapped));
    case "Int64Value":
    case "Int32Value":
    case "UInt64Value":
    case "UInt32Value":
      return int(typeof wrapped === "number" ? wrapped : 0);
    default:
      return { kind: "message", bytes, field: () => null };
  }
}

/** What filters leave for each other on one stream. */
export class FilterState {
  readonly #objects = new Map<string, StateObject>();
  /** Names of what a redirected request keeps. */
  readonly #lasting = new Set<string>();

  /** What proxy_set_property does. */
  setProperty(path: string, value: string, type: StateType = DEFAULT): number {
    const key = `wasm.${path}`;
    const known = this.#objects.get(key);
    const state = known instanceof WasmState ? known : new WasmState(type);
    if (state !== known) this.#keep(key, state, type.span);
    return state.set(value) ? Status.Ok : Status.BadArgument;
  }

  /** A property that a filter has set, by its whole path. */
  property(path: string): Value | null {
    const state = this.#objects.get(`wasm.${path}`);
    return state instanceof WasmState ? state.bytes : null;
  }

  setObject(key: string, object: StateObject, span: number): void {
    this.#keep(key, object, span);
  }

  #keep(key: string, object: StateObject, span: number): void {
    this.#objects.set(key, object);
    if (span === STREAM) this.#lasting.delete(key);
    else this.#lasting.add(key);
  }

  /** What the next stream of a redirected request begins with. */
  redirected(): FilterState {
    const next = new FilterState();
    for (const key of this.#lasting) {
      next.#objects.set(key, this.#objects.get(key)!);
      next.#lasting.add(key);
    }
    return next;
  }

  /** The text of an object that Envoy itself looks at. */
  text(key: string): string | null {
    const value = this.#objects.get(key)?.value() ?? null;
    return value?.kind === "bytes" ? value.value : null;
  }

  /** As the property `filter_state`. */
  asValue(): ValueMap {
    return { kind: "map", get: (key) => this.#objects.get(key)?.value() ?? null, entries: () => null };
  }
}

const asBytes = (text: string): StateObject => ({ value: () => ({ kind: "bytes", value: text }) });
const asNumber = (text: string): StateObject | null => (/^\d{1,19}$/.test(text) ? asBytes(String(BigInt(text))) : null);

/** An address has fields and is no text as a whole. */
function asAddress(text: string): StateObject | null {
  const [, host = "", port = ""] = /^(?:\[(?=.*\]))?([^\]]*)\]?:(\d+)$/.exec(text) ?? [];
  if (isIP(host) === 0) return null;
  const fields: Readonly<Record<string, Value>> = { ip: string(host), port: int(BigInt(port)) };
  const map: ValueMap = {
    kind: "map",
    get: (key) => (Object.hasOwn(fields, key) ? fields[key]! : null),
    entries: () => [],
  };
  return { value: () => map };
}

/** The objects that Envoy 1.40 makes from text, by name. */
const FACTORIES: Readonly<Record<string, (text: string) => StateObject | null>> = {
  "envoy.string": asBytes,
  "envoy.hashable_string": asBytes,
  "envoy.tcp_proxy.cluster": asBytes,
  "envoy.tcp_proxy.per_connection_idle_timeout_ms": asNumber,
  "envoy.tcp_proxy.disable_tunneling": (text) => asBytes(String(text === "true")),
  "envoy.network.upstream_server_name": asBytes,
  "envoy.network.application_protocols": () => ({ value: () => null }),
  "envoy.network.upstream_subject_alt_names": asBytes,
  "envoy.network.network_namespace": asBytes,
  "envoy.network.transport_socket.original_dst_address": asAddress,
  "envoy.network.ip": (text) => (isIP(text) === 0 ? null : asBytes(text)),
  "envoy.filters.listener.original_dst.local_ip": asAddress,
  "envoy.filters.listener.original_dst.remote_ip": asAddress,
  "envoy.upstream.dynamic_host": asBytes,
  "envoy.upstream.dynamic_port": asNumber,
  "envoy.ratelimit.hits_addend": asNumber,
};

/** An object for the filter state, or the status that says why there is none. */
export function createObject(key: string, text: string): StateObject | number {
  const factory = Object.hasOwn(FACTORIES, key) ? FACTORIES[key]! : null;
  return factory === null ? Status.NotFound : (factory(text) ?? Status.BadArgument);
}

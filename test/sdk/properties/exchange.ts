/* One exchange through a real Envoy in which every attribute that can have a value has one, and a filter that reads all of
 * them in each callback. The filter is written from the list of attributes, so a getter that is missing does not compile. */

import https from "node:https";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ATTRIBUTES, getterOf, type Attribute } from "../../../toolchain/build/attributes.js";
import { makeProject, OPTIMISED } from "../../../toolchain/build/testdata/project.js";
import { createTestAuthority } from "../../../toolchain/hosts/certificates.js";
import { createProxy, type EnvoyObject } from "../../../toolchain/hosts/index.js";

/** In the order of a stream; the first is the plugin's. */
export const PHASES = [
  "onConfigure",
  "onRequestHeaders",
  "onRequestBody",
  "onRequestTrailers",
  "onResponseHeaders",
  "onResponseBody",
  "onResponseTrailers",
  "onLog",
  "onDone",
] as const;
export type Phase = (typeof PHASES)[number];

/** What one attribute is in one callback. */
export interface Reading {
  readonly status: number;
  readonly bytes: Buffer;
  /** The getter's value, or null. */
  readonly value: string | null;
}

/** attribute -> callback -> reading */
export type Readings = ReadonlyMap<string, ReadonlyMap<Phase, Reading>>;

/** Longest value whose bytes are logged. */
const SHOWN = 512;

function textOf({ type }: Attribute, getter: string): string {
  if (type === "string") return `text(${getter}())`;
  if (type === "map") return `pairs(${getter}())`;
  if (type === "message" || type === "bytes") return `bytes(${getter}())`;
  return `number(${getter}())`;
}

/** The filter. */
function source(): string {
  const reads = ATTRIBUTES.map((attribute) => {
    const path = attribute.name.split(".").map((part) => JSON.stringify(part));
    return `  say("${attribute.name}", property.getBytes(${path.join(", ")}), ${textOf(attribute, `property.${getterOf(attribute)}`)});`;
  });
  return `import {
  DataAction, HeadersAction, HttpFilter, log, NoConfig, Pairs, Plugin, property, registerHttpFilter, TrailersAction, Value,
} from "meshwasm/sdk";

let phase = "";
let status = 0;

function say(name: string, raw: Uint8Array | null, value: string | null): void {
  // The getter was called last.
  let hex = "";
  if (raw !== null) for (let i = 0; i < min(raw.length, ${SHOWN}); i++) hex += (raw[i] >> 4).toString(16) + (raw[i] & 15).toString(16);
  log.info("read|" + phase + "|" + name + "|" + (<i32>property.status()).toString() + "|" + hex + "|" + (value === null ? "null" : "=" + value));
}
function text(value: string | null): string | null {
  return value;
}
function number<T>(value: Value<T> | null): string | null {
  return value === null ? null : value.value.toString();
}
function pairs(value: Pairs | null): string | null {
  if (value === null) return null;
  let all = "";
  for (let i = 0; i < value.length; i++) all += value.key(i) + "=" + value.value(i) + ";";
  return all;
}
function bytes(value: Uint8Array | null): string | null {
  return value === null ? null : value.length.toString();
}

function readAll(when: string): void {
  phase = when;
${reads.join("\n")}
}

/** What is no attribute, and what is one of another type. */
function odd(): void {
  tell("own", property.getString("mark"));
  tell("own state", bytes(property.filterState("wasm.mark")));
  tell("other state", bytes(property.filterState("no.such")));
  tell("int of text", number(property.getInt("request", "method")));
  tell("uint of text", number(property.getUint("request", "method")));
  tell("double of text", number(property.getDouble("request", "method")));
  tell("bool of int", number(property.getBool("response", "code")));
  tell("pairs of text", pairs(property.getPairs("request", "method")));
  tell("header", property.getString("request", "headers", "x-a"));
  tell("no header", property.getString("request", "headers", "x-b"));
  tell("zero within", property.getString("request", "headers\\0x-a"));
  tell("set with zero", (<i32>property.setString("a\\0b", "")).toString());
  tell("nothing", property.getString(""));
  tell("no such", property.getString("no", "such"));
  tell("six", property.getString("a", "b", "c", "d", "e", "f"));
  tell("node", property.getString("xds", "node", "id"));
  tell("metadata text", property.getString("metadata", "filter_metadata", "test.ns", "text"));
  tell("metadata number", number(property.getDouble("metadata", "filter_metadata", "test.ns", "number")));
  tell("metadata bool", number(property.getBool("metadata", "filter_metadata", "test.ns", "bool")));
  tell("metadata list", pairs(property.getPairs("metadata", "filter_metadata", "test.ns", "list")));
  tell("metadata item", property.getString("metadata", "filter_metadata", "test.ns", "list", "1"));
  tell("metadata struct", pairs(property.getPairs("metadata", "filter_metadata", "test.ns", "struct")));
  tell("route metadata", property.getString("xds", "route_metadata", "filter_metadata", "test", "key"));
}
function tell(what: string, value: string | null): void {
  const at = (<i32>property.status()).toString();
  log.info("odd|" + what + "|" + at + "|" + (value === null ? "null" : "=" + value));
}

class P extends Plugin<NoConfig> {
  onConfigure(): bool {
    readAll("onConfigure");
    return true;
  }
}
class F extends HttpFilter<P> {
  private seen: i32 = 0;
  private first(bit: i32): bool {
    const isFirst = !(this.seen & bit);
    this.seen |= bit;
    return isFirst;
  }
  onRequestHeaders(endOfStream: bool): HeadersAction {
    property.setString("mark", "set");
    readAll("onRequestHeaders");
    return HeadersAction.Continue;
  }
  onRequestBody(size: u32, endOfStream: bool): DataAction {
    if (this.first(1)) readAll("onRequestBody");
    return DataAction.Continue;
  }
  onRequestTrailers(): TrailersAction {
    readAll("onRequestTrailers");
    return TrailersAction.Continue;
  }
  onResponseHeaders(endOfStream: bool): HeadersAction {
    readAll("onResponseHeaders");
    return HeadersAction.Continue;
  }
  onResponseBody(size: u32, endOfStream: bool): DataAction {
    if (this.first(2)) readAll("onResponseBody");
    return DataAction.Continue;
  }
  onResponseTrailers(): TrailersAction {
    readAll("onResponseTrailers");
    return TrailersAction.Continue;
  }
  onLog(): void {
    readAll("onLog");
    odd();
  }
  onDone(): void {
    readAll("onDone");
    log.info("end");
  }
}
registerHttpFilter<F, P, NoConfig>();
`;
}

/** The filter's project, made once. */
let project = "";
export function propertiesProject(): string {
  project ||= makeProject({ ...OPTIMISED, "assembly/index.ts": source(), "filter.yaml": "name: properties\n" });
  return project;
}

const SET_METADATA: EnvoyObject = {
  name: "envoy.filters.http.set_metadata",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
    metadata: [
      {
        metadata_namespace: "test.ns",
        value: { text: "words", number: 1.5, bool: true, list: ["a", "b"], struct: { key: "value" } },
      },
    ],
  },
};

const metadata = (value: string): EnvoyObject => ({ filter_metadata: { test: { key: value } } });

/** Names and metadata on all that has them, and TLS to `upstreamPort`. */
function patch(bootstrap: EnvoyObject, upstreamPort: number, roots: string): EnvoyObject {
  const text = JSON.stringify(bootstrap);
  const all = JSON.parse(text) as Json;
  const listener = all.static_resources.listeners[0];
  listener.metadata = metadata("listener");
  listener.traffic_direction = "INBOUND";
  listener.filter_chains[0].name = "chain";
  const manager = listener.filter_chains[0].filters.at(-1).typed_config;
  const host = manager.route_config.virtual_hosts[0];
  host.metadata = metadata("virtual host");
  const route = host.routes[0];
  route.name = "route";
  route.metadata = metadata("route");
  const cluster = all.static_resources.clusters.find((each: Json) => each.name === "upstream");
  cluster.metadata = metadata("cluster");
  const endpoints = cluster.load_assignment.endpoints[0];
  endpoints.locality = { region: "region", zone: "zone" };
  endpoints.metadata = metadata("locality");
  endpoints.lb_endpoints[0].metadata = metadata("endpoint");
  endpoints.lb_endpoints[0].endpoint.address.socket_address.port_value = upstreamPort;
  cluster.transport_socket = {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      sni: "upstream.test",
      common_tls_context: {
        tls_certificates: [
          { certificate_chain: { filename: `${roots}.cert` }, private_key: { filename: `${roots}.key` } },
        ],
        validation_context: { trusted_ca: { filename: roots } },
      },
    },
  };
  return all;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Envoy's API, of which a few places are changed.
type Json = any;

/** Runs the exchange; what was read of each attribute in each callback. */
export async function exchange(): Promise<{ readings: Readings; logs: string[] }> {
  const authority = await createTestAuthority();
  const server = await authority.issue({ subject: "CN=server", dns: ["example.test"], uris: ["spiffe://test/server"] });
  const client = await authority.issue({ subject: "CN=client", dns: ["client.test"], uris: ["spiffe://test/client"] });
  const upstream = await authority.issue({
    subject: "CN=upstream",
    dns: ["upstream.test"],
    uris: ["spiffe://test/upstream"],
  });
  const proxy0 = await authority.issue({ subject: "CN=proxy", dns: ["proxy.test"], uris: ["spiffe://test/proxy"] });
  const backend = https.createServer(
    { cert: upstream.cert, key: upstream.key, ca: authority.cert, requestCert: true },
    (request, response) => {
      request.resume();
      request.on("end", () => {
        response.writeHead(200, { "content-type": "text/plain", trailer: "x-tail", "x-a": ["1", "2"] });
        response.write("answer");
        response.addTrailers({ "x-tail": "end", "grpc-status": "0" });
        response.end();
      });
    },
  );
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  const roots = join(propertiesProject(), "roots.pem");
  writeFileSync(roots, authority.cert);
  writeFileSync(`${roots}.cert`, proxy0.cert);
  writeFileSync(`${roots}.key`, proxy0.key);
  try {
    await using proxy = await createProxy({
      host: "envoy",
      filter: propertiesProject(),
      name: "plugin",
      rootId: "root",
      vmId: "vm",
      tls: { certificate: server, clientCa: authority.cert },
      nativeFilters: { before: [SET_METADATA] },
      patch: (bootstrap) => patch(bootstrap, (backend.address() as AddressInfo).port, roots),
    });
    const response = await proxy.request({
      method: "POST",
      path: "/a/b?c=d",
      headers: { referer: "https://referer.test/", "user-agent": "agent", "x-a": ["1", "2"], te: "trailers" },
      body: "question",
      trailers: { "x-tail": "end" },
      tls: { serverName: "example.test", certificate: client },
    });
    if (response.status !== 200) throw new Error(String(response));
    for (let tries = 0; tries < 200 && proxy.logs().at(-1)?.message !== "end"; tries++) await proxy.advance(10);
    const logs = proxy.logs().map((line) => line.message);
    return { readings: read(logs), logs };
  } finally {
    await new Promise((resolve) => backend.close(resolve));
  }
}

function read(logs: readonly string[]): Readings {
  const readings = new Map<string, Map<Phase, Reading>>(ATTRIBUTES.map(({ name }) => [name, new Map()]));
  for (const line of logs) {
    const [, phase, name, status, hex, ...value] = line.split("|");
    if (!line.startsWith("read|")) continue;
    const text = value.join("|");
    readings.get(name!)!.set(phase as Phase, {
      status: Number(status),
      bytes: Buffer.from(hex!, "hex"),
      value: text === "null" ? null : text.slice(1),
    });
  }
  return readings;
}

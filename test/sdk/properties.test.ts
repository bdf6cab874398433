import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { ATTRIBUTES, getterOf } from "../../toolchain/build/attributes.js";
import { exchange, PHASES, type Phase, type Readings } from "./properties/exchange.js";
import { guide, table } from "./properties/table.js";

const source = readFileSync(new URL("../../sdk/properties.ts", import.meta.url), "utf8");

const TYPES: Readonly<Record<string, string>> = {
  string: "string",
  int: "Value<i64>",
  uint: "Value<u64>",
  bool: "Value<bool>",
  timestamp: "Value<i64>",
  duration: "Value<i64>",
  map: "Pairs",
  message: "Uint8Array",
};

describe("the list of attributes", () => {
  for (const attribute of ATTRIBUTES) {
    it(`${attribute.name} has its getter, type and comment`, () => {
      const path = attribute.name.replace(".", "\\0");
      const getter = getterOf(attribute).split(".").at(-1)!;
      const found = [
        ...source.matchAll(/( *\/\*\*[^\n]*\*\/\n)? *export function (\w+)\(\): ([^{]+) \{\n[^\n]*\("([^"]*)"\);\n/g),
      ].filter(([, , , , at]) => at === path);
      assert.equal(found.length, 1, "getters of this path");
      const [, comment = "", name, type] = found[0]!;
      assert.equal(name, getter);
      assert.equal(type, `${TYPES[attribute.type]} | null`);
      const unit = attribute.type === "timestamp" ? "ns since 1970" : attribute.type === "duration" ? "ns" : "";
      const words = [attribute.what, unit].filter(Boolean).join(", ");
      assert.equal(comment.replace(/^ *\/\*\* |\. \*\/\n$/g, "").toLowerCase(), words.toLowerCase());
    });
  }
});

describe("attributes on Envoy", () => {
  let readings: Readings;
  let logs: string[];
  before(async () => {
    ({ readings, logs } = await exchange());
  });

  const value = (name: string, phase: Phase = "onLog"): string | null => readings.get(name)!.get(phase)!.value;

  it("all were read in all callbacks", () => {
    for (const [name, by] of readings) assert.deepEqual([...by.keys()], [...PHASES], name);
  });

  it("docs/properties.md says what can be read where (else run test/sdk/properties/record.ts)", () => {
    assert.equal(guide().table, table(readings));
  });

  it("what cannot be read is null and not found, never something else", () => {
    for (const [name, by] of readings) {
      for (const [phase, reading] of by)
        if (reading.value === null) assert.equal(reading.status, 1, `${name} in ${phase}`);
    }
  });

  it("values are those of the exchange", () => {
    const expected: Readonly<Record<string, string | RegExp>> = {
      "request.path": "/a/b?c=d",
      "request.url_path": "/a/b",
      "request.query": "c=d",
      "request.host": "example.test",
      "request.scheme": "https",
      "request.method": "POST",
      "request.headers": /(^|;)x-a=1,2;/,
      "request.referer": "https://referer.test/",
      "request.useragent": "agent",
      "request.id": /^[0-9a-f-]{36}$/,
      "request.protocol": "HTTP/1.1",
      "request.size": "8",
      "response.code": "200",
      "response.code_details": "via_upstream",
      "response.flags": "0",
      "response.grpc_status": "0",
      "response.headers": /(^|;)x-a=1,2;/,
      "response.trailers": /(^|;)x-tail=end;/,
      "response.size": "6",
      "source.address": /^127\.0\.0\.1:\d+$/,
      "source.port": /^\d+$/,
      "destination.address": /^127\.0\.0\.1:\d+$/,
      "connection.id": /^\d+$/,
      "connection.mtls": "true",
      "connection.requested_server_name": "example.test",
      "connection.tls_version": /^TLSv1\.[23]$/,
      "connection.subject_local_certificate": "CN=server",
      "connection.subject_peer_certificate": "CN=client",
      "connection.dns_san_local_certificate": "example.test",
      "connection.dns_san_peer_certificate": "client.test",
      "connection.uri_san_local_certificate": "spiffe://test/server",
      "connection.uri_san_peer_certificate": "spiffe://test/client",
      "connection.sha256_peer_certificate_digest": /^[0-9a-f]{64}$/,
      "connection.peer_certificate": /^-----BEGIN CERTIFICATE-----/,
      "upstream.address": /^127\.0\.0\.1:\d+$/,
      "upstream.num_endpoints": "1",
      "upstream.request_attempt_count": "1",
      "upstream.subject_local_certificate": "CN=proxy",
      "upstream.subject_peer_certificate": "CN=upstream",
      "upstream.dns_san_local_certificate": "proxy.test",
      "upstream.dns_san_peer_certificate": "upstream.test",
      "upstream.uri_san_local_certificate": "spiffe://test/proxy",
      "upstream.uri_san_peer_certificate": "spiffe://test/upstream",
      "upstream.sha256_peer_certificate_digest": /^[0-9a-f]{64}$/,
      "xds.cluster_name": "upstream",
      "xds.route_name": "route",
      "xds.virtual_host_name": "all",
      "xds.listener_direction": "1",
      "xds.filter_chain_name": "chain",
      plugin_name: "plugin",
      plugin_root_id: "root",
      plugin_vm_id: "vm",
    };
    for (const [name, wanted] of Object.entries(expected)) {
      if (typeof wanted === "string") assert.equal(value(name), wanted, name);
      else assert.match(value(name)!, wanted, name);
    }
    const now = BigInt(Date.now()) * 1_000_000n;
    const time = BigInt(value("request.time")!);
    assert.ok(time < now && now - time < 60_000_000_000n, `${time}`);
    const duration = BigInt(value("request.duration")!);
    assert.ok(duration > 0n && duration < 60_000_000_000n, `${duration}`);
    assert.ok(BigInt(value("response.backend_latency")!) <= duration);
    for (const [name, word] of [
      ["xds.route_metadata", "route"],
      ["xds.virtual_host_metadata", "virtual host"],
      ["xds.cluster_metadata", "cluster"],
      ["xds.upstream_host_metadata", "endpoint"],
      ["xds.upstream_host_locality_metadata", "locality"],
      ["xds.listener_metadata", "listener"],
      ["upstream.locality", "zone"],
    ] as const) {
      assert.ok(readings.get(name)!.get("onLog")!.bytes.includes(word), name);
    }
  });

  it("what is no attribute or has another type is null with a status", () => {
    const odd = Object.fromEntries(
      logs
        .filter((line) => line.startsWith("odd|"))
        .map((line) => [line.split("|")[1], line.split("|").slice(2).join("|")]),
    );
    assert.deepEqual(odd, {
      own: "0|=set",
      "own state": "0|=3",
      "other state": "1|null",
      "int of text": "3|null",
      "uint of text": "3|null",
      "double of text": "3|null",
      "bool of int": "3|null",
      "pairs of text": "3|null",
      header: "0|=1,2",
      "no header": "1|null",
      "zero within": "2|null",
      "set with zero": "2|=2",
      nothing: "3|null",
      "no such": "1|null",
      six: "1|null",
      node: "0|=meshwasm",
      "metadata text": "0|=words",
      "metadata number": "0|=1.5",
      "metadata bool": "0|=true",
      "metadata list": "0|=a=;b=;",
      "metadata item": "0|=b",
      "metadata struct": "0|=key=value;",
      "route metadata": "0|=route",
    });
  });
});

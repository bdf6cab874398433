import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { parseReference } from "../oci/index.js";
import { dnsLabel, MeshError, meshManifest, type MeshInput } from "./index.js";

const A = "a".repeat(64);
const B = "b".repeat(64);
const INPUT: MeshInput = {
  target: "istio",
  reference: parseReference("registry.example.com/team/hello:1.0.0"),
  digest: `sha256:${A}`,
  moduleDigest: `sha256:${B}`,
  name: "Hello World",
};

const istio = (extra: Partial<MeshInput> = {}): string => meshManifest({ ...INPUT, ...extra });
const envoy = (extra: Partial<MeshInput> = {}): string => meshManifest({ ...INPUT, target: "envoy", ...extra });

function refuses(extra: Partial<MeshInput>, message: RegExp): void {
  assert.throws(
    () => meshManifest({ ...INPUT, ...extra }),
    (error: unknown) => error instanceof MeshError && message.test(error.message) && !error.message.includes("\n"),
  );
}

test("a WasmPlugin pinned by the manifest's digest", () => {
  const text = istio({
    config: { greeting: "hi", limit: 3 },
    phase: "AUTHN",
    priority: -5,
    namespace: "prod",
    failStrategy: "FAIL_CLOSE",
  });
  assert.deepEqual(parse(text), {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "hello-world", namespace: "prod" },
    spec: {
      url: `oci://registry.example.com/team/hello@sha256:${A}`,
      sha256: A,
      pluginName: "hello-world",
      phase: "AUTHN",
      priority: -5,
      failStrategy: "FAIL_CLOSE",
      pluginConfig: { greeting: "hi", limit: 3 },
    },
  });
  assert.match(text, /# published as registry\.example\.com\/team\/hello:1\.0\.0/);
  assert.match(text, /# selector:\n *# +matchLabels:/);
});

test("what is not given is left out, but the fail strategy is always there with what it means", () => {
  const text = istio();
  const { metadata, spec } = parse(text) as { metadata: object; spec: object };
  assert.deepEqual(Object.keys(metadata), ["name"]);
  assert.deepEqual(Object.keys(spec), ["url", "sha256", "pluginName", "failStrategy"]);
  assert.match(text, /failStrategy: FAIL_RELOAD # .*cannot be fetched.*403/);
  assert.doesNotMatch(istio({ failStrategy: "FAIL_OPEN" }), /403/);
  assert.match(istio({ capabilities: ["proxy_log"] }), /^# WasmPlugin cannot restrict/);
});

test("a number-like hash stays a string", () => {
  for (const hex of ["1".repeat(64), `${"0".repeat(62)}e1`]) {
    assert.equal((parse(istio({ digest: `sha256:${hex}` })) as { spec: { sha256: unknown } }).spec.sha256, hex);
  }
});

test("strings mean the same to a YAML 1.1 reader, which Kubernetes and Envoy are", () => {
  const config = { on: "yes", time: "12:30:00", octal: "0o17", number: "1_000", nothing: "~", text: "a: b #c\n--- d" };
  for (const version of ["1.1", "1.2"] as const) {
    const [doc] = parseAllDocuments(istio({ config }), { version });
    assert.deepEqual((doc!.toJS() as { spec: { pluginConfig: unknown } }).spec.pluginConfig, config);
  }
});

test("hold mode is refused for Istio with the target that can", () => {
  refuses({ allowStopIteration: true }, /holds headers.*allow_on_headers_stop_iteration.*target envoy/);
});

test("wrong values are refused", () => {
  refuses({ digest: "latest" }, /cannot be pinned/);
  refuses({ digest: `sha512:${A}${A}` }, /cannot be pinned/);
  refuses({ config: [1] }, /must be a JSON object/);
  refuses({ phase: "FIRST" as never }, /AUTHN, AUTHZ, STATS/);
  refuses({ failStrategy: "FAIL" as never }, /fail strategy/);
  refuses({ priority: 1.5 }, /32-bit/);
  refuses({ target: "kuma" as never }, /target "kuma"/);
  refuses({ target: "envoy", moduleDigest: undefined }, /no application\/wasm layer/);
});

interface EnvoyYaml {
  http_filters: [{ name: string; typed_config: { config: Record<string, never> } }];
  clusters: [{ name: string; type: string; transport_socket?: unknown; load_assignment: unknown }];
}

test("an Envoy filter and the cluster through which it fetches the blob", () => {
  const config = { greeting: "hi" };
  const text = envoy({ config, failStrategy: "FAIL_CLOSE", allowStopIteration: true, capabilities: ["proxy_log"] });
  const { http_filters, clusters } = parse(text) as EnvoyYaml;
  assert.deepEqual(http_filters[0].typed_config.config, {
    name: "hello-world",
    root_id: "hello-world",
    failure_policy: "FAIL_CLOSED",
    allow_on_headers_stop_iteration: true,
    configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: '{"greeting":"hi"}' },
    vm_config: {
      vm_id: `hello-world-${B.slice(0, 12)}`,
      runtime: "envoy.wasm.runtime.v8",
      capability_restriction_config: { allowed_capabilities: { proxy_log: {} } },
      code: {
        remote: {
          http_uri: {
            uri: `https://registry.example.com/v2/team/hello/blobs/sha256:${B}`,
            cluster: clusters[0].name,
            timeout: "30s",
          },
          sha256: B,
          retry_policy: { num_retries: 3 },
        },
      },
    },
  });
  assert.equal(clusters[0].type, "STRICT_DNS");
  assert.match(
    JSON.stringify(clusters[0].transport_socket),
    /"sni":"registry.example.com".*"exact":"registry.example.com"/,
  );
  assert.match(text, /# Into http_filters .*before envoy\.filters\.http\.router/);
  assert.match(text, /# Into static_resources\.clusters/);
});

test("plain HTTP on loopback or when asked for, and addresses without DNS", () => {
  const clusterOf = (extra: Partial<MeshInput>) => (parse(envoy(extra)) as EnvoyYaml).clusters[0];
  const local = clusterOf({ reference: parseReference("[::1]:5000/a") });
  assert.deepEqual([local.type, local.transport_socket], ["STATIC", undefined]);
  assert.match(JSON.stringify(local.load_assignment), /"address":"::1","port_value":5000/);
  const asked = envoy({ reference: parseReference("registry.test/a"), plainHttp: true });
  assert.match(asked, /uri: http:\/\/registry\.test\/v2\/a\/blobs/);
  assert.match(asked, /port_value: 80\n/);
  assert.match(envoy({ reference: parseReference("10.0.0.1:443/a") }), /san_type: IP_ADDRESS/);
  assert.match(envoy({ phase: "AUTHN" }), /no phases or priorities/);
});

test("names become DNS-1123 labels", () => {
  for (const [text, label] of [
    ["Hello World_1", "hello-world-1"],
    ["--x--", "x"],
    ["é", "e"],
    ["!!", "filter"],
    ["a".repeat(62) + "-b", "a".repeat(62)],
  ] as const) {
    assert.equal(dnsLabel(text), label);
  }
});

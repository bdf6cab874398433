import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { parseReference } from "../oci/index.js";
import {
  dnsLabel,
  kyvernoPolicies,
  MeshError,
  meshManifest,
  readSettings,
  rolloutFiles,
  TARGETS,
  type MeshInput,
} from "./index.js";

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
/** The document for a bootstrap; the second one is the same for ECDS. */
const envoy = (extra: Partial<MeshInput> = {}): string =>
  meshManifest({ ...INPUT, target: "envoy", ...extra }).split("---\n")[0]!;

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
  assert.match(text, /^# Without a selector it runs in every workload/m);
});

test("what is not given is left out, but the fail strategy is always there with what it means", () => {
  const text = istio();
  const { metadata, spec } = parse(text) as { metadata: object; spec: object };
  assert.deepEqual(Object.keys(metadata), ["name"]);
  assert.deepEqual(Object.keys(spec), ["url", "sha256", "pluginName", "failStrategy"]);
  for (const [strategy, trap] of [
    ["FAIL_RELOAD", /then the module is loaded again/],
    ["FAIL_CLOSE", /all later ones fail with 503/],
    ["FAIL_OPEN", /then requests pass without the filter/],
  ] as const) {
    const said = istio({ failStrategy: strategy });
    assert.match(said, /^# On fetch failure: .*\n# On load failure .*\n# On a trap: /m);
    assert.match(said, trap);
    assert.equal(/403/.test(said), strategy !== "FAIL_OPEN");
  }
  assert.match(istio({ capabilities: ["proxy_log"] }), /^# Not carried: WasmPlugin cannot restrict/m);
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
  refuses({ allowStopIteration: true }, /holds headers.*allow_on_headers_stop_iteration.*target envoyfilter/);
});

test("wrong values are refused", () => {
  refuses({ digest: "latest" }, /cannot be pinned/);
  refuses({ digest: `sha512:${A}${A}` }, /cannot be pinned/);
  refuses({ config: [1] }, /must be a JSON object/);
  refuses({ phase: "FIRST" as never }, /AUTHN, AUTHZ, STATS/);
  refuses({ failStrategy: "FAIL" as never }, /fail strategy/);
  refuses({ priority: 1.5 }, /32-bit/);
  refuses({ target: "linkerd" as never }, /target "linkerd" is not known; use one of istio, .*higress/);
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
  assert.match(text, /^# Into http_filters .*before envoy\.filters\.http\.router/m);
  assert.match(text, /static_resources\.clusters/);
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
  assert.match(envoy({ phase: "AUTHN" }), /has no phases or priorities/);
});

const all = (extra: Partial<MeshInput>) =>
  parseAllDocuments(meshManifest({ ...INPUT, ...extra })).map((doc) => doc.toJS() as Record<string, unknown>);
const HTTP_ONLY = { settings: { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "web" }] } };

test("every target pins a digest and says what happens on fetch failure, load failure and trap", () => {
  for (const target of TARGETS) {
    const text = meshManifest({ ...INPUT, target, ...(target === "envoy-gateway" ? HTTP_ONLY : {}) });
    assert.ok(text.includes(A) || text.includes(B), target);
    for (const when of ["On fetch failure", "On load failure", "On a trap"])
      assert.ok(text.includes(`# ${when}`), target);
  }
});

test("hold mode goes where it can be switched on, and is refused elsewhere with the target that can", () => {
  for (const target of TARGETS) {
    const extra = { target, allowStopIteration: true, ...(target === "envoy-gateway" ? HTTP_ONLY : {}) };
    if (["envoyfilter", "envoy", "kuma"].includes(target)) {
      assert.match(meshManifest({ ...INPUT, ...extra }), /allow_on_headers_stop_iteration: true/);
    } else refuses(extra, /cannot switch on .*use the target envoyfilter on Istio, else envoy or kuma/);
  }
});

test("capabilities stand in VmConfig from Envoy 1.40 on, before in PluginConfig", () => {
  const configOf = (targetVersion: string) =>
    (parse(envoy({ capabilities: ["proxy_log"], targetVersion })) as EnvoyYaml).http_filters[0].typed_config.config;
  assert.ok(
    "capability_restriction_config" in configOf("1.39.3") &&
      !("capability_restriction_config" in configOf("1.39.3")["vm_config"]!),
  );
  assert.ok(
    "capability_restriction_config" in configOf("v1.40.0")["vm_config"]! &&
      !("capability_restriction_config" in configOf("1.40")),
  );
  refuses({ targetVersion: "newest" }, /not a version/);
  refuses({ target: "istio-trafficextension", targetVersion: "1.29.4" }, /came with 1\.30; use the target istio/);
});

test("a configuration's clusters and secrets are printed with it", () => {
  const config = { auth: { cluster: "outbound|443||auth.example.com" }, key: { env: "API_KEY" } };
  const [plugin, entry, rule] = all({ config });
  assert.deepEqual((plugin!["spec"] as { vmConfig: unknown }).vmConfig, {
    env: [{ name: "API_KEY", valueFrom: "HOST" }],
  });
  assert.deepEqual([entry!["kind"], rule!["kind"]], ["ServiceEntry", "DestinationRule"]);
  assert.deepEqual((entry!["spec"] as { hosts: unknown }).hosts, ["auth.example.com"]);
  const { clusters } = parse(envoy({ config })) as EnvoyYaml;
  assert.deepEqual(
    [...clusters].map((each) => each.name),
    ["hello-world-registry", "outbound|443||auth.example.com"],
  );
  refuses({ config: { cluster: "authz" } }, /cluster "authz" and nothing says where it is; add --cluster authz=/);
  refuses(
    { config: { cluster: "authz" }, settings: { clusters: { authz: "http://a.test" } } },
    /Istio will call outbound\|80\|\|a\.test/,
  );
  assert.match(
    envoy({ config: { cluster: "authz" }, settings: { clusters: { authz: "http://a.test:81" } } }),
    /port_value: 81/,
  );
  assert.equal(all({ config: { cluster: "authz" }, settings: { clusters: { authz: "existing" } } }).length, 1);
  assert.match(envoy({ settings: { metricLabels: ["result"] } }), /tag_name: result/);
});

test("settings of an image are anybody's: what is wrong is refused", () => {
  for (const [bad, message] of [
    [{ color: 1 }, /unknown key "color"/],
    [{ selector: { a: 1 } }, /selector\.a must be a string/],
    [{ selector: {}, targetRefs: [] }, /exclude one another/],
    [{ match: [{ mode: "BOTH" }] }, /must be one of/],
    [{ match: [{ ports: [0] }] }, /1 to 65535/],
    [{ env: { "A=B": "x" } }, /not the name of an environment variable/],
    [[], /must be a mapping/],
  ] as const) {
    assert.throws(
      () => readSettings(bad, "it"),
      (e: unknown) => e instanceof MeshError && message.test(e.message),
    );
  }
});

test("Kyverno's policies demand our key for each kind", () => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const policies = parseAllDocuments(kyvernoPolicies("registry.example.com/team/hello", pem, "istio")).map((doc) =>
    JSON.stringify(doc.toJS()),
  );
  assert.equal(policies.length, 3);
  for (const policy of policies) assert.match(policy, /"Deny".*verifyImageSignatures/);
  assert.throws(() => kyvernoPolicies("r.test/x", "no key", "istio"), /needs the public key as PEM/);
});

test("a policy never shows a private key, and no two repositories share one", () => {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = pair.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const text = kyvernoPolicies("r.test/x", pem, "envoyfilter");
  assert.doesNotMatch(text, /PRIVATE/);
  assert.match(text, /BEGIN PUBLIC KEY/);
  assert.match(text, /# Not covered: an EnvoyFilter/);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
  assert.throws(
    () => kyvernoPolicies("r.test/x", rsa.export({ format: "pem", type: "spki" }).toString(), "istio"),
    /type rsa; filters are signed by ECDSA P-256/,
  );
  const names = (repository: string) =>
    parseAllDocuments(kyvernoPolicies(repository, pem, "istio")).map(
      (doc) => (doc.toJS() as { metadata: { name: string } }).metadata.name,
    );
  const long = "registry.example.com/platform-team/production/filters/ratelimit";
  assert.ok(names(long).every((name) => name.length <= 63));
  for (const other of [`${long}-v2`, long.replace("/production", "-production")])
    assert.equal(new Set([...names(long), ...names(other)]).size, 6);
});

test("a secret of the configuration is a variable of the module on every target", () => {
  const attached = { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "web" }] };
  for (const target of TARGETS) {
    const settings = target === "envoy-gateway" ? attached : {};
    const text = meshManifest({ ...INPUT, target, config: { apiKey: "MY_KEY" }, secretEnv: ["MY_KEY"], settings });
    assert.match(text, /(name: |- |hostKeys|host_env_keys|HostEnvKeys)[^]*MY_KEY/, target);
    assert.ok(text.split("MY_KEY").length > 2, `${target}: beside the configuration`);
  }
});

test("a gRPC upstream is reached by HTTP/2", () => {
  const grpc = (extra: Partial<MeshInput>, url: string): string =>
    meshManifest({ ...INPUT, config: { cluster: "quota" }, settings: { clusters: { quota: url } }, ...extra });
  for (const target of ["envoy", "kuma"] as const) {
    assert.match(grpc({ target }, "grpc://quota.test:5915"), /http2_protocol_options/);
    assert.match(grpc({ target }, "grpcs://quota.test"), /alpn_protocols[^]*h2/);
    assert.doesNotMatch(grpc({ target }, "http://quota.test:5915"), /http2_protocol_options/);
  }
  const cluster = "outbound|5915||quota.test";
  const settings = { clusters: { [cluster]: "grpcs://quota.test:5915" } };
  const [, entry, rule] = parseAllDocuments(meshManifest({ ...INPUT, config: { cluster }, settings })).map(
    (doc) => (doc.toJS() as { spec: Record<string, unknown> }).spec,
  );
  assert.deepEqual(entry!["ports"], [{ number: 5915, name: "grpc", protocol: "GRPC" }]);
  const policy = rule!["trafficPolicy"] as { portLevelSettings: { port: unknown }[]; tls?: unknown };
  assert.deepEqual([policy.portLevelSettings[0]!.port, policy.tls], [{ number: 5915 }, undefined]);
});

test("objects for hosts with alike names have names of their own", () => {
  const hosts = ["org", "com"].map((tld) => `https://very-long-name.of.team-a.services.example.${tld}`);
  const documents = parseAllDocuments(meshManifest({ ...INPUT, config: { a: hosts.map((url) => ({ url })) } }));
  const names = documents.map((doc) => {
    const { kind, metadata } = doc.toJS() as { kind: string; metadata: { name: string } };
    return `${kind} ${metadata.name}`;
  });
  assert.equal(new Set(names).size, 5);
});

test("a placement that a target cannot say is refused or said", () => {
  const match = [{ mode: "SERVER" as const, ports: [8080] }];
  for (const target of ["envoy", "kuma", "consul", "higress"] as const)
    assert.match(
      meshManifest({ ...INPUT, target, settings: { match } }),
      /Not carried: .* no match by traffic/,
      target,
    );
  assert.match(envoy({ settings: { selector: { app: "web" } } }), /Not carried: selector/);
  assert.match(
    meshManifest({ ...INPUT, target: "consul", settings: { selector: { app: "web", tier: "x" } } }),
    /Not carried: tier=x/,
  );
  const settings = { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "web" }] };
  refuses({ target: "kuma", settings }, /names dataplanes by labels/);
  refuses({ target: "consul", settings }, /a service's, not a target's/);
  const both = [...match, { mode: "CLIENT" as const, ports: [9090] }];
  refuses({ target: "envoyfilter", settings: { match: both } }, /one manifest for CLIENT and one for SERVER/);
});

test("what a mesh could not read, or would guess, is refused", () => {
  const settings = (value: unknown) => () => readSettings(value, "x");
  assert.throws(settings({ selector: { "bad key!": "x" } }), /not a label of Kubernetes/);
  assert.throws(settings({ selector: { app: "x y" } }), /not a label of Kubernetes/);
  assert.throws(settings({ pullSecret: "Bad Name" }), /not the name of a Secret/);
  assert.throws(settings({ env: { A: "1" }, hostEnv: ["A"] }), /variable A is in env and in hostEnv/);
  assert.doesNotThrow(settings({ selector: { "app.kubernetes.io/name": "web-1", empty: "" }, pullSecret: "a.b-c" }));
  refuses({ config: { cluster: "outbound|8443||authz.test" } }, /nothing says whether .* speaks TLS/);
  refuses({ config: { url: "https://10.0.0.5/" } }, /DNS names, and 10\.0\.0\.5 is an address/);
  for (const target of ["envoy", "kuma", "consul", "higress"] as const) {
    const text = meshManifest({ ...INPUT, target, config: { cluster: "authz.team.svc.cluster.local" } });
    assert.match(text, /must have the cluster authz\.team\.svc\.cluster\.local/, target);
  }
});

test("a higher priority runs first, also where Istio counts the other way round", () => {
  const spec = (
    parse(meshManifest({ ...INPUT, target: "envoyfilter", priority: 7 }).split("---\n")[0]!) as {
      spec: { priority: number };
    }
  ).spec;
  assert.equal(spec.priority, -7);
});

test("what plain Envoy does when it cannot fetch is said as it is", () => {
  assert.match(envoy(), /answered 503; when the retries end .* for good/);
  assert.match(envoy({ failStrategy: "FAIL_OPEN" }), /pass without the filter when the retries end/);
});

test("a rollout has a base, an overlay for each stage and the steps", () => {
  const input: MeshInput = { ...INPUT, config: { greeting: "x" } };
  const files = rolloutFiles({ input, stages: ["canary", "prod"], mirrors: { prod: "mirror.test/m" }, hasMode: true });
  assert.deepEqual([...files.keys()].sort(), [
    "ROLLOUT.md",
    "base/filter.yaml",
    "base/kustomization.yaml",
    "overlays/canary/kustomization.yaml",
    "overlays/prod/kustomization.yaml",
  ]);
  const patchesOf = (stage: string) =>
    parse(
      (parse(files.get(`overlays/${stage}/kustomization.yaml`)!) as { patches: [{ patch: string }] }).patches[0].patch,
    ) as { path: string; value: unknown }[];
  assert.deepEqual(
    patchesOf("canary").map((p) => p.value),
    [{ matchLabels: { "meshwasm-stage": "canary" } }, "shadow"],
  );
  assert.deepEqual(
    patchesOf("prod").map((p) => p.value),
    ["enforce", `oci://mirror.test/m/team/hello@sha256:${A}`],
  );
  for (const stages of [[], ["a", "a"], ["../x"]])
    assert.throws(() => rolloutFiles({ input, stages, mirrors: {}, hasMode: false }), /stages are different names/);
});

test("the steps of a rollout name every stage", () => {
  for (const hasMode of [true, false]) {
    const steps = rolloutFiles({ input: INPUT, stages: ["canary", "eu", "prod"], mirrors: {}, hasMode }).get(
      "ROLLOUT.md",
    )!;
    const [, emergency] = steps.split("## Emergency: off");
    for (const stage of ["canary", "eu", "prod"])
      assert.match(emergency!, new RegExp(`delete .*hello-world-${stage} `));
    assert.match(steps, /"meshwasm-stage":"eu"[^]*apply -k overlays\/eu/);
    assert.match(steps, /delete -k overlays\/canary\nkubectl delete -k overlays\/eu/);
    assert.match(steps, /or vector\(0\)\) == 0/);
  }
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

test("an Istio that is too old for a field is told so, or gets what it knows", () => {
  const strategy = (targetVersion?: string): unknown =>
    (parse(istio({ ...(targetVersion ? { targetVersion } : {}) })) as { spec: { failStrategy: string } }).spec
      .failStrategy;
  assert.deepEqual([strategy("1.26.4"), strategy("1.27"), strategy()], ["FAIL_CLOSE", "FAIL_RELOAD", "FAIL_RELOAD"]);
  assert.match(istio({ targetVersion: "1.26" }), /^# FAIL_RELOAD cannot be said here; FAIL_CLOSE is what there is/m);
  refuses({ targetVersion: "1.19", type: "tcp" }, /TCP filters came with 1\.20/);
  const targetRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "web" }];
  refuses({ targetVersion: "1.21", settings: { targetRefs } }, /no targetRefs, which came with 1\.22; use --selector/);
});

test("labels of metrics become stats_tags: those of the filter, of what is configured, and the configuration's own", () => {
  const metricLabels = ["always", { presets: "red", labels: ["code"] }, { mode: "odd", labels: ["never"] }];
  const config = { presets: ["red"], metrics: [{ name: "n", labels: { tenant: "a", "not a label": "b" } }] };
  for (const target of TARGETS) {
    const settings = { metricLabels, ...(target === "envoy-gateway" ? HTTP_ONLY.settings : {}) };
    const text = meshManifest({ ...INPUT, target, config, settings });
    if (["envoy", "envoy-gateway", "kuma", "consul"].includes(target)) {
      const tags = [...text.matchAll(/tag_name["']?: ?["']?(\w+)/g)].map((match) => match[1]);
      assert.deepEqual(tags, ["always", "code", "tenant"], target);
    } else
      assert.match(text, /# stats_tags: meshConfig\.defaultConfig\.extraStatTags: \[always, code, tenant\]/, target);
  }
  assert.doesNotMatch(istio({ config }), /stats_tags/);
  for (const wrong of [[1], [{ labels: ["a"] }], [{ a: 1, b: 2, labels: [] }], [{ a: "b", labels: ["no label"] }]])
    assert.throws(() => readSettings({ metricLabels: wrong }, "x"), MeshError);
});

test("Higress gets what its WasmPlugin has: no FAIL_RELOAD, no selector, no TCP", () => {
  const text = meshManifest({ ...INPUT, target: "higress", settings: { selector: { app: "web" } } });
  const { spec } = parse(text) as { spec: Record<string, unknown> };
  assert.deepEqual(Object.keys(spec), ["url", "sha256", "pluginName", "failStrategy"]);
  assert.equal(spec["failStrategy"], "FAIL_CLOSE");
  assert.match(text, /^# Not carried: selector and targetRefs/m);
  refuses({ target: "higress", type: "tcp" }, /HTTP filters only/);
});

test("Envoy Gateway gets the clusters of a configuration by a patch of the Gateway", () => {
  const ref = (kind: string) => ({ group: "gateway.networking.k8s.io", kind, name: "web" });
  const extra = (...kinds: string[]): Partial<MeshInput> => ({
    target: "envoy-gateway",
    config: { authz: { cluster: "authz" } },
    settings: { targetRefs: kinds.map(ref), clusters: { authz: "grpcs://authz.test" } },
  });
  refuses(extra("HTTPRoute"), /adds clusters to a Gateway only; add --target-ref Gateway\/name/);
  const documents = parseAllDocuments(meshManifest({ ...INPUT, ...extra("HTTPRoute", "Gateway") }));
  const [policy, patch, ...more] = documents.map(
    (doc) => doc.toJS() as { kind: string; spec: Record<string, unknown> },
  );
  assert.deepEqual([policy!.kind, patch!.kind, more.length], ["EnvoyExtensionPolicy", "EnvoyPatchPolicy", 0]);
  assert.deepEqual(patch!.spec["targetRef"], ref("Gateway"));
  const [{ name, operation }] = patch!.spec["jsonPatches"] as [
    { name: string; operation: { value: { name: string } } },
  ];
  assert.deepEqual([name, operation.value.name], ["authz", "authz"]);
  assert.match(JSON.stringify(operation), /alpn_protocols/);
});

/* Manifests against what reads them: the CRDs of Istio and Envoy Gateway, every Envoy's own validation, a running Envoy. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import { parseAllDocuments, stringify } from "yaml";
import {
  config,
  EnvoyProcess,
  findEnvoy,
  SUPPORTED_VERSIONS,
  workDirectory,
} from "../../toolchain/hosts/envoy/index.js";
import { meshManifest } from "../../toolchain/mesh/index.js";
import { parseReference } from "../../toolchain/oci/index.js";
import { eventually, freshFolder, meshwasm, startRegistry, succeeded, type Running } from "../e2e/support.js";
import { goModule, noGo } from "./tools.js";

type Json = Record<string, unknown>;

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: unknown } }[];
  };
}
const skip = noGo() ?? false;
const ISTIO = "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad";
const GATEWAY = "github.com/envoyproxy/gateway@v1.9.1";
const folder = freshFolder();
const work = folder.path;
const settings = join(work, "config.json");
let registry: Running;
let image = "";

before(async () => {
  const started = await startRegistry(join(work, "registry"));
  registry = started.running;
  image = `${started.host}/team/hello:1`;
  writeFileSync(settings, JSON.stringify({ greeting: "from the manifest" }));
  succeeded(await meshwasm(["publish", "examples/hello", image]));
});
after(async () => {
  await registry?.stop();
  folder.remove();
});

async function manifest(...args: string[]): Promise<Json[]> {
  const { stdout } = succeeded(await meshwasm(["manifest", image, "--config", settings, ...args]));
  return parseAllDocuments(stdout).map((doc) => doc.toJS() as Json);
}

/** The CRDs in a file, by kind, as validators of their newest version that serves `apiVersion`. */
function validators(file: string): (object: Json) => string[] {
  const crds = parseAllDocuments(readFileSync(file, "utf8")).map((doc) => doc.toJS() as Crd | null);
  // Unknown formats and x-kubernetes keywords are not JSON Schema's; unknown fields must not be pruned in silence.
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  return (object) => {
    const { apiVersion, kind } = object as { apiVersion: string; kind: string };
    const [group, version] = apiVersion.split("/");
    const crd = crds.find((each) => each?.spec.group === group && each?.spec.names.kind === kind);
    const found = crd?.spec.versions.find((each) => each.name === version);
    if (!found) return [`there is no CRD for ${apiVersion} ${kind}`];
    const schema = closed(found.schema.openAPIV3Schema);
    const validate = ajv.compile({ ...(schema as object), additionalProperties: true } as object);
    validate(object);
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  };
}

/** Kubernetes drops fields that a schema does not know; here they are errors. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy: Record<string, unknown> = Object.fromEntries(Object.entries(schema).map(([k, v]) => [k, closed(v)]));
  if (copy["x-kubernetes-int-or-string"]) delete copy["type"];
  const open = copy["x-kubernetes-preserve-unknown-fields"] === true || copy["additionalProperties"] !== undefined;
  if (copy["type"] === "object" && copy["properties"] && !open && !isMeta(copy)) copy["additionalProperties"] = false;
  return copy;
}

const isMeta = (schema: Record<string, unknown>): boolean => Object.keys(schema["properties"] as object).length === 0;

const EVERYTHING = [
  "--phase",
  "AUTHN",
  "--priority",
  "7",
  "--namespace",
  "prod",
  "--pull-secret",
  "login",
  "--host-env",
  "TOKEN",
  "--fail-strategy",
  "FAIL_OPEN",
];

describe("CRDs", { skip }, () => {
  const crd = (module: string, path: string) => validators(join(goModule(module), path));
  for (const target of ["istio", "istio-trafficextension", "envoyfilter"]) {
    test(`Istio takes ${target}`, async () => {
      const errors = crd(ISTIO, "manifests/charts/base/files/crd-all.gen.yaml");
      const where = ["--selector", "app=web", "--match", "SERVER:8080,8081", "--env", "A=b"];
      for (const flags of [[], [...EVERYTHING, ...where]]) {
        for (const object of await manifest("--for", target, ...flags))
          assert.deepEqual(errors(object), [], stringify(object));
      }
      // The check can fail.
      const [object] = await manifest("--for", target);
      const wrong = structuredClone(object!) as unknown as { spec: Record<string, unknown> };
      wrong.spec["colour"] = "red";
      assert.notDeepEqual(errors(wrong as Json), []);
    });
  }
  test("Envoy Gateway takes envoy-gateway", async () => {
    const folderOf = "charts/gateway-crds-helm/templates/generated/gateway.envoyproxy.io_";
    const plain = join(work, "crd.yaml");
    const crds = ["envoyextensionpolicies", "envoypatchpolicies"].map((name) =>
      // Helm's own lines around the YAML.
      readFileSync(join(goModule(GATEWAY), `${folderOf}${name}.yaml`), "utf8").replace(/^\{\{.*\}\}$/gm, ""),
    );
    writeFileSync(plain, crds.join("\n"));
    const errors = validators(plain);
    for (const flags of [[], EVERYTHING]) {
      const [object] = await manifest("--for", "envoy-gateway", "--target-ref", "HTTPRoute/web", ...flags);
      assert.deepEqual(errors(object!), [], stringify(object));
    }
    const text = meshManifest({
      target: "envoy-gateway",
      reference: parseReference("registry.example.com/team/hello:1"),
      digest: `sha256:${"a".repeat(64)}`,
      name: "hello",
      config: { authz: { cluster: "authz" } },
      settings: {
        targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "web" }],
        clusters: { authz: "https://authz.example.com" },
      },
    });
    const objects = parseAllDocuments(text).map((doc) => doc.toJS() as Json);
    assert.deepEqual(
      objects.map(({ kind }) => kind),
      ["EnvoyExtensionPolicy", "EnvoyPatchPolicy"],
    );
    for (const object of objects) assert.deepEqual(errors(object), [], stringify(object));
  });
});

const JWT = {
  providers: [
    {
      name: "main",
      issuer: "https://login.example.com",
      jwks: { remote: { from: { url: "https://login.example.com/.well-known/jwks.json" } } },
    },
    { name: "batch", issuer: "batch", algorithms: ["HS256"], jwks: { secret: { env: "JWT_SECRET" } } },
  ],
};

test("what jwt-auth needs: the host of the keys, the variable of the secret", { skip }, async () => {
  const jwtImage = image.replace("hello", "jwt-auth");
  const file = join(work, "jwt.json");
  writeFileSync(file, JSON.stringify(JWT));
  succeeded(await meshwasm(["library", "publish", "jwt-auth", jwtImage]));
  const printed = async (...args: string[]): Promise<Json[]> => {
    const { stdout } = succeeded(await meshwasm(["manifest", jwtImage, "--config", file, ...args]));
    return parseAllDocuments(stdout).map((doc) => doc.toJS() as Json);
  };
  const errors = validators(join(goModule(ISTIO), "manifests/charts/base/files/crd-all.gen.yaml"));
  const objects = await printed("--for", "istio", "--selector", "app=web", "--host-env", "JWT_SECRET");
  for (const object of objects) assert.deepEqual(errors(object), [], stringify(object));
  const spec = (kind: string): Json => objects.find((object) => object["kind"] === kind)!["spec"] as Json;
  assert.deepEqual(spec("ServiceEntry")["hosts"], ["login.example.com"]);
  assert.equal(spec("DestinationRule")["host"], "login.example.com");
  assert.match(JSON.stringify(spec("DestinationRule")), /"mode":"SIMPLE"/);
  assert.equal(spec("WasmPlugin")["phase"], "AUTHN");
  assert.deepEqual((spec("WasmPlugin")["vmConfig"] as Json)["env"], [{ name: "JWT_SECRET", valueFrom: "HOST" }]);

  const envoy = await findEnvoy({ onProgress: () => {} });
  const [bootstrap] = await printed("--for", "envoy", "--host-env", "JWT_SECRET");
  const clusters = bootstrap!["clusters"] as { name: string; transport_socket?: object }[];
  const keys = clusters.find(({ name }) => name === "outbound|443||login.example.com");
  assert.ok(keys?.transport_socket, "the keys come by TLS");
  const path = join(work, "jwt-bootstrap.json");
  writeFileSync(path, JSON.stringify(bootstrapOf(bootstrap!["http_filters"] as config.JsonObject[], bootstrap!)));
  await promisify(execFile)(envoy.path, ["--mode", "validate", "-c", path, "--use-dynamic-base-id"], {
    timeout: 60_000,
    env: { ...process.env, JWT_SECRET: "x".repeat(32) },
  });
});

for (const version of SUPPORTED_VERSIONS) {
  test(`Envoy ${version} validates the static and the ECDS form`, async () => {
    const envoy = await findEnvoy({ version, onProgress: () => {} });
    const flags = ["--for", "envoy", "--target-version", version, "--env", "A=b"];
    const [bootstrap, ecds] = await manifest(...flags);
    const directory = join(work, version);
    mkdirSync(directory, { recursive: true });
    const ecdsFile = join(directory, "ecds.yaml");
    writeFileSync(ecdsFile, JSON.stringify(ecds));
    const filters = (bootstrap as unknown as { http_filters: config.JsonObject[] }).http_filters;
    const { name, typed_config } = filters[0] as { name: string; typed_config: { "@type": string } };
    const discovered = {
      name,
      config_discovery: {
        config_source: { path_config_source: { path: ecdsFile }, resource_api_version: "V3" },
        type_urls: [typed_config["@type"]],
      },
    };
    for (const [form, each] of [
      ["static", filters],
      ["ecds", [discovered]],
    ] as const) {
      const file = join(directory, `${form}.json`);
      writeFileSync(file, JSON.stringify(bootstrapOf(each as config.JsonObject[], bootstrap!)));
      await promisify(execFile)(envoy.path, ["--mode", "validate", "-c", file, "--use-dynamic-base-id"], {
        timeout: 60_000,
      });
    }
    // The place of the capabilities matters: the other one is refused, or deprecated.
    const inVm =
      "capability_restriction_config" in
      (typed_config as unknown as { config: { vm_config: object } }).config.vm_config;
    assert.equal(inVm, version.startsWith("1.40"));
  });
}

function bootstrapOf(filters: config.JsonObject[], manifest: Json): unknown {
  return config.bootstrap({
    listeners: [config.listener({ filters })],
    clusters: [
      config.cluster({ name: config.UPSTREAM_CLUSTER, host: "127.0.0.1", port: 9 }),
      ...((manifest["clusters"] ?? []) as unknown as config.JsonObject[]),
    ],
  });
}

for (const form of ["static", "ecds"] as const) {
  test(`Envoy 1.40 runs the ${form} form from the blob's URL, with its capabilities restricted`, async () => {
    const envoy = await findEnvoy({ onProgress: () => {} });
    const [bootstrap, ecds] = await manifest("--for", "envoy", "--target-version", "1.40");
    let filters = (bootstrap as unknown as { http_filters: config.JsonObject[] }).http_filters;
    const directory = workDirectory();
    if (form === "ecds") {
      const file = join(directory, "ecds.yaml");
      writeFileSync(file, JSON.stringify(ecds));
      const { name, typed_config } = filters[0] as { name: string; typed_config: { "@type": string } };
      filters = [
        {
          name,
          config_discovery: {
            config_source: { path_config_source: { path: file }, resource_api_version: "V3" },
            type_urls: [typed_config["@type"]],
          },
        },
      ];
    }
    const upstream = http.createServer((_, response) => response.end("up"));
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    const { port } = upstream.address() as { port: number };
    const proxy = await EnvoyProcess.start({
      envoy: envoy.path,
      directory,
      bootstrap: config.bootstrap({
        listeners: [config.listener({ filters })],
        clusters: [
          config.cluster({ name: config.UPSTREAM_CLUSTER, host: "127.0.0.1", port }),
          ...(bootstrap!["clusters"] as unknown as config.JsonObject[]),
        ],
      }),
    });
    try {
      const url = `http://${await proxy.listenerAddress()}/`;
      let got: string | null = null;
      assert.ok(
        await eventually(async () => (got = (await fetch(url)).headers.get("x-hello")) === "from the manifest", 20_000),
        `x-hello: ${got}`,
      );
    } finally {
      await proxy.stop();
      upstream.closeAllConnections();
      upstream.close();
    }
    assert.ok(existsSync(settings));
  });
}

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { rootCertificates } from "node:tls";
import {
  bootstrap,
  cluster,
  configurationAny,
  listener,
  pluginConfig,
  staticFilter,
  type Code,
  type JsonObject,
} from "./bootstrap.js";
import { EnvoyError } from "./errors.js";
import { findEnvoy } from "./find.js";
import { createEnvoyProxy } from "./host.js";
import { listInstalled } from "./install.js";
import { EnvoyProcess, workDirectory } from "./process.js";
import { compileTestFilter } from "./testdata/compile.js";
import { validateFilter } from "./validate.js";

const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
let module = "";
const envoys: { version: string; path: string }[] = [];

before(async () => {
  module = await compileTestFilter(directory);
});
after(() => rmSync(directory, { recursive: true, force: true }));

test("text goes as StringValue, other bytes as BytesValue, nothing as nothing", () => {
  assert.deepEqual(configurationAny(Buffer.from("\ufeffü")), {
    "@type": "type.googleapis.com/google.protobuf.StringValue",
    value: "\ufeffü",
  });
  assert.deepEqual(configurationAny(new Uint8Array([0xff])), {
    "@type": "type.googleapis.com/google.protobuf.BytesValue",
    value: "/w==",
  });
  const bare = pluginConfig({ name: "a", code: { file: "a.wasm" }, config: null });
  assert.ok(!("configuration" in bare) && !("allow_on_headers_stop_iteration" in bare));
  const held = pluginConfig({ name: "a", code: { file: "a.wasm" }, config: null, allowOnHeadersStopIteration: true });
  assert.equal(held.allow_on_headers_stop_iteration, true);
});

/** One Envoy with the filter inline and no upstream: /deny is answered by the filter. */
async function serve(envoy: string, code: Code, clusters: JsonObject[]): Promise<void> {
  const filter = staticFilter({
    ...{ name: "static", code, config: Buffer.from("hello"), rootId: "root", vmId: "vm" },
    ...{ allowOnHeadersStopIteration: true, env: { A: "b" } },
  });
  const work = workDirectory();
  const upstream = cluster({ name: "upstream", host: "localhost", port: 1 });
  const running = await EnvoyProcess.start({
    ...{ envoy, directory: work, plugins: [{ name: "static", rootId: "root", vmId: "vm" }] },
    bootstrap: bootstrap({ listeners: [listener({ filters: [filter] })], clusters: [upstream, ...clusters] }),
  });
  try {
    const response = await fetch(`http://${await running.listenerAddress()}/deny`);
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("x-config"), "hello");
    const warnings = running.log.filter((line) => line.level === "warn").map((line) => line.message);
    // Every version says so of code.remote, 1.40.0 included.
    const expected = "url" in code ? ["Wasm remote code fetch is unstable and may cause a crash"] : [];
    assert.deepEqual(warnings, expected);
  } finally {
    await running.stop();
  }
}

describe("each installed Envoy takes every form", () => {
  before(async () => {
    envoys.push(...listInstalled());
    const found = await findEnvoy();
    if (!envoys.some(({ version }) => version === found.version)) envoys.push(found);
  });

  const each = (name: string, run: (path: string) => Promise<void>): void => {
    test(name, async (t) => {
      for (const { version, path } of envoys) await t.test(version, () => run(path));
    });
  };

  each("inline, from a file", (path) => serve(path, { file: module }, []));

  each("inline, refused: the filter's reason", async (path) => {
    await assert.rejects(
      validateFilter(path, { name: "v", code: { file: module }, config: Buffer.from("bad") }),
      new EnvoyError("config: $: must not be bad"),
    );
    const lines = await validateFilter(path, { name: "v", code: { file: module }, config: Buffer.from("good") });
    assert.ok(lines.some((line) => line.message === "wasm log: configured with good"));
  });

  each("inline, from a URL", async (path) => {
    const bytes = readFileSync(module);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    let asked = "";
    const server = http.createServer((request, response) => {
      asked = request.url ?? "";
      response.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/v2/filters/test/blobs/sha256:${sha256}`;
      const registry = cluster({ name: "registry", host: "127.0.0.1", port });
      await serve(path, { url, cluster: "registry", sha256 }, [registry]);
      assert.equal(asked, `/v2/filters/test/blobs/sha256:${sha256}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  each("by discovery, with TLS to the upstream accepted", async (path) => {
    await using proxy = await createEnvoyProxy({
      ...{ name: "discovered", module, config: "one", envoyPath: path, onProgress: () => {} },
      patch: (object) => {
        const { static_resources: resources } = object as { static_resources: { clusters: JsonObject[] } };
        resources.clusters.push(cluster({ name: "secure", host: "example.test", port: 443, trustedRoots: roots() }));
        return object;
      },
    });
    assert.equal((await proxy.request()).headers.get("x-config"), "one");
    await proxy.reconfigure("two");
    assert.equal((await proxy.request()).headers.get("x-config"), "two");
    await assert.rejects(proxy.reconfigure("bad"), new EnvoyError("config: $: must not be bad"));
    assert.equal((await proxy.request()).headers.get("x-config"), "two");
  });
});

function roots(): string {
  const file = join(directory, "roots.pem");
  writeFileSync(file, rootCertificates.slice(0, 3).join("\n"));
  return file;
}

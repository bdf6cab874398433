/* Our image in the hands of those who take it: Istio's own fetcher, plain Envoy, crane, oras, skopeo, cosign. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  cleanEnvironment,
  freshFolder,
  meshwasm,
  run,
  startRegistry,
  succeeded,
  type Running,
} from "../e2e/support.js";
import { noGo, tool, type Tool } from "./tools.js";

const skip = noGo() ?? false;
const folder = freshFolder();
const work = folder.path;
const key = join(work, "cosign.key");
const env = cleanEnvironment({ COSIGN_PASSWORD: "of the test", DOCKER_CONFIG: join(work, "docker") });
let registry: Running;
let image = "";
let repository = "";
let digest = "";
const module = (): Buffer => readFileSync("examples/hello/build/filter.wasm");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const call = async (name: Tool, ...args: string[]) => run(tool(name), args, { env, cwd: work, timeoutMs: 120_000 });

before(async () => {
  if (skip) return;
  const started = await startRegistry(join(work, "registry"));
  registry = started.running;
  repository = `${started.host}/team/hello`;
  image = `${repository}:1.0.0`;
  succeeded(await call("cosign", "generate-key-pair"));
  const published = succeeded(
    await meshwasm(["publish", "examples/hello", image, "--sign-key", key, "--json"], { env }),
  );
  digest = (JSON.parse(published.stdout) as { digest: string }).digest;
});
after(async () => {
  await registry?.stop();
  folder.remove();
});

for (const by of ["tag", "digest"] as const) {
  test(`Istio's fetcher takes the module by ${by}`, { skip }, async () => {
    const { stdout } = succeeded(await call("istiofetch", by === "tag" ? image : `${repository}@${digest}`));
    // Istio logs to standard output, too.
    const [manifest, size, hash] = stdout.trim().split("\n").at(-1)!.split(" ");
    assert.equal(manifest, digest.slice("sha256:".length));
    assert.deepEqual([Number(size), hash], [module().length, sha256(module())]);
  });
}

test("Istio's fetcher refuses an image that is not a filter", { skip }, async () => {
  writeFileSync(join(work, "x.txt"), "no module");
  succeeded(await call("oras", "push", "--plain-http", `${repository}:text`, "x.txt:text/plain"));
  const result = await call("istiofetch", `${repository}:text`);
  assert.notEqual(result.code, 0, result.stdout);
});

test("crane pulls it with every digest checked", { skip }, async () => {
  assert.equal(succeeded(await call("crane", "digest", image)).stdout.trim(), digest);
  succeeded(await call("crane", "pull", "--format", "oci", image, "layout"));
  const files = execFileSync("tar", ["-tf", "-"], { input: await exported() }).toString();
  assert.equal(files.trim(), "plugin.wasm");
});

/** The last layer's tar, as crane hands it out. */
async function exported(): Promise<Buffer> {
  const manifest = JSON.parse(succeeded(await call("crane", "manifest", image)).stdout) as {
    layers: { digest: string }[];
  };
  const blob = `${repository}@${manifest.layers.at(-1)!.digest}`;
  const gz = execFileSync(tool("crane"), ["blob", blob], { env });
  return execFileSync("gzip", ["-dc"], { input: gz });
}

test("oras pulls it and finds what refers to it", { skip }, async () => {
  succeeded(await call("oras", "pull", "--plain-http", "-o", join(work, "pulled"), image));
  assert.deepEqual(readFileSync(join(work, "pulled/filter.wasm")), module());
  const { stdout } = succeeded(await call("oras", "discover", "--plain-http", "--format", "json", image));
  for (const type of ["application/vnd.cyclonedx+json", "application/vnd.in-toto+json", "vnd.dev.sigstore.bundle"]) {
    assert.ok(stdout.includes(type), `${type} in ${stdout}`);
  }
});

test("cosign accepts our signature and attestations, and no other key's", { skip }, async () => {
  const offline = ["--insecure-ignore-tlog=true", "--allow-http-registry"];
  succeeded(await call("cosign", "verify", "--key", "cosign.pub", ...offline, image));
  for (const type of ["slsaprovenance1", "cyclonedx"]) {
    succeeded(await call("cosign", "verify-attestation", "--type", type, "--key", "cosign.pub", ...offline, image));
  }
  succeeded(await call("cosign", "generate-key-pair", "--output-key-prefix", "other"));
  assert.notEqual((await call("cosign", "verify", "--key", "other.pub", ...offline, image)).code, 0);
});

test("we accept cosign's signature, with and without the referrers API", { skip }, async () => {
  const port = await crane();
  for (const host of [repository.split("/")[0]!, `127.0.0.1:${port.port}`]) {
    const theirs = `${host}/team/theirs:1`;
    const { stdout } = succeeded(await meshwasm(["publish", "examples/hello", theirs, "--json"], { env }));
    const pinned = (JSON.parse(stdout) as { reference: string }).reference.replace(":1@", "@");
    const unsigned = await meshwasm(["verify", theirs, "--key", join(work, "cosign.pub")], { env });
    assert.equal(unsigned.code, 3, unsigned.stderr);
    const flags = ["--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry", "--yes"];
    succeeded(await call("cosign", "sign", "--key", key, ...flags, pinned));
    succeeded(await meshwasm(["verify", theirs, "--key", join(work, "cosign.pub")], { env }));
    // Ours on the registry without the API, which keeps it under the fallback tag.
    const ours = `${host}/team/ours:1`;
    succeeded(await meshwasm(["publish", "examples/hello", ours, "--sign-key", key], { env }));
    const offline = ["--insecure-ignore-tlog=true", "--allow-http-registry"];
    succeeded(await call("cosign", "verify", "--key", "cosign.pub", ...offline, ours));
    succeeded(
      await meshwasm(["verify", ours, "--key", join(work, "cosign.pub"), "--require", "sbom,provenance"], { env }),
    );
  }
  await port.stop();
});

/** go-containerregistry's registry, which has no referrers API. */
async function crane(): Promise<{ port: string; stop: () => Promise<void> }> {
  const { start } = await import("../e2e/support.js");
  const running = start(tool("crane"), ["registry", "serve", "--address", "127.0.0.1:0"], { env, cwd: work });
  const [, port] = await running.until(/port (\d+)|127\.0\.0\.1:(\d+)/);
  return { port: port ?? "", stop: () => running.stop() };
}

const skopeo = (() => {
  try {
    return execFileSync("sh", ["-c", "command -v skopeo"], { encoding: "utf8" }).trim();
  } catch {
    if (process.env["CI"]) throw new Error("skopeo is not on PATH; CI installs it from the distribution");
    return null;
  }
})();

test(
  "skopeo copies it and finds the same digest",
  { skip: skip || (skopeo ? false : "skopeo is not on PATH") },
  async () => {
    const skopeoRun = (...args: string[]) => run(skopeo!, args, { env, cwd: work });
    const inspected = succeeded(await skopeoRun("inspect", "--tls-verify=false", "--raw", `docker://${image}`));
    assert.equal(sha256(Buffer.from(inspected.stdout)), digest.slice("sha256:".length));
    const to = ["--dest-tls-verify=false", `docker://${repository}-copy:1`];
    succeeded(
      await skopeoRun(
        "copy",
        "--insecure-policy",
        "--preserve-digests",
        "--src-tls-verify=false",
        `docker://${image}`,
        ...to,
      ),
    );
    assert.equal(succeeded(await call("crane", "digest", `${repository}-copy:1`)).stdout.trim(), digest);
  },
);

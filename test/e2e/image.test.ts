/* Images through the command line as users have it: publish, sign, verify, copy, inspect, diff, tags, login. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { spawn } from "node:child_process";
import {
  cleanEnvironment,
  cli,
  copyProject,
  freshFolder,
  makeProject,
  meshwasm,
  startRegistry,
  succeeded,
  type Running,
} from "./support.js";

const folder = freshFolder();
const work = folder.path;
const project = join(work, "project");
const key = join(work, "key.pem");
const pub = join(work, "key.pub");
const env = cleanEnvironment({ DOCKER_CONFIG: join(work, "docker") });
let registry: Running;
let host = "";

before(async () => {
  await makeProject(project);
  succeeded(await meshwasm(["build", project]));
  ({ host, running: registry } = await startRegistry(join(work, "registry")));
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(key, pair.privateKey.export({ format: "pem", type: "pkcs8" }));
  writeFileSync(pub, pair.publicKey.export({ format: "pem", type: "spki" }));
});
after(async () => {
  await registry?.stop();
  folder.remove();
});

const ok = async (...args: string[]): Promise<string> => succeeded(await meshwasm(args, { env, cwd: work })).stdout;
const json = async (...args: string[]) => JSON.parse(await ok(...args, "--json")) as Record<string, unknown>;

test("a signed image is verified, one of another key or none is not: exit code 3", async () => {
  const ref = `${host}/signed:1`;
  const published = await json("publish", project, ref, "--sign-key", key);
  assert.equal(published["signed"], true);
  const verified = await json("verify", ref, "--key", pub, "--require", "sbom,provenance");
  assert.deepEqual([verified["digest"], verified["attestations"]], [published["digest"], ["sbom", "provenance"]]);
  const other = join(work, "other.pem");
  writeFileSync(
    other,
    generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }),
  );
  await ok("publish", project, `${host}/unsigned:1`);
  for (const [image, by, message] of [
    [ref, other, /no signature by the key .*signature verification failed/],
    [`${host}/unsigned:1`, pub, /found: none at all/],
  ] as const) {
    const result = await meshwasm(["verify", image, "--key", by], { env, cwd: work });
    assert.equal(result.code, 3, result.stderr);
    assert.match(result.stderr, message);
  }
  // The key may stand in the environment, and signing twice adds nothing.
  const again = { env: { ...env, SIGN: readFileSync(key, "utf8") }, cwd: work };
  const before = (await json("inspect", ref))["referrers"] as unknown[];
  assert.match(
    succeeded(await meshwasm(["publish", project, ref, "--sign-key", "env://SIGN"], again)).stdout,
    /^unchanged/,
  );
  assert.equal(((await json("inspect", ref))["referrers"] as unknown[]).length, before.length);
  const wrong = await meshwasm(["publish", project, `${host}/never:1`, "--sign-key", pub], { env, cwd: work });
  assert.match(wrong.stderr, /no private key that can sign/);
  assert.equal((await meshwasm(["tags", `${host}/never`], { env })).code, 1);
});

test("a copy keeps digest and signatures", async () => {
  const ref = `${host}/to-copy:1`;
  const { digest } = await json("publish", project, ref, "--sign-key", key);
  const copied = await json("copy", ref, `${host}/mirror/copied:stable`);
  assert.deepEqual([copied["digest"], copied["referrers"]], [digest, 5]);
  await ok("verify", `${host}/mirror/copied:stable`, "--key", pub, "--require", "sbom,provenance");
  assert.equal((await json("copy", ref, `${host}/mirror/copied:stable`))["status"], "unchanged");
});

test("inspect shows an image, a file and a folder; diff what changed", async () => {
  await ok("publish", project, `${host}/shown:1`);
  const image = await json("inspect", `${host}/shown:1`);
  const file = await json("inspect", join(project, "build/filter.wasm"));
  const dir = await json("inspect", project);
  for (const key of ["capabilities", "callbacks", "moduleDigest", "size"]) {
    assert.deepEqual([file[key], dir[key]], [image[key], image[key]], key);
  }
  assert.ok((image["config"] as { path: string }[]).some((row) => row.path === "greeting"));
  assert.match(await ok("inspect", project, "--wat"), /^\(module\n[^]*proxy_on_request_headers/);
  const changed = copyProject(project, join(work, "changed"));
  const source = join(changed, "assembly/index.ts");
  writeFileSync(source, readFileSync(source, "utf8").replace("extends Plugin", "extends  Plugin"));
  writeFileSync(join(changed, "README.md"), "another text\n");
  await ok("publish", changed, `${host}/shown:2`);
  const diff = await json("diff", `${host}/shown:1`, `${host}/shown:2`);
  assert.equal(diff["equal"], false);
  assert.ok(
    (diff["layers"] as { what: string }[]).some((change) => change.what === "README.md"),
    JSON.stringify(diff),
  );
  assert.match(await ok("diff", `${host}/shown:1`, `${host}/shown:1`), /^equal {2}sha256:/);
  assert.equal(await ok("tags", `${host}/shown`), "1\n2\n");
});

test("a module of another SDK is published as it is, what is no filter is refused", async () => {
  const module = join(project, "build/filter.wasm");
  const flags = [
    "--schema",
    join(project, "config.schema.json"),
    "--annotation",
    "org.opencontainers.image.licenses=MIT",
  ];
  await ok("publish", module, `${host}/finished:2.0.0`, ...flags, "--chunk-size", "1000");
  const shown = await json("inspect", `${host}/finished:2.0.0`);
  const annotations = shown["annotations"] as Record<string, string>;
  assert.deepEqual(
    [annotations["org.opencontainers.image.version"], annotations["org.opencontainers.image.licenses"]],
    ["2.0.0", "MIT"],
  );
  await ok("pull", `${host}/finished:2.0.0`, "-o", join(work, "pulled.wasm"));
  assert.deepEqual(readFileSync(join(work, "pulled.wasm")), readFileSync(module));
  const nothing = join(work, "nothing.wasm");
  writeFileSync(nothing, Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const result = await meshwasm(["publish", nothing, `${host}/nothing:1`], { env, cwd: work });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /is no filter that Envoy can run: .*proxy_abi_version/);
});

test("a configuration that the image's filter refuses prints no manifest", async () => {
  await ok("publish", project, `${host}/config:1`);
  writeFileSync(join(work, "bad.json"), '{"greeting":7}');
  for (const command of ["manifest", "rollout"]) {
    const args = [command, `${host}/config:1`, "--config", join(work, "bad.json"), "--for", "istio"];
    const result = await meshwasm(args, { env, cwd: work });
    assert.deepEqual([result.code, result.stdout], [3, ""]);
    assert.match(result.stderr, /greeting/);
  }
  assert.ok(!existsSync(join(work, "rollout")));
});

test("the schema of an image decides for a module that takes anything", async () => {
  // Exports nothing but what Envoy needs: every configuration is fine with it.
  const lax = join(work, "lax.wasm");
  const source = `(module
    (memory (export "memory") 1)
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32) i32.const 1024)
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 0))`;
  const wabt = await (await import("wabt")).default();
  writeFileSync(lax, wabt.parseWat("lax.wat", source).toBinary({}).buffer);
  const schema = (more: string) =>
    `{"type":"object","additionalProperties":false,"properties":{"apiKey":{"type":"string","format":"secret-env"}${more}}}`;
  const [strict, shadow] = [join(work, "strict.json"), join(work, "shadow.json")];
  writeFileSync(strict, schema(""));
  writeFileSync(shadow, schema(',"mode":{"enum":["enforce","shadow","off"],"default":"enforce"}'));
  await ok("publish", lax, `${host}/lax:1`);
  await ok("publish", lax, `${host}/lax:2`, "--schema", strict);
  await ok("publish", lax, `${host}/lax:3`, "--schema", shadow);
  const config = join(work, "lax-config.json");
  writeFileSync(config, '{"nope":1}');
  const refused = await meshwasm(["manifest", `${host}/lax:2`, "--for", "istio", "--config", config], { env });
  assert.deepEqual([refused.code, refused.stdout], [3, ""]);
  assert.match(refused.stderr, /unknown key "nope"/);
  writeFileSync(config, '{"apiKey":"MY_KEY"}');
  assert.match(
    await ok("manifest", `${host}/lax:3`, "--for", "istio", "--config", config),
    /name: MY_KEY\s+valueFrom: HOST/,
  );
  for (const [tag, knows] of [
    [1, false],
    [2, false],
    [3, true],
  ] as const) {
    const out = join(work, `lax-${tag}`);
    await ok("rollout", `${host}/lax:${tag}`, "--config", config, "-o", out);
    const overlay = readFileSync(join(out, "overlays/canary/kustomization.yaml"), "utf8");
    assert.equal(overlay.includes("value: shadow"), knows, `lax:${tag}`);
    const steps = readFileSync(join(out, "ROLLOUT.md"), "utf8");
    assert.equal(steps.includes("lets everything pass"), knows, `lax:${tag}`);
  }
});

test("a wrong command line ends with exit code 2", async () => {
  const manifest = ["manifest", `${host}/signed:1`, "--for", "istio"];
  for (const args of [
    [...manifest, "--match", "INBOUND"],
    [...manifest, "--match", "SERVER:x"],
    [...manifest, "--phase", "FIRST"],
    [...manifest, "--target-version", "new"],
    [...manifest, "--fail-strategy", "OPEN"],
    ["publish", join(project, "build/filter.wasm")],
    ["login", host, "-u", "a:b", "--password-stdin"],
  ]) {
    const result = await meshwasm(args, { env, cwd: work });
    assert.deepEqual([result.code, result.stdout], [2, ""], args.join(" "));
  }
});

test("login checks the password and keeps it as Docker does; logout removes it", async () => {
  const expected = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  const server = http.createServer((request, response) => {
    const right = request.headers.authorization === expected;
    response
      .writeHead(right ? 200 : 401, { "www-authenticate": 'Basic realm="https://registry.example.com/"' })
      .end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const login = (password: string) =>
    new Promise<{ code: number | null; out: string }>((resolve) => {
      const child = spawn(process.execPath, [cli, "login", at, "-u", "me", "--password-stdin"], { env });
      let out = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (out += data.toString()));
      child.on("close", (code) => resolve({ code, out }));
      child.stdin.end(`${password}\n`);
    });
  try {
    const refused = await login("wrong");
    assert.equal(refused.code, 1);
    assert.match(refused.out, /refuses the login of me \(401\)/);
    const file = join(work, "docker/config.json");
    assert.ok(!existsSync(file));
    assert.equal((await login("secret")).code, 0);
    const auths = (JSON.parse(readFileSync(file, "utf8")) as { auths: Record<string, { auth: string }> }).auths;
    assert.equal(Buffer.from(auths[at]!.auth, "base64").toString(), "me:secret");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(await ok("logout", at), /logged out/);
    assert.doesNotMatch(readFileSync(file, "utf8"), /auth":/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("the files of a rollout build with Kustomize's rules", async () => {
  await ok("publish", project, `${host}/rolled:1`);
  const out = join(work, "rolled");
  const flags = ["--stages", "canary,prod", "--selector", "app=web", "--mirror", "prod=mirror.example.com", "-o", out];
  await ok("rollout", `${host}/rolled:1`, ...flags);
  assert.match(readFileSync(join(out, "overlays/canary/kustomization.yaml"), "utf8"), /meshwasm-stage: canary/);
  assert.match(
    readFileSync(join(out, "overlays/prod/kustomization.yaml"), "utf8"),
    /mirror\.example\.com\/rolled@sha256/,
  );
  const steps = readFileSync(join(out, "ROLLOUT.md"), "utf8");
  for (const heading of ["Watch", "Enforce there", "Widen", "Roll back", "Emergency: off"])
    assert.ok(steps.includes(heading));
  mkdirSync(join(work, "full"), { recursive: true });
  writeFileSync(join(work, "full/x"), "");
  const refused = await meshwasm(["rollout", `${host}/rolled:1`, "-o", join(work, "full")], { env, cwd: work });
  assert.match(refused.stderr, /not empty/);
});

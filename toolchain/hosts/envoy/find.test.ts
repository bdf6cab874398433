import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EnvoyError } from "./errors.js";
import { findEnvoy, type FoundEnvoy } from "./find.js";
import { inspectEnvoy } from "./inspect.js";

const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
let real: FoundEnvoy;

before(async () => {
  real = await findEnvoy();
});
after(() => rmSync(directory, { recursive: true, force: true }));

function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: join(directory, "bin"), HOME: directory, MESHWASM_CACHE: join(directory, "cache"), ...more };
}

function refuses(env: NodeJS.ProcessEnv, pattern: RegExp, version?: string): Promise<void> {
  return assert.rejects(findEnvoy({ env: environment(env), version }), (error: Error) => {
    assert.ok(error instanceof EnvoyError, error.stack);
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes("\n"));
    return true;
  });
}

test("ENVOY_PATH that is no usable Envoy is refused by name", async () => {
  const file = join(directory, "plain");
  writeFileSync(file, "text");
  const script = join(directory, "script");
  writeFileSync(script, "#!/bin/sh\necho not me\n", { mode: 0o755 });
  await refuses({ ENVOY_PATH: join(directory, "none") }, /^ENVOY_PATH names .*none, which does not exist/);
  await refuses({ ENVOY_PATH: directory }, /is a directory/);
  await refuses({ ENVOY_PATH: file }, /is not executable/);
  await refuses({ ENVOY_PATH: script }, /is not Envoy or does not run here \(not me\)/);
  await refuses({ ENVOY_PATH: process.execPath }, /is not Envoy/);
  await assert.rejects(
    findEnvoy({ path: join(directory, "none"), env: environment({}) }),
    /^EnvoyError: --envoy-path names/,
  );
});

test("a version beside a path of another version is refused", async () => {
  await refuses({ ENVOY_PATH: real.path }, /Envoy 1\.2\.3 was asked for, but ENVOY_PATH names Envoy/, "1.2.3");
  await refuses({ ENVOY_PATH: real.path, MESHWASM_ENVOY_VERSION: "1.2.3" }, /1\.2\.3 was asked for/);
  const same = await findEnvoy({ env: environment({ ENVOY_PATH: real.path }), version: `v${real.version}` });
  assert.deepEqual(same, { path: real.path, version: real.version, source: "ENVOY_PATH" });
});

test("envoy on PATH is taken when its version fits or none was asked for", async () => {
  const bin = join(directory, "bin");
  mkdirSync(bin);
  symlinkSync(real.path, join(bin, "envoy"));
  const said: string[] = [];
  const found = await findEnvoy({ env: environment({}), onProgress: (line) => said.push(line) });
  assert.equal(found.source, "PATH");
  assert.deepEqual(said, [`Envoy ${real.version} from PATH (${join(bin, "envoy")})`]);
  assert.equal((await findEnvoy({ env: environment({}), version: real.version })).source, "PATH");
  await refuses({}, /Envoy 1\.2\.3 is not a version that meshwasm installs/, "1.2.3");
});

test("the verdict on a binary is remembered", async () => {
  const env = environment({});
  const first = await inspectEnvoy(real.path, env);
  const start = performance.now();
  assert.deepEqual(await inspectEnvoy(real.path, env), first);
  assert.ok(performance.now() - start < 20);
  assert.deepEqual(first, { version: real.version, wasm: true, reason: null });
});

/* As a user gets it: the packed package, installed in an empty folder outside the repository, from init to the mesh's
 * manifest, and the generated CI workflow. Nothing of the checkout may be in reach. */

import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, sep } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { cleanEnvironment, freshFolder, root, run, start, succeeded, type Finished, type Running } from "./support.js";

const SMALL_MODULE = 14 * 1024;

interface Workflow {
  readonly jobs: Readonly<Record<string, { needs?: string | string[]; steps: { name?: string; run?: string }[] }>>;
}

describe("as a user gets it", () => {
  const folder = freshFolder();
  const tool = join(folder.path, "tool");
  const hello = join(tool, "hello");
  const trace = join(folder.path, "trace.log");
  const times: { step: string; ms: number }[] = [];
  let env: NodeJS.ProcessEnv;
  let tarball = "";
  let paths: string[] = [];
  let registry: Running;
  let host = "";
  let pinned = "";

  async function step(name: string, file: string, args: readonly string[], cwd = hello): Promise<Finished> {
    const result = succeeded(await run(file, args, { cwd, env, timeoutMs: 300_000 }), name);
    times.push({ step: name, ms: Math.round(result.ms) });
    return result;
  }

  before(() => {
    mkdirSync(tool);
    // Each Node process of the session notes its program: what ran is known, not assumed.
    const noter = join(folder.path, "note.mjs");
    writeFileSync(
      noter,
      `import { appendFileSync, realpathSync } from "node:fs";
if (process.argv[1]) try { appendFileSync(${JSON.stringify(trace)}, realpathSync(process.argv[1]) + "\\n"); } catch {}`,
    );
    env = cleanEnvironment({ NODE_OPTIONS: `--import=${noter}`, npm_config_fund: "false", npm_config_audit: "false" });
  });
  after(async () => {
    await registry?.stop();
    folder.remove();
  });

  test("npm pack and install of the tarball", async () => {
    // dist/ is what is packed; without scripts, since another test may be using it.
    const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder.path];
    const packed = succeeded(await run("npm", args, { env: cleanEnvironment() }), "npm pack");
    const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
    tarball = join(folder.path, filename);
    paths = files.map((file) => file.path);
    for (const needed of [
      "dist/cli.js",
      "dist/testing.js",
      "sdk/index.ts",
      "asconfig.json",
      "LICENSE",
      "cli/page/index.html",
    ])
      assert.ok(paths.includes(needed), `${needed} is not in the package`);
    await step("npm install of the tool", "npm", ["install", tarball], tool);
    const installed = join(tool, "node_modules/meshwasm");
    assert.equal(lstatSync(installed).isSymbolicLink(), false);
  });

  test("nothing is packed that is of no use to a user", () => {
    const stray = /^(test|examples|scripts)\/|^(sdk|filters)\/.*(\.test\.ts$|\/test\/|\/build\/)|node_modules|\.tgz$/;
    assert.deepEqual(
      paths.filter((path) => stray.test(path)),
      [],
    );
  });

  test("init", async () => {
    const args = ["--no-install", "meshwasm", "init", "hello", "--yes", "--package", `file:${tarball}`];
    await step("init", "npx", args, tool);
    for (const file of [".gitignore", ".github/workflows/filter.yaml", "package.json", "README.md", "filter.yaml"])
      assert.ok(existsSync(join(hello, file)), `${file} was not made`);
    const files = readdirSync(hello, { recursive: true, encoding: "utf8" });
    for (const file of files.filter((each) => statSync(join(hello, each)).isFile())) {
      const text = readFileSync(join(hello, file), "utf8");
      // GitHub's own ${{ … }} stays.
      assert.doesNotMatch(text, /(?<!\$)\{\{\w/, `${file} has a place that was not filled`);
    }
  });

  test("npm install", async () => {
    await step("npm install", "npm", ["install"]);
    assert.equal(lstatSync(join(hello, "node_modules/meshwasm")).isSymbolicLink(), false);
    assert.ok(realpathSync(join(hello, "node_modules/.bin/meshwasm")).startsWith(hello + sep));
    assert.ok(existsSync(join(hello, "package-lock.json")));
  });

  test("npm test, on the emulator", async () => {
    const { stdout, stderr } = await step("npm test", "npm", ["test"]);
    assert.match(stderr, /^host: emulator$/m);
    assertPassed(stdout);
  });

  test("npm test -- --host envoy", async () => {
    const { stdout, stderr } = await step("npm test -- --host envoy", "npm", ["test", "--", "--host", "envoy"]);
    assert.match(stderr, /^host: Envoy \d+\.\d+\.\d+$/m);
    assertPassed(stdout);
  });

  test("npm run build gives a small module", async () => {
    await step("npm run build", "npm", ["run", "build"]);
    const { size } = statSync(join(hello, "build/filter.wasm"));
    assert.ok(size < SMALL_MODULE, `${size} bytes are not under ${SMALL_MODULE}`);
  });

  test("npm run typecheck reports nothing", async () => {
    const { stdout, stderr } = await step("npm run typecheck", "npm", ["run", "--silent", "typecheck"]);
    assert.equal(stdout + stderr, "");
  });

  test("npm run check", async () => {
    const { stdout } = await step("npm run check", "npm", ["run", "check"]);
    assert.match(stdout, /^\.: ok, ABI 0\.2\.1, /m);
  });

  test("registry serve", async () => {
    // Not through npx: it stands between a signal and the registry.
    const bin = join(hello, "node_modules/.bin/meshwasm");
    registry = start(bin, ["registry", "serve", "--port", "0"], { cwd: hello, env, timeoutMs: 600_000 });
    host = (await registry.until(/registry on http:\/\/([^\s,/]+)/))[1]!;
  });

  test("publish", async () => {
    const { stdout } = await step("publish", "npx", ["meshwasm", "publish", `${host}/filters/hello:0.1.0`]);
    pinned = /^published {2}(\S+@sha256:[0-9a-f]{64})$/m.exec(stdout)![1]!;
    const again = await step("publish again", "npx", ["meshwasm", "publish", `${host}/filters/hello:0.1.0`]);
    assert.match(again.stdout, /^unchanged {2}/);
    assert.ok(again.stdout.includes(pinned));
  });

  test("manifest is pinned to the digest that publish printed", async () => {
    const digest = pinned.split("@")[1]!;
    const ref = `${host}/filters/hello:0.1.0`;
    const istio = await step("manifest --for istio", "npx", ["meshwasm", "manifest", ref, "--for", "istio"]);
    const plugin = parse(istio.stdout) as { kind: string; spec: { url: string } };
    assert.equal(plugin.kind, "WasmPlugin");
    assert.match(plugin.spec.url, /^oci:\/\//);
    assert.ok(istio.stdout.includes(digest), istio.stdout);
    const envoy = await step("manifest --for envoy", "npx", ["meshwasm", "manifest", ref, "--for", "envoy"]);
    // A plain Envoy fetches the module itself, so its snippet names the module's digest.
    const built = JSON.parse(readFileSync(join(hello, "build/manifest.json"), "utf8")) as { digest: string };
    assert.ok(envoy.stdout.includes(built.digest.replace("sha256:", "")), envoy.stdout);
  });

  test("pull gives the module back", async () => {
    const file = join(folder.path, "pulled.wasm");
    await step("pull", "npx", ["meshwasm", "pull", pinned, "-o", file]);
    assert.deepEqual(readFileSync(file), readFileSync(join(hello, "build/filter.wasm")));
  });

  test("each step of the generated workflow", async (t) => {
    const workflow = parse(readFileSync(join(hello, ".github/workflows/filter.yaml"), "utf8")) as Workflow;
    // What a fresh checkout has: what git ignores is not there.
    for (const ignored of ["build", "node_modules"]) rmSync(join(hello, ignored), { recursive: true });
    const image = `${host}/ci/hello`;
    const seen: string[] = [];
    let count = 0;
    for (const [name, job] of Object.entries(workflow.jobs)) {
      for (const needed of [job.needs ?? []].flat()) assert.ok(seen.includes(needed), `${name} comes before ${needed}`);
      seen.push(name);
      for (const { name: title, run: script } of job.steps) {
        if (script === undefined) continue;
        count++;
        await t.test(`${name}: ${title}`, async () => {
          const ci = { ...env, CI: "true", IMAGE: image };
          const args = ["-eo", "pipefail", "-c", script];
          succeeded(await run("bash", args, { cwd: hello, env: ci, timeoutMs: 300_000 }), script);
        });
      }
    }
    assert.ok(count >= 5, `${count} steps`);
    assert.deepEqual(seen, ["test", "publish"]);
    const answer = await fetch(`http://${image.replace("/", "/v2/")}/manifests/0.1.0`, { method: "HEAD" });
    assert.equal(answer.status, 200, "the image is there");
    // Reproducible: made anew from the same files, it is the same image.
    assert.equal(answer.headers.get("docker-content-digest"), pinned.split("@")[1]);
  });

  test("nothing from the checkout ran", () => {
    const programs = [...new Set(readFileSync(trace, "utf8").trim().split("\n"))];
    assert.ok(
      programs.some((program) => program.startsWith(join(tool, "node_modules/meshwasm") + sep)),
      "the tool's own command line ran",
    );
    assert.ok(
      programs.some((program) => program.startsWith(join(hello, "node_modules/meshwasm") + sep)),
      "the project's own command line ran",
    );
    assert.deepEqual(
      programs.filter((program) => program.startsWith(realpathSync(root) + sep)),
      [],
    );
  });

  test("times", (t) => {
    const until = times.findIndex(({ step: name }) => name === "npm test -- --host envoy");
    const from = times.findIndex(({ step: name }) => name === "init");
    assert.ok(from >= 0 && until > from);
    const evidence = {
      initToFirstGreenEnvoyTestMs: times.slice(from, until + 1).reduce((sum, { ms }) => sum + ms, 0),
      moduleBytes: statSync(join(hello, "build/filter.wasm")).size,
      packageBytes: statSync(tarball).size,
      steps: times,
    };
    t.diagnostic(`init to first green test on Envoy: ${evidence.initToFirstGreenEnvoyTestMs} ms`);
    const dir = process.env["MESHWASM_EVIDENCE_DIR"];
    if (!dir) return;
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "user.json"), `${JSON.stringify(evidence, null, 2)}\n`);
  });
});

/** Node's runner says so in its "tap" and in its "spec" form. */
function assertPassed(stdout: string): void {
  assert.match(stdout, /^(#|ℹ) pass [1-9]/m);
  assert.match(stdout, /^(#|ℹ) fail 0$/m);
  assert.match(stdout, /^(#|ℹ) skipped 0$/m);
}

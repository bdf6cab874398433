import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { build, buildIfStale, generate, inspect, type ModuleManifest } from "./build.js";
import { check } from "./check.js";
import { BuildError } from "./errors.js";
import { packageVersion } from "./package-root.js";
import { readProject } from "./project.js";
import { makeProject, OPTIMISED, SMALLEST } from "./testdata/project.js";
import { readWasm } from "./wasm.js";

const SCHEMA = '{"type":"object","additionalProperties":false,"properties":{"greeting":{"type":"string"}}}';
const CONFIGURED = `import { SampleConfig } from "./config";\n${SMALLEST.replaceAll("NoConfig", "SampleConfig").replace("SampleConfig, Plugin, register", "Plugin, register").replace('"world"', "this.plugin.config.greeting")}`;

/** Every file of a folder with its contents and times. */
function snapshot(dir: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const path = join(dir, name);
    files[name] = `${createHash("sha256").update(readFileSync(path)).digest("hex")} ${statSync(path).mtimeMs}`;
  }
  return files;
}
/** Gives a file a time of its own; a filesystem's clock may be too coarse for two writes. */
function touch(file: string, secondsFromNow: number): void {
  const time = Date.now() / 1000 + secondsFromNow;
  utimesSync(file, time, time);
}
const manifestOf = (dir: string) =>
  JSON.parse(readFileSync(join(dir, "build/manifest.json"), "utf8")) as ModuleManifest;

test("a build writes the module, its twin with names and map, and what it is", async () => {
  const dir = makeProject({
    "filter.yaml": "name: sample\ndescription: greets\nphase: STATS\npriority: 7\nfailStrategy: FAIL_OPEN\n",
    "package.json": '{"version":"2.0.1"}',
    "config.schema.json": SCHEMA,
    "assembly/index.ts": CONFIGURED,
    ...OPTIMISED,
  });
  const result = await build(dir);
  assert.equal(result.rebuilt, true);
  assert.equal(result.wasm, join(dir, "build/filter.wasm"));
  assert.deepEqual(readdirSync(join(dir, "build")).sort(), [
    "filter.debug.wasm",
    "filter.debug.wasm.map",
    "filter.wasm",
    "inputs.json",
    "manifest.json",
  ]);
  const wasm = readFileSync(result.wasm);
  const digest = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  assert.deepEqual(check(wasm), []);
  assert.deepEqual(
    readWasm(wasm).customSections.map(({ name }) => name),
    ["name"],
  );
  assert.deepEqual(manifestOf(dir), result.manifest);
  assert.deepEqual(result.manifest, {
    name: "sample",
    version: "2.0.1",
    description: "greets",
    type: "http",
    digest: digest(wasm),
    size: wasm.length,
    abi: "0.2.1",
    hostCalls: result.manifest.hostCalls,
    callbacks: ["proxy_on_configure", "proxy_on_context_create", "proxy_on_delete", "proxy_on_response_headers"],
    bodyMode: "none",
    schemaDigest: digest(Buffer.from(SCHEMA)),
    phase: "STATS",
    priority: 7,
    failStrategy: "FAIL_OPEN",
    builtWith: { meshwasm: packageVersion },
  });
  assert.deepEqual(result.manifest.hostCalls, [
    ...["proxy_get_buffer_bytes", "proxy_get_property", "proxy_log", "proxy_replace_header_map_value"],
    "proxy_send_local_response",
  ]);
  const debug = readFileSync(join(dir, "build/filter.debug.wasm"));
  assert.ok(readWasm(debug).customSections.some((s) => s.name === "name"));
  assert.deepEqual(inspect(debug).callbacks, result.manifest.callbacks);
  const first = readFileSync(result.wasm);
  await build(dir);
  assert.deepEqual(readFileSync(result.wasm), first, "the same input gives the same module");
});

test("nothing in build/ changes when a build fails", async () => {
  const dir = makeProject({ "config.schema.json": SCHEMA, "assembly/index.ts": CONFIGURED });
  const out = join(dir, "build");
  const fails = async (file: string, text: string, message: RegExp) => {
    const before = readFileSync(join(dir, file), "utf8");
    const [files, time] = [snapshot(out), statSync(join(dir, file)).mtimeMs / 1000];
    writeFileSync(join(dir, file), text);
    await assert.rejects(build(dir), (error) => error instanceof BuildError && message.test(error.message));
    assert.deepEqual(snapshot(out), files, file);
    writeFileSync(join(dir, file), before);
    utimesSync(join(dir, file), time, time);
  };
  const all = async () => {
    await fails("assembly/index.ts", `${CONFIGURED}\nconst x: i32 = "no";\nlet y = x;`, /1 AssemblyScript error/);
    await fails("assembly/index.ts", "", /registers no filter/);
    await fails("filter.yaml", "name: sample\nmaxModuleBytes: 100\n", /^the module has \d+ bytes, its budget is 100; /);
    await fails("filter.yaml", "name: [", /filter\.yaml/);
    await fails("config.schema.json", "{", /config\.schema\.json is not valid JSON/);
    await fails(
      "assembly/index.ts",
      `@external("env", "nothing") declare function nothing(): void;\nnothing();\n${CONFIGURED}`,
      /^the module imports env\.nothing, which Envoy does not have/,
    );
  };
  await all();
  assert.equal(existsSync(out), false);
  await build(dir);
  await all();
  assert.equal((await buildIfStale(dir)).rebuilt, false, "what was built stands");
});

test("config.ts is written when the schema changes its text, and only then", () => {
  const dir = makeProject({ "config.schema.json": SCHEMA });
  const file = join(dir, "assembly/config.ts");
  const project = readProject(dir);
  assert.equal(generate(project), true);
  assert.match(readFileSync(file, "utf8"), /greeting: string = "";/);
  touch(file, -1000);
  const time = statSync(file).mtimeMs;
  assert.equal(generate(project), false);
  assert.equal(statSync(file).mtimeMs, time);
  writeFileSync(file, "edited by hand");
  assert.equal(generate(project), true);
  assert.deepEqual(readdirSync(join(dir, "assembly")).sort(), ["config.ts", "index.ts"]);
  assert.equal(generate(readProject(makeProject())), false);
});

test("buildIfStale builds when something it is made from has changed, and not otherwise", async () => {
  const dir = makeProject({
    "config.schema.json": SCHEMA,
    "assembly/index.ts": `import "./lib/other";\n${CONFIGURED}`,
    "assembly/lib/other.ts": "",
    "assembly/unused.ts": "",
    "package.json": "{}",
    "README.md": "",
  });
  const at = (name: string) => join(dir, name);
  const stale = async (why: string, change: () => void) => {
    change();
    assert.equal((await buildIfStale(dir)).rebuilt, true, why);
    // What was touched lies in the future, or the next build would be stale for the same reason.
    for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      if (!name.startsWith("build") && statSync(at(name)).isFile()) touch(at(name), -10);
    }
    assert.equal((await buildIfStale(dir)).rebuilt, false, `${why}, but once`);
  };
  const fresh = async (why: string, change: () => void) => {
    change();
    const before = snapshot(at("build"));
    const result = await buildIfStale(dir);
    assert.equal(result.rebuilt, false, why);
    assert.deepEqual(result.manifest, manifestOf(dir));
    assert.deepEqual(snapshot(at("build")), before);
  };
  const started = Date.now();
  assert.equal((await buildIfStale(dir)).rebuilt, true, "never built");
  const ended = Date.now();
  await fresh("nothing changed", () => {});
  await stale("an input changed while the build ran", () => {
    const time = (started + ended) / 2000;
    utimesSync(at("assembly/lib/other.ts"), time, time);
  });

  for (const name of ["assembly/index.ts", "assembly/lib/other.ts", "assembly/config.ts", "asconfig.json"]) {
    await stale(name, () => touch(at(name), 10));
  }
  for (const name of ["filter.yaml", "config.schema.json", "package.json"]) {
    await stale(name, () => touch(at(name), 10));
  }
  for (const name of ["assembly/unused.ts", "README.md"]) await fresh(name, () => touch(at(name), 10));

  const manifest = at("build/manifest.json");
  await stale("another version of meshwasm", () => {
    const text = readFileSync(manifest, "utf8").replace(`"meshwasm": "${packageVersion}"`, '"meshwasm": "0.0.1-other"');
    writeFileSync(manifest, text);
  });
  await stale("a module that is not the manifest's", () => writeFileSync(at("build/filter.wasm"), "x"));
  for (const name of ["filter.wasm", "manifest.json", "inputs.json"]) {
    await stale(`no ${name}`, () => unlinkSync(at(`build/${name}`)));
    await stale(`empty ${name}`, () => writeFileSync(at(`build/${name}`), ""));
  }
  await stale("no build folder", () => rmSync(at("build"), { recursive: true }));

  const old = (name: string, text: string) => {
    writeFileSync(at(name), text);
    touch(at(name), -5000);
  };
  await stale("another version in package.json, with an old time", () => old("package.json", '{"version":"9.9.9"}'));
  assert.equal(manifestOf(dir).version, "9.9.9");
  await stale("another name in filter.yaml, with an old time", () => {
    old("filter.yaml", "name: sample\ndescription: new\n");
  });
  assert.equal(manifestOf(dir).description, "new");
  await stale("a schema with an old time", () => old("config.schema.json", SCHEMA.replace("{", '{"title":"t",')));
  await stale("no schema any more", () => unlinkSync(at("config.schema.json")));
  assert.equal(manifestOf(dir).schemaDigest, null);

  unlinkSync(at("assembly/lib/other.ts"));
  await assert.rejects(buildIfStale(dir), BuildError);
});

test("the budget of filter.yaml holds to the byte", async () => {
  const dir = makeProject();
  const { manifest } = await build(dir);
  const budget = (bytes: number) => writeFileSync(join(dir, "filter.yaml"), `name: sample\nmaxModuleBytes: ${bytes}\n`);
  budget(manifest.size);
  assert.equal((await build(dir)).manifest.size, manifest.size);
  budget(manifest.size - 1);
  await assert.rejects(build(dir), {
    name: "BuildError",
    message: `the module has ${manifest.size} bytes, its budget is ${manifest.size - 1}; make it smaller or raise maxModuleBytes in filter.yaml`,
  });
});

test("a library filter inside the package itself is built with the SDK beside it", async () => {
  const dir = makeProject();
  const inner = join(dir, "filters/one");
  mkdirSync(join(inner, "assembly"), { recursive: true });
  for (const name of ["filter.yaml", "asconfig.json", "assembly/index.ts"]) {
    writeFileSync(join(inner, name), readFileSync(join(dir, name)));
  }
  const { wasm } = await build(inner);
  const inputs = JSON.parse(readFileSync(join(inner, "build/inputs.json"), "utf8")) as string[];
  assert.ok(inputs.every((path) => existsSync(join(inner, path))));
  assert.equal(relative(inner, wasm), join("build", "filter.wasm"));
});

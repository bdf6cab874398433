/* `meshwasm library` in a checkout, and in the package as npm installs it: the same images, without a build there. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  cleanEnvironment,
  cli,
  freshFolder,
  meshwasm,
  root,
  run,
  startRegistry,
  succeeded,
  type Finished,
  type Running,
} from "./support.js";

interface Entry {
  readonly name: string;
  readonly version: string;
  readonly size: number;
  readonly digest: string;
  readonly moduleDigest: string;
  readonly module: string;
  readonly readme: string;
}

const folder = freshFolder();
const work = folder.path;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
let registry: Running;
let host = "";
let installed = "";

before(async () => {
  const started = await startRegistry(join(work, "registry"));
  registry = started.running;
  host = started.host;
  // As `npm publish` does before it packs; another test may be using dist/, so no other script runs.
  const made = await run(process.execPath, ["--import", "tsx", "scripts/library.ts"], { timeoutMs: 300_000 });
  succeeded(made, "the library is built");
  const packed = succeeded(
    await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", work], { env: cleanEnvironment() }),
  );
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  const modules = join(work, "project/node_modules");
  mkdirSync(modules, { recursive: true });
  succeeded(
    await run("tar", ["-xzf", join(work, filename), "-C", modules, "--one-top-level=meshwasm", "--strip-components=1"]),
  );
  for (const name of ["assemblyscript", "esbuild", "tsx"])
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  installed = join(modules, "meshwasm/dist/cli.js");
});
after(async () => {
  await registry?.stop();
  folder.remove();
});

const places: readonly (readonly [where: string, call: (...args: string[]) => Promise<Finished>])[] = [
  ["a checkout", (...args) => meshwasm(["library", ...args])],
  ["the package", (...args) => run(process.execPath, [installed, "library", ...args], { cwd: work })],
];

for (const [where, library] of places) {
  describe(`the library of ${where}`, () => {
    test("list and show", async () => {
      const list = JSON.parse(succeeded(await library("list", "--json")).stdout) as Entry[];
      assert.ok(list.some(({ name }) => name === "header-rewrite"));
      for (const entry of list) {
        assert.equal(entry.version, version);
        const { stdout } = succeeded(await library("show", entry.name, "--json"));
        const { config, example, ...shown } = JSON.parse(stdout) as Entry & { config: unknown[]; example: string };
        assert.deepEqual(shown, entry);
        assert.ok(config.length > 0 && example.length > 0);
        assert.equal(readFileSync(entry.module).length, entry.size);
        assert.match(readFileSync(entry.readme, "utf8"), new RegExp(`^# ${entry.name}`, "m"));
        const text = succeeded(await library("show", entry.name)).stdout;
        for (const part of [entry.digest, entry.moduleDigest, entry.module]) assert.ok(text.includes(part), part);
      }
      assert.match(succeeded(await library("list")).stdout, /^header-rewrite +\d+\.\d+\.\d+ +\d+ bytes /m);
    });

    test("publish one, and all", async () => {
      const prefix = `${host}/${where.split(" ").at(-1)!}`;
      const list = JSON.parse(succeeded(await library("list", "--json")).stdout) as Entry[];
      const { digest } = list.find(({ name }) => name === "header-rewrite")!;
      const one = succeeded(await library("publish", "header-rewrite", `${prefix}/mine`, "--json"));
      const published = JSON.parse(one.stdout) as { reference: string; digest: string; status: string };
      assert.equal(published.digest, digest);
      assert.match(published.reference, new RegExp(`/mine:${version.replaceAll(".", "\\.")}@sha256:`));
      const all = succeeded(await library("publish", "--all", `${prefix}/all/`, "--json"));
      const names = (JSON.parse(all.stdout) as { name: string; reference: string }[]).map(({ name }) => name);
      assert.deepEqual(
        names,
        list.map(({ name }) => name),
      );
      const tags = succeeded(await meshwasm(["tags", `${prefix}/all/header-rewrite`]));
      assert.equal(tags.stdout.trim(), version);
    });

    test("what is asked wrongly is told", async () => {
      for (const [args, message] of [
        [["show", "nothing"], /no filter "nothing"; there are .*header-rewrite/],
        [["publish", "header-rewrite"], /give a name and host:port\/repo\/name/],
        [["publish"], /give a name/],
        [["publish", "header-rewrite", "--all", `${host}/x`], /give a name/],
      ] as const) {
        const { code, stderr } = await library(...args);
        assert.equal(code, 2);
        assert.match(stderr, message);
      }
    });
  });
}

test("both have the same images, and the package builds nothing", async () => {
  const [here, there] = await Promise.all(
    places.map(async ([, library]) => JSON.parse(succeeded(await library("list", "--json")).stdout) as Entry[]),
  );
  const digests = (list: Entry[]): string[] => list.map(({ name, digest }) => `${name} ${digest}`);
  assert.deepEqual(digests(here!), digests(there!));
  for (const { name } of there!) assert.ok(!existsSync(join(installed, "../../filters", name, "build")));
});

test("a name of the library stands for its filter", async () => {
  const right = join(work, "right.yaml");
  const wrong = join(work, "wrong.yaml");
  writeFileSync(right, "request: [{ op: remove, name: x-debug }]\n");
  writeFileSync(wrong, "request: [{ op: remove, name: host }]\n");
  for (const command of [cli, installed]) {
    const call = (...args: string[]) => run(process.execPath, [command, ...args], { cwd: work });
    succeeded(await call("validate", "header-rewrite", "--config", right));
    const { code, stdout } = await call("validate", "header-rewrite", "--config", wrong);
    assert.equal(code, 3);
    assert.match(stdout, /wrong\.yaml:1:\d+: \$\.request\[0\]\.name: host cannot be changed here/);
    const image = `${host}/mesh/header-rewrite:1`;
    const printed = succeeded(
      await call("manifest", "header-rewrite", "--image", image, "--for", "istio", "--config", right),
    );
    assert.match(printed.stdout, /kind: WasmPlugin[^]*sha256:[0-9a-f]{64}/);
    const bare = succeeded(await call("manifest", "header-rewrite", "--for", "envoy", "--config", right));
    assert.match(bare.stdout, /filename: \/.*\/filter\.wasm/);
  }
});

/* Ctrl-C and SIGTERM at several moments of each long command: the process ends soon, its children are gone, ports are free
 * and no half-written file stays. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  canBind,
  cleanEnvironment,
  commandOf,
  contentsOf,
  copyProject,
  descendants,
  eventually,
  filesIn,
  freePort,
  freshFolder,
  isAlive,
  makeProject,
  meshwasm,
  startMeshwasm,
  succeeded,
  type Running,
} from "./support.js";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** A compile that has begun is finished first, on two busy cores too. */
const SOON_MS = 10_000;
/** What a killed parent's guard gives Envoy to end. */
const CHILDREN_MS = 6000;

const folder = freshFolder();
const work = folder.path;
const good = join(work, "good");
/** Temporary files of the children: what stays there was left by them. */
const temporary = join(work, "tmp");
const env = cleanEnvironment({ TMPDIR: temporary });

before(async () => {
  mkdirSync(temporary);
  await makeProject(good);
  succeeded(await meshwasm(["build", good]));
});
after(() => folder.remove());

/** Sends the signal and asserts that the process and all below it end. */
async function interrupt(running: Running, signal: NodeJS.Signals, codes: readonly number[]): Promise<void> {
  const below = descendants(running.pid);
  const started = performance.now();
  running.child.kill(signal);
  const ended = await Promise.race([running.finished, sleep(SOON_MS, null, { ref: false })]);
  if (ended === null) {
    running.child.kill("SIGKILL");
    assert.fail(`it still ran ${SOON_MS / 1000} s after ${signal}:\n${running.stdout}${running.stderr}`);
  }
  const ms = Math.round(performance.now() - started);
  const said = `${signal}: code ${ended.code}, signal ${ended.signal} after ${ms} ms\n${ended.stdout}${ended.stderr}`;
  assert.ok(ended.signal === signal || codes.includes(ended.code ?? -1), said);
  assert.doesNotMatch(ended.stderr, /^ {4}at |unexpected error/m, said);
  const gone = await eventually(() => !below.some(isAlive), CHILDREN_MS);
  const left = below.filter(isAlive).map((pid) => ({ pid, command: commandOf(pid) }));
  for (const { pid } of left) process.kill(pid, "SIGKILL");
  if (!gone) for (const name of ours()) rmSync(join(temporary, name), { recursive: true, force: true });
  assert.ok(gone, `still there: ${left.map(({ command }) => command).join("; ")}\n${said}`);
}

const ours = () => readdirSync(temporary).filter((name) => name.startsWith("meshwasm-"));

/** Nothing of ours is left in the folder for temporary files; node's compile caches and tsx's are not ours. */
async function assertClean(): Promise<void> {
  const clean = await eventually(() => ours().length === 0, CHILDREN_MS);
  const names = ours();
  for (const name of names) rmSync(join(temporary, name), { recursive: true, force: true });
  assert.ok(clean, `left among the temporary files: ${names.join(", ")}`);
}

const killedCodes = { SIGINT: [130], SIGTERM: [143] } as const;
const stoppedCodes = [0];

/** Until a file appears in the folder; then at once. */
function firstChange(dir: string): { seen: Promise<void>; stop: () => void } {
  let stop = () => {};
  const seen = new Promise<void>((resolve) => {
    const watcher = watch(dir, () => resolve());
    stop = () => watcher.close();
  });
  return { seen, stop };
}

for (const signal of SIGNALS) {
  const killed = killedCodes[signal];

  describe(`${signal} to build`, () => {
    const moments: [string, (running: Running) => Promise<unknown>][] = [
      ["at once", () => sleep(0)],
      ["while it starts", () => sleep(250)],
      ["while it compiles", (running) => running.until(/^Building/m)],
      ["later in the compile", (running) => running.until(/^Building/m).then(() => sleep(600))],
    ];
    for (const [title, moment] of moments) {
      test(title, async () => {
        const dir = copyProject(good, join(work, `build-${signal}-${title.replaceAll(" ", "-")}`));
        rmSync(join(dir, "build"), { recursive: true });
        const before = contentsOf(dir);
        const running = startMeshwasm(["build", dir], { env });
        await moment(running);
        // The compiler does not hear signals; one that comes late in it finds the build done.
        await interrupt(running, signal, title.startsWith("later") ? [...killed, 0] : killed);
        assertWhole(dir, before);
        await assertClean();
      });
    }

    test("while it writes", async () => {
      const dir = copyProject(good, join(work, `build-${signal}-writes`));
      rmSync(join(dir, "build"), { recursive: true });
      mkdirSync(join(dir, "build"));
      const before = contentsOf(dir);
      const change = firstChange(join(dir, "build"));
      const running = startMeshwasm(["build", dir], { env });
      await change.seen;
      change.stop();
      // It may be done already.
      await interrupt(running, signal, [...killed, 0]);
      assertWhole(dir, before);
    });
  });

  describe(`${signal} to init`, () => {
    test("at several moments", async () => {
      const parent = join(work, `init-${signal}`);
      mkdirSync(parent);
      for (const delay of [0, 150, 300, 450]) {
        const running = startMeshwasm(["init", `at-${delay}`, "--yes"], { cwd: parent, env });
        await sleep(delay);
        await interrupt(running, signal, [...killed, 0]);
      }
      assertProjects(parent);
    });

    test("while it writes", async () => {
      const parent = join(work, `init-writes-${signal}`);
      mkdirSync(parent);
      const change = firstChange(parent);
      const running = startMeshwasm(["init", "hello", "--yes"], { cwd: parent, env });
      await change.seen;
      change.stop();
      await interrupt(running, signal, [...killed, 0]);
      assertProjects(parent);
    });
  });

  describe(`${signal} to run`, () => {
    test("at once", async () => {
      const running = startMeshwasm(["run", good], { env });
      await interrupt(running, signal, killed);
    });

    test("while it builds", async () => {
      const dir = copyProject(good, join(work, `run-${signal}`));
      rmSync(join(dir, "build"), { recursive: true });
      const before = contentsOf(dir);
      const running = startMeshwasm(["run", dir], { env });
      await running.until(/^Building/m);
      await interrupt(running, signal, killed);
      assertWhole(dir, before);
      await assertClean();
    });

    test("while Envoy starts", async () => {
      const port = await freePort();
      const running = startMeshwasm(["run", good, "--port", String(port)], { env });
      await running.until(/^Starting Envoy/m);
      await eventually(() => descendants(running.pid).some(isEnvoy), 5000);
      await interrupt(running, signal, killed);
      assert.ok(await eventually(() => canBind(port), 2000), `port ${port} is free`);
      await assertClean();
    });

    test("while it serves", async () => {
      const port = await freePort();
      const running = startMeshwasm(["run", good, "--port", String(port)], { env });
      await running.until(/^http:\/\//m);
      await running.until(/admin http/);
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).headers.get("x-hello"), "world");
      assert.ok(descendants(running.pid).some(isEnvoy), "Envoy is one of its children");
      await interrupt(running, signal, stoppedCodes);
      assert.ok(await canBind(port), `port ${port} is free`);
      await assertClean();
    });
  });

  describe(`${signal} to run --watch`, () => {
    test("while it waits for changes", async () => {
      const running = startMeshwasm(["run", good, "--watch"], { env });
      await running.until(/^page http/m);
      await interrupt(running, signal, stoppedCodes);
      await assertClean();
    });

    test("while it rebuilds", async () => {
      const dir = copyProject(good, join(work, `watch-${signal}`));
      const running = startMeshwasm(["run", dir, "--watch"], { env });
      await running.until(/^page http/m);
      const source = join(dir, "assembly/index.ts");
      writeFileSync(source, `${readFileSync(source, "utf8")}\n// changed\n`);
      const before = contentsOf(dir);
      await sleep(600);
      await interrupt(running, signal, stoppedCodes);
      assertWhole(dir, before);
      await assertClean();
    });
  });

  describe(`${signal} to registry serve`, () => {
    test("at once", async () => {
      const images = join(work, `registry-at-once-${signal}`);
      await interrupt(startMeshwasm(["registry", "serve", "--port", "0", "--root", images], { env }), signal, [
        ...killed,
        0,
      ]);
    });

    test("while it waits", async () => {
      const port = await freePort();
      const args = ["registry", "serve", "--port", String(port), "--root", join(work, `registry-idle-${signal}`)];
      const running = startMeshwasm(args, { env });
      await running.until(/registry on/);
      await interrupt(running, signal, stoppedCodes);
      assert.ok(await canBind(port));
    });

    test("in the middle of an upload", async () => {
      const port = await freePort();
      const images = join(work, `registry-upload-${signal}`);
      const args = ["registry", "serve", "--port", String(port), "--root", images];
      const running = startMeshwasm(args, { env });
      await running.until(/registry on/);
      const begun = await fetch(`http://127.0.0.1:${port}/v2/team/filter/blobs/uploads/`, { method: "POST" });
      assert.equal(begun.status, 202);
      const { pathname } = new URL(begun.headers.get("location")!, begun.url);
      const digest = `sha256:${"0".repeat(64)}`;
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(`PUT ${pathname}?digest=${digest} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n`);
      socket.write("half of it");
      await sleep(300);
      await interrupt(running, signal, stoppedCodes);
      socket.destroy();
      assert.ok(await canBind(port));
      // It starts again on the same folder and knows nothing of the upload.
      const again = startMeshwasm(args, { env });
      await again.until(/registry on/);
      const blob = await fetch(`http://127.0.0.1:${port}/v2/team/filter/blobs/${digest}`, { method: "HEAD" });
      assert.equal(blob.status, 404);
      succeeded(await meshwasm(["publish", good, `127.0.0.1:${port}/team/filter:1`]), "publish after the restart");
      await interrupt(again, signal, stoppedCodes);
    });
  });

  describe(`${signal} to test --host envoy`, () => {
    const slow = join(work, `test-${signal}`);
    before(() => {
      copyProject(good, slow);
      const file = join(slow, "test/filter.test.ts");
      writeFileSync(
        file,
        `${readFileSync(file, "utf8")}
it("takes its time", async () => {
  await using proxy = await createProxy();
  await proxy.request();
  process.stderr.write("the test is under way\\n");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
`,
      );
    });

    test("at once", () => interrupt(startMeshwasm(["test", slow, "--host", "envoy"], { env }), signal, killed));

    test("while the tests start", async () => {
      const running = startMeshwasm(["test", slow, "--host", "envoy"], { env });
      await running.until(/^host: Envoy/m);
      await eventually(() => descendants(running.pid).length > 0, 5000);
      await interrupt(running, signal, killed);
      await assertClean();
    });

    test("while a test uses Envoy", async () => {
      const running = startMeshwasm(["test", slow, "--host", "envoy"], { env, timeoutMs: 180_000 });
      // The runner may keep what the test writes to itself: what counts is that its Envoy is there.
      const there = await eventually(() => descendants(running.pid).some(isEnvoy), 110_000);
      assert.ok(there, `no Envoy:\n${running.stdout}${running.stderr}`);
      await interrupt(running, signal, killed);
      await assertClean();
    });
  });

  describe(`${signal} to publish`, () => {
    test("against a slow registry", async () => {
      let uploads = 0;
      let manifests = 0;
      const server = http.createServer((request, response) => {
        const path = request.url!.split("?")[0]!;
        if (request.method === "PUT" && path.includes("/manifests/")) manifests++;
        // Takes the blob and never answers.
        else if (request.method === "PUT") return void (uploads++, request.resume());
        request.resume().on("end", () => {
          if (request.method === "POST") response.writeHead(202, { location: `${path}session` });
          else response.writeHead(404);
          response.end();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      try {
        const before = contentsOf(good);
        const ref = `127.0.0.1:${(server.address() as net.AddressInfo).port}/team/filter:1`;
        const running = startMeshwasm(["publish", good, ref], { env });
        assert.ok(await eventually(() => uploads > 0, 30_000), running.stderr);
        await interrupt(running, signal, killed);
        assert.equal(manifests, 0);
        for (const [file, digest] of Object.entries(contentsOf(good)))
          if (!file.startsWith("build")) assert.equal(digest, before[file], file);
        assert.ok(!filesIn(good).some((file) => file.endsWith(".tmp")));
        await assertClean();
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  });
}

test("SIGKILL to run: Envoy and its folder are gone too", async () => {
  const port = await freePort();
  const running = startMeshwasm(["run", good, "--port", String(port)], { env });
  await running.until(/^http:\/\//m);
  const below = descendants(running.pid);
  assert.ok(below.some(isEnvoy));
  running.child.kill("SIGKILL");
  await running.finished;
  assert.ok(await eventually(() => !below.some(isAlive), CHILDREN_MS), "Envoy has ended");
  assert.ok(await canBind(port));
  await assertClean();
});

/** Envoy itself, not the guard that has its process id among the arguments. */
function isEnvoy(pid: number): boolean {
  return commandOf(pid).includes("--admin-address-path");
}

/** build/ is as it was, or it holds a module and all that belongs to it. */
function assertWhole(dir: string, before: Readonly<Record<string, string>>): void {
  const now = filesIn(dir);
  assert.deepEqual(
    now.filter((file) => file.endsWith(".tmp")),
    [],
  );
  for (const [file, text] of Object.entries(before)) assert.equal(contentsOf(dir)[file], text, file);
  if (!now.includes(join("build", "filter.wasm"))) return;
  for (const file of ["filter.debug.wasm", "filter.debug.wasm.map", "manifest.json", "inputs.json"])
    assert.ok(now.includes(join("build", file)), `${file} beside filter.wasm`);
}

/** Each entry is a whole project, or it is not there. */
function assertProjects(parent: string): void {
  for (const entry of readdirSync(parent)) {
    assert.ok(!entry.startsWith("."), `${entry} was left`);
    for (const file of filesIn(good).filter((each) => !each.startsWith("build")))
      assert.ok(existsSync(join(parent, entry, file)), `${entry}/${file} is missing`);
  }
}

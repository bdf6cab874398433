import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { EnvoyError } from "./errors.js";
import { createEnvoyProxy, type EnvoyProxy, type EnvoyProxyOptions } from "./host.js";
import { runEnvoy } from "./run.js";
import { findEnvoy } from "./find.js";
import { compileTestFilter } from "./testdata/compile.js";
import type { TracedRequest } from "./trace.js";

const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
let module = "";

function start(options: Partial<EnvoyProxyOptions> = {}): Promise<EnvoyProxy> {
  return createEnvoyProxy({ name: "test-filter", module, config: "hello", ...options });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (!alive(pid)) return;
    await sleep(50);
  }
  assert.fail(`process ${pid} still runs`);
}

before(async () => {
  module = await compileTestFilter(directory);
});
after(() => rmSync(directory, { recursive: true, force: true }));

describe("one proxy", () => {
  let proxy: EnvoyProxy;
  before(async () => {
    proxy = await start();
  });
  after(() => proxy.close());

  test("a request goes through the filter to the upstream and back", async () => {
    const response = await proxy.request({ path: "/a?b=c" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-config"), "hello");
    assert.equal(response.upstream?.path, "/a?b=c");
    assert.equal(response.upstream?.method, "GET");
    assert.equal(response.upstream?.authority, "example.test");
    const echoed = JSON.parse(response.text()) as { method: string; path: string; headers: [string, string][] };
    assert.deepEqual(echoed.headers, response.upstream?.headers.toJSON());
    assert.ok(!echoed.headers.some(([name]) => name.includes("meshwasm")));
  });

  test("header lines keep their order and duplicates, values their bytes", async () => {
    const headers = [
      ["x-two", "1"],
      ["X-One", "a\u00e9\u00ff"],
      ["x-two", "2"],
    ] as const;
    const { upstream } = await proxy.request({ headers });
    assert.deepEqual(upstream?.headers.all("x-two"), ["1", "2"]);
    assert.equal(upstream?.headers.get("x-one"), "a\u00e9\u00ff");
  });

  test("a body and a bodiless POST", async () => {
    const body = new Uint8Array(200_000).map((_, i) => i);
    const { upstream } = await proxy.request({ method: "POST", body });
    assert.deepEqual(upstream?.body, body);
    assert.equal(upstream?.headers.get("content-length"), "200000");
    const bare = await proxy.request({ method: "POST" });
    assert.equal(bare.upstream?.body.length, 0);
    const head = await proxy.request({ method: "HEAD" });
    assert.equal(head.status, 200);
    const chunked = await proxy.request({ method: "PUT", headers: { "transfer-encoding": "chunked" }, body: "abc" });
    assert.equal(Buffer.from(chunked.upstream!.body).toString(), "abc");
  });

  test("an answer of the filter's own has no upstream", async () => {
    const response = await proxy.request({ path: "/deny" });
    assert.equal(response.status, 403);
    assert.equal(response.text(), "denied\n");
    assert.equal(response.upstream, null);
  });

  test("requests in flight at once get their own upstream record", async () => {
    const paths = Array.from({ length: 40 }, (_, i) => `/flight/${i}`);
    const responses = await Promise.all(paths.map((path) => proxy.request({ path })));
    assert.deepEqual(
      responses.map((response) => response.upstream?.path),
      paths,
    );
  });

  test("a refused request says what is wrong", async () => {
    await assert.rejects(proxy.request({ headers: { "x-a": "b\r\nc: d" } }), EnvoyError);
    await assert.rejects(proxy.request({ headers: { "x-a": "\u20ac" } }), /latin1/);
  });
});

describe("logs", () => {
  test("are the filter's, in order, there when the request is done", async () => {
    await using proxy = await start();
    const configured = proxy.logs().length;
    assert.ok(proxy.logs().every((line) => line.message === "configured with hello" && line.level === "info"));
    for (let i = 0; i < 30; i++) {
      const seen = proxy.logs().length;
      await proxy.request({ path: `/${i}` });
      assert.deepEqual(
        proxy
          .logs()
          .slice(seen)
          .map((line) => line.message),
        [`request /${i}`, "log", "delete"],
      );
    }
    assert.equal(proxy.logs().length, configured + 90);
  });

  test("keep newlines, quotes and UTF-8, and obey the level", async () => {
    await using proxy = await start({ logLevel: "warn", rootId: "root", vmId: "vm" });
    await proxy.request({ path: "/lines" });
    assert.deepEqual(proxy.logs(), [{ level: "warn", message: 'first line\nsecond "line": {"l":"info"}\ttab é' }]);
  });

  test("debug lines come when asked for", async () => {
    await using proxy = await start({ logLevel: "debug", rootId: "root" });
    await proxy.request({ path: "/x" });
    assert.ok(proxy.logs().some((line) => line.level === "debug" && line.message === "debug /x"));
  });

  test("a message that is not UTF-8 does not lose the line", async () => {
    await using proxy = await start();
    await proxy.request({ path: "/bytes" });
    const line = proxy.logs().find((each) => each.message.startsWith("ab"));
    assert.ok(line, JSON.stringify(proxy.envoyLog.slice(-4)));
  });
});

describe("configuration", () => {
  test("refused at start: the filter's own reason, at every log level", async () => {
    await assert.rejects(start({ config: "bad" }), new EnvoyError("config: $: must not be bad"));
    await assert.rejects(start({ config: "bad", logLevel: "critical" }), new EnvoyError("config: $: must not be bad"));
  });

  test("refused without a reason", async () => {
    await assert.rejects(start({ config: "silent" }), /gave no reason/);
  });

  test("a trap and a broken module are told by Envoy's reason", async () => {
    await assert.rejects(start({ config: "trap" }), /proxy_on_configure failed/);
    await assert.rejects(start({ module: fileURLToPath(import.meta.url) }), EnvoyError);
    await assert.rejects(start({ module: join(directory, "none.wasm") }), /build the filter first/);
  });

  test("reconfigure: in force for the next request, kept when the new one is refused", async () => {
    await using proxy = await start({ config: { n: 0 } });
    assert.equal((await proxy.request()).headers.get("x-config"), '{"n":0}');
    for (let n = 1; n <= 20; n++) {
      await proxy.reconfigure({ n });
      assert.equal((await proxy.request()).headers.get("x-config"), `{"n":${n}}`);
    }
    await assert.rejects(proxy.reconfigure("bad"), new EnvoyError("config: $: must not be bad"));
    assert.equal((await proxy.request()).headers.get("x-config"), '{"n":20}');
    await proxy.reconfigure({ n: 20 });
    await proxy.reconfigure(undefined);
    assert.equal((await proxy.request()).headers.get("x-config"), "");
    await proxy.reconfigure(new Uint8Array([0x61, 0x62]));
    assert.equal((await proxy.request()).headers.get("x-config"), "ab");
  });
});

test("an upstream handler answers, and what it throws reaches the test", async () => {
  await using proxy = await start({
    upstream: async (request) => {
      if (request.path === "/boom") throw new Error("boom");
      await sleep(20);
      return { status: 418, headers: { "x-a": ["1", "2"], "set-cookie": ["a=1", "b=2"] }, body: "tea" };
    },
  });
  const response = await proxy.request();
  assert.equal(response.status, 418);
  assert.deepEqual(response.headers.all("x-a"), ["1", "2"]);
  assert.deepEqual(response.headers.all("Set-Cookie"), ["a=1", "b=2"]);
  assert.equal(response.text(), "tea");
  await assert.rejects(proxy.request({ path: "/boom" }), /boom/);
});

test("a trap costs one request (FAIL_RELOAD)", async () => {
  await using proxy = await start();
  // Envoy reloads no VM that was loaded less than its backoff ago: 1 s and up to half of that by chance.
  await sleep(1600);
  assert.equal((await proxy.request({ path: "/trap" })).status, 503);
  assert.equal((await proxy.request()).status, 200);
});

test("close() ends Envoy; nothing is left, after a failed start either", async () => {
  const left = (): string[] => readdirSync(temporary).filter((name) => name.startsWith("meshwasm-envoy-"));
  const temporary = join(directory, "tmp");
  mkdirSync(temporary);
  const { TMPDIR } = process.env;
  process.env.TMPDIR = temporary;
  try {
    const proxy = await start();
    const { pid } = proxy;
    assert.ok(alive(pid));
    assert.equal(left().length, 1);
    await proxy.close();
    await proxy.close();
    assert.ok(!alive(pid));
    await assert.rejects(proxy.request(), /not running/);
    await assert.rejects(start({ module: join(directory, "none.wasm") }), EnvoyError);
    await assert.rejects(start({ config: "bad", logLevel: "critical" }), EnvoyError);
    assert.deepEqual(left(), []);
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
});

for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const) {
  test(`Envoy is gone after the parent got ${signal}`, async () => {
    const script = fileURLToPath(new URL("./testdata/parent.ts", import.meta.url));
    const parent = spawn(process.execPath, ["--import", "tsx", script, module], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line = await new Promise<string>((resolve) =>
      parent.stdout.once("data", (data: Buffer) => resolve(String(data))),
    );
    const { pid, directory: work } = JSON.parse(line) as { pid: number; directory: string };
    assert.ok(alive(pid) && existsSync(work));
    parent.kill(signal);
    await gone(pid);
    for (let i = 0; existsSync(work) && i < 40; i++) await sleep(50);
    assert.ok(!existsSync(work));
  });
}

test("a forgotten close() neither hangs Node nor leaves an Envoy", async () => {
  const script = fileURLToPath(new URL("./testdata/parent.ts", import.meta.url));
  const out = execFileSync(process.execPath, ["--import", "tsx", script, module, "forget"], { timeout: 20_000 });
  await gone((JSON.parse(String(out)) as { pid: number }).pid);
});

describe("runEnvoy", () => {
  test("tells of each request, on both sides of the filter", async () => {
    const { path: envoy } = await findEnvoy();
    const seen: TracedRequest[] = [];
    const run = await runEnvoy({ module, name: "f", config: "x", envoy, onRequest: (each) => void seen.push(each) });
    const until = async (count: number): Promise<TracedRequest> => {
      while (seen.length < count) await sleep(20);
      return seen[count - 1]!;
    };
    try {
      const body = "\u00e9".repeat(5000);
      await (await fetch(`http://${run.address}/a`, { method: "POST", body, headers: { "x-a": '"\\\u00ff' } })).text();
      const passed = await until(1);
      assert.deepEqual([passed.status, passed.details], [200, "via_upstream"]);
      assert.equal(passed.request.headers.get("x-a"), '"\\\u00ff');
      assert.equal(passed.request.size, 10_000);
      assert.deepEqual(passed.request.body, new Uint8Array(Buffer.from(body)).subarray(0, 2048));
      assert.deepEqual(passed.requestAfter, passed.request);
      assert.equal(passed.response?.headers.get("x-config"), null);
      assert.equal(passed.responseAfter?.headers.get("x-config"), "x");
      await (await fetch(`http://${run.address}/deny`)).text();
      const denied = await until(2);
      assert.deepEqual([denied.status, denied.requestAfter, denied.response], [403, null, null]);
      assert.equal(Buffer.from(denied.responseAfter!.body).toString(), "denied\n");
      // Many at once are not mixed up.
      await Promise.all(
        Array.from({ length: 50 }, (_, i) => fetch(`http://${run.address}/${i}`).then((r) => r.text())),
      );
      await until(52);
      const paths = seen.slice(2).map(({ request, requestAfter }) => {
        assert.equal(requestAfter?.headers.get(":path"), request.headers.get(":path"));
        return Number(request.headers.get(":path")!.slice(1));
      });
      assert.deepEqual(
        paths.sort((a, b) => a - b),
        Array.from({ length: 50 }, (_, i) => i),
      );
    } finally {
      await run.stop();
    }
  });

  test("a TCP filter, before an echo and before an upstream of its own", async () => {
    const { path: envoy } = await findEnvoy();
    const tcp = await compileTestFilter(directory, "tcp");
    const upstream = net.createServer((socket) => socket.end("greeting")).listen(0, "127.0.0.1");
    const options = { module: tcp, name: "run", config: "one", envoy, protocol: "tcp" } as const;
    const answerOf = async (address: string): Promise<string> => {
      const [host, port] = address.split(":");
      const socket = net.connect(Number(port), host);
      socket.end("hello");
      let text = "";
      for await (const chunk of socket.setEncoding("utf8")) text += chunk as string;
      return text;
    };
    try {
      const run = await runEnvoy(options);
      assert.equal(await answerOf(run.address), "one:hello");
      await run.update({ config: "two" });
      assert.equal(await answerOf(run.address), "two:hello");
      await run.stop();
      const { port } = upstream.address() as net.AddressInfo;
      const other = await runEnvoy({ ...options, upstreamUrl: `tcp://127.0.0.1:${port}` });
      assert.equal(await answerOf(other.address), "greeting");
      await other.stop();
      await assert.rejects(runEnvoy({ ...options, upstreamUrl: "http://127.0.0.1:1" }), /TCP filter needs .* tcp/);
    } finally {
      upstream.close();
    }
  });

  test("serves on the given port, reloads, and refuses a taken port", async () => {
    const { path: envoy } = await findEnvoy();
    const free = await new Promise<number>((resolve) => {
      const server = net.createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as net.AddressInfo;
        server.close(() => resolve(port));
      });
    });
    const lines: string[] = [];
    const run = await runEnvoy({
      ...{ module, name: "run", config: { a: 1 }, listenPort: free, envoy },
      onLog: (line) => lines.push(line.message),
    });
    try {
      assert.equal(run.address, `127.0.0.1:${free}`);
      assert.equal((await fetch(`http://${run.address}/x`)).headers.get("x-config"), '{"a":1}');
      assert.ok(lines.some((line) => line.endsWith("request /x")));
      await run.update({ config: "two", module });
      assert.equal((await fetch(`http://${run.address}/`)).headers.get("x-config"), "two");
      await assert.rejects(
        runEnvoy({ module, name: "run", config: "x", listenPort: free, envoy }),
        new EnvoyError(`Port ${free} is taken on 127.0.0.1; stop what uses it or choose another port.`),
      );
      const second = await runEnvoy({
        module,
        name: "second",
        config: "y",
        envoy,
        upstreamUrl: `http://localhost:${free}`,
      });
      const response = await fetch(`http://${second.address}/chain`);
      assert.equal(response.headers.get("x-config"), "two, y");
      await second.stop();
    } finally {
      await run.stop();
    }
    assert.ok(!alive(run.pid));
  });
});

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../toolchain/build/index.js";
import { createProxy, type HostName, type Proxy } from "../../toolchain/hosts/index.js";

const filter = fileURLToPath(new URL("filters/several", import.meta.url));

const start = (host: HostName, rootId = "first", mark = "a") => createProxy({ filter, host, rootId, config: { mark } });

/** What one request logs. */
async function logged(proxy: Proxy, path: string) {
  const from = proxy.logs().length;
  const response = await proxy.request({ path }).catch((error: Error) => error);
  for (let tries = 0; tries < 100 && !said(proxy, from).some((line) => line.startsWith("done")); tries++)
    await sleep(10);
  return { response, lines: said(proxy, from) };
}

const said = (proxy: Proxy, from = 0) =>
  proxy
    .logs()
    .slice(from)
    .map((line) => line.message);

before(() => build(filter));

for (const host of ["emulator", "envoy"] as const) {
  describe(`lifecycle on ${host}`, () => {
    it("root_id chooses among several filters, and an unknown one is refused", async () => {
      await using first = await start(host, "first");
      await using second = await start(host, "second");
      assert.equal((await first.request()).headers.get("x-mark"), "first a");
      assert.equal((await second.request()).headers.get("x-mark"), "second a");
      await assert.rejects(start(host, "third"), /no filter of the name third/);
    });

    it("configurations in one VM share no state, and an old one ends after its last stream", async () => {
      await using proxy = await start(host);
      assert.equal((await proxy.request()).headers.get("x-requests"), "1");
      assert.equal((await proxy.request()).headers.get("x-requests"), "2");
      await proxy.reconfigure({ mark: "b" });
      const response = await proxy.request();
      assert.equal(response.headers.get("x-mark"), "first b");
      assert.equal(response.headers.get("x-requests"), "1");
      for (let tries = 0; tries < 100 && !said(proxy).includes("plugin done a"); tries++) await sleep(10);
      assert.ok(said(proxy).includes("plugin done a"));
    });

    it("a plugin can refuse its configuration", async () => {
      await assert.rejects(start(host, "first", "refuse"));
    });

    it("log comes before done, and headers can be read in it", async () => {
      await using proxy = await start(host);
      const { lines } = await logged(proxy, "/x");
      assert.deepEqual(lines.slice(-2), ["log /x", "done 1"]);
    });

    it("a header that is gone reads as an error, not as absent", async () => {
      await using proxy = await start(host);
      const { lines } = await logged(proxy, "/late-read");
      assert.ok(lines.includes("null 2"), lines.join("\n"));
      assert.ok(lines.some((line) => line.startsWith("headers cannot be read in this callback")));
    });

    it("sends one reply per callback, and none where there is nobody to answer", async () => {
      await using proxy = await start(host);
      const twice = await logged(proxy, "/reply-twice");
      assert.ok(!(twice.response instanceof Error));
      assert.equal(twice.response.status, 403);
      assert.equal(twice.response.text(), "first\n");
      assert.deepEqual(twice.lines.slice(0, 2), ["status 0", "status 2"]);
      const inResponse = await logged(proxy, "/reply-in-response");
      assert.ok(!(inResponse.response instanceof Error));
      assert.equal(inResponse.response.status, 418);
      assert.ok((await logged(proxy, "/reply-in-log")).lines.includes("status 2"));
    });

    it("a reply with a bad header goes out without it", async () => {
      await using proxy = await start(host);
      const { response, lines } = await logged(proxy, "/reply-bad-header");
      assert.ok(!(response instanceof Error));
      assert.equal(response.status, 403);
      assert.equal(response.headers.get("x-good"), "1");
      assert.equal(response.headers.get("x-bad"), null);
      assert.equal(response.headers.get("b"), null);
      assert.equal(lines[0], "status 2");
    });

    it("guards pseudo-headers and refuses what would split a message", async () => {
      await using proxy = await start(host);
      const { response, lines } = await logged(proxy, "/guard");
      assert.ok(!(response instanceof Error));
      const statuses = lines.filter((line) => line.startsWith("status"));
      assert.deepEqual(
        statuses.map((line) => Number(line.slice(7))),
        [2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0],
      );
      assert.ok(lines.includes("lines 1|2"));
      assert.equal(response.upstream?.path, "/guarded");
      assert.equal(response.upstream?.headers.get("x-crlf"), null);
    });

    it("a stream can be reset", async () => {
      await using proxy = await start(host);
      const { response, lines } = await logged(proxy, "/reset");
      assert.ok(response instanceof Error);
      assert.ok(lines.includes("status 0"));
    });

    it("a filter reads its memory figures", async () => {
      await using proxy = await start(host);
      assert.ok((await logged(proxy, "/memory")).lines.includes("memory known"));
    });

    it("after a trap the module is loaded again", async () => {
      await using proxy = await start(host);
      // Envoy reloads no sooner than a second after it has loaded the VM, with jitter.
      await proxy.advance(1600);
      assert.equal((await proxy.request({ path: "/trap" })).status, 503);
      const response = await proxy.request({ path: "/" });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("x-requests"), "1");
    });

    it("an abort says where", async () => {
      await using proxy = await start(host);
      assert.equal((await proxy.request({ path: "/abort" })).status, 503);
      assert.ok(
        said(proxy).some((line) => /^abort: on purpose at assembly\/index\.ts:\d+:\d+$/.test(line)),
        said(proxy).join("\n"),
      );
    });
  });
}

describe("ticks on envoy", () => {
  it("come with the period that was set", async () => {
    await using proxy = await start("envoy", "first", "tick");
    for (let tries = 0; tries < 200 && !said(proxy).includes("ticked"); tries++) await sleep(10);
    assert.ok(said(proxy).includes("ticked"));
  });
});

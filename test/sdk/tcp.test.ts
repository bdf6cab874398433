import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createProxy, type ClusterScript, type Proxy } from "../../toolchain/hosts/index.js";

const project = fileURLToPath(new URL("filters/tcp", import.meta.url));
const END = ["down  end", "up  end", "up closed 0", "down closed 1", "done", "log 2"];

for (const host of ["emulator", "envoy"] as const) {
  describe(`TCP filters on ${host}`, () => {
    const start = (mark: string, auth: ClusterScript = () => ({})): Promise<Proxy> =>
      createProxy({ filter: project, host, config: { mark }, clusters: { auth } });

    const logsOf = async (proxy: Proxy): Promise<string[]> => {
      const logs = () => proxy.logs().map((line) => line.message);
      for (let tries = 0; tries < 300 && !logs().some((line) => line.startsWith("log ")); tries++) await sleep(10);
      return logs();
    };

    /** Writes hello, waits for `size` bytes, ends. */
    const talk = async (proxy: Proxy, size: number): Promise<string> => {
      const client = await proxy.tcp();
      await client.write("hello");
      await client.waitFor(size);
      await client.end();
      await client.closed();
      return client.text();
    };

    const CASES: readonly (readonly [mark: string, received: string, logs: readonly string[]])[] = [
      ["none", "hello", ["new", "down hello", "up hello", ...END]],
      ["changes", "[<hello>]", ["new", "down hello", "up <hello>", ...END]],
      ["replaces", "other", ["new", "down hello", "up other", ...END]],
      ["asks", "hello", ["new", "answer 200", "down hello", "up hello", ...END]],
    ];
    for (const [mark, received, logs] of CASES) {
      it(`${mark}: ${received}`, async () => {
        await using proxy = await start(mark);
        assert.equal(await talk(proxy, received.length), received);
        assert.deepEqual(await logsOf(proxy), logs);
      });
    }

    it("drops what is replaced by nothing", async () => {
      await using proxy = await start("drops");
      const client = await proxy.tcp();
      await client.write("hello");
      await client.end();
      await client.closed();
      assert.equal(client.text(), "");
      assert.deepEqual((await logsOf(proxy)).at(-2), "done");
    });

    it("keeps what is stopped and gives it again with more", async () => {
      await using proxy = await start("holds");
      const client = await proxy.tcp();
      await client.write("one");
      for (let tries = 0; tries < 200 && proxy.logs().length < 2; tries++) await sleep(10);
      await client.write("two");
      await client.waitFor(6);
      assert.equal(client.text(), "onetwo");
      const logs = proxy.logs().map((line) => line.message);
      assert.deepEqual(logs.slice(0, 3), ["new", "down one", "down onetwo"]);
    });

    it("gives at most 1 MiB at once, Envoy's buffer limit", async () => {
      await using proxy = await start("counts");
      const client = await proxy.tcp();
      const size = 3 * 1024 * 1024 + 5;
      await client.write(Buffer.alloc(size, "x"));
      await client.waitFor(size);
      const given = (way: string): number[] =>
        proxy.logs().flatMap(({ message }) => (message.startsWith(`${way} `) ? [Number(message.split(" ")[1])] : []));
      for (const way of ["down", "up"]) {
        // Envoy looks at its limit between two reads from the socket.
        const most = 1024 * 1024 + (host === "envoy" ? 128 * 1024 : 0);
        assert.ok(Math.max(...given(way)) <= most, String(given(way)));
        assert.equal(
          given(way).reduce((sum, n) => sum + n),
          size,
        );
      }
      await client.end();
    });

    it("closes the client's connection", async () => {
      await using proxy = await start("closes");
      const client = await proxy.tcp();
      await client.write("hello");
      await client.closed();
      assert.deepEqual(await logsOf(proxy), ["new", "down hello", "close 0", "down closed 1", "done", "log 2"]);
    });

    it("closes the upstream's connection", async () => {
      await using proxy = await start("closes upstream");
      const client = await proxy.tcp();
      await client.write("hello");
      await client.closed();
      assert.ok((await logsOf(proxy)).includes("close 0"));
    });

    it("refuses a connection after an answer", async () => {
      await using proxy = await start("asks", () => ({ status: 403 }));
      const client = await proxy.tcp();
      await client.write("hello").catch(() => {});
      await client.closed();
      const logs = await logsOf(proxy);
      assert.ok(logs.includes("answer 403"));
      assert.ok(!logs.some((line) => line.startsWith("down hello")), logs.join("; "));
    });
  });
}

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createProxy, protocolOf } from "./create.js";
import { compileTestFilter } from "./envoy/testdata/compile.js";
import type { HostName, Proxy, ProxyOptions } from "./types.js";

const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
let filter = "";
before(async () => {
  filter = await compileTestFilter(directory, "tcp");
});
after(() => rmSync(directory, { recursive: true, force: true }));

const HOSTS: readonly HostName[] = ["emulator", "envoy"];

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300 && !condition(); tries++) await sleep(10);
  assert.ok(condition(), "within 3 s");
}

test("a module's callbacks tell which protocol it filters", async () => {
  assert.equal(protocolOf(filter), "tcp");
  assert.equal(protocolOf(await compileTestFilter(directory, "calls")), "http");
  assert.equal(protocolOf(join(directory, "none.wasm")), "http");
});

for (const host of HOSTS) {
  const start = (options: ProxyOptions = {}): Promise<Proxy> =>
    createProxy({ filter, host, config: "one", ...options });

  test(`bytes go through the filter to the upstream and back, on ${host}`, async () => {
    await using proxy = await start();
    const client = await proxy.tcp();
    await client.write("hello\n");
    await client.waitFor(10);
    assert.equal(client.text(), "one:hello\n");
    await client.write(new Uint8Array([1, 2, 0xff]));
    assert.deepEqual(await client.waitFor(17), new Uint8Array(Buffer.from("one:hello\none:\x01\x02\xff", "latin1")));
    const upstream = await client.upstream();
    assert.deepEqual(upstream.received, client.received);
    await client.end();
    assert.equal(await client.closed(), "end");
    await until(() => proxy.logs().some((line) => line.message === "delete"));
    const messages = proxy.logs().map((line) => line.message);
    assert.deepEqual(messages.slice(0, 3), ["new one", "down hello\n", "up one:hello\n"]);
    assert.deepEqual(messages.slice(-3), ["done", "log", "delete"]);
  });

  test(`what the client has sent before it ends arrives, and iteration ends with the connection, on ${host}`, async () => {
    let got = "";
    await using proxy = await start({
      tcpUpstream: async (connection) => {
        for await (const piece of connection) got += Buffer.from(piece).toString();
        await connection.end("bye");
      },
    });
    const client = await proxy.tcp();
    await client.end("x".repeat(100_000));
    const pieces: Uint8Array[] = [];
    for await (const piece of client) pieces.push(piece);
    assert.equal(Buffer.concat(pieces).toString(), "bye");
    assert.equal(got.replaceAll("one:", "").length, 100_000);
  });

  test(`each client has its own upstream connection, on ${host}`, async () => {
    await using proxy = await start({ config: "", concurrency: 2 });
    const clients = await Promise.all(Array.from({ length: 8 }, () => proxy.tcp()));
    await Promise.all(clients.map((client, i) => client.write(`client ${i}`)));
    for (const [i, client] of clients.entries()) {
      assert.equal(Buffer.from(await (await client.upstream()).waitFor(9)).toString(), `:client ${i}`);
    }
  });

  test(`who closes, and how, is seen at the other end, on ${host}`, async () => {
    let upstreamEnd = "";
    await using proxy = await start({
      tcpUpstream: async (connection) => {
        await connection.write("greeting");
        const told = Buffer.from(await connection.waitFor(9)).toString();
        if (told.endsWith("reset")) connection.reset();
        else if (told.endsWith("close")) await connection.end();
        upstreamEnd = await connection.closed();
      },
    });
    const open = async () => {
      const client = await proxy.tcp();
      assert.equal(Buffer.from(await client.waitFor(8)).toString(), "greeting");
      return client;
    };
    const ended = await open();
    await ended.write("close");
    assert.equal(await ended.closed(), "end");
    await ended.end();
    const resetByUpstream = await open();
    await resetByUpstream.write("reset");
    assert.match(await resetByUpstream.closed(), /end|reset/);
    const resetByUs = await open();
    const other = await resetByUs.upstream();
    await resetByUs.write("stays");
    await other.waitFor(9);
    resetByUs.reset();
    await other.closed();
    await until(() => upstreamEnd !== "");
    await assert.rejects(resetByUs.write("more"), /closed for writing/);
  });

  test(`a filter closes, refuses and traps, on ${host}`, async () => {
    await using proxy = await start();
    const closed = await proxy.tcp();
    await closed.write("close\n");
    await closed.closed();
    await assert.rejects(closed.waitFor(1), /Only 0 of the 1 bytes[^]*then it was closed/);
    await using denying = await start({ config: "deny" });
    const denied = await denying.tcp();
    await denied.closed();
    const trapped = await proxy.tcp();
    await trapped.write("trap\n");
    await trapped.closed();
  });

  test(`reconfigure of a TCP filter, on ${host}`, async () => {
    await assert.rejects(start({ config: "bad" }), /config: \$: must not be bad/);
    await using proxy = await start();
    const old = await proxy.tcp();
    await old.write("a");
    assert.equal(Buffer.from(await old.waitFor(5)).toString(), "one:a");
    for (let n = 0; n < 5; n++) {
      await proxy.reconfigure(`conf${n}`);
      const client = await proxy.tcp();
      await client.write("b");
      assert.equal(Buffer.from(await client.waitFor(7)).toString(), `conf${n}:b`);
      await client.end();
    }
    await assert.rejects(proxy.reconfigure("bad"), /config: \$: must not be bad/);
    const after = await proxy.tcp();
    await after.write("c");
    assert.equal(Buffer.from(await after.waitFor(7)).toString(), "conf4:c");
    await old.write("d");
    assert.equal(Buffer.from(await old.waitFor(10)).toString(), "one:aone:d");
  });

  test(`request() and tcp() are told apart, on ${host}`, async () => {
    await using proxy = await start();
    await assert.rejects(proxy.request(), /use tcp\(\)/);
    await using http = await createProxy({ filter: await compileTestFilter(directory, "calls"), host });
    await assert.rejects(http.tcp(), /use request\(\)/);
  });

  test(`what an upstream handler throws reaches the test, on ${host}`, async () => {
    const proxy = await start({ tcpUpstream: () => assert.fail("not so") });
    const client = await proxy.tcp();
    await client.closed();
    await assert.rejects(proxy.close(), /not so/);
  });
}

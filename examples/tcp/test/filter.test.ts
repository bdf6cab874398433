import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createProxy, type Proxy } from "meshwasm/testing";

// The same tests run on the emulator (npm test) and on a real Envoy (npm test -- --host envoy).
describe("tcp", () => {
  let proxy: Proxy;

  before(async () => {
    proxy = await createProxy({ config: { allowed: ["SSH-2.0-", "SMTP"] } });
  });
  after(() => proxy.close());

  it("lets a known protocol through, in whatever pieces it comes", async () => {
    const client = await proxy.tcp();
    for (const piece of ["SS", "H-2.", "0-test\n"]) {
      await client.write(piece);
      await sleep(20);
    }
    await client.waitFor(13);
    assert.equal(client.text(), "SSH-2.0-test\n");
    await client.end();
    await client.closed();
  });

  it("closes the connection of any other", async () => {
    const client = await proxy.tcp();
    await client.write("GET / HTTP/1.1\r\n");
    await client.closed();
    assert.equal(client.text(), "");
  });

  it("closes a connection that ends too early", async () => {
    const client = await proxy.tcp();
    await client.end("SSH");
    await client.closed();
    assert.equal(client.text(), "");
  });

  it("refuses an empty prefix", async () => {
    await assert.rejects(createProxy({ config: { allowed: [""] } }), /must have 1 to 64 bytes/);
  });
});

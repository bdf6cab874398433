/* jwt-auth after a trap in its VM: nothing passes unchecked, and the keys need not be fetched again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ISSUER, jwks, keyOf, send, token } from "../../filters/jwt-auth/test/support.js";
import { createProxy } from "../../toolchain/hosts/index.js";

const filter = fileURLToPath(new URL("jwt-reload", import.meta.url));

for (const host of ["emulator", "envoy"] as const) {
  test(`JWT-19: after a trap the VM is loaded again with the keys that are there, on ${host}`, async () => {
    const rs = await keyOf("RS256");
    let fetches = 0;
    const idp = (): object => {
      fetches++;
      return { body: jwks(rs) };
    };
    const providers = [
      { name: "main", issuer: ISSUER, jwks: { remote: { from: { cluster: "idp", path: "/jwks" }, minRefetch: "1s" } } },
    ];
    const plugins = [{ filter, rootId: "trap", vmId: "one" }];
    await using proxy = await createProxy({
      host,
      filter,
      vmId: "one",
      config: { providers },
      plugins,
      clusters: { idp },
    });
    const good = await token(rs);
    assert.equal((await send(proxy, good)).status, 200);
    assert.equal((await send(proxy, good, { headers: { "x-trap": "1" } })).status, 503);
    const seen: number[] = [];
    for (let tries = 0; tries < 40 && seen.at(-1) !== 200; tries++) {
      assert.notEqual((await send(proxy, null)).status, 200, "without a token");
      assert.notEqual((await send(proxy, `${good.slice(0, -6)}AAAAAA`)).status, 200, "with a wrong one");
      seen.push((await send(proxy, good)).status);
      if (seen.at(-1) !== 200) await proxy.advance(250);
    }
    assert.equal(seen.at(-1), 200, seen.join());
    assert.equal((await send(proxy, null)).status, 401);
    assert.equal(fetches, 1);
  });
}

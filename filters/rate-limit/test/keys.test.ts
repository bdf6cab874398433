import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { labelled, type RequestInput } from "meshwasm/testing";
import { DOWNSTREAM, one, passed, start } from "./support.js";

const jwtAuth = fileURLToPath(new URL("../../jwt-auth", import.meta.url));
const SECRET = "a-secret-of-at-least-32-characters";
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const exp = 4102444800;

function bearer(claims: object): RequestInput {
  const text = `${part({ alg: "HS256" })}.${part({ iss: "issuer", exp, ...claims })}`;
  const signature = createHmac("sha256", SECRET).update(text).digest("base64url");
  return { headers: { authorization: `Bearer ${text}.${signature}` } };
}
const forwarded = (value: string): RequestInput => ({ headers: { "x-forwarded-for": value } });

for (const downstream of DOWNSTREAM) {
  describe(`keys over ${downstream}`, () => {
    for (const [selector, a, sameAsA, b] of [
      [
        "header:x-key",
        { headers: { "x-key": "a" } },
        { headers: { "x-key": "a", "x-o": "1" } },
        { headers: { "x-key": "b" } },
      ],
      ["query:k", { path: "/?k=a" }, { path: "/x?z=1&k=%61" }, { path: "/?k=b" }],
      ["cookie:k", { headers: { cookie: "k=a" } }, { headers: { cookie: "z=1; k=a" } }, { headers: { cookie: "k=b" } }],
      ["path", { path: "/a" }, { path: "/a?x=1" }, { path: "/b" }],
      ["path[1]", { path: "/a/1" }, { path: "/a/2" }, { path: "/b/1" }],
      ["method", { method: "GET" }, { method: "GET", path: "/x" }, { method: "PUT" }],
      [
        "cel:request.headers['x-key'] + '!'",
        { headers: { "x-key": "a" } },
        { headers: { "x-key": "a", "x-o": "1" } },
        { headers: { "x-key": "b" } },
      ],
    ] as const) {
      test(`RL-29: ${selector}`, async () => {
        await using proxy = await start({ downstream, config: one({ key: [selector] }) });
        assert.equal(await passed(proxy, 2, a as RequestInput), 2);
        assert.equal(await passed(proxy, 4, sameAsA as RequestInput), 1);
        assert.equal(await passed(proxy, 4, b as RequestInput), 3);
      });
    }

    test("RL-29: a claim and the identity that jwt-auth has found, and two selectors together", async () => {
      const provider = { name: "p", issuer: "issuer", algorithms: ["HS256"], jwks: { secret: SECRET } };
      const plugins = [
        { filter: jwtAuth, config: { providers: [provider] }, position: "before" as const, vmId: "jwt" },
      ];
      for (const key of [["claim:team"], ["identity"], ["claim:team", "path[1]"]]) {
        await using proxy = await start({ downstream, config: one({ key }), plugins });
        assert.equal(await passed(proxy, 5, { ...bearer({ sub: "a", team: "x" }), path: "/1" }), 3, key.join());
        assert.equal(await passed(proxy, 5, { ...bearer({ sub: "b", team: "y" }), path: "/1" }), 3, key.join());
        const other = await passed(proxy, 5, { ...bearer({ sub: "a", team: "x" }), path: "/2" });
        assert.equal(other, key.length > 1 ? 3 : 0, key.join());
      }
    });

    test("RL-12: x-forwarded-for: what the client wrote further left is nothing", async () => {
      const config = one({ key: ["ip"] }, { trustedHops: 1 });
      await using proxy = await start({ downstream, config });
      assert.equal(await passed(proxy, 5, forwarded("203.0.113.7")), 3);
      for (const left of ["6.6.6.6", "203.0.113.8", "", "x, y"])
        assert.equal(await passed(proxy, 1, forwarded(`${left}, 203.0.113.7`)), 0, left);
      assert.equal(await passed(proxy, 5, forwarded("203.0.113.7, 203.0.113.8")), 3);
      await using second = await start({ downstream, config: one({ key: ["ip"] }, { trustedHops: 2 }) });
      assert.equal(await passed(second, 5, forwarded("1.1.1.1, 203.0.113.7, 10.0.0.1")), 3);
      assert.equal(await passed(second, 1, forwarded("2.2.2.2, 203.0.113.7, 10.0.0.2")), 0);
      // Without so many entries nobody is trusted: all such requests count together.
      assert.equal(await passed(second, 5, forwarded("9.9.9.9")), 3);
      assert.equal(await passed(second, 1, forwarded("8.8.8.8")), 0);
      // Envoy's own view.
      const connectionManager = { useRemoteAddress: true, trustedHops: 1 };
      await using envoys = await start({ downstream, config: one({ key: ["ip"] }), connectionManager });
      assert.equal(await passed(envoys, 5, forwarded("203.0.113.7")), 3);
      assert.equal(await passed(envoys, 1, forwarded("6.6.6.6, 203.0.113.7")), 0);
      assert.equal(await passed(envoys, 1, forwarded("203.0.113.9")), 1);
    });

    test("RL-13: IPv6 addresses of one /64 are one client", async () => {
      await using proxy = await start({ downstream, config: one({ key: ["ip"] }, { trustedHops: 1 }) });
      assert.equal(await passed(proxy, 2, forwarded("2001:db8:1:2::1")), 2);
      assert.equal(await passed(proxy, 2, forwarded("2001:db8:1:2:ffff:1:2:3")), 1);
      assert.equal(await passed(proxy, 4, forwarded("2001:db8:1:3::1")), 3);
      assert.equal(await passed(proxy, 4, forwarded("192.0.2.1")), 3);
      assert.equal(await passed(proxy, 4, forwarded("192.0.2.2")), 3);
      const config = one({ key: ["ip"] }, { trustedHops: 1, ipv6Prefix: 128 });
      await using whole = await start({ downstream, config });
      assert.equal(await passed(whole, 4, forwarded("2001:db8:1:2::1")), 3);
      assert.equal(await passed(whole, 4, forwarded("2001:db8:1:2::2")), 3);
    });

    test("RL-09: unique keys fill the table, and nothing more", async () => {
      const config = one({ key: ["header:x-key"], maxKeys: 12 }, { headers: "none" });
      await using proxy = await start({ downstream, config });
      const known = { headers: { "x-key": "known" } };
      assert.equal(await passed(proxy, 5, known), 3);
      let passes = 0;
      for (let i = 0; i < 400; i++) passes += await passed(proxy, 1, { headers: { "x-key": `unique-${i}` } });
      const reason = { limit: "main", reason: "no_room" };
      const without = (await proxy.metrics()).counter(labelled("meshwasm_rate_limit_error", reason))!;
      // Two tables of 16 places; all others count together.
      assert.ok(without >= 400 - 31, `${without}`);
      assert.equal(passes, 400 - without + 3);
      assert.equal(await passed(proxy, 1, known), 0, "who has a place keeps it");
    });

    test("RL-30: without shared data nothing is taken", async () => {
      const callbacks = [
        "proxy_on_context_create",
        "proxy_on_configure",
        "proxy_on_vm_start",
        "proxy_on_request_headers",
      ];
      const calls = ["proxy_log", "proxy_get_log_level", "proxy_get_property", "proxy_get_buffer_bytes"];
      const capabilities = [...callbacks, ...calls, "random_get", "clock_time_get", "environ_get", "environ_sizes_get"];
      await assert.rejects(
        async () => (await start({ downstream, config: one(), capabilities })).close(),
        /shared data/,
      );
    });

    test("RL-10: keys without room: counted together, or refused", async () => {
      for (const overflow of ["shared", "deny"]) {
        const config = one({ key: ["header:x-key"], maxKeys: 1, overflow });
        await using proxy = await start({ downstream, config });
        // A table has 16 places.
        const all = Array.from({ length: 40 }, (_, i): RequestInput => ({ headers: { "x-key": `k${i}` } }));
        const counts: number[] = [];
        for (const input of all) counts.push(await passed(proxy, 1, input));
        const reason = { limit: "main", reason: "no_room" };
        const without = (await proxy.metrics()).counter(labelled("meshwasm_rate_limit_error", reason))!;
        assert.ok(without >= 24 && without <= 32, `${without} of 40 have no place`);
        const passes = counts.filter(Boolean).length;
        assert.equal(passes, 40 - without + (overflow === "shared" ? 3 : 0));
        // Those that have a place keep it: the first one surely has.
        assert.equal(await passed(proxy, 5, all[0]), 2);
      }
    });
  });
}

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { labelled, type Proxy, type ProxyOptions } from "meshwasm/testing";
import { claims, config, DOWNSTREAM, keyOf, now, rawToken, send, start, token } from "./support.js";

const rewrite = fileURLToPath(new URL("../../header-rewrite", import.meta.url));
const CLAIM_HEADERS = [
  { claim: "sub", header: "x-user" },
  { claim: "realm.roles", header: "x-roles" },
  { claim: "groups", header: "x-groups", join: "|" },
  { claim: "admin", header: "x-admin" },
  { claim: "level", header: "x-level" },
];

for (const downstream of DOWNSTREAM) {
  describe(`what passes over ${downstream}`, () => {
    test("JWT-16: a client's own claim headers are removed, in trailers too", async () => {
      const rs = await keyOf("RS256");
      const rules = [
        { match: { sel: "path", prefix: "/open" }, require: { none: true } },
        { require: { optional: ["main"] } },
      ];
      const provider = { claimHeaders: CLAIM_HEADERS, payloadHeader: "x-payload" };
      await using proxy = await start({ downstream, config: config([rs], provider, { rules }) });
      const headers = [
        ["x-user", "root"],
        ["X-User", "root"],
        ["x-roles", "admin"],
        ["x-payload", "e30"],
        ["x-other", "1"],
      ] as const;
      const trailers = { "x-user": "root", "x-mine": "1" };
      for (const [path, bearer] of [
        ["/open", null],
        ["/open", await token(rs)],
        ["/", null],
        ["/", await token(rs, { sub: undefined })],
      ] as const) {
        const all = [...headers, ...(bearer ? [["authorization", `Bearer ${bearer}`] as const] : [])];
        const { upstream } = await proxy.request({ method: "POST", path, headers: all, body: "x", trailers });
        assert.deepEqual(
          [upstream?.headers.get("x-user"), upstream?.headers.get("x-roles"), upstream?.headers.get("x-other")],
          [null, null, "1"],
          path,
        );
        assert.deepEqual([upstream?.trailers.get("x-user"), upstream?.trailers.get("x-mine")], [null, "1"], path);
      }
    });

    test("JWT-17: claims with control characters, emoji, 64 KB", async () => {
      const rs = await keyOf("RS256");
      const provider = { claimHeaders: CLAIM_HEADERS, maxTokenBytes: 65536 };
      await using proxy = await start({ downstream, config: config([rs], provider) });
      const user = async (sub: unknown): Promise<string | null | undefined> => {
        const response = await send(proxy, rawToken(rs, { alg: "RS256", kid: "RS256" }, claims({ sub })), {
          headers: { "x-user": "root" },
        });
        assert.equal(response.status, 200, JSON.stringify(sub).slice(0, 50));
        return response.upstream?.headers.get("x-user");
      };
      for (const sub of ["a\r\nx-admin: true", "a\nb", "a\u0000b", "\r\n", "x".repeat(10_000), {}, [], null])
        assert.equal(await user(sub), null);
      assert.equal(await user("alice"), "alice");
      assert.equal(Buffer.from((await user("жук 🐞"))!, "latin1").toString(), "жук 🐞");
      const large = rawToken(rs, { alg: "RS256", kid: "RS256" }, claims({ x: "x".repeat(60_000) }));
      // Envoy refuses headers of more than 60 KiB, over HTTP/2 by a reset.
      const answered = await send(proxy, large).then(
        ({ status }) => status,
        () => 0,
      );
      assert.ok([0, 401, 431].includes(answered), String(answered));
    });

    test("JWT-21: CORS preflight", async () => {
      const rs = await keyOf("RS256");
      await using proxy = await start({ downstream, config: config([rs], {}, { allowCorsPreflight: true }) });
      const preflight = { origin: "https://a.example", "access-control-request-method": "PUT" };
      const status = async (method: string, headers: Record<string, string>): Promise<number> =>
        (await proxy.request({ method, headers })).status;
      assert.equal(await status("OPTIONS", preflight), 200);
      assert.equal(await status("OPTIONS", { origin: "https://a.example" }), 401);
      assert.equal(await status("OPTIONS", { "access-control-request-method": "PUT" }), 401);
      assert.equal(await status("GET", preflight), 401);
      // Over HTTP/1 Envoy itself refuses a method that it does not know.
      assert.notEqual(await status("options", preflight), 200);
      await using strict = await start({ downstream, config: config([rs]) });
      assert.equal((await strict.request({ method: "OPTIONS", headers: preflight })).status, 401);
    });

    test("JWT-25: each source, and taking the token out of it", async () => {
      const rs = await keyOf("RS256");
      const from = [{ header: "x-token", prefix: "JWT " }, { query: "access_token" }, { cookie: "session" }];
      const good = await token(rs);
      const ask = async (forward: boolean, input: object) => {
        await using proxy = await start({ downstream, config: config([rs], { from, forward }) });
        const response = await proxy.request(input);
        assert.equal(response.status, 200);
        return response.upstream!;
      };
      const header = {
        headers: [
          ["x-token", `jwt  ${good}`],
          ["x-token", "Other x"],
        ] as const,
      };
      assert.deepEqual((await ask(false, header)).headers.all("x-token"), ["Other x"]);
      assert.deepEqual((await ask(true, header)).headers.all("x-token"), [`jwt  ${good}`, "Other x"]);
      const query = `/p?a=1&access_token=${good}&b=%26&c`;
      assert.equal((await ask(false, { path: query })).path, "/p?a=1&b=%26&c");
      assert.equal((await ask(true, { path: query })).path, query);
      assert.equal((await ask(false, { path: `/p?access_token=${good}` })).path, "/p");
      const cookie = { headers: { cookie: `a=1; session=${good}; b=2` } };
      assert.equal((await ask(false, cookie)).headers.get("cookie"), "a=1; b=2");
      assert.equal((await ask(false, { headers: { cookie: `session=${good}` } })).headers.get("cookie"), null);
      await using proxy = await start({ downstream, config: config([rs], { from }) });
      assert.equal((await send(proxy, good)).status, 401, "authorization is no source here");
      await using usual = await start({ downstream, config: config([rs]) });
      assert.equal((await send(usual, good)).upstream?.headers.get("authorization"), null);
      await using forwards = await start({ downstream, config: config([rs], { forward: true }) });
      assert.equal((await send(forwards, good)).upstream?.headers.get("authorization"), `Bearer ${good}`);
    });

    test("JWT-27: claim headers, payload header", async () => {
      const rs = await keyOf("RS256");
      const provider = { claimHeaders: CLAIM_HEADERS, payloadHeader: "x-payload" };
      await using proxy = await start({ downstream, config: config([rs], provider) });
      const changes = {
        realm: { roles: ["a", "b", 3, true, { x: 1 }, null] },
        groups: ["x", "y"],
        admin: true,
        level: 1.5,
      };
      const { upstream } = await send(proxy, await token(rs, changes), { headers: { "x-user": "root" } });
      const seen = ["x-user", "x-roles", "x-groups", "x-admin", "x-level"].map((name) => upstream?.headers.all(name));
      assert.deepEqual(seen, [["alice"], ["a,b,3,true"], ["x|y"], ["true"], ["1.5"]]);
      const payload = JSON.parse(Buffer.from(upstream!.headers.get("x-payload")!, "base64url").toString()) as {
        sub: string;
      };
      assert.equal(payload.sub, "alice");
    });
  });
}

for (const downstream of DOWNSTREAM) {
  const over = (options: ProxyOptions): Promise<Proxy> => start({ downstream, ...options });
  describe(`what is decided over ${downstream}`, () => {
    test("JWT-27: identity, groups and claims for later filters", async () => {
      const rs = await keyOf("RS256");
      const request = [
        { op: "set", name: "x-identity", value: "${identity}" },
        { op: "set", name: "x-group", value: "${group}" },
        { op: "set", name: "x-tenant", value: "${claim:org.tenant}" },
      ];
      const plugins: ProxyOptions["plugins"] = [{ filter: rewrite, config: { request }, rootId: "later" }];
      await using proxy = await over({
        plugins,
        config: config([rs], { groupsClaim: "roles", identityClaim: "org.user" }),
      });
      const bearer = await token(rs, { roles: ["a", "b\nroot", "c"], org: { tenant: "t1", user: "u1" } });
      const { upstream } = await send(proxy, bearer);
      assert.deepEqual(
        ["x-identity", "x-group", "x-tenant"].map((name) => upstream?.headers.get(name)),
        ["u1", "a, c", "t1"],
      );
    });

    test("JWT-26: each requirement", async () => {
      const [a, b] = await Promise.all([keyOf("RS256", "a"), keyOf("ES256", "b")]);
      const provider = (name: string, key: typeof a): object => ({
        name,
        issuer: `https://${name}.example`,
        jwks: { inline: JSON.stringify({ keys: [key.jwk] }) },
        from: [{ header: `x-${name}` }],
        claimHeaders: [{ claim: "sub", header: `x-${name}-user` }],
      });
      const path = (prefix: string): object => ({ sel: "path", prefix });
      const rules = [
        { match: path("/one"), require: { provider: "a" } },
        { match: path("/any"), require: { any: ["a", "b"] } },
        { match: path("/all"), require: { all: ["a", "b"] } },
        { match: path("/optional"), require: { optional: ["a", "b"] } },
        { match: path("/failed"), require: { optionalOrFailed: ["a", "b"] } },
        { match: path("/none"), require: { none: true } },
        { match: path("/one"), require: { none: true } },
      ];
      await using proxy = await over({ config: { providers: [provider("a", a), provider("b", b)], rules } });
      const good = { a: await token(a, { iss: "https://a.example" }), b: await token(b, { iss: "https://b.example" }) };
      const wrong = "a.b.c";
      const ask = async (path: string, tokens: Record<string, string>) => {
        const response = await proxy.request({
          path,
          headers: Object.fromEntries(Object.entries(tokens).map(([k, v]) => [`x-${k}`, v])),
        });
        const user = (name: string) => response.upstream?.headers.get(`x-${name}-user`) ?? "-";
        return response.upstream ? `${user("a")} ${user("b")}` : response.status;
      };
      const { a: ga, b: gb } = good;
      for (const [where, tokens, result] of [
        ["/one", { a: ga }, "alice -"],
        ["/one", { b: gb }, 401],
        ["/one", {}, 401],
        ["/one", { a: wrong, b: gb }, 401],
        ["/any", { a: ga }, "alice -"],
        ["/any", { b: gb }, "- alice"],
        ["/any", {}, 401],
        ["/any", { a: wrong, b: gb }, "- alice"],
        ["/any", { a: wrong }, 401],
        ["/all", { a: ga, b: gb }, "alice alice"],
        ["/all", { a: ga }, 401],
        ["/all", { a: ga, b: wrong }, 401],
        ["/all", {}, 401],
        ["/optional", {}, "- -"],
        ["/optional", { a: ga }, "alice -"],
        ["/optional", { a: wrong }, 401],
        ["/optional", { b: gb }, "- alice"],
        ["/failed", {}, "- -"],
        ["/failed", { a: wrong }, "- -"],
        ["/failed", { b: gb }, "- alice"],
        ["/none", { a: ga }, "- -"],
        ["/none", {}, "- -"],
        ["/other", {}, 401],
        ["/other", { b: gb }, "- alice"],
      ] as const)
        assert.equal(await ask(where, tokens), result, `${where} ${Object.keys(tokens).join()}`);
    });

    test("JWT-39: labels of the configuration on the counts, the identity too", async () => {
      const rs = await keyOf("RS256");
      const metrics = { labels: { who: "${identity|default=nobody}", team: "${header:x-team}" } };
      await using proxy = await over({ config: config([rs], {}, { metrics, allowCorsPreflight: true }) });
      const headers = { "x-team": "blue" };
      await send(proxy, await token(rs), { headers });
      await send(proxy, null, { headers });
      const preflight = { origin: "https://a.test", "access-control-request-method": "GET", ...headers };
      await send(proxy, null, { method: "OPTIONS", headers: preflight });
      const found = await proxy.metrics();
      const at = (name: string, labels: Record<string, string>): number | null =>
        found.counter(labelled(`meshwasm_jwt_auth_${name}`, labels));
      assert.equal(at("allowed", { team: "blue", who: "alice" }), 1);
      assert.equal(at("allowed", { team: "blue", who: "nobody" }), 1);
      assert.equal(at("denied", { reason: "missing", team: "blue", who: "nobody" }), 1);
      await assert.rejects(
        proxy.reconfigure(config([rs], {}, { metrics: { labels: { reason: "a" } } })),
        /\$\.metrics\.labels\.reason: /,
      );
    });

    test("JWT-36: a path with dot segments matches no rule", async () => {
      const rs = await keyOf("RS256");
      const rules = [
        { match: { sel: "path", prefix: "/open" }, require: { none: true } },
        { require: { provider: "main" } },
      ];
      const good = await token(rs);
      const ask = async (proxy: Proxy, path: string, bearer: string | null = null): Promise<number> =>
        (await send(proxy, bearer, { path })).status;
      {
        await using proxy = await over({ config: config([rs], {}, { rules }) });
        for (const path of ["/open", "/open/a..b/.c/...", "/open/a.", "/open?x=/../", "/open/%2e%2e%2e", "/open//x"])
          assert.equal(await ask(proxy, path), 200, path);
        for (const path of [
          "/open/../orders",
          "/open/..",
          "/open/.",
          "/open/./../orders?a",
          "/open/%2e%2E/orders",
          "/open/.%2e/orders",
          "/open/..%2forders",
          "/open/..%5Corders",
          "/open/..;/orders",
          "/open/..;a=b/orders",
          "/open/..%3b/orders",
          "/open\\..\\orders",
        ]) {
          const refused = await send(proxy, null, { path });
          assert.deepEqual([refused.status, refused.upstream], [400, null], path);
          assert.equal(await ask(proxy, path, good), 400, path);
        }
        assert.equal((await proxy.metrics()).counter(labelled("meshwasm_jwt_auth_denied", { reason: "path" })), 24);
      }
      // Without a match nothing depends on the path; shadow mode refuses nothing.
      for (const more of [{}, { rules, mode: "shadow" }]) {
        await using proxy = await over({ config: config([rs], {}, more) });
        assert.equal(await ask(proxy, "/open/../orders", good), 200);
      }
    });

    test("JWT-28: shadow and off", async () => {
      const rs = await keyOf("RS256");
      const provider = { claimHeaders: CLAIM_HEADERS };
      await using proxy = await over({ config: config([rs], provider, { mode: "shadow" }) });
      const headers = { "x-user": "root" };
      const none = await send(proxy, null, { headers });
      assert.deepEqual([none.status, none.upstream?.headers.get("x-user")], [200, "root"]);
      const good = await send(proxy, await token(rs), { headers });
      assert.deepEqual(
        [good.upstream?.headers.get("x-user"), good.upstream?.headers.has("authorization")],
        ["root", true],
      );
      await send(proxy, await token(rs, { exp: now() - 1000 }));
      const metrics = await proxy.metrics();
      assert.equal(metrics.counter(labelled("meshwasm_jwt_auth_shadow_denied", { reason: "missing" })), 1);
      assert.equal(metrics.counter(labelled("meshwasm_jwt_auth_shadow_denied", { reason: "expired" })), 1);
      assert.equal(metrics.counter("meshwasm_jwt_auth_allowed"), 1);
      await proxy.reconfigure(config([rs], provider, { mode: "off" }));
      assert.equal((await send(proxy, null, { headers })).upstream?.headers.get("x-user"), "root");
      await proxy.reconfigure(config([rs], provider));
      assert.equal((await send(proxy, null)).status, 401);
      assert.equal((await proxy.metrics()).counter(labelled("meshwasm_jwt_auth_denied", { reason: "missing" })), 1);
    });

    test("JWT-31: type, lifetime, required claims", async () => {
      const rs = await keyOf("RS256");
      const status = async (
        provider: object,
        changes: Record<string, unknown>,
        header: Record<string, unknown> = {},
      ): Promise<number> => {
        await using proxy = await over({ config: config([rs], provider) });
        return (await send(proxy, await token(rs, changes, header))).status;
      };
      const typ = ["at+jwt", "application/vnd.x"];
      for (const [given, expected] of [
        ["at+jwt", 200],
        ["AT+JWT", 200],
        ["application/at+jwt", 200],
        ["vnd.x", 200],
        ["JWT", 401],
        [undefined, 401],
        ["", 401],
        ["x/at+jwt", 401],
      ] as const)
        assert.equal(await status({ typ }, {}, given === undefined ? {} : { typ: given }), expected, String(given));
      const maxLifetime = "1h";
      assert.equal(await status({ maxLifetime }, { iat: now(), exp: now() + 3600 }), 200);
      assert.equal(await status({ maxLifetime }, { iat: now(), exp: now() + 3601 }), 401);
      assert.equal(await status({ maxLifetime }, { iat: undefined }), 401);
      assert.equal(await status({ requireExp: false }, { exp: undefined }), 200);
      assert.equal(await status({ requireExp: false, maxLifetime }, { exp: undefined }), 401);
      const requiredClaims = [
        { sel: "claim:scope", exact: "admin" },
        { not: { sel: "claim:org.banned", exact: "true" } },
      ];
      assert.equal(await status({ requiredClaims }, { scope: "admin" }), 200);
      assert.equal(await status({ requiredClaims }, { scope: ["x", "admin"] }), 200);
      assert.equal(await status({ requiredClaims }, { scope: "user" }), 403);
      assert.equal(await status({ requiredClaims }, {}), 403);
      assert.equal(await status({ requiredClaims }, { scope: "admin", org: { banned: true } }), 403);
    });

    test("JWT-18: no token, claim or secret is logged", async () => {
      const key = await keyOf("HS256");
      const provider = { algorithms: ["HS256"], jwks: { secret: { env: "KEY" } } };
      const secret = Buffer.from(key.jwk.k!, "base64url").toString("latin1");
      await using proxy = await over({
        logLevel: "trace",
        env: { KEY: "s3cret-s3cret-s3cret-s3cret-s3cret-1" },
        config: config([], provider),
      });
      const other = rawToken(key, { alg: "HS256" }, claims({ sub: "mallory-in-the-middle" }));
      const { createHmac } = await import("node:crypto");
      const text = other.split(".").slice(0, 2).join(".");
      const good = `${text}.${createHmac("sha256", "s3cret-s3cret-s3cret-s3cret-s3cret-1").update(text).digest("base64url")}`;
      assert.equal((await send(proxy, good)).status, 200);
      assert.equal((await send(proxy, other)).status, 401);
      assert.equal((await send(proxy, "no token at all")).status, 401);
      const lines = proxy
        .logs()
        .map(({ message }) => message)
        .join("\n");
      for (const hidden of [other, good, "mallory", "s3cret", secret, "no token at all"])
        assert.ok(!lines.includes(hidden));
    });

    test("JWT-29: a verified token is not verified again, until it ends or the keys change", async () => {
      const rs = await keyOf("RS256");
      await using proxy = await over({ config: config([rs], { clockSkew: "0s" }) });
      const short = await token(rs, { iat: undefined, exp: now() + 2 });
      assert.equal((await send(proxy, short)).status, 200);
      await proxy.advance(2500);
      assert.equal((await send(proxy, short)).status, 401);
      const good = await token(rs);
      for (let i = 0; i < 3; i++) assert.equal((await send(proxy, good)).status, 200);
      await proxy.reconfigure(config([await keyOf("RS256", "new")]));
      assert.equal((await send(proxy, good)).status, 401);
    });

    test("JWT-38: verified tokens take no more than their share of memory", async () => {
      const hs = await keyOf("HS256");
      const provider = { algorithms: ["HS256"], cacheSize: 100_000, maxTokenBytes: 65_536 };
      // Only the emulator ends a filter that takes more.
      const limits = { memoryMiB: 400 };
      await using proxy = await over({ host: "emulator", config: config([hs], provider), limits });
      const filler = "x".repeat(30_000);
      const header = { alg: "HS256", kid: "HS256" };
      for (let i = 0; i < 4000; i++) {
        const { status } = await send(proxy, rawToken(hs, header, claims({ sub: `${i}`, filler })));
        assert.equal(status, 200, `token ${i}`);
      }
    });

    test("JWT-20: the clock jumps", async () => {
      // The emulator's realtime goes on with its clock; a jump ahead ends tokens, one that is not used before is refused.
      const rs = await keyOf("RS256");
      await using proxy = await over({ config: config([rs], { clockSkew: "1s" }) });
      const early = await token(rs, { iat: undefined, nbf: now() + 3 });
      assert.equal((await send(proxy, early)).status, 401);
      await proxy.advance(3500);
      assert.equal((await send(proxy, early)).status, 200);
    });
  });
}

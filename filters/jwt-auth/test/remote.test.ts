import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  labelled,
  needing,
  type ClusterScript,
  type Proxy,
  type ProxyOptions,
  type UpstreamResponse,
} from "meshwasm/testing";
import { DOWNSTREAM, ISSUER, jwks, keyOf, send, start, token } from "./support.js";

const withClock = needing(test, ["clock"]);
const onEnvoy = needing(test, ["envoy"]);
const remote = (more: object = {}, rules: object = {}): object => ({
  providers: [
    {
      name: "main",
      issuer: ISSUER,
      jwks: {
        remote: {
          from: { cluster: "idp", path: "/jwks" },
          minRefetch: "1s",
          cacheDuration: "10s",
          refreshAhead: "2s",
          staleIfError: "20s",
          ...more,
        },
      },
    },
  ],
  ...rules,
});

/** An issuer that can be changed, and what it was asked for. */
class Idp {
  readonly asked: string[] = [];
  answer: (path: string) => UpstreamResponse | Promise<UpstreamResponse> = () => ({ status: 500 });
  readonly script: ClusterScript = ({ path }) => {
    this.asked.push(path);
    return this.answer(path);
  };
}

const settle = async (proxy: Proxy): Promise<void> => {
  await proxy.tick();
  await proxy.tick();
};

for (const downstream of DOWNSTREAM) {
  const over = (options: ProxyOptions): Promise<Proxy> => start({ downstream, ...options });
  describe(`keys that are fetched over ${downstream}`, () => {
    test("JWT-19: they are fetched once, and used", async () => {
      const rs = await keyOf("RS256");
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(rs), headers: { "content-type": "application/jwk-set+json" } });
      await using proxy = await over({ config: remote(), clusters: { idp: idp.script } });
      for (let i = 0; i < 3; i++) assert.equal((await send(proxy, await token(rs))).status, 200);
      assert.equal((await send(proxy, null)).status, 401);
      assert.deepEqual(idp.asked, ["/jwks"]);
    });

    test("JWT-19: a request waits for the first keys", async () => {
      const rs = await keyOf("RS256");
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(rs), delay: 300 });
      await using proxy = await over({ config: remote(), clusters: { idp: idp.script } });
      const several = await Promise.all([1, 2, 3].map(async () => (await send(proxy, await token(rs))).status));
      assert.deepEqual(several, [200, 200, 200]);
      assert.equal(idp.asked.length, 1);
    });

    for (const [title, answer] of [
      ["500", { status: 500 }],
      ["a redirect", { status: 302, headers: { location: "https://evil.example/jwks" } }],
      ["HTML", { body: "<html>keys</html>", headers: { "content-type": "text/html" } }],
      ["5 MB", { body: " ".repeat(5_000_000) }],
      ["no keys", { body: '{"keys":[]}' }],
      ["secrets", { body: '{"keys":[{"kty":"oct","k":"AAAA"}]}' }],
      ["an answer that breaks off", { reset: true }],
    ] as const) {
      test(`JWT-19: at start the issuer answers with ${title}: 503, then it recovers`, async () => {
        const rs = await keyOf("RS256");
        const idp = new Idp();
        idp.answer = () => answer as UpstreamResponse;
        await using proxy = await over({ config: remote(), clusters: { idp: idp.script } });
        const refused = await send(proxy, await token(rs));
        // Keys for HMAC are keys; the algorithms of this provider have none for them.
        assert.ok(refused.status === 503 || (title === "secrets" && refused.status === 401), String(refused.status));
        assert.equal((await send(proxy, null)).status, 401, "without a token no keys are needed");
        idp.answer = () => ({ body: jwks(rs) });
        let status = 0;
        for (let tries = 0; tries < 60 && status !== 200; tries++) {
          await proxy.advance(250);
          status = (await send(proxy, await token(rs))).status;
        }
        assert.equal(status, 200);
      });
    }

    test("JWT-19: nobody answers: 503, or passing as without a token", async () => {
      const rs = await keyOf("RS256");
      await using proxy = await over({ config: remote(), clusters: { idp: { refuses: true } } });
      const refused = await send(proxy, await token(rs), {
        headers: { "content-type": "application/grpc" },
        method: "POST",
      });
      assert.equal(refused.headers.get("grpc-status"), "14");
      assert.equal((await send(proxy, await token(rs))).status, 503);
      await proxy.reconfigure(remote({}, { onJwksUnavailable: "allow" }));
      const passed = await send(proxy, await token(rs));
      assert.equal(passed.status, 200);
    });

    test("JWT-37: missing keys excuse no other token", async () => {
      const [rs, es] = await Promise.all([keyOf("RS256"), keyOf("ES256")]);
      const providers = [
        { ...(remote() as { providers: object[] }).providers[0], name: "far", from: [{ header: "x-far" }] },
        { name: "near", issuer: "https://near.example", jwks: { inline: jwks(es) }, from: [{ header: "x-near" }] },
      ];
      const far = await token(rs);
      const near = await token(es, { iss: "https://near.example" });
      const expired = await token(rs, { exp: 1000 });
      const other = await token(rs, { iss: "https://other.example" });
      const forged = `${near.slice(0, near.lastIndexOf("."))}.${Buffer.alloc(64, 1).toString("base64url")}`;
      const start1 = (require: object): Promise<Proxy> =>
        over({
          config: { providers, rules: [{ require }], onJwksUnavailable: "allow" },
          clusters: { idp: { refuses: true } },
        });
      const results = async (require: object, cases: readonly (readonly [string | null, string | null])[]) => {
        await using proxy = await start1(require);
        const found: number[] = [];
        for (const [a, b] of cases) {
          const headers = { ...(a === null ? {} : { "x-far": a }), ...(b === null ? {} : { "x-near": b }) };
          const { status, upstream } = await proxy.request({ headers });
          assert.ok(!upstream?.headers.has("x-far"), "nobody has checked it");
          found.push(status);
        }
        return found;
      };
      const all = { all: ["far", "near"] };
      assert.deepEqual(
        await results(all, [
          [far, near],
          [far, null],
          [far, forged],
          [null, near],
          [expired, near],
          [other, near],
          ["a.b.c", near],
        ]),
        [200, 401, 401, 401, 401, 401, 401],
      );
      const one = { provider: "far" };
      assert.deepEqual(
        await results(one, [
          [far, null],
          [null, null],
          [expired, null],
          [other, null],
        ]),
        [200, 401, 401, 401],
      );
      assert.deepEqual(
        await results({ optional: ["far"] }, [
          [far, null],
          [null, null],
          [expired, null],
        ]),
        [200, 200, 401],
      );
    });

    test("JWT-19: optional tokens wait for the first keys, too", async () => {
      const rs = await keyOf("RS256");
      for (const kind of ["optional", "optionalOrFailed"]) {
        const idp = new Idp();
        idp.answer = () => ({ body: jwks(rs), delay: 300 });
        const rules = [{ require: { [kind]: ["main"] } }];
        const main = (remote() as { providers: object[] }).providers[0];
        const providers = [{ ...main, claimHeaders: [{ claim: "sub", header: "x-user" }] }];
        await using proxy = await over({ config: { providers, rules }, clusters: { idp: idp.script } });
        const { upstream } = await send(proxy, await token(rs));
        assert.equal(upstream?.headers.get("x-user"), "alice", kind);
      }
    });

    test("JWT-28: shadow fetches the keys of an unknown kid, and delays nothing", async () => {
      const [old, fresh] = await Promise.all([keyOf("RS256", "old"), keyOf("RS256", "fresh")]);
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(old) });
      await using proxy = await over({ config: remote({}, { mode: "shadow" }), clusters: { idp: idp.script } });
      while (!idp.asked.length) await settle(proxy);
      await proxy.advance(1500);
      await send(proxy, await token(old));
      idp.answer = () => ({ body: jwks(fresh) });
      await send(proxy, await token(fresh));
      await settle(proxy);
      await proxy.advance(300);
      const metrics = await proxy.metrics();
      const before = metrics.counter("meshwasm_jwt_auth_allowed");
      await send(proxy, await token(fresh));
      assert.equal(idp.asked.length, 2);
      assert.equal((await proxy.metrics()).counter("meshwasm_jwt_auth_allowed"), (before ?? 0) + 1);
      assert.equal(metrics.counter(labelled("meshwasm_jwt_auth_shadow_denied", { reason: "unknown_key" })), 1);
    });

    test("JWT-19: keys change: the new one is fetched for its first token, the old one goes", async () => {
      const [old, fresh] = await Promise.all([keyOf("RS256", "old"), keyOf("RS256", "fresh")]);
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(old) });
      await using proxy = await over({ config: remote(), clusters: { idp: idp.script } });
      assert.equal((await send(proxy, await token(old))).status, 200);
      idp.answer = () => ({ body: jwks(fresh) });
      await proxy.advance(1500);
      assert.equal((await send(proxy, await token(fresh))).status, 200);
      assert.equal((await send(proxy, await token(old))).status, 401);
      assert.equal(idp.asked.length, 2);
    });

    test("JWT-05: unknown kids cause no more fetches than allowed", async () => {
      const rs = await keyOf("RS256");
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(rs) });
      await using proxy = await over({ config: remote(), clusters: { idp: idp.script } });
      assert.equal((await send(proxy, await token(rs))).status, 200);
      const began = Date.now();
      for (let i = 0; i < 40; i++)
        assert.equal((await send(proxy, await token({ ...rs, kid: `evil-${i}` }))).status, 401);
      const allowed = 2 + (proxy.host === "envoy" ? Math.ceil((Date.now() - began) / 1000) : 0);
      assert.ok(idp.asked.length <= allowed, `${idp.asked.length} fetches`);
    });

    withClock("JWT-19: they are fetched ahead of their end, used while stale, and then no more", async () => {
      const rs = await keyOf("RS256");
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(rs) });
      await using proxy = await over({ config: remote(), clusters: { idp: idp.script } });
      const status = async (): Promise<number> => (await send(proxy, await token(rs, { exp: 4102444800 }))).status;
      assert.equal(await status(), 200);
      await proxy.advance(7000);
      assert.equal(idp.asked.length, 1);
      await proxy.advance(2000);
      await settle(proxy);
      assert.equal(idp.asked.length, 2, "refreshed after 8 of 10 seconds");
      idp.answer = () => ({ status: 500 });
      await proxy.advance(25_000);
      assert.equal(await status(), 200, "stale, but usable");
      await proxy.advance(10_000);
      await settle(proxy);
      assert.equal(await status(), 503);
      const tries = idp.asked.length;
      assert.ok(tries > 3 && tries < 30, `${tries} attempts in 35 seconds`);
      const metrics = await proxy.metrics();
      const failed = labelled("meshwasm_jwt_auth_error", { reason: "keys_not_fetched" });
      assert.equal(metrics.counter(failed), tries - 2, "each failed fetch is counted");
      assert.equal(metrics.counter(labelled("meshwasm_jwt_auth_error", { reason: "keys_unavailable" })), 1);
    });

    test("JWT-19: OpenID discovery", async () => {
      const rs = await keyOf("RS256");
      const idp = new Idp();
      let configuration: object = { issuer: ISSUER, jwks_uri: "https://idp/keys?v=1" };
      idp.answer = (path) => (path === "/keys?v=1" ? { body: jwks(rs) } : { body: JSON.stringify(configuration) });
      const from = { cluster: "idp", path: "/.well-known/openid-configuration" };
      await using proxy = await over({ config: remote({ from, discovery: true }), clusters: { idp: idp.script } });
      assert.equal((await send(proxy, await token(rs))).status, 200);
      assert.deepEqual(idp.asked, ["/.well-known/openid-configuration", "/keys?v=1"]);
      for (const wrong of [
        { issuer: "https://other.example", jwks_uri: "https://idp/keys?v=1" },
        { issuer: ISSUER, jwks_uri: "https://elsewhere.example/keys?v=1" },
        { issuer: ISSUER },
        [],
      ]) {
        configuration = wrong;
        await using refusing = await over({ config: remote({ from, discovery: true }), clusters: { idp: idp.script } });
        assert.equal((await send(refusing, await token(rs))).status, 503);
      }
    });

    test("JWT-19: four workers fetch once", async () => {
      const rs = await keyOf("RS256");
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(rs), delay: 100 });
      await using proxy = await over({
        concurrency: 4,
        config: remote({ cacheDuration: "10m" }),
        clusters: { idp: idp.script },
      });
      const bearer = await token(rs);
      for (let round = 0; round < 3; round++) {
        const all = await Promise.all(Array.from({ length: 12 }, () => send(proxy, bearer)));
        assert.deepEqual(
          all.map(({ status }) => status),
          all.map(() => 200),
        );
      }
      assert.equal(idp.asked.length, 1);
    });

    onEnvoy("JWT-19: a client that goes away while it waits", async () => {
      const rs = await keyOf("RS256");
      const idp = new Idp();
      idp.answer = () => ({ body: jwks(rs), delay: 700 });
      await using proxy = await over({ config: remote(), clusters: { idp: idp.script } });
      const control = new AbortController();
      const bearer = await token(rs);
      const gone = send(proxy, bearer, { signal: control.signal });
      setTimeout(() => control.abort(new Error("gone")), 200);
      await assert.rejects(gone, /gone/);
      assert.equal((await send(proxy, bearer)).status, 200);
    });
  });
}

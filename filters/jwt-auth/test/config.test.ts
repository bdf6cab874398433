import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { exportJWK } from "jose";
import { parse } from "yaml";
import type { Proxy, ProxyOptions } from "meshwasm/testing";
import { RandomTokens } from "./random-tokens.js";
import {
  config,
  DOWNSTREAM,
  filter,
  keyOf,
  rawToken,
  claims,
  send,
  start,
  statuses,
  token,
  type Key,
} from "./support.js";

const inline = (set: unknown): object => ({ jwks: { inline: typeof set === "string" ? set : JSON.stringify(set) } });

for (const downstream of DOWNSTREAM) {
  const over = (options: ProxyOptions): Promise<Proxy> => start({ downstream, ...options });
  describe(`configurations over ${downstream}`, () => {
    let proxy: Proxy;
    let rs: Key;
    before(async () => {
      rs = await keyOf("RS256");
      proxy = await over({ config: config([rs]) });
    });
    after(() => proxy?.close());

    const refused = async (value: unknown, message: RegExp): Promise<void> => {
      await assert.rejects(proxy.reconfigure(value), (error: Error) => {
        assert.match(error.message.replace("configuration refused: ", ""), message);
        return true;
      });
    };

    test("JWT-03: secrets of no length are refused, short ones verify nothing", async () => {
      const algorithms = ["HS256"];
      for (const k of ["", null, undefined, 1, "=", "a b"])
        await refused(
          config([], { algorithms, ...inline({ keys: [{ kty: "oct", k }] }) }),
          /^\$\.providers\[0\]\.jwks\.inline: keys\[0\]: /,
        );
      await refused(
        config([], { algorithms, jwks: { secret: "" } }),
        /^\$\.providers\[0\]\.jwks\.secret: must have at least 1/,
      );
      const short: Key = {
        alg: "HS256",
        kid: "s",
        sign: Buffer.from("short"),
        jwk: { kty: "oct", k: Buffer.from("short").toString("base64url"), kid: "s" },
      };
      await using weak = await over({ config: config([short], { algorithms }) });
      assert.equal((await send(weak, rawToken(short, { alg: "HS256", kid: "s" }, claims()))).status, 401);
    });

    test("JWT-04: secrets beside public keys, and two keys of one kid, are refused", async () => {
      const hs = await keyOf("HS256");
      await refused(config([rs, hs]), /inline: has secrets beside public keys$/);
      await refused(config([hs, rs], { algorithms: ["HS256"] }), /inline: has secrets beside public keys$/);
      const twin = { ...(await keyOf("ES256")), kid: "RS256" };
      await refused(config([rs, { ...twin, jwk: { ...twin.jwk, kid: "RS256" } }]), /inline: has two keys of one kid$/);
      await refused(config([hs]), /algorithms must name HS256, HS384 or HS512/);
      await refused(config([], { jwks: { secret: "x".repeat(40) } }), /secret: algorithms must name HS256/);
      await refused(
        config([], { algorithms: ["HS256"], jwks: { secret: { sha256: "a".repeat(64) } } }),
        /secret: the secret itself is needed/,
      );
    });

    test("JWT-09: RSA keys that are small or have a bad exponent are refused", async () => {
      const small = await exportJWK(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey);
      const one = { ...rs.jwk, e: "AQ" };
      const even = { ...rs.jwk, e: "AQAC" };
      const evenModulus = { ...rs.jwk, n: `${rs.jwk.n!.slice(0, -1)}A` };
      for (const jwk of [small, one, even, evenModulus, { ...rs.jwk, e: "" }, { ...rs.jwk, n: "AQAB" }])
        await refused(config([], inline({ keys: [jwk] })), /inline: keys\[0\]: /);
    });

    test("JWT-30: every wrong configuration is refused with its path", async () => {
      const main = (changes: object) => config([rs], changes);
      for (const [value, message] of [
        [{}, /^\$: required key "providers" is missing$/],
        [{ providers: [] }, /^\$\.providers: must have at least 1/],
        [main({ issuer: undefined }), /^\$\.providers\[0\]: needs issuer or issuers$/],
        [main({ isuer: "x" }), /^\$\.providers\[0\]: unknown key "isuer"$/],
        [main({ jwks: {} }), /^\$\.providers\[0\]\.jwks/],
        [main(inline("no json")), /inline: is not JSON: /],
        [main(inline({})), /inline: is no JSON Web Key Set: it has no keys$/],
        [main(inline({ keys: [] })), /inline: has no key that verifies anything$/],
        [main(inline({ keys: [{ kty: "other" }] })), /inline: has no key that verifies anything$/],
        [main(inline({ keys: Array.from({ length: 101 }, () => rs.jwk) })), /more than 100 keys$/],
        [main(inline({ keys: [{ ...rs.jwk, d: "AQAB" }] })), /inline: keys\[0\] is a private key/],
        [main({ algorithms: ["none"] }), /^\$\.providers\[0\]\.algorithms\[0\]: must be one of "HS256"/],
        [main({ clockSkew: "2h" }), /^\$\.providers\[0\]\.clockSkew: must be at most 1h$/],
        [main({ clockSkew: "1 min" }), /^\$\.providers\[0\]\.clockSkew: /],
        [main({ maxTokenBytes: 1e9 }), /^\$\.providers\[0\]\.maxTokenBytes: must be at most 65536$/],
        [main({ from: [{ header: "a b" }] }), /^\$\.providers\[0\]\.from\[0\]\.header: /],
        [
          main({ claimHeaders: [{ claim: "sub", header: "host" }] }),
          /^\$\.providers\[0\]\.claimHeaders\[0\]\.header: host cannot/,
        ],
        [
          main({ claimHeaders: [{ claim: "sub", header: "content-length" }] }),
          /claimHeaders\[0\]\.header: content-length cannot/,
        ],
        [main({ payloadHeader: "connection" }), /^\$\.providers\[0\]\.payloadHeader: connection cannot/],
        [main({ requiredClaims: [{ sel: "claim:", exact: "a" }] }), /^\$\.providers\[0\]\.requiredClaims\[0\]\.sel: /],
        [
          main({ jwks: { secret: { env: "NOT_THERE" } }, algorithms: ["HS256"] }),
          /jwks\.secret\.env: the proxy has no environment variable/,
        ],
        [main({ jwks: { remote: { from: { url: "ftp://x" } } } }), /jwks\.remote\.from\.url: must begin with https/],
        [
          main({ jwks: { remote: { from: { cluster: "c" }, minRefetch: "0s" } } }),
          /remote\.minRefetch: must be at least 1s$/,
        ],
        [
          main({ jwks: { remote: { from: { cluster: "c" }, cacheDuration: "5s" } } }),
          /remote\.cacheDuration: must be at least minRefetch$/,
        ],
        [
          main({ jwks: { remote: { from: { cluster: "c" }, refreshAhead: "10m" } } }),
          /remote\.refreshAhead: must be less than/,
        ],
        [
          config([rs], {}, { rules: [{ require: { provider: "other" } }] }),
          /^\$\.rules\[0\]\.require: there is no provider of a name/,
        ],
        [
          config([rs], {}, { rules: [{ require: { any: ["main", "main"] } }] }),
          /^\$\.rules\[0\]\.require: names a provider twice$/,
        ],
        [config([rs], {}, { rules: [{ require: {} }] }), /^\$\.rules\[0\]\.require/],
        [config([rs], {}, { rules: [{ require: { none: false } }] }), /^\$\.rules\[0\]\.require\.none: must be true$/],
        [config([rs], {}, { deny: { headers: { "x\n": "y" } } }), /^\$\.deny\.headers/],
        [
          { providers: [0, 1].map(() => (config([rs]) as { providers: object[] }).providers[0]) },
          /^\$\.providers\[1\]\.name: there is a provider of this name$/,
        ],
      ] as const)
        await refused(value, message);
      assert.deepEqual(
        await statuses(proxy, [await token(rs), null]),
        [200, 401],
        "the configuration before stays in force",
      );
    });

    test("JWT-34: the configurations of the README and of the guide are taken", async () => {
      const pages = [`${filter}/README.md`, `${filter}/../../docs/from-request-authentication.md`];
      const text = pages.map((page) => readFileSync(page, "utf8")).join("\n");
      const configs = [...text.replace(/^apiVersion[^]*?^```$/gm, "```").matchAll(/^```yaml\n(.*?)^```$/gms)]
        .filter((match) => /^(mode|providers):/.test(match[1]!))
        .map((match) => parse(match[1]!) as object);
      assert.ok(configs.length >= 4);
      for (const each of configs) await (await over({ config: each, env: { JWT_SECRET: "x".repeat(64) } })).close();
    });

    test("JWT-33: random tokens never trap", { timeout: 120_000 }, async () => {
      const tokens = await RandomTokens.create(20261126);
      await using both = await over({ config: await RandomTokens.config() });
      for (let i = 0; i < 900; i++) {
        const input = tokens.request();
        const { status } = await both.request(input);
        // What comes back to a good token by decoding is one.
        assert.ok([200, 400, 401].includes(status), `${status} ${JSON.stringify(input)}`);
      }
      assert.equal((await both.request({ headers: { "x-token": await token(rs) } })).status, 200);
      assert.deepEqual(
        both.logs().filter(({ level }) => level === "critical"),
        [],
      );
    });
  });
}

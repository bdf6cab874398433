import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { createPublicKey } from "node:crypto";
import { exportSPKI, importJWK } from "jose";
import type { Proxy, ProxyOptions } from "meshwasm/testing";
import {
  ALGORITHMS,
  claims,
  config,
  DOWNSTREAM,
  ISSUER,
  keyOf,
  now,
  rawToken,
  send,
  signature,
  start,
  statuses,
  token,
  type Key,
} from "./support.js";

const b64 = (text: string): string => Buffer.from(text).toString("base64url");

for (const downstream of DOWNSTREAM) {
  describe(`tokens over ${downstream}`, () => {
    let proxy: Proxy;
    let rs: Key;
    let es: Key;
    before(async () => {
      rs = await keyOf("RS256");
      es = await keyOf("ES256");
      proxy = await start({ downstream, config: config([rs, es]) });
    });
    after(() => proxy?.close());

    const refuses = async (...tokens: readonly string[]): Promise<void> => {
      assert.deepEqual(
        await statuses(proxy, tokens),
        tokens.map(() => 401),
      );
      assert.equal((await send(proxy, await token(rs))).status, 200, "a good token still passes");
    };

    test("JWT-01: alg none in any case, no signature, two, four and five parts", async () => {
      const good = await token(rs);
      const [head, payload, sig] = good.split(".") as [string, string, string];
      const none = ["none", "None", "nOnE", "NONE", "", " none"].flatMap((alg) => {
        const header = b64(JSON.stringify({ alg, kid: "RS256" }));
        return [`${header}.${payload}.`, `${header}.${payload}.${sig}`, `${header}.${payload}`];
      });
      await refuses(
        ...none,
        `${head}.${payload}.`,
        `${head}.${payload}`,
        head,
        `${good}.`,
        `${good}.${sig}`,
        `${good}.${sig}.${sig}`,
        "..",
        "...",
        ".",
        `.${payload}.${sig}`,
      );
    });

    test("JWT-02: an HMAC made with the public key", async () => {
      const pem = await exportSPKI((await importJWK(rs.jwk, "RS256")) as never);
      const der = createPublicKey(pem).export({ format: "der", type: "spki" });
      for (const secret of [pem, pem.trim(), der, Buffer.from(rs.jwk.n!, "base64url"), JSON.stringify(rs.jwk)]) {
        const text = `${b64(JSON.stringify({ alg: "HS256", kid: "RS256" }))}.${b64(JSON.stringify(claims()))}`;
        await refuses(`${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`);
      }
    });

    test("JWT-05: an unknown kid gets no other key", async () => {
      await refuses(
        await token({ ...rs, kid: "other" }),
        await token({ ...es, kid: "RS256" }),
        await token({ ...rs, kid: "ES256" }),
      );
      assert.equal(
        (await send(proxy, rawToken(rs, { alg: "RS256" }, claims()))).status,
        200,
        "without kid each key is tried",
      );
    });

    test("JWT-06: a kid that is a path, SQL, long, or no string", async () => {
      for (const kid of [
        "../../RS256",
        "' OR 1=1 --",
        "x".repeat(4096),
        "",
        "RS256\u0000",
        1,
        null,
        {},
        ["RS256"],
        true,
      ])
        await refuses(rawToken(rs, { alg: "RS256", kid }, claims()));
    });

    test("JWT-07: jwk, jku, x5u and x5c in the header are ignored; crit and b64 are refused", async () => {
      const own = await keyOf("RS256", "attacker");
      const header = {
        alg: "RS256",
        jwk: own.jwk,
        jku: "https://evil.example/jwks",
        x5u: "https://evil.example",
        x5c: ["x"],
      };
      await refuses(rawToken(own, { ...header, kid: "RS256" }, claims()), rawToken(own, header, claims()));
      assert.equal((await send(proxy, rawToken(rs, { ...header, kid: "RS256" }, claims()))).status, 200);
      for (const more of [
        { crit: ["exp"] },
        { crit: [] },
        { crit: ["b64"], b64: false },
        { b64: false },
        { b64: "no" },
      ])
        await refuses(rawToken(rs, { alg: "RS256", kid: "RS256", ...more }, claims()));
    });

    test("JWT-10: ECDSA signatures of another length, in DER, with r or s out of range", async () => {
      const text = (await token(es)).split(".").slice(0, 2).join(".");
      const right = signature(es, text);
      const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
      const zero = Buffer.alloc(32);
      const [r, s] = [right.subarray(0, 32), right.subarray(32)];
      const der = (await import("node:crypto")).sign("sha256", Buffer.from(text), es.sign as never);
      for (const bytes of [
        der,
        right.subarray(1),
        Buffer.concat([right, zero]),
        Buffer.concat([zero, s]),
        Buffer.concat([r, zero]),
        Buffer.concat([zero, zero]),
        Buffer.concat([order, s]),
        Buffer.concat([r, order]),
        Buffer.concat([Buffer.alloc(32, 0xff), s]),
        Buffer.concat([Buffer.alloc(1), r, Buffer.alloc(1), s]),
      ])
        await refuses(`${text}.${bytes.toString("base64url")}`);
      assert.equal((await send(proxy, `${text}.${right.toString("base64url")}`)).status, 200);
    });

    test("JWT-11: base64url with padding, +, /, blanks or trailing bits", async () => {
      const good = await token(rs);
      const [head, payload, sig] = good.split(".") as [string, string, string];
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      // 256 bytes leave four bits over in the last of 342 characters.
      const last = alphabet[alphabet.indexOf(sig.at(-1)!) | 1]!;
      const changed = [
        `${head}.${payload}.${sig}==`,
        `${head}=.${payload}.${sig}`,
        `${head}.${payload}=.${sig}`,
        `${head}.${payload}.${sig.slice(0, -1)}${last}`,
        `${head}. ${payload}.${sig}`,
        `${head}.${payload}.${sig.slice(0, 9)}+${sig.slice(10)}`,
        `${head}.${payload}.${sig.slice(0, 9)}/${sig.slice(10)}`,
        `${head}.${payload}.${sig}\t`.trim() + "%",
        `${head.slice(0, 4)}.${payload}.${sig}`,
      ];
      await refuses(...changed);
    });

    test("JWT-12: claims given twice, malformed UTF-8, deep nesting, names in another case", async () => {
      const header = { alg: "RS256", kid: "RS256" };
      const good = JSON.stringify(claims());
      const signed = (payload: Buffer | string, head: string = JSON.stringify(header)): string => {
        const text = `${b64(head)}.${Buffer.from(payload as string).toString("base64url")}`;
        return `${text}.${signature(rs, text).toString("base64url")}`;
      };
      await refuses(
        signed(good.replace("{", `{"iss":"https://evil.example",`)),
        signed(good, `{"alg":"none","alg":"RS256","kid":"RS256"}`),
        signed(
          Buffer.concat([
            Buffer.from(good.slice(0, -1) + ',"x":"'),
            Buffer.from([0xff, 0xc0, 0x80]),
            Buffer.from('"}'),
          ]),
        ),
        signed(good.slice(0, -1) + `,"x":${"[".repeat(5000)}${"]".repeat(5000)}}`),
        signed(good.replace('"iss"', '"ISS"')),
        signed(good.replace('"exp"', '"Exp"')),
        signed("[]"),
        signed('"text"'),
        signed(""),
        signed("{"),
        signed(`${good} x`),
        signed(good, "[]"),
        signed(good, "{"),
        signed(good, `{"kid":"RS256"}`),
        signed(good, `{"alg":1}`),
      );
    });

    test("JWT-13: times: of another type, negative, too large, missing, at the edge of the skew", async () => {
      const changes: Record<string, unknown>[] = [
        { exp: undefined },
        { exp: String(now() + 600) },
        { exp: -1 },
        { exp: null },
        { exp: 2 ** 63 },
        { exp: {} },
        { exp: true },
        { nbf: "0" },
        { nbf: -5 },
        { nbf: null },
        { iat: "x" },
        { iat: -1 },
        { iat: [] },
        { exp: now() - 61 },
        { nbf: now() + 120 },
        { iat: now() + 120 },
        { exp: 0 },
      ];
      await refuses(...(await Promise.all(changes.map((change) => token(rs, change)))));
      await refuses(
        rawToken(rs, { alg: "RS256", kid: "RS256" }, JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e400')),
      );
      for (const change of [
        { exp: now() - 50 },
        { nbf: now() + 50 },
        { iat: now() + 50 },
        { exp: now() + 0.5 },
        { iat: undefined },
        { exp: 253402300799 },
      ])
        assert.equal((await send(proxy, await token(rs, change))).status, 200, JSON.stringify(change));
    });

    test("JWT-14: issuer letter by letter", async () => {
      for (const iss of [`${ISSUER}/`, "https://ISSUER.example", "", null, [ISSUER], undefined, ` ${ISSUER}`])
        await refuses(await token(rs, { iss }));
    });

    test("JWT-22: WWW-Authenticate, problem, gRPC", async () => {
      const missing = await send(proxy, null);
      assert.equal(missing.status, 401);
      assert.equal(missing.headers.get("www-authenticate"), "Bearer");
      assert.equal(missing.headers.get("content-type"), "application/problem+json");
      const evil = "<script>alert(1)</script>";
      const wrong = await send(proxy, evil);
      assert.equal(
        wrong.headers.get("www-authenticate"),
        'Bearer error="invalid_token", error_description="the token is not valid"',
      );
      assert.doesNotMatch(
        wrong
          .toString()
          .split("upstream")[0]!
          .replace(/^.*authorization.*$/gm, ""),
        /script>[^]*script>[^]*script>/,
      );
      assert.doesNotMatch(wrong.text(), /script/);
      const old = await send(proxy, await token(rs, { exp: now() - 1000 }));
      assert.match(
        old.headers.get("www-authenticate")!,
        /error="invalid_token", error_description="the token has expired"/,
      );
      const call = { method: "POST", headers: { "content-type": "application/grpc", te: "trailers" } };
      const grpc = await send(proxy, null, call);
      assert.deepEqual([grpc.status, grpc.headers.get("grpc-status")], [200, "16"]);
      assert.equal((await send(proxy, await token(rs), call)).upstream?.method, "POST");
    });

    test("JWT-15: several tokens", async () => {
      const good = await token(rs);
      const other = await token(rs, { sub: "bob" });
      // Envoy makes one line of two authorization lines, which then is no token.
      // The client's HTTP/2 refuses to send them.
      for (const second of downstream === "http1" ? [good, other] : []) {
        const lines = [
          ["authorization", `Bearer ${good}`],
          ["authorization", `Bearer ${second}`],
        ] as const;
        assert.equal((await proxy.request({ headers: lines })).status, 401);
      }
      assert.equal((await send(proxy, `${good}, Bearer ${other}`)).status, 401);
      const from = [{ header: "x-token" }, { query: "access_token" }];
      await using several = await start({ downstream, config: config([rs, es], { from }) });
      for (const input of [
        {
          headers: [
            ["x-token", good],
            ["x-token", other],
          ] as const,
        },
        { headers: [["x-token", good]] as const, path: `/?access_token=${other}` },
        { path: `/?access_token=${good}&access_token=${good}` },
      ]) {
        const refused = await several.request(input);
        assert.equal(refused.status, 400);
        assert.match(refused.headers.get("www-authenticate")!, /^Bearer error="invalid_request"/);
      }
    });
  });
}

for (const downstream of DOWNSTREAM) {
  const over = (options: ProxyOptions): Promise<Proxy> => start({ downstream, ...options });
  describe(`more tokens over ${downstream}`, () => {
    test("JWT-13: the skew is that of the configuration, to the second", async () => {
      const rs = await keyOf("RS256");
      await using proxy = await over({ config: config([rs], { clockSkew: "0s" }) });
      const exact = async (change: object): Promise<number> =>
        (await send(proxy, await token(rs, { iat: undefined, ...change }))).status;
      assert.deepEqual(
        [
          await exact({ exp: now() - 1 }),
          await exact({ exp: now() + 5 }),
          await exact({ nbf: now() + 3 }),
          await exact({ nbf: now() - 1 }),
        ],
        [401, 200, 401, 200],
      );
    });

    test("JWT-14: audience as text and list", async () => {
      const rs = await keyOf("RS256");
      await using proxy = await over({ config: config([rs], { audiences: ["orders", "billing"] }) });
      const cases: [unknown, number][] = [
        ["orders", 200],
        [["x", "billing"], 200],
        [["orders"], 200],
        ["order", 401],
        ["orders ", 401],
        [[], 401],
        ["", 401],
        [undefined, 401],
        [null, 401],
        [1, 401],
        [{ orders: 1 }, 401],
        [["orders", 1], 401],
        [[["orders"]], 401],
        ["orders,billing", 401],
      ];
      for (const [aud, status] of cases)
        assert.equal((await send(proxy, await token(rs, { aud }))).status, status, JSON.stringify(aud));
    });

    test("JWT-24: each algorithm", async () => {
      for (const alg of ALGORITHMS) {
        const key = await keyOf(alg);
        const symmetric = alg.startsWith("HS");
        await using proxy = await over({ config: config([key], symmetric ? { algorithms: [alg] } : {}) });
        const good = await token(key);
        const broken = good.slice(0, -6) + (good.at(-6) === "A" ? "B" : "A") + good.slice(-5);
        const [head, , sig] = good.split(".") as [string, string, string];
        const other = `${head}.${b64(JSON.stringify(claims({ sub: "root" })))}.${sig}`;
        assert.deepEqual(await statuses(proxy, [good, broken, other]), [200, 401, 401], alg);
      }
    });

    test("JWT-23: codes are compared in constant time: HS256, 384, 512", async () => {
      // What compares is SDK std's Hmac.verify, which reads all bytes; here each byte counts.
      const key = await keyOf("HS256");
      await using proxy = await over({ config: config([key], { algorithms: ["HS256"] }) });
      const good = await token(key);
      const [head, payload, sig] = good.split(".") as [string, string, string];
      const bytes = Buffer.from(sig, "base64url");
      for (const at of [0, 1, 15, 30, 31]) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1;
        assert.equal((await send(proxy, `${head}.${payload}.${changed.toString("base64url")}`)).status, 401);
      }
      for (const length of [0, 1, 31]) {
        assert.equal(
          (await send(proxy, `${head}.${payload}.${bytes.subarray(0, length).toString("base64url")}`)).status,
          401,
        );
      }
      assert.equal(
        (await send(proxy, `${head}.${payload}.${Buffer.concat([bytes, Buffer.alloc(1)]).toString("base64url")}`))
          .status,
        401,
      );
    });

    test("JWT-08: a key for another algorithm or another use is none", async () => {
      const rs = await keyOf("RS256");
      const ps = await token({ ...rs, alg: "PS256" });
      const with_ = (change: object): Key => ({ ...rs, jwk: { ...rs.jwk, ...change } });
      const good = await token(rs);
      const spare = await keyOf("ES256");
      const status = async (key: Key, bearer: string): Promise<number> => {
        await using proxy = await over({ config: config([key, spare]) });
        return (await send(proxy, bearer)).status;
      };
      assert.equal(await status(rs, ps), 401);
      assert.equal(await status(with_({ alg: undefined }), ps), 200);
      assert.equal(await status(with_({ alg: "RS512" }), good), 401);
      assert.equal(await status(with_({ alg: "RSA-OAEP" }), good), 401);
      assert.equal(await status(with_({ use: "enc" }), good), 401);
      assert.equal(await status(with_({ use: undefined, key_ops: ["encrypt"] }), good), 401);
      assert.equal(await status(with_({ use: undefined, key_ops: ["verify"] }), good), 200);
      await using narrow = await over({ config: config([rs], { algorithms: ["RS512", "ES256"] }) });
      assert.equal((await send(narrow, good)).status, 401);
    });

    test("JWT-32: without verify_signature of the host", async () => {
      const { buildIfStale, inspect } = await import("meshwasm");
      const { filter } = await import("./support.js");
      const { readFileSync } = await import("node:fs");
      const { hostCalls, callbacks } = inspect(readFileSync((await buildIfStale(filter)).wasm));
      const capabilities = [...hostCalls, ...callbacks].filter((name) => name !== "proxy_call_foreign_function");
      for (const alg of ["RS256", "RS384", "RS512", "PS256", "EdDSA"]) {
        const key = await keyOf(alg);
        await using proxy = await over({ capabilities, config: config([key]) });
        assert.deepEqual(
          await statuses(proxy, [await token(key), await token(await keyOf(alg, "other"))]),
          [200, 401],
          alg,
        );
      }
      await assert.rejects(
        over({ capabilities, config: config([await keyOf("ES256")]) }),
        /\$\.providers\[0\]\.jwks\.inline: keys\[0\]: this Envoy has no verify_signature/,
      );
    });
  });
}

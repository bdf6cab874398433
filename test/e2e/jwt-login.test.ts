/* examples/jwt-login: an OpenID provider (oidc-provider), Envoy by `meshwasm run`, a client that signs in; keys that rotate. */

import assert from "node:assert/strict";
import type { Server } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { freePort, freshFolder, root, startMeshwasm, type Running } from "./support.js";

const example = join(root, "examples/jwt-login");
const { startIssuer } = (await import(`${example}/issuer.js`)) as {
  startIssuer: (port: number, keys: readonly JWK[]) => Promise<Server>;
};
const { signIn } = (await import(`${example}/login.js`)) as {
  signIn: (issuer: string, name: string) => Promise<string>;
};

const folder = freshFolder();
let server: Server;
let issuer = "";
let port = 0;
let proxy: Running;
let address = "";
let signedBefore: Promise<string>;

async function privateKey(kid: string): Promise<JWK> {
  const { privateKey: key } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(key)), kid, alg: "RS256", use: "sig" };
}

before(async () => {
  port = await freePort();
  issuer = `http://127.0.0.1:${port}`;
  server = await startIssuer(port, [await privateKey("first")]);
  const config = join(folder.path, "config.yaml");
  writeFileSync(
    config,
    readFileSync(join(example, "config.yaml"), "utf8").replaceAll("127.0.0.1:4000", `127.0.0.1:${port}`),
  );
  proxy = startMeshwasm(["run", "jwt-auth", "--config", config, "--cluster", `issuer=${issuer}`], {
    timeoutMs: 300_000,
  });
  address = (await proxy.until(/^(http:\/\/\S+)$/m))[1]!;
});
after(async () => {
  proxy?.child.kill("SIGINT");
  await proxy?.finished.catch(() => {});
  server?.closeAllConnections();
  server?.close();
  folder.remove();
});

async function call(
  token: string | null,
  path = "/orders",
): Promise<{ status: number; user: string | null; challenge: string | null }> {
  const response = await fetch(
    `${address}${path}`,
    token === null ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
  const body = response.status === 200 ? ((await response.json()) as { headers: [string, string][] }) : null;
  const user = body?.headers.find(([name]) => name === "x-user")?.[1] ?? null;
  return { status: response.status, user, challenge: response.headers.get("www-authenticate") };
}

test("without a token 401, signed in 200, and the service sees who it is", async () => {
  assert.deepEqual(await call(null), { status: 401, user: null, challenge: "Bearer" });
  assert.equal((await call(null, "/health")).status, 200);
  const token = await signIn(issuer, "alice");
  assert.deepEqual(await call(token), { status: 200, user: "alice", challenge: null });
  assert.equal((await call(`${token.slice(0, -4)}AAAA`)).status, 401);
});

test("an issuer that is gone: known and new tokens pass, the keys are there", async () => {
  const [known, fresh] = [await signIn(issuer, "bob"), await signIn(issuer, "carol")];
  signedBefore = Promise.resolve(fresh);
  assert.equal((await call(known)).status, 200);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual([(await call(known)).user, (await call(fresh)).user], ["bob", "carol"]);
});

test("an issuer that comes back with other keys: its tokens pass, those by the old keys do not", async () => {
  const old = await signedBefore;
  server = await startIssuer(port, [await privateKey("second")]);
  let status = 0;
  for (let tries = 0; tries < 30 && status !== 200; tries++) {
    status = (await call(await signIn(issuer, "dave"))).status;
    if (status !== 200) await sleep(300);
  }
  assert.equal(status, 200);
  assert.equal((await call(old)).status, 401);
});

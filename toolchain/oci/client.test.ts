/** The client against servers that misbehave. The real server's round trips are beside the server. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseChallenge } from "./auth.js";
import { RegistryClient } from "./client.js";
import { dockerCredentials } from "./credentials.js";
import type { ClientOptions } from "./transport.js";
import { sha256Digest } from "./digest.js";
import { OciError } from "./errors.js";
import { explainConnection, ConnectionError } from "./http.js";
import { buildImage, type Image } from "./layout.js";
import { MEDIA } from "./media.js";
import { publish } from "./publish.js";
import { pull } from "./pull.js";
import { DOCKER_HUB, parseReference, registryOrigin, type Reference } from "./reference.js";

const WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const image: Image = await buildImage({ wasm: WASM, created: new Date(0) });

interface Fake {
  readonly ref: Reference;
  readonly host: string;
  /** `METHOD path` of each request. */
  readonly seen: string[];
}

async function withServer(handler: RequestListener, work: (fake: Fake) => Promise<void>): Promise<void> {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    seen.push(`${req.method} ${req.url!.replace(/\?.*/, "")}`);
    handler(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await work({ ref: parseReference(`${host}/team/x:1`), host, seen });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const client = (options: ClientOptions = {}): RegistryClient =>
  new RegistryClient({ retryDelayMs: 1, timeoutMs: 2000, credentials: async () => null, ...options });

async function refuses(work: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof OciError, String((error as Error).stack));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /[\n\u001b]/);
    return true;
  });
}

const status =
  (code: number, headers = {}, body = ""): RequestListener =>
  (req, res) => {
    req.resume();
    res.writeHead(code, headers).end(body);
  };

/** A registry that stores nothing, but whose answers to a publish are right. */
function accept(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  req.on("end", () => {
    if (req.method === "HEAD") res.writeHead(404).end();
    else if (req.method === "POST") res.writeHead(202, { location: "/v2/team/x/blobs/uploads/1?state=a%3D" }).end();
    else res.writeHead(201).end();
  });
}

test("statuses are explained", async () => {
  for (const [code, message] of [
    [401, /wants a login or refuses yours \(401\); run `meshwasm login 127/],
    [403, /may not do this \(403: DENIED: no \[31mway\).*ask for rights to team\/x/],
    [413, /too large .*\(413\)/],
    [429, /limits the rate/],
    [500, /failed \(HTTP 500/],
    [418, /HTTP 418/],
  ] as const) {
    const body = JSON.stringify({ errors: [{ code: "DENIED", message: "no\n\u001b[31mway" }] });
    await withServer(status(code, {}, body), async ({ ref }) => {
      await refuses(pull(client(), ref), message);
      await refuses(publish(client(), ref, image), new RegExp(code === 418 ? "418" : String(code)));
    });
  }
});

test("a registry that refuses the media type is named", async () => {
  for (const code of [405, 415]) {
    await withServer(
      (req, res) =>
        req.method === "PUT" && req.url!.includes("/manifests/") ? status(code)(req, res) : accept(req, res),
      ({ ref }) =>
        refuses(publish(client(), ref, image), /refuses the media type .*image\.manifest.*OCI image manifests/),
    );
  }
});

test("a busy registry is asked five times, and a failed upload is started anew", async () => {
  let puts = 0;
  await withServer(
    (req, res) =>
      req.method === "PUT" && puts++ < 2 ? status(503, { "retry-after": "0" })(req, res) : accept(req, res),
    async ({ ref, seen }) => {
      assert.equal((await publish(client(), ref, image)).status, "published");
      const first = seen.slice(0, 8).map((line) => line.split(" ")[0]);
      assert.deepEqual(first, ["HEAD", "HEAD", "POST", "PUT", "POST", "PUT", "POST", "PUT"]);
      assert.equal(seen.at(-1), "PUT /v2/team/x/manifests/1");
    },
  );
  await withServer(status(503), async ({ ref, seen }) => {
    await refuses(pull(client(), ref), /HTTP 503/);
    assert.equal(seen.length, 5);
  });
});

test("a connection that is cut in mid-upload is explained after five tries, and no manifest is sent", async () => {
  await withServer(
    (req, res) => (req.method === "PUT" ? void req.socket.destroy() : accept(req, res)),
    async ({ ref, seen }) => {
      await refuses(publish(client(), ref, image), /cannot upload sha256:.*cut the connection .*5 times/);
      assert.deepEqual(seen.filter((line) => line.startsWith("PUT")).length, 5);
      assert.ok(!seen.some((line) => line.startsWith("PUT") && line.includes("/manifests/")));
    },
  );
});

test("a registry that never answers is given up", async () => {
  await withServer(
    () => {},
    ({ ref }) => refuses(pull(client({ timeoutMs: 50 }), ref), /did not answer in time/),
  );
});

test("an answer that trickles is given up, one that is slow and steady is not", async () => {
  const bytes = Buffer.alloc(20_000, " ");
  const drip =
    (size: number): RequestListener =>
    (_req, res) => {
      res.writeHead(200, { "content-type": MEDIA.manifest, "content-length": bytes.length });
      let sent = 0;
      const timer = setInterval(() => {
        res.write(bytes.subarray(sent, (sent += size)));
        if (sent >= bytes.length) res.end();
      }, 10);
      res.on("close", () => clearInterval(timer));
    };
  await withServer(drip(1), ({ ref }) => refuses(pull(client({ timeoutMs: 200 }), ref), /did not answer in time/));
  await withServer(drip(1000), ({ ref }) => refuses(pull(client({ timeoutMs: 2000 }), ref), /JSON/));
});

test("an unreachable port, an unknown host and a plain server behind https", async () => {
  let gone = "";
  await withServer(status(200), async ({ host }) => void (gone = host));
  await refuses(
    pull(client(), parseReference(`${gone}/a:1`)),
    new RegExp(`nothing listens at ${gone} \\(ECONNREFUSED\\)`),
  );
  await refuses(pull(client(), parseReference("registry.invalid/a:1")), /registry\.invalid has no address/);
  const tls = new ConnectionError("ERR_SSL_WRONG_VERSION_NUMBER", new URL("https://h.test:1/"), "");
  assert.match(explainConnection(tls, "x").message, /h\.test:1 does not speak TLS.*--plain-http/);
});

test("wrong content is not accepted", async () => {
  const manifest = (headers: object) =>
    status(200, { "content-type": image.mediaType, ...headers }, Buffer.from(image.manifest).toString());
  await withServer(manifest({ "docker-content-digest": sha256Digest(WASM) }), ({ ref }) =>
    refuses(pull(client(), ref), /does not match its digest/),
  );
  await withServer(manifest({}), ({ ref }) =>
    refuses(pull(client(), { ...ref, digest: sha256Digest(WASM) }), /does not match its digest/),
  );
  await withServer(
    (req, res) => (req.url!.includes("/blobs/") ? status(200, {}, "x")(req, res) : manifest({})(req, res)),
    ({ ref }) => refuses(pull(client(), ref), /the blob sha256:.* does not match its digest/),
  );
  await withServer(
    (req, res) =>
      req.url!.includes("/blobs/") ? status(200, {}, "x".repeat(1 << 20))(req, res) : manifest({})(req, res),
    ({ ref }) => refuses(pull(client(), ref), /sent more than/),
  );
  await withServer(status(200, {}, "x".repeat(5 << 20)), ({ ref }) =>
    refuses(pull(client(), ref), /sent more than 4194304/),
  );
  await withServer(status(200, {}, "<html>"), ({ ref }) => refuses(pull(client(), ref), /is not JSON/));
});

test("a redirect is followed without the login, and not for ever", async () => {
  let leaked: string | undefined = "none";
  await withServer(
    (req, res) => {
      leaked = req.headers.authorization;
      status(200, {}, Buffer.from(WASM).toString("latin1"))(req, res);
    },
    async (storage) => {
      await withServer(
        (req, res) =>
          req.headers.authorization
            ? status(307, { location: `http://${storage.host}/signed` })(req, res)
            : status(401, { "www-authenticate": 'Basic realm="x"' })(req, res),
        async ({ ref }) => {
          const login = client({ credentials: async () => ({ username: "u", password: "p" }) });
          const blob = { mediaType: "x/y", digest: sha256Digest(WASM), size: WASM.length };
          assert.deepEqual(new Uint8Array(await login.getBlob(ref, blob, 100)), WASM);
          assert.equal(leaked, undefined);
        },
      );
    },
  );
  await withServer(
    (req, res) => status(307, { location: req.url! })(req, res),
    async ({ ref, seen }) => {
      await refuses(pull(client(), ref), /redirects more than 5 times/);
      assert.equal(seen.length, 6);
    },
  );
  await withServer(status(307, { location: "file:///etc/passwd" }), ({ ref }) =>
    refuses(pull(client(), ref), /redirects to (?!null)|wrong Location/),
  );
});

test("Basic and Bearer logins, the token being asked for once", async () => {
  const expected = `Basic ${Buffer.from("u:p:w").toString("base64")}`;
  const credentials = async () => ({ username: "u", password: "p:w" });
  await withServer(
    (req, res) =>
      req.headers.authorization === expected
        ? accept(req, res)
        : status(401, { "www-authenticate": "Basic realm=x" })(req, res),
    async ({ ref }) => assert.equal((await publish(client({ credentials }), ref, image)).status, "published"),
  );

  let tokens: string[] = [];
  await withServer(
    (req, res) => {
      const url = new URL(req.url!, "http://x");
      if (url.pathname === "/token") {
        tokens.push(`${url.search} ${req.headers.authorization}`);
        status(200, {}, '{"access_token":"T"}')(req, res);
      } else if (req.headers.authorization === "Bearer T") accept(req, res);
      else
        status(401, { "www-authenticate": `Bearer realm="http://${req.headers.host}/token",service="s v"` })(req, res);
    },
    async ({ ref }) => {
      assert.equal((await publish(client({ credentials }), ref, image)).status, "published");
      assert.deepEqual(tokens, [`?scope=repository%3Ateam%2Fx%3Apull%2Cpush&service=s+v ${expected}`]);
      tokens = [];
      await publish(client(), ref, image);
      assert.match(tokens[0]!, /undefined$/);
    },
  );
});

test("token endpoints that misbehave", async () => {
  const bearer = (realm: string): RequestListener => status(401, { "www-authenticate": `Bearer realm="${realm}"` });
  await withServer(bearer("registry"), ({ ref }) => refuses(pull(client(), ref), /wrong token endpoint "registry"/));
  const at = (answer: RequestListener) => (req: IncomingMessage, res: ServerResponse) =>
    req.url!.startsWith("/token") ? answer(req, res) : bearer(`http://${req.headers.host}/token`)(req, res);
  for (const [answer, message] of [
    [status(302, { location: "/token" }), /redirects more than 5/],
    [status(200, {}, "x".repeat(2 << 20)), /more than 1 MiB/],
    [status(200, {}, "{}"), /gave no token/],
    [status(200, {}, '{"token":"a\\r\\nb"}'), /gave no token/],
    [status(401), /meshwasm login/],
    // A token that the registry then refuses must not be fetched for ever.
    [status(200, {}, '{"token":"T"}'), /refuses yours \(401\)/],
  ] as const) {
    await withServer(at(answer), async ({ ref, seen }) => {
      await refuses(pull(client(), ref), message);
      assert.ok(seen.length < 10);
    });
  }
});

test("challenges are parsed", () => {
  assert.deepEqual(
    parseChallenge('Basic realm="a, b", Bearer realm="https://t/?a=b",service=s,scope="x:y:pull,push"'),
    {
      scheme: "bearer",
      params: { realm: "https://t/?a=b", service: "s", scope: "x:y:pull,push" },
    },
  );
  assert.deepEqual(parseChallenge("basic"), { scheme: "basic", params: {} });
  assert.equal(parseChallenge("Negotiate abc"), null);
  assert.equal(parseChallenge(null), null);
});

test("the Docker configuration gives logins, helpers first", async () => {
  const dir = await mkdtemp(join(tmpdir(), "meshwasm-docker-"));
  const env = { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env["PATH"]}` };
  const auth = Buffer.from("u:p:w").toString("base64");
  const write = (config: unknown): Promise<void> => writeFile(join(dir, "config.json"), JSON.stringify(config));
  try {
    assert.equal(await dockerCredentials("h.test", env), null);
    await write({ auths: { "h.test": { auth }, "https://old.test/v1/": { auth }, "t.test": { identitytoken: "I" } } });
    for (const host of ["h.test", "old.test"]) {
      assert.deepEqual(await dockerCredentials(host, env), { username: "u", password: "p:w" });
    }
    assert.equal((await dockerCredentials("t.test", env))!.identityToken, "I");
    await write({ auths: { [`https://index.${DOCKER_HUB}/v1/`]: { auth } } });
    assert.deepEqual(await dockerCredentials("docker.io", env), { username: "u", password: "p:w" });
    assert.equal(await dockerCredentials("other.io", env), null);
    assert.equal(registryOrigin("docker.io"), "https://registry-1.docker.io");
    await write({ auths: { "h.test": { auth }, "https://old.test/v1/": { auth }, "t.test": { identitytoken: "I" } } });
    assert.equal(await dockerCredentials("h.test:1", env), null);

    const helper = '#!/bin/sh\nread host || true\necho "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"$host\\"}"\n';
    await writeFile(join(dir, "docker-credential-fake"), helper, { mode: 0o755 });
    await write({ credHelpers: { "h.test": "fake" }, auths: { "h.test": { auth } } });
    assert.equal((await dockerCredentials("h.test", env))!.identityToken, "h.test");
    await write({ credsStore: "absent", auths: { "h.test": { auth } } });
    assert.equal((await dockerCredentials("h.test", env))!.username, "u");
    await write({ credsStore: "../evil" });
    await refuses(dockerCredentials("h.test", env), /wrong credential helper/);
    await writeFile(join(dir, "config.json"), "{");
    await refuses(dockerCredentials("h.test", env), /not a JSON object/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

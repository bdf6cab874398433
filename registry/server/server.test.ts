import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile, mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { canonicalJson, MEDIA, sha256Digest } from "../../toolchain/oci/index.js";
import { createRegistryServer, RegistryServerError, type RegistryServer } from "./index.js";

let root: string;
let server: RegistryServer;
const lines: string[] = [];

before(async () => {
  root = await mkdtemp(join(tmpdir(), "meshwasm-registry-"));
  await mkdir(join(root, "uploads"), { recursive: true });
  await writeFile(join(root, "uploads", "abandoned"), "half");
  server = await createRegistryServer({ root, maxBlobBytes: 4 << 20, idleTimeoutMs: 3000, log: (l) => lines.push(l) });
});
after(async () => {
  await server.close();
  await rm(root, { recursive: true });
  assert.deepEqual(lines, [], "nothing was logged as the server's own failure");
});

const call = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(server.url + path, { redirect: "manual", ...init });

async function expectError(answer: Response, status: number, code: string): Promise<void> {
  const body = (await answer.json()) as { errors: { code: string; message: string }[] };
  assert.deepEqual([answer.status, body.errors[0]?.code], [status, code], JSON.stringify(body));
}

async function files(dir: string): Promise<string[]> {
  const entries = await readdir(join(root, dir), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

async function push(repository: string, content: Uint8Array, digest = sha256Digest(content)): Promise<Response> {
  return call(`/v2/${repository}/blobs/uploads/?digest=${digest}`, { method: "POST", body: Buffer.from(content) });
}

async function pushManifest(repository: string, key: string, manifest: unknown, type: string = MEDIA.manifest) {
  return call(`/v2/${repository}/manifests/${key}`, {
    method: "PUT",
    body: Buffer.from(canonicalJson(manifest)),
    headers: { "content-type": type },
  });
}

async function image(repository: string, extra: object = {}) {
  const config = canonicalJson({});
  assert.equal((await push(repository, config)).status, 201);
  const descriptor = { mediaType: MEDIA.config, digest: sha256Digest(config), size: config.length };
  return { schemaVersion: 2, mediaType: MEDIA.manifest, config: descriptor, layers: [], ...extra };
}

test("the base answers and abandoned uploads are gone", async () => {
  const answer = await call("/v2/");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("docker-distribution-api-version"), "registry/2.0");
  assert.deepEqual(await files("uploads"), []);
  assert.equal((await call("/v2")).status, 308);
  assert.equal((await call("/")).status, 404);
});

test("a blob in one piece, read whole, by range and by HEAD", async () => {
  const content = Buffer.from("0123456789");
  const digest = sha256Digest(content);
  const done = await push("a/b", content);
  assert.equal(done.status, 201);
  assert.equal(done.headers.get("docker-content-digest"), digest);
  const path = done.headers.get("location")!;

  const head = await call(path, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, "10"]);
  assert.equal(await (await call(path)).text(), "0123456789");
  for (const [range, status, text, contentRange] of [
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
    ["bytes=0-1,3-4", 200, "0123456789", null],
    ["lines=1-2", 200, "0123456789", null],
  ] as const) {
    const part = await call(path, { headers: { range } });
    assert.deepEqual([part.status, await part.text(), part.headers.get("content-range")], [status, text, contentRange]);
  }
  const beyond = await call(path, { headers: { range: "bytes=10-" } });
  assert.equal(beyond.headers.get("content-range"), "bytes */10");
  await expectError(beyond, 416, "SIZE_INVALID");
  await expectError(await call(`/v2/other/blobs/${digest}`), 404, "BLOB_UNKNOWN");
});

test("an empty blob and a sha512 blob", async () => {
  const empty = await push("a/b", Buffer.alloc(0));
  const answer = await call(empty.headers.get("location")!);
  assert.deepEqual([answer.status, (await answer.arrayBuffer()).byteLength], [200, 0]);
  const content = Buffer.from("long digest");
  const digest = `sha512:${createHash("sha512").update(content).digest("hex")}`;
  assert.equal((await push("a/b", content, digest)).status, 201);
  assert.equal(await (await call(`/v2/a/b/blobs/${digest}`)).text(), "long digest");
});

test("a chunked upload with its status, a chunk at the wrong place, and its end", async () => {
  const begun = await call("/v2/chunks/blobs/uploads/", { method: "POST" });
  assert.equal(begun.status, 202);
  const path = begun.headers.get("location")!;
  const patch = (body: string, range: string) =>
    call(path, { method: "PATCH", body, headers: { "content-range": range } });

  assert.equal((await patch("01234", "0-4")).headers.get("range"), "0-4");
  const wrong = await patch("9", "9-9");
  assert.deepEqual([wrong.status, wrong.headers.get("range")], [416, "0-4"]);
  await expectError(await patch("56", "5-9"), 400, "SIZE_INVALID");
  await expectError(await patch("56789+", "5-9"), 400, "SIZE_INVALID");
  await expectError(await patch("5", "five"), 416, "BLOB_UPLOAD_INVALID");
  const status = await call(path);
  assert.deepEqual([status.status, status.headers.get("range"), status.headers.get("location")], [204, "0-4", path]);
  await expectError(await call(path.replace("/chunks/", "/thief/")), 404, "BLOB_UPLOAD_UNKNOWN");

  const digest = sha256Digest(Buffer.from("0123456789"));
  const done = await call(`${path}?digest=${digest}`, {
    method: "PUT",
    body: "56789",
    headers: { "content-range": "5-9" },
  });
  assert.equal(done.status, 201);
  assert.equal(await (await call(`/v2/chunks/blobs/${digest}`)).text(), "0123456789");
  await expectError(await call(path), 404, "BLOB_UPLOAD_UNKNOWN");
});

test("an upload can be cancelled", async () => {
  const path = (await call("/v2/chunks/blobs/uploads/", { method: "POST" })).headers.get("location")!;
  assert.equal((await call(path, { method: "DELETE" })).status, 204);
  assert.equal((await call(path, { method: "DELETE" })).status, 404);
  assert.deepEqual(await files("uploads"), []);
});

test("a wrong digest, a missing one and too many bytes leave nothing", async () => {
  const content = randomBytes(1000);
  const digest = sha256Digest(content);
  await expectError(await push("w", Buffer.from("other"), digest), 400, "DIGEST_INVALID");
  await expectError(await push("w", content, "sha256:zz"), 400, "DIGEST_INVALID");
  await expectError(await push("w", Buffer.alloc((4 << 20) + 1)), 413, "SIZE_INVALID");
  assert.equal((await call(`/v2/w/blobs/${digest}`)).status, 404);
  assert.deepEqual(await files("uploads"), []);
});

/** Sends a request with half of its body over a raw socket. */
async function half(method: string, path: string, length: number) {
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
  socket.write(Buffer.alloc(length / 2));
  await sleep(100);
  return socket;
}

test("an upload that is cut in its middle is not visible and leaves no file", async () => {
  const content = Buffer.alloc(100_000);
  const digest = sha256Digest(content);
  const path = (await call("/v2/cut/blobs/uploads/", { method: "POST" })).headers.get("location")!;
  for (const [method, target] of [
    ["PUT", `${path}?digest=${digest}`],
    ["POST", `/v2/cut/blobs/uploads/?digest=${digest}`],
  ] as const) {
    (await half(method, target, content.length)).destroy();
    for (let i = 0; i < 40 && (await files("uploads")).length > 0; i++) await sleep(50);
    assert.deepEqual(await files("uploads"), [], method);
    assert.equal((await call(`/v2/cut/blobs/${digest}`)).status, 404);
  }
  assert.equal((await push("cut", content)).status, 201);
});

test("a chunk that is cut is taken back and can be sent again", async () => {
  const path = (await call("/v2/cut/blobs/uploads/", { method: "POST" })).headers.get("location")!;
  await call(path, { method: "PATCH", body: "ab" });
  (await half("PATCH", path, 1000)).destroy();
  await sleep(100);
  assert.equal((await call(path)).headers.get("range"), "0-1");
  await call(path, { method: "PATCH", body: "cd", headers: { "content-range": "2-3" } });
  const digest = sha256Digest(Buffer.from("abcd"));
  assert.equal((await call(`${path}?digest=${digest}`, { method: "PUT" })).status, 201);
});

test("a client that stops sending is dropped, and others are served meanwhile", async () => {
  const socket = await half("POST", `/v2/slow/blobs/uploads/?digest=${sha256Digest(Buffer.alloc(8))}`, 100_000);
  assert.equal((await call("/v2/")).status, 200);
  await Promise.race([once(socket, "close"), sleep(5000).then(() => assert.fail("still open"))]);
  await sleep(50);
  assert.deepEqual(await files("uploads"), []);
});

test("the same blob pushed many times at once", async () => {
  const content = randomBytes(200_000);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => push(`many/r${i % 3}`, content)));
  assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([201]));
  const stored = Buffer.from(await (await call(`/v2/many/r1/blobs/${sha256Digest(content)}`)).arrayBuffer());
  assert.equal(Buffer.compare(stored, content), 0);
  assert.deepEqual(await files("uploads"), []);
});

test("mounting, and deleting a blob that another repository still has", async () => {
  const content = Buffer.from("shared");
  const digest = sha256Digest(content);
  await push("from", content);
  assert.equal((await call(`/v2/to/blobs/uploads/?mount=${digest}&from=from`, { method: "POST" })).status, 201);
  assert.equal((await call(`/v2/to2/blobs/uploads/?mount=${digest}&from=no`, { method: "POST" })).status, 202);
  assert.equal((await call(`/v2/to2/blobs/uploads/?mount=${digest}&from=../from`, { method: "POST" })).status, 202);
  assert.equal((await call(`/v2/from/blobs/${digest}`, { method: "DELETE" })).status, 202);
  assert.equal((await call(`/v2/from/blobs/${digest}`, { method: "DELETE" })).status, 404);
  assert.equal(await (await call(`/v2/to/blobs/${digest}`)).text(), "shared");
  assert.equal((await call(`/v2/to/blobs/${digest}`, { method: "DELETE" })).status, 202);
  assert.ok(!(await files("blobs")).includes(digest.slice(7)));
});

test("manifests by tag and by digest, and their deletion", async () => {
  const manifest = await image("m/x");
  const digest = sha256Digest(canonicalJson(manifest));
  const put = await pushManifest("m/x", "v1", manifest);
  assert.deepEqual([put.status, put.headers.get("docker-content-digest")], [201, digest]);
  assert.equal((await pushManifest("m/x", digest, manifest)).status, 201);
  assert.equal((await pushManifest("m/x", "V1", manifest)).status, 201);

  const got = await call("/v2/m/x/manifests/v1");
  assert.equal(got.headers.get("content-type"), MEDIA.manifest);
  assert.equal(got.headers.get("docker-content-digest"), digest);
  assert.equal(await got.text(), Buffer.from(canonicalJson(manifest)).toString());
  const head = await call(`/v2/m/x/manifests/${digest}`, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), String(canonicalJson(manifest).length));
  assert.equal((await call(`/v2/m/x/blobs/${digest}`)).status, 404);

  assert.equal((await call("/v2/m/x/manifests/v1", { method: "DELETE" })).status, 202);
  await expectError(await call("/v2/m/x/manifests/v1"), 404, "MANIFEST_UNKNOWN");
  assert.equal((await call("/v2/m/x/manifests/V1")).status, 200);
  assert.equal((await call(`/v2/m/x/manifests/${digest}`, { method: "DELETE" })).status, 202);
  assert.equal((await call("/v2/m/x/manifests/V1")).status, 404);
  assert.equal((await call(`/v2/m/x/manifests/${digest}`, { method: "DELETE" })).status, 404);
});

test("a manifest by digest gets the tags of the query", async () => {
  const manifest = await image("several");
  const digest = sha256Digest(canonicalJson(manifest));
  const put = await pushManifest("several", `${digest}?tag=a&tag=b`, manifest);
  assert.deepEqual([put.status, put.headers.get("oci-tag")], [201, "a, b"]);
  for (const tag of ["a", "b"]) {
    assert.equal((await call(`/v2/several/manifests/${tag}`)).headers.get("docker-content-digest"), digest);
  }
  assert.equal((await pushManifest("several", `${digest}?tag=..%2fx`, manifest)).status, 400);
  const other = sha256Digest(Buffer.from("x"));
  await expectError(await pushManifest("several", `c?digest=${other}`, manifest), 400, "DIGEST_INVALID");
});

test("wrong manifests are refused", async () => {
  const good = await image("bad");
  const absent = { mediaType: "x/y", digest: sha256Digest(Buffer.from("absent")), size: 6 };
  const layers = { ...good, layers: [absent] };
  await expectError(await pushManifest("bad", "t", layers), 404, "MANIFEST_BLOB_UNKNOWN");
  const index = { schemaVersion: 2, manifests: [absent] };
  await expectError(await pushManifest("bad", "t", index, MEDIA.index), 404, "MANIFEST_BLOB_UNKNOWN");
  const wrong: [unknown, string, number][] = [
    [[], MEDIA.manifest, 400],
    [{ ...good, schemaVersion: 1 }, MEDIA.manifest, 400],
    [{ ...good, layers: "x" }, MEDIA.manifest, 400],
    [{ ...good, layers: [{ ...absent, digest: "sha256:../../../etc/passwd" }] }, MEDIA.manifest, 400],
    [{ ...good, subject: {} }, MEDIA.manifest, 400],
    [good, MEDIA.dockerManifest, 400],
    [{ schemaVersion: 2 }, MEDIA.index, 400],
    [good, "application/json", 415],
    [{ ...good, pad: "x".repeat(4 << 20) }, MEDIA.manifest, 413],
  ];
  for (const [manifest, type, status] of wrong) {
    assert.equal((await pushManifest("bad", "t", manifest, type)).status, status);
  }
  await expectError(await pushManifest("bad", sha256Digest(Buffer.from("x")), good), 400, "DIGEST_INVALID");
  assert.equal((await call("/v2/bad/manifests/t")).status, 404);
});

test("tags are listed in pages", async () => {
  const manifest = await image("tags");
  for (const tag of ["b", "a", "c", "B", "1.0"]) await pushManifest("tags", tag, manifest);
  const tags = async (query: string) => {
    const answer = await call(`/v2/tags/tags/list${query}`);
    return [((await answer.json()) as { tags: string[] }).tags, answer.headers.get("link")];
  };
  assert.deepEqual(await tags(""), [["1.0", "B", "a", "b", "c"], null]);
  assert.deepEqual(await tags("?n=2"), [["1.0", "B"], '</v2/tags/tags/list?n=2&last=B>; rel="next"']);
  assert.deepEqual(await tags("?n=2&last=b"), [["c"], null]);
  assert.deepEqual(await tags("?last=a"), [["b", "c"], null]);
  assert.deepEqual(await tags("?n=0"), [[], null]);
  await expectError(await call("/v2/never/tags/list"), 404, "NAME_UNKNOWN");
  const catalog = (await (await call("/v2/_catalog?last=t")).json()) as { repositories: string[] };
  assert.deepEqual(catalog.repositories, ["tags"]);
});

test("referrers, of a subject that need not exist", async () => {
  const subject = { mediaType: MEDIA.manifest, digest: sha256Digest(Buffer.from("later")), size: 5 };
  const one = await image("r", { subject, artifactType: "application/x.sig", annotations: { a: "b" } });
  const two = await image("r", { subject });
  const put = await pushManifest("r", "one", one);
  assert.equal(put.headers.get("oci-subject"), subject.digest);
  await pushManifest("r", sha256Digest(canonicalJson(two)), two);

  const list = async (query: string) => {
    const answer = await call(`/v2/r/referrers/${subject.digest}${query}`);
    assert.equal(answer.headers.get("content-type"), MEDIA.index);
    const { manifests } = (await answer.json()) as { manifests: { artifactType: string; annotations?: object }[] };
    return { manifests, applied: answer.headers.get("oci-filters-applied") };
  };
  assert.deepEqual(
    (await list("")).manifests.map((m) => m.artifactType).sort(),
    ["application/x.sig", MEDIA.config].sort(),
  );
  const filtered = await list("?artifactType=application/x.sig");
  assert.deepEqual([filtered.manifests.length, filtered.applied], [1, "artifactType"]);
  assert.deepEqual(filtered.manifests[0]!.annotations, { a: "b" });
  await call(`/v2/r/manifests/${put.headers.get("docker-content-digest")}`, { method: "DELETE" });
  assert.equal((await list("")).manifests.length, 1);
  const none = await call(`/v2/never/referrers/${subject.digest}`);
  assert.deepEqual([none.status, ((await none.json()) as { manifests: unknown[] }).manifests], [200, []]);
  assert.equal((await call("/v2/r/referrers/x")).status, 400);
});

/** A request line as it is, without the clean-up that URL does. */
async function raw(method: string, path: string): Promise<number> {
  const socket = connect(server.port, "127.0.0.1");
  socket.end(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return Number(text.split(" ")[1]);
}

test("no name reaches outside of the root", async () => {
  for (const path of [
    "/v2/../../etc/manifests/passwd",
    "/v2/%2e%2e/%2e%2e/etc/manifests/x",
    "/v2/..%2f..%2fetc/manifests/x",
    "/v2/a/..%5c..%5cb/manifests/x",
    "/v2/a/manifests/..%2f..%2fx",
    "/v2/a/manifests/%2e%2e",
    "/v2/a/blobs/sha256:..%2f..%2fx",
    "/v2/a/blobs/uploads/..%2f..%2fx",
    "/v2/_blobs/manifests/x",
    "/v2/A/manifests/x",
    "/v2/a%00/manifests/x",
    "/v2/a/%zz/manifests/x",
    "/v2//manifests/x",
    `/v2/${"a".repeat(300)}/manifests/x`,
  ]) {
    for (const method of ["GET", "PUT", "POST", "DELETE"]) {
      const status = await raw(method, path);
      assert.ok([400, 404, 405].includes(status), `${method} ${path}: ${status}`);
    }
  }
  assert.deepEqual((await readdir(root)).sort(), ["blobs", "repositories", "uploads"]);
});

test("methods that have no meaning are 405", async () => {
  await expectError(await call("/v2/a/tags/list", { method: "DELETE" }), 405, "UNSUPPORTED");
  await expectError(await call("/v2/a/unknown/x"), 404, "UNSUPPORTED");
});

test("a read-only server serves and does not store", async () => {
  const other = await createRegistryServer({ root, readOnly: true });
  try {
    const answer = await fetch(`${other.url}/v2/a/blobs/uploads/`, { method: "POST" });
    await expectError(answer, 403, "DENIED");
    assert.equal((await fetch(`${other.url}/v2/`)).status, 200);
  } finally {
    await other.close();
  }
});

test("a port in use is told in one line", async () => {
  await assert.rejects(createRegistryServer({ root, port: server.port }), (error: unknown) => {
    assert.ok(error instanceof RegistryServerError);
    assert.match(error.message, new RegExp(`port ${server.port} .*in use.*--port`));
    return true;
  });
});

test("a root that is a file is told in one line", async () => {
  await writeFile(join(root, "..", "meshwasm-not-a-folder"), "");
  const file = join(root, "..", "meshwasm-not-a-folder");
  await assert.rejects(createRegistryServer({ root: file }), /cannot use .*--root/);
  await rm(file);
});

test("close ends open connections", async () => {
  const dir = await mkdtemp(join(tmpdir(), "meshwasm-registry-"));
  const other = await createRegistryServer({ root: dir });
  const socket = connect(other.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write("PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
  await sleep(50);
  const closed = once(socket, "close");
  await other.close();
  await closed;
  await rm(dir, { recursive: true });
});

/** The real client against the real server, over loopback. */
import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  buildImage,
  canonicalJson,
  MEDIA,
  OciError,
  parseReference,
  publish,
  pull,
  RegistryClient,
  sha256Digest,
  type ImageInput,
  type Reference,
} from "../../toolchain/oci/index.js";
import { createRegistryServer, type RegistryServer } from "./index.js";

let root: string;
let server: RegistryServer;
const client = new RegistryClient({ retryDelayMs: 1, credentials: async () => null });
const WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

before(async () => {
  root = await mkdtemp(join(tmpdir(), "meshwasm-roundtrip-"));
  server = await createRegistryServer({ root });
});
after(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

const at = (rest: string): Reference => parseReference(`127.0.0.1:${server.port}/${rest}`);
const input = (readme: string): ImageInput => ({
  wasm: WASM,
  schema: '{"type":"object"}',
  readme,
  buildManifest: '{"name":"hello"}',
  created: new Date(0),
  version: "1.0.0",
});

async function refuses(work: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof OciError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

test("an image is published and pulled by tag and by digest", async () => {
  const image = await buildImage(input("# Hello"));
  const states: string[] = [];
  const published = await publish(client, at("team/hello:1.0.0"), image, { onProgress: (p) => states.push(p.state) });
  assert.equal(published.status, "published");
  assert.deepEqual(states, Array(6).fill(["uploading", "uploaded"]).flat());

  for (const ref of [at("team/hello:1.0.0"), published.reference, at(`team/hello@${image.digest}`)]) {
    const got = await pull(client, ref);
    assert.deepEqual([got.digest, got.moduleDigest], [image.digest, image.moduleDigest]);
    assert.deepEqual(new Uint8Array(got.wasm), WASM);
    assert.deepEqual([got.schema, got.readme, got.buildManifest], ['{"type":"object"}', "# Hello", '{"name":"hello"}']);
    assert.deepEqual(Buffer.from(got.manifestBytes), Buffer.from(image.manifest));
  }
  assert.deepEqual(await client.listTags(at("team/hello")), ["1.0.0"]);
});

test("the same image again is unchanged, and the blobs are not sent again under another tag", async () => {
  const image = await buildImage(input("# Hello"));
  const again = await publish(client, at("team/hello:1.0.0"), image, { immutable: true });
  assert.deepEqual([again.status, again.digest], ["unchanged", image.digest]);
  const states: string[] = [];
  await publish(client, at("team/hello"), image, { onProgress: (p) => states.push(p.state) });
  assert.deepEqual(new Set(states), new Set(["exists"]));
  assert.equal(await client.resolve(at("team/hello:latest")), image.digest);
});

test("an immutable tag is not moved, another is", async () => {
  const first = await buildImage(input("one"));
  const second = await buildImage(input("two"));
  await publish(client, at("team/fixed:1"), first, { immutable: true });
  await refuses(
    publish(client, at("team/fixed:1"), second, { immutable: true }),
    new RegExp(`${first.digest}.*${second.digest}.*nothing was written`),
  );
  for (const blob of second.blobs.filter((b) => b.mediaType === MEDIA.markdown)) {
    assert.equal(await client.hasBlob(at("team/fixed"), blob.digest), false);
  }
  assert.equal(await client.resolve(at("team/fixed:1")), first.digest);
  const moved = await publish(client, at("team/fixed:1"), second);
  assert.deepEqual([moved.status, moved.previous], ["published", first.digest]);
  await refuses(publish(client, at(`team/fixed:1@${first.digest}`), second), /another digest/);
});

test("what is not there is named", async () => {
  await refuses(pull(client, at("team/hello:9")), /cannot read .*team\/hello:9: .* no such repository or tag \(404\)/);
  await refuses(pull(client, at("never")), /never:latest/);
});

test("an index is refused with the digest of its child", async () => {
  const image = await buildImage(input("indexed"));
  await publish(client, at("team/indexed:child"), image);
  const platform = { os: "linux", architecture: "amd64" };
  const child = { mediaType: MEDIA.manifest, digest: image.digest, size: image.manifest.length, platform };
  await client.putManifest(
    at("team/indexed:all"),
    canonicalJson({ schemaVersion: 2, mediaType: MEDIA.index, manifests: [child] }),
    MEDIA.index,
  );
  await refuses(pull(client, at("team/indexed:all")), new RegExp(`image index.*team/indexed:all@${image.digest}`));
  assert.equal((await pull(client, at(`team/indexed:all@${image.digest}`))).digest, image.digest);
});

test("referrers are found", async () => {
  const image = await buildImage(input("signed"));
  await publish(client, at("team/signed:1"), image);
  const config = canonicalJson({});
  await client.putBlob(at("team/signed"), { digest: sha256Digest(config), mediaType: MEDIA.config, bytes: config });
  const descriptor = { mediaType: MEDIA.config, digest: sha256Digest(config), size: config.length };
  const subject = { mediaType: image.mediaType, digest: image.digest, size: image.manifest.length };
  const artifactType = "application/x.signature";
  const signature = { schemaVersion: 2, artifactType, config: descriptor, layers: [descriptor], subject };
  const digest = await client.putManifest(at("team/signed"), canonicalJson(signature), MEDIA.manifest);
  assert.deepEqual(
    (await client.listReferrers(at("team/signed"), image.digest, artifactType)).map((d) => d.digest),
    [digest],
  );
  assert.deepEqual(await client.listReferrers(at("team/signed"), image.digest, "application/other"), []);
});

test("a blob that was changed on the registry's disk is noticed", async () => {
  const image = await buildImage(input("to be damaged"));
  await publish(client, at("team/damaged:1"), image);
  const hex = sha256Digest(Buffer.from("to be damaged")).slice(7);
  const file = (await readdir(join(root, "blobs"), { recursive: true })).find((name) => name.endsWith(hex))!;
  await appendFile(join(root, "blobs", file), "!");
  await refuses(pull(client, at("team/damaged:1")), /sent more than|does not match its digest/);
});

test("a blob of the same length with other bytes is noticed", async () => {
  const other = new Uint8Array([...WASM.slice(0, 7), 1]);
  const wrong = { digest: sha256Digest(WASM), mediaType: MEDIA.wasm, bytes: other };
  await refuses(client.putBlob(at("team/wrong"), wrong), /HTTP 400: DIGEST_INVALID/);
});

test("a blob larger than the server takes is told as such", async () => {
  const dir = await mkdtemp(join(tmpdir(), "meshwasm-roundtrip-"));
  const small = await createRegistryServer({ root: dir, maxBlobBytes: 4 });
  const ref = parseReference(`127.0.0.1:${small.port}/a:1`);
  await refuses(publish(client, ref, await buildImage(input("x"))), /too large .*\(413\)/);
  assert.equal(await client.resolve(ref), null);
  await small.close();
  await rm(dir, { recursive: true });
});

test("many publishers of one image at once", async () => {
  const image = await buildImage(input("at once"));
  const all = await Promise.all(Array.from({ length: 6 }, (_, i) => publish(client, at(`team/at-once:v${i}`), image)));
  assert.deepEqual(new Set(all.map((p) => p.digest)), new Set([image.digest]));
  assert.equal((await client.listTags(at("team/at-once"))).length, 6);
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { findInTar, gzip, packOne } from "./archive.js";
import { commitOf, createdTime } from "./created.js";
import { canonicalJson, sha256Digest } from "./digest.js";
import { OciError } from "./errors.js";
import { buildImage, type Descriptor, type Image, type ImageInput, type ImageManifest } from "./layout.js";
import { parseManifest, readImage } from "./read.js";

const WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const INPUT: ImageInput = {
  wasm: WASM,
  schema: "{}",
  readme: "# Filter\n",
  buildManifest: '{"name":"x"}',
  created: new Date(1_700_000_000_000),
  title: "x",
  version: "1.0.0",
};

function manifestOf(image: Image): ImageManifest {
  return parseManifest(image.manifest, image.mediaType, "h.test/a:1");
}

function fetchFrom(blobs: readonly { digest: string; bytes: Uint8Array }[]) {
  return async (d: Descriptor): Promise<Uint8Array> => blobs.find((b) => b.digest === d.digest)!.bytes;
}

test("the same input gives the same digest, pinned here against drift of any dependency", async () => {
  const image = await buildImage(INPUT);
  assert.equal((await buildImage({ ...INPUT })).digest, image.digest);
  assert.equal(image.digest, "sha256:32944e72d1fadef332797156de49ac7426168921dc308f03e28011f8024d98a1");
});

test("layers are in the order that Istio, Envoy Gateway and plain Envoy need", async () => {
  const image = await buildImage(INPUT);
  const manifest = manifestOf(image);
  assert.deepEqual(
    manifest.layers.map((l) => [l.mediaType, l.annotations!["org.opencontainers.image.title"]]),
    [
      ["application/wasm", "filter.wasm"],
      ["application/schema+json", "config.schema.json"],
      ["text/markdown", "README.md"],
      ["application/vnd.meshwasm.manifest.v1+json", "manifest.json"],
      ["application/vnd.oci.image.layer.v1.tar+gzip", "plugin.tar.gz"],
    ],
  );
  assert.equal(image.moduleDigest, sha256Digest(WASM));
  assert.equal(manifest.layers[0]!.digest, image.moduleDigest);
  assert.equal(manifest.annotations!["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
  assert.equal(manifest.annotations!["module.wasm.image/variant"], "compat");
  assert.equal("org.opencontainers.image.source" in manifest.annotations!, false);
});

test("diff_ids name the uncompressed layers", async () => {
  const image = await buildImage(INPUT);
  const config = JSON.parse(Buffer.from(image.blobs[0]!.bytes).toString()) as { rootfs: { diff_ids: string[] } };
  const layers = image.blobs.slice(1).map((b) => b.bytes);
  const contents = layers.map((bytes, i) => (i === layers.length - 1 ? gunzipSync(bytes) : bytes));
  assert.deepEqual(config.rootfs.diff_ids, contents.map(sha256Digest));
});

test("the gzip header has no time, no name and a fixed system", async () => {
  const bytes = gzip(await packOne("plugin.wasm", WASM));
  assert.deepEqual([...bytes.slice(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
});

test("the tar entry has fixed metadata", async () => {
  const tar = Buffer.from(await packOne("plugin.wasm", WASM));
  const field = (at: number, n: number): string => tar.toString("latin1", at, at + n).replace(/[\0 ]+$/, "");
  assert.equal(field(0, 100), "plugin.wasm");
  assert.deepEqual(
    [field(100, 8), field(108, 8), field(116, 8)].map((s) => parseInt(s, 8)),
    [0o644, 0, 0],
  );
  assert.equal(parseInt(field(136, 12), 8), 0);
  assert.equal(field(265, 64), "");
  assert.deepEqual(await findInTar(tar, "plugin.wasm", "it"), Buffer.from(WASM));
});

test("canonical JSON sorts keys and drops undefined", () => {
  assert.equal(
    Buffer.from(canonicalJson({ b: [{ z: 1, a: undefined }], a: "é" })).toString(),
    '{"a":"é","b":[{"z":1}]}',
  );
});

test("what is not a core module is refused", async () => {
  for (const wasm of [new Uint8Array(), WASM.slice(0, 7), Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)]) {
    await assert.rejects(buildImage({ ...INPUT, wasm }), /core module/);
  }
});

test("an image is read back", async () => {
  const image = await buildImage(INPUT);
  const content = await readImage(manifestOf(image), "h.test/a:1", fetchFrom(image.blobs));
  assert.deepEqual(new Uint8Array(content.wasm), WASM);
  assert.deepEqual(
    [content.schema, content.readme, content.buildManifest, content.moduleDigest],
    ["{}", "# Filter\n", '{"name":"x"}', image.moduleDigest],
  );
});

/** An image as other tools make it. */
function foreign(...layers: [mediaType: string, bytes: Uint8Array][]) {
  const blobs = layers.map(([mediaType, bytes]) => ({
    mediaType,
    bytes,
    digest: sha256Digest(bytes),
    size: bytes.length,
  }));
  const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: sha256Digest(canonicalJson({})), size: 2 };
  const manifest = { schemaVersion: 2, config, layers: blobs.map(({ bytes: _, ...d }) => d) } as ImageManifest;
  return readImage(manifest, "h.test/a:1", fetchFrom(blobs));
}

test("other people's layouts are read as Istio reads them", async () => {
  const archive = gzipSync(await packOne("some/dir/plugin.wasm", WASM));
  const tarType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const text: [string, Uint8Array] = ["text/markdown", canonicalJson("x")];
  const content: [string, Uint8Array] = ["application/vnd.module.wasm.content.layer.v1+wasm", WASM];
  const wasmeConfig: [string, Uint8Array] = ["application/vnd.module.wasm.config.v1+json", canonicalJson({})];

  assert.equal((await foreign([tarType, archive])).moduleDigest, undefined);
  assert.deepEqual(Buffer.from((await foreign(text, [tarType, archive])).wasm), Buffer.from(WASM));
  assert.equal((await foreign(["application/vnd.docker.image.rootfs.diff.tar.gzip", archive])).wasm.length, 8);
  assert.equal((await foreign(["application/wasm", WASM])).moduleDigest, sha256Digest(WASM));
  assert.equal((await foreign(wasmeConfig, content)).moduleDigest, sha256Digest(WASM));

  await assert.rejects(foreign([tarType, archive], text), /holds no Wasm module/);
  await assert.rejects(foreign(wasmeConfig, content, text), /holds no Wasm module/);
  await assert.rejects(foreign([tarType, gzipSync(await packOne("filter.wasm", WASM))]), /holds no Wasm module/);
  await assert.rejects(foreign([tarType, gzipSync(await packOne("plugin.wasm", canonicalJson("no")))]), /core module/);
  await assert.rejects(foreign([tarType, WASM]), /not valid gzip/);
  await assert.rejects(foreign([tarType, gzipSync(Buffer.alloc(2048, 7))]), /not a valid tar/);
});

test("two different modules in one image are refused", async () => {
  const other = Uint8Array.of(...WASM, 0, 1, 0);
  const archive = gzipSync(await packOne("plugin.wasm", other));
  await assert.rejects(
    foreign(["application/wasm", WASM], ["application/vnd.oci.image.layer.v1.tar+gzip", archive]),
    /two different modules/,
  );
});

test("a decompression bomb is refused without unpacking it", async () => {
  const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024), { level: 1 });
  await assert.rejects(foreign(["application/vnd.oci.image.layer.v1.tar+gzip", bomb]), /unpacks to more than/);
});

test("an index is refused and its linux/amd64 child suggested", () => {
  const child = (hex: string, os: string, architecture: string) => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${hex.repeat(64)}`,
    size: 1,
    platform: { os, architecture },
  });
  const index = canonicalJson({
    schemaVersion: 2,
    manifests: [child("a", "linux", "arm64"), child("b", "linux", "amd64")],
  });
  assert.throws(
    () => parseManifest(index, "application/vnd.oci.image.index.v1+json", "h.test/a"),
    new RegExp(`image index.*h\\.test/a@sha256:${"b".repeat(64)}`),
  );
});

test("hostile manifests are refused", () => {
  const descriptor = { mediaType: "x/y", digest: sha256Digest(WASM), size: 1 };
  for (const bad of [
    null,
    [],
    { schemaVersion: 1 },
    { schemaVersion: 2, config: descriptor, layers: [] },
    { schemaVersion: 2, config: descriptor, layers: [{ ...descriptor, digest: "sha256:../../x" }] },
    { schemaVersion: 2, config: descriptor, layers: [{ ...descriptor, size: -1 }] },
    { schemaVersion: 2, config: descriptor, layers: Array(129).fill(descriptor) },
  ]) {
    assert.throws(() => parseManifest(canonicalJson(bad), "", "h.test/a"), OciError);
  }
  assert.throws(() => parseManifest(Buffer.from("<html>"), "text/html", "h.test/a"), /not JSON/);
});

test("created comes from SOURCE_DATE_EPOCH, else git, else 1970", async () => {
  assert.equal((await createdTime(".", { SOURCE_DATE_EPOCH: "86400" })).toISOString(), "1970-01-02T00:00:00.000Z");
  await assert.rejects(createdTime(".", { SOURCE_DATE_EPOCH: "yesterday" }), /SOURCE_DATE_EPOCH/);
  assert.equal((await createdTime(".", { PATH: "" })).getTime(), 0);
});

test("the commit of a folder is that of sources that are in it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      cwd: dir,
      encoding: "utf8",
    });
  try {
    git("init", "-q");
    mkdirSync(join(dir, "known"));
    writeFileSync(join(dir, "known/a"), "1");
    git("add", ".");
    git("commit", "-qm", "one");
    const head = git("rev-parse", "HEAD").trim();
    assert.equal(await commitOf(join(dir, "known")), head);
    // One that the commit does not know.
    mkdirSync(join(dir, "new"));
    writeFileSync(join(dir, "new/a"), "1");
    assert.equal(await commitOf(join(dir, "new")), null);
    // A file that the commit does not know; one that is ignored is no source.
    writeFileSync(join(dir, "known/b"), "1");
    assert.equal(await commitOf(join(dir, "known")), null);
    writeFileSync(join(dir, ".gitignore"), "b\n");
    git("add", ".gitignore");
    git("commit", "-qm", "two");
    assert.notEqual(await commitOf(join(dir, "known")), null);
    writeFileSync(join(dir, "known/a"), "2");
    assert.equal(await commitOf(join(dir, "known")), null);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("the module digest is the file's SHA-256", async () => {
  const hex = createHash("sha256").update(WASM).digest("hex");
  assert.equal((await buildImage({ wasm: WASM, created: new Date(0) })).moduleDigest, `sha256:${hex}`);
});

/** Registries that lie and images that were tampered with: nothing of them is used. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { RegistryClient } from "./client.js";
import { copyImage } from "./copy.js";
import { canonicalJson, sha256Digest } from "./digest.js";
import { OciError } from "./errors.js";
import { buildImage, type Image, type ImageInput } from "./layout.js";
import { MEDIA } from "./media.js";
import { publish } from "./publish.js";
import { pull } from "./pull.js";
import { parseReference, type Reference } from "./reference.js";
import {
  attach,
  bundleAttachment,
  keyIdentity,
  PREDICATE,
  signStatement,
  statementAbout,
  VerificationFailed,
  verifyImage,
} from "./sign/index.js";

const WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const input = (readme: string): ImageInput => ({ wasm: WASM, readme, created: new Date(0) });
const image = await buildImage(input("one"));
const other = await buildImage(input("two"));
const client = new RegistryClient({ retryDelayMs: 1, timeoutMs: 3000, credentials: async () => null });

/** A registry in memory, without the referrers API; `before` may answer in its place. */
class Memory {
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, { bytes: Uint8Array; type: string }>();
  readonly sessions = new Map<string, Uint8Array>();
  readonly seen: string[] = [];
  before: (req: IncomingMessage, res: ServerResponse, body: Buffer) => boolean = () => false;

  readonly handler: RequestListener = (req, res) => {
    const chunks: Buffer[] = [];
    req.on("error", () => {});
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      this.seen.push(`${req.method} ${req.url}`);
      const body = Buffer.concat(chunks);
      if (!this.before(req, res, body)) this.#answer(req, res, body);
    });
  };

  #answer(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
    const url = new URL(req.url!, "http://x");
    const [, , , , kind, key = ""] = url.pathname.split("/");
    const upload = url.pathname.includes("/uploads/");
    const send = (code: number, headers = {}, bytes?: Uint8Array): void => {
      res.writeHead(code, headers).end(req.method === "HEAD" ? undefined : bytes);
    };
    if (upload && req.method === "POST") {
      const id = `s${this.sessions.size}`;
      this.sessions.set(id, new Uint8Array());
      return send(202, { location: `/v2/team/x/blobs/uploads/${id}` });
    }
    if (upload) {
      const id = url.pathname.split("/").at(-1)!;
      const state = this.sessions.get(id)!;
      if (req.method === "GET")
        return send(204, { range: `0-${Math.max(0, state.length - 1)}`, location: url.pathname });
      const all = Buffer.concat([state, body]);
      this.sessions.set(id, all);
      if (req.method === "PATCH") return send(202, { range: `0-${all.length - 1}`, location: url.pathname });
      const digest = url.searchParams.get("digest")!;
      if (sha256Digest(all) !== digest) return send(400, {}, Buffer.from('{"errors":[{"code":"DIGEST_INVALID"}]}'));
      this.blobs.set(digest, all);
      return send(201);
    }
    if (kind === "manifests" && req.method === "PUT") {
      const entry = { bytes: new Uint8Array(body), type: req.headers["content-type"]! };
      this.manifests.set(key, entry).set(sha256Digest(body), entry);
      return send(201, { "docker-content-digest": sha256Digest(body) });
    }
    const manifest = kind === "manifests" ? this.manifests.get(key) : undefined;
    if (manifest)
      return send(
        200,
        { "content-type": manifest.type, "docker-content-digest": sha256Digest(manifest.bytes) },
        manifest.bytes,
      );
    const blob = kind === "blobs" ? this.blobs.get(key) : undefined;
    return blob ? send(200, { "content-length": blob.length }, blob) : send(404);
  }
}

async function withMemory(work: (memory: Memory, ref: Reference) => Promise<void>): Promise<void> {
  const memory = new Memory();
  const server = createServer(memory.handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(memory, parseReference(`127.0.0.1:${(server.address() as AddressInfo).port}/team/x:1`));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const refuses = (work: Promise<unknown>, message: RegExp): Promise<void> =>
  assert.rejects(
    work,
    (error: unknown) => error instanceof OciError && message.test(error.message) && !/\n/.test(error.message),
  );

test("a truncated upload: the chunk is cut, what arrived is asked for, the rest is sent, then the tag", () =>
  withMemory(async (memory, ref) => {
    let cuts = 0;
    memory.before = (req) => {
      if (req.method !== "PATCH" || cuts >= 2) return false;
      cuts++;
      req.socket.destroy();
      return true;
    };
    await publish(client, ref, image, { chunkBytes: 64 });
    assert.equal(cuts, 2);
    assert.equal(memory.seen.at(-1), "PUT /v2/team/x/manifests/1");
    assert.equal((await pull(client, ref)).digest, image.digest);
  }));

test("an upload that loses bytes is refused by its digest, and nothing is tagged", () =>
  withMemory(async (memory, ref) => {
    memory.before = (req, res, body) => {
      const url = new URL(req.url!, "http://x");
      if (req.method !== "PUT" || !url.searchParams.has("digest") || body.length < 2) return false;
      res.writeHead(400).end('{"errors":[{"code":"DIGEST_INVALID","message":"truncated"}]}');
      return true;
    };
    await refuses(publish(client, ref, image), /HTTP 400: DIGEST_INVALID: truncated/);
    assert.equal(memory.manifests.size, 0);
  }));

test("a registry that claims another digest for what it stored", () =>
  withMemory(async (memory, ref) => {
    memory.before = (req, res) => {
      if (req.method !== "PUT" || !req.url!.includes("/manifests/")) return false;
      res.writeHead(201, { "docker-content-digest": other.digest }).end();
      return true;
    };
    await refuses(publish(client, ref, image), new RegExp(`stored ${other.digest} where ${image.digest} was sent`));
  }));

test("a manifest that is replaced between resolve and pull is not taken for the one that was resolved", () =>
  withMemory(async (memory, ref) => {
    await publish(client, ref, image);
    const digest = (await client.resolve(ref))!;
    const stored = { bytes: other.manifest, type: other.mediaType };
    memory.manifests.set("1", stored).set(digest, stored);
    await refuses(pull(client, { ...ref, digest }), /does not match its digest/);
    await refuses(copyImage(client, { ...ref, digest }, { ...ref, tag: "2" }), /does not match its digest/);
  }));

test("a tampered layer is not used, nor copied", () =>
  withMemory(async (memory, ref) => {
    await publish(client, ref, image);
    const layer = image.blobs.at(-1)!;
    const changed = Uint8Array.from(layer.bytes);
    changed[changed.length - 1]! ^= 1;
    memory.blobs.set(layer.digest, changed);
    await refuses(pull(client, ref), /does not match its digest/);
  }));

test("a registry that lies about the length: longer, shorter, and a Content-Length that is not kept", () =>
  withMemory(async (memory, ref) => {
    await publish(client, ref, image);
    const layer = image.blobs.at(-1)!;
    memory.blobs.set(layer.digest, Buffer.concat([layer.bytes, Buffer.alloc(1 << 20)]));
    await refuses(pull(client, ref), /sent more than/);
    memory.blobs.set(layer.digest, layer.bytes.slice(0, -1));
    await refuses(pull(client, ref), /does not match its digest/);
    memory.before = (req, res) => {
      if (!req.url!.includes("/blobs/")) return false;
      res.writeHead(200, { "content-length": layer.bytes.length + 10 }).write(layer.bytes);
      setTimeout(() => res.socket?.destroy(), 5);
      return true;
    };
    await refuses(pull(client, ref), /cut the connection|connection to .* failed/);
  }));

test("an index in place of a manifest is refused by pull, copy and verify", () =>
  withMemory(async (memory, ref) => {
    await publish(client, ref, image);
    const child = { mediaType: MEDIA.manifest, digest: image.digest, size: image.manifest.length };
    const index = canonicalJson({ schemaVersion: 2, mediaType: MEDIA.index, manifests: [child] });
    memory.manifests.set("all", { bytes: index, type: MEDIA.index });
    await refuses(pull(client, { ...ref, tag: "all" }), /is an image index/);
    await refuses(copyImage(client, { ...ref, tag: "all" }, { ...ref, tag: "2" }), /is an image index/);
    const key = keys();
    await sign(ref, { ...image, digest: sha256Digest(index), manifest: index }, sha256Digest(index), key);
    await refuses(verifyImage(client, { ...ref, tag: "all" }, { key: key.publicKey }), /is an image index/);
  }));

const keys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

async function sign(ref: Reference, subject: Image, about: string, key = keys()) {
  const bundle = await signStatement(keyIdentity(key.privateKey), statementAbout(about, PREDICATE.signature, {}));
  const descriptor = { mediaType: subject.mediaType, digest: subject.digest, size: subject.manifest.length };
  await attach(client, ref, descriptor, bundleAttachment(bundle, PREDICATE.signature, "1970-01-01T00:00:00Z"));
  return key;
}

const fails = (work: Promise<unknown>, message: RegExp): Promise<void> =>
  assert.rejects(work, (error: unknown) => error instanceof VerificationFailed && message.test(error.message));

test("signatures: ours by the fallback tag, a foreign one, one of another digest, one missing", () =>
  withMemory(async (memory, ref) => {
    await publish(client, ref, image);
    const mine = keys();
    const trust = { key: mine.publicKey };
    await fails(verifyImage(client, ref, trust), /none at all/);
    await sign(ref, image, image.digest);
    await fails(verifyImage(client, ref, trust), /signature verification failed/);
    await sign(ref, image, other.digest, mine);
    await fails(verifyImage(client, ref, trust), /another image's digest/);
    await sign(ref, image, image.digest, mine);
    assert.equal((await verifyImage(client, ref, trust)).signatures, 1);
    assert.ok(memory.manifests.has(image.digest.replace(":", "-")), "the fallback tag");
    await fails(verifyImage(client, ref, trust, { require: ["sbom"] }), /has no sbom/);
    // Whoever may push adds referrers that are not there, or are no image.
    const index = memory.manifests.get(image.digest.replace(":", "-"))!;
    const list = JSON.parse(Buffer.from(index.bytes).toString()) as { manifests: object[] };
    const text = Buffer.from("[]");
    memory.manifests.set(sha256Digest(text), { bytes: text, type: MEDIA.manifest });
    const strays = [`sha256:${"0".repeat(64)}`, sha256Digest(text)];
    const stray = (digest: string) => ({ mediaType: MEDIA.manifest, digest, size: 2 });
    index.bytes = Buffer.from(JSON.stringify({ ...list, manifests: [...strays.map(stray), ...list.manifests] }));
    assert.equal((await verifyImage(client, ref, trust)).signatures, 1);
    // The tag moves to an image that nobody signed.
    memory.manifests.set("1", { bytes: other.manifest, type: other.mediaType });
    await fails(verifyImage(client, ref, trust), /none at all/);
  }));

test("a list of tags without an end is an error, not a shorter list", () =>
  withMemory(async (memory, ref) => {
    let page = 0;
    memory.before = (req, res) => {
      if (!req.url!.includes("/tags/list")) return false;
      res.writeHead(200, { link: `</v2/team/x/tags/list?page=${++page}>; rel="next"` }).end('{"tags":["a"]}');
      return true;
    };
    await refuses(client.listTags(ref), /more than \d+ pages/);
  }));

test("an image that is not a filter", () =>
  withMemory(async (memory, ref) => {
    const text = Buffer.from("no module");
    const layer = { mediaType: "text/plain", digest: sha256Digest(text), size: text.length };
    memory.blobs.set(layer.digest, text);
    const manifest = canonicalJson({ schemaVersion: 2, mediaType: MEDIA.manifest, config: layer, layers: [layer] });
    memory.manifests.set("1", { bytes: manifest, type: MEDIA.manifest });
    await refuses(pull(client, ref), /holds no Wasm module that a mesh would load \(layers: text\/plain\)/);
  }));

test("a token endpoint that sends to itself is given up", () =>
  withMemory(async (memory, ref) => {
    memory.before = (req, res) => {
      const realm = `http://${req.headers.host}/token`;
      if (req.url!.startsWith("/token")) res.writeHead(307, { location: realm }).end();
      else res.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
      return true;
    };
    await refuses(pull(client, ref), /redirects more than 5 times/);
    assert.ok(memory.seen.length < 12);
  }));
